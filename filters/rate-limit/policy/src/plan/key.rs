//! By what a limit counts.

use super::check;
use crate::config::{self, Action as Of};
use crate::key::{Action, IfAbsent, Source, property};
use tollgate_policy::{PathMatcher, Place, Problem, Value, is_token};

/// Each costs a comparison or a look-up on every request.
const MAX_ACTIONS: usize = 16;

pub(super) fn resolve(actions: Vec<Of>, place: &Place) -> Result<Vec<Action>, Problem> {
    let count = actions.len();
    if count > MAX_ACTIONS {
        return Err(place.refuse(format_args!("`{count}` actions; a key has at most {MAX_ACTIONS}")));
    }
    let mut resolved = Vec::new();
    for (index, action) in actions.into_iter().enumerate() {
        resolved.push(self::action(action, &place.at(index))?);
    }
    Ok(resolved)
}

/// What an action says besides where its value comes from.
#[derive(Default)]
struct Said {
    descriptor_key: Option<String>,
    default_value: Option<String>,
    skip_if_absent: bool,
    /// The descriptor key if it says none and the source has none.
    otherwise: String,
}

fn action(action: Of, place: &Place) -> Result<Action, Problem> {
    let (name, (source, said)) = match action {
        Of::SourceCluster(_) => ("source_cluster", (Source::SourceCluster, Said::default())),
        Of::DestinationCluster(_) => {
            ("destination_cluster", (property(property::DESTINATION_CLUSTER.into()), Said::default()))
        }
        Of::RemoteAddress(of) => ("remote_address", (Source::RemoteAddress, simple(of))),
        Of::MaskedRemoteAddress(of) => {
            ("masked_remote_address", masked(of, &place.field("masked_remote_address"))?)
        }
        Of::Host(of) => ("host", (Source::Host, simple(of))),
        Of::Method(of) => ("method", (Source::Method, simple(of))),
        Of::Route(of) => ("route", (property(property::ROUTE.into()), simple(of))),
        Of::Principal(of) => ("principal", (property(property::PRINCIPAL.into()), simple(of))),
        Of::Path(of) => ("path", path(of, &place.field("path"))?),
        Of::RequestHeaders(of) => ("request_headers", header(of, &place.field("request_headers"))?),
        Of::QueryParameters(of) => {
            let config::QueryParameter { query_parameter_name: name, .. } = of;
            check::text(&name, &place.field("query_parameters").field("query_parameter_name"))?;
            let said = Said {
                descriptor_key: of.descriptor_key,
                default_value: of.default_value,
                skip_if_absent: of.skip_if_absent,
                otherwise: name.clone(),
            };
            ("query_parameters", (Source::QueryParameter { name }, said))
        }
        Of::Cookie(of) => ("cookie", named(of, &place.field("cookie"), |name| Source::Cookie { name })?),
        Of::Claim(of) => ("claim", named(of, &place.field("claim"), |name| Source::claim(&name))?),
        Of::FilterState(of) => {
            let source = |name: String| property(property::filter_state(&name));
            ("filter_state", named(of, &place.field("filter_state"), source)?)
        }
        Of::Metadata(of) => ("metadata", metadata(of, &place.field("metadata"))?),
        Of::GenericKey(of) => {
            let said = constant(of.descriptor_key, &of.descriptor_value, &place.field("generic_key"))?;
            ("generic_key", (Source::Constant(of.descriptor_value), said))
        }
        Of::RemoteAddressMatch(of) => {
            let place = place.field("remote_address_match");
            not_empty(of.cidrs.len(), &place.field("cidrs"))?;
            let said = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (networks, invert, value) = (of.cidrs, of.invert, of.descriptor_value);
            ("remote_address_match", (Source::RemoteAddressMatch { networks, invert, value }, said))
        }
        Of::HeaderValueMatch(of) => {
            let place = place.field("header_value_match");
            not_empty(of.headers.len(), &place.field("headers"))?;
            let said = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (headers, expect_match, value) = (of.headers, of.expect_match, of.descriptor_value);
            ("header_value_match", (Source::HeaderValueMatch { headers, expect_match, value }, said))
        }
        Of::QueryParameterValueMatch(of) => {
            let place = place.field("query_parameter_value_match");
            not_empty(of.query_parameters.len(), &place.field("query_parameters"))?;
            let said = constant(of.descriptor_key, &of.descriptor_value, &place)?;
            let (parameters, expect_match, value) =
                (of.query_parameters, of.expect_match, of.descriptor_value);
            let source = Source::QueryParameterValueMatch { parameters, expect_match, value };
            ("query_parameter_value_match", (source, said))
        }
    };
    finish(source, said, &place.field(name))
}

#[inline(never)]
fn finish(source: Source, said: Said, place: &Place) -> Result<Action, Problem> {
    // A default goes first, and an empty one is none, as in Envoy.
    let if_absent = match said.default_value {
        Some(value) if !value.is_empty() => {
            check::text(&value, &place.field("default_value"))?;
            IfAbsent::Value(value)
        }
        _ if said.skip_if_absent => IfAbsent::Skip,
        _ => IfAbsent::NoKey,
    };
    let descriptor_key = match said.descriptor_key {
        Some(key) => key,
        None if said.otherwise.is_empty() => source.default_key().unwrap_or_default().to_owned(),
        None => said.otherwise,
    };
    check::text(&descriptor_key, &place.field("descriptor_key"))?;
    Ok(Action { descriptor_key, source, if_absent })
}

fn property(path: String) -> Source {
    Source::Property { path }
}

fn simple(of: config::Simple) -> Said {
    let config::Simple { descriptor_key, default_value, skip_if_absent } = of;
    Said { descriptor_key, default_value, skip_if_absent, otherwise: String::new() }
}

fn named(
    of: config::OfName,
    place: &Place,
    source: impl FnOnce(String) -> Source,
) -> Result<(Source, Said), Problem> {
    let config::OfName { name, descriptor_key, default_value, skip_if_absent } = of;
    check::text(&name, &place.field("name"))?;
    let otherwise = name.clone();
    Ok((source(name), Said { descriptor_key, default_value, skip_if_absent, otherwise }))
}

#[inline(never)]
fn constant(descriptor_key: Option<String>, value: &str, place: &Place) -> Result<Said, Problem> {
    check::text(value, &place.field("descriptor_value"))?;
    Ok(Said { descriptor_key, ..Said::default() })
}

#[inline(never)]
fn not_empty(count: usize, place: &Place) -> Result<(), Problem> {
    if count == 0 { Err(place.refuse("it is empty")) } else { Ok(()) }
}

fn masked(of: config::MaskedAddress, place: &Place) -> Result<(Source, Said), Problem> {
    let (v4, v6) = (of.v4_prefix_mask_len, of.v6_prefix_mask_len);
    place.field("v4_prefix_mask_len").range(v4.into(), 0..=32)?;
    place.field("v6_prefix_mask_len").range(v6.into(), 0..=128)?;
    let source = Source::MaskedRemoteAddress { v4_prefix_len: v4 as u8, v6_prefix_len: v6 as u8 };
    let config::MaskedAddress { descriptor_key, default_value, skip_if_absent, .. } = of;
    Ok((source, simple(config::Simple { descriptor_key, default_value, skip_if_absent })))
}

fn header(of: config::Header, place: &Place) -> Result<(Source, Said), Problem> {
    let config::Header { header_name, descriptor_key, default_value, skip_if_absent } = of;
    let name = header_name.to_ascii_lowercase();
    if !is_token(name.as_bytes()) && ![":path", ":method", ":authority"].contains(&name.as_str()) {
        return Err(place.field("header_name").refuse(format_args!(
            "`{}` is neither the name of a header nor one of `:path`, `:method`, `:authority`",
            name.escape_debug()
        )));
    }
    let otherwise = name.clone();
    Ok((Source::RequestHeader { name }, Said { descriptor_key, default_value, skip_if_absent, otherwise }))
}

fn path(of: config::Path, place: &Place) -> Result<(Source, Said), Problem> {
    let config::Path { template, segment, descriptor_key, default_value, skip_if_absent } = of;
    let said = |otherwise: String| Said { descriptor_key, default_value, skip_if_absent, otherwise };
    let (text, segment) = match (template, segment) {
        (None, None) => return Ok((Source::Path, said(String::new()))),
        (Some(template), Some(segment)) => (template, segment),
        _ => {
            return Err(
                place.refuse("`template` and `segment` come together: a path's segment, or all of it")
            );
        }
    };
    let placeholder = ["{", &segment, "}"].concat();
    let index = text.split('/').skip(1).position(|part| part == placeholder);
    let index = index.ok_or_else(|| {
        let (segment, text) = (segment.escape_debug(), text.escape_debug());
        place.field("segment").refuse(format_args!("`{segment}` is no name in the template `{text}`"))
    })?;
    let tree = Value::Object([("template".to_owned(), Value::String(text))].into_iter().collect());
    let template: PathMatcher =
        tollgate_policy::read(&tree).map_err(|error| place.field("template").refuse(error))?;
    Ok((Source::PathSegment { template, index }, said(segment)))
}

fn metadata(of: config::Metadata, place: &Place) -> Result<(Source, Said), Problem> {
    let config::Metadata { descriptor_key, metadata_key, default_value, source, skip_if_absent } = of;
    let config::MetadataKey { key, path } = metadata_key;
    let place = place.field("metadata_key");
    // NUL joins the segments.
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
    let otherwise = String::new();
    let said = Said { descriptor_key: Some(descriptor_key), default_value, skip_if_absent, otherwise };
    Ok((property(path), said))
}
