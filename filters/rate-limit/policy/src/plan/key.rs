//! Checks the key of a limit.

use super::check;
use crate::config::{self, Action as Of};
use crate::model::{Action, IfAbsent, Source, property};
use tollgate_policy::{ConfigError, FieldPath, PathMatcher, Value, is_token};

/// Maximum number of actions in a key. Each one costs a comparison or a lookup on every request.
const MAX_ACTIONS: usize = 16;

pub(super) fn resolve(actions: Vec<Of>, place: &FieldPath) -> Result<Vec<Action>, ConfigError> {
    let count = actions.len();
    if count > MAX_ACTIONS {
        return Err(place.error(format_args!("`{count}` actions, expected at most {MAX_ACTIONS}")));
    }
    let mut resolved = Vec::new();
    for (index, action) in actions.into_iter().enumerate() {
        resolved.push(self::action(action, &place.at(index))?);
    }
    Ok(resolved)
}

/// Options of an action, other than the source of its value.
#[derive(Default)]
struct EntryOptions {
    descriptor_key: Option<String>,
    default_value: Option<String>,
    skip_if_absent: bool,
    /// Descriptor key if neither the action nor the source has one.
    default_key: String,
}

fn action(action: Of, place: &FieldPath) -> Result<Action, ConfigError> {
    let (name, (source, options)) = match action {
        Of::SourceCluster(_) => ("source_cluster", (Source::SourceCluster, EntryOptions::default())),
        Of::DestinationCluster(_) => {
            ("destination_cluster", (property(property::DESTINATION_CLUSTER.into()), EntryOptions::default()))
        }
        Of::RemoteAddress(of) => ("remote_address", (Source::RemoteAddress, simple(of))),
        Of::MaskedRemoteAddress(of) => {
            ("masked_remote_address", masked(of, &place.field("masked_remote_address"))?)
        }
        Of::Host(of) => ("host", (Source::Host, simple(of))),
        Of::Method(of) => ("method", (Source::Method, simple(of))),
        Of::Route(of) => ("route", (property(property::ROUTE.into()), simple(of))),
        Of::Principal(of) => ("principal", (property(property::PRINCIPAL.into()), simple(of))),
        Of::Connection(of) => ("connection", (property(property::CONNECTION.into()), simple(of))),
        Of::Path(of) => ("path", path(of, &place.field("path"))?),
        Of::RequestHeaders(of) => ("request_headers", header(of, &place.field("request_headers"))?),
        Of::QueryParameters(of) => {
            let config::QueryParameter { query_parameter_name: name, .. } = of;
            check::text(&name, &place.field("query_parameters").field("query_parameter_name"))?;
            let options = EntryOptions {
                descriptor_key: of.descriptor_key,
                default_value: of.default_value,
                skip_if_absent: of.skip_if_absent,
                default_key: name.clone(),
            };
            ("query_parameters", (Source::QueryParameter { name }, options))
        }
        Of::Cookie(of) => ("cookie", named(of, &place.field("cookie"), |name| Source::Cookie { name })?),
        Of::Claim(of) => ("claim", named(of, &place.field("claim"), |name| Source::claim(&name))?),
        Of::FilterState(of) => {
            let source = |name: String| property(property::filter_state(&name));
            ("filter_state", named(of, &place.field("filter_state"), source)?)
        }
        Of::Metadata(of) => ("metadata", metadata(of, &place.field("metadata"))?),
        Of::GenericKey(of) => {
            let options = constant(of.descriptor_key, &of.descriptor_value, &place.field("generic_key"))?;
            ("generic_key", (Source::Constant(of.descriptor_value), options))
        }
        Of::RemoteAddressMatch(of) => {
            let place = place.field("remote_address_match");
            not_empty(of.cidrs.len(), &place.field("cidrs"))?;
            let options = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (networks, invert, value) = (of.cidrs, of.invert, of.descriptor_value);
            ("remote_address_match", (Source::RemoteAddressMatch { networks, invert, value }, options))
        }
        Of::HeaderValueMatch(of) => {
            let place = place.field("header_value_match");
            not_empty(of.headers.len(), &place.field("headers"))?;
            let options = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (headers, expect_match, value) = (of.headers, of.expect_match, of.descriptor_value);
            ("header_value_match", (Source::HeaderValueMatch { headers, expect_match, value }, options))
        }
        Of::QueryParameterValueMatch(of) => {
            let place = place.field("query_parameter_value_match");
            not_empty(of.query_parameters.len(), &place.field("query_parameters"))?;
            let options = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (parameters, expect_match, value) =
                (of.query_parameters, of.expect_match, of.descriptor_value);
            let source = Source::QueryParameterValueMatch { parameters, expect_match, value };
            ("query_parameter_value_match", (source, options))
        }
    };
    finish(source, options, &place.field(name))
}

#[inline(never)]
fn finish(source: Source, options: EntryOptions, place: &FieldPath) -> Result<Action, ConfigError> {
    // A default value takes precedence, unless it is empty, as in Envoy.
    let if_absent = match options.default_value {
        Some(value) if !value.is_empty() => {
            check::text(&value, &place.field("default_value"))?;
            IfAbsent::Value(value)
        }
        _ if options.skip_if_absent => IfAbsent::Skip,
        _ => IfAbsent::NoKey,
    };
    let descriptor_key = match options.descriptor_key {
        Some(key) => key,
        None if options.default_key.is_empty() => source.default_key().unwrap_or_default().to_owned(),
        None => options.default_key,
    };
    check::text(&descriptor_key, &place.field("descriptor_key"))?;
    Ok(Action { descriptor_key, source, if_absent })
}

fn property(path: String) -> Source {
    Source::Property { path }
}

fn simple(of: config::ValueOptions) -> EntryOptions {
    let config::ValueOptions { descriptor_key, default_value, skip_if_absent } = of;
    EntryOptions { descriptor_key, default_value, skip_if_absent, default_key: String::new() }
}

fn named(
    of: config::NamedValue,
    place: &FieldPath,
    source: impl FnOnce(String) -> Source,
) -> Result<(Source, EntryOptions), ConfigError> {
    let config::NamedValue { name, descriptor_key, default_value, skip_if_absent } = of;
    check::text(&name, &place.field("name"))?;
    let default_key = name.clone();
    Ok((source(name), EntryOptions { descriptor_key, default_value, skip_if_absent, default_key }))
}

#[inline(never)]
fn constant(
    descriptor_key: Option<String>,
    value: &str,
    place: &FieldPath,
) -> Result<EntryOptions, ConfigError> {
    check::text(value, &place.field("descriptor_value"))?;
    Ok(EntryOptions { descriptor_key, ..EntryOptions::default() })
}

#[inline(never)]
fn not_empty(count: usize, place: &FieldPath) -> Result<(), ConfigError> {
    if count == 0 { Err(place.error("must not be empty")) } else { Ok(()) }
}

fn masked(of: config::MaskedAddress, place: &FieldPath) -> Result<(Source, EntryOptions), ConfigError> {
    let (v4, v6) = (of.v4_prefix_mask_len, of.v6_prefix_mask_len);
    place.field("v4_prefix_mask_len").range(v4.into(), 0..=32)?;
    place.field("v6_prefix_mask_len").range(v6.into(), 0..=128)?;
    let source = Source::MaskedRemoteAddress { v4_prefix_len: v4 as u8, v6_prefix_len: v6 as u8 };
    let config::MaskedAddress { descriptor_key, default_value, skip_if_absent, .. } = of;
    Ok((source, simple(config::ValueOptions { descriptor_key, default_value, skip_if_absent })))
}

fn header(of: config::Header, place: &FieldPath) -> Result<(Source, EntryOptions), ConfigError> {
    let config::Header { header_name, descriptor_key, default_value, skip_if_absent } = of;
    let name = header_name.to_ascii_lowercase();
    if !is_token(name.as_bytes()) && ![":path", ":method", ":authority"].contains(&name.as_str()) {
        return Err(place.field("header_name").error(format_args!(
            "invalid header name `{}`, expected a header or one of `:path`, `:method`, `:authority`",
            name.escape_debug()
        )));
    }
    let default_key = name.clone();
    Ok((
        Source::RequestHeader { name },
        EntryOptions { descriptor_key, default_value, skip_if_absent, default_key },
    ))
}

fn path(of: config::Path, place: &FieldPath) -> Result<(Source, EntryOptions), ConfigError> {
    let config::Path { template, segment, descriptor_key, default_value, skip_if_absent } = of;
    let options =
        |default_key: String| EntryOptions { descriptor_key, default_value, skip_if_absent, default_key };
    let (text, segment) = match (template, segment) {
        (None, None) => return Ok((Source::Path, options(String::new()))),
        (Some(template), Some(segment)) => (template, segment),
        _ => {
            return Err(place.error("expected both `template` and `segment`, or neither"));
        }
    };
    let placeholder = ["{", &segment, "}"].concat();
    let index = text.split('/').skip(1).position(|part| part == placeholder);
    let index = index.ok_or_else(|| {
        let (segment, text) = (segment.escape_debug(), text.escape_debug());
        place.field("segment").error(format_args!(
            "unknown segment `{segment}`, expected a placeholder of the template `{text}`"
        ))
    })?;
    let tree = Value::Object([("template".to_owned(), Value::String(text))].into_iter().collect());
    let template: PathMatcher =
        tollgate_policy::config::read(&tree).map_err(|error| place.field("template").error(error))?;
    Ok((Source::PathSegment { template, index }, options(segment)))
}

fn metadata(of: config::Metadata, place: &FieldPath) -> Result<(Source, EntryOptions), ConfigError> {
    let config::Metadata { descriptor_key, metadata_key, default_value, source, skip_if_absent } = of;
    let config::MetadataKey { key, path } = metadata_key;
    let place = place.field("metadata_key");
    // The segments are joined by NUL, so they must not contain it.
    check::text(&key, &place.field("key"))?;
    let place = place.field("path");
    not_empty(path.len(), &place)?;
    for (index, segment) in path.iter().enumerate() {
        check::text(&segment.key, &place.at(index).field("key"))?;
    }
    let of = match source {
        config::MetadataSource::Dynamic => property::Metadata::Dynamic,
        config::MetadataSource::RouteEntry => property::Metadata::Route,
        config::MetadataSource::VirtualHost => property::Metadata::VirtualHost,
        config::MetadataSource::ClusterEntry => property::Metadata::Cluster,
    };
    let path = property::metadata(of, &key, path.iter().map(|segment| segment.key.as_str()));
    let default_key = String::new();
    let options =
        EntryOptions { descriptor_key: Some(descriptor_key), default_value, skip_if_absent, default_key };
    Ok((property(path), options))
}
