//! Protected resources and their metadata (RFC 9728).

use super::{PlannedProvider, check};
use crate::config::{ProtectedResource, Url};
use tollgate_jose::Json;
use tollgate_policy::{ConfigError, FieldPath, RequestFacts};

/// Location of the metadata, between the host and the path of a resource (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// A protected resource.
#[derive(Clone, Debug)]
pub struct PlannedResource {
    /// Host in lower case, without the port: a proxy in front of this one may listen on another.
    host: String,
    /// Path as written; empty for the whole host.
    path: String,
    /// URL of the metadata.
    pub metadata_url: String,
    /// The metadata: a JSON object.
    pub metadata: Vec<u8>,
}

impl PlannedResource {
    /// Returns whether a request is for the resource: for its host, and for its path or a path below it.
    pub(super) fn contains(&self, request: &RequestFacts<'_>) -> bool {
        let rest = request.path_only().strip_prefix(self.without_slash().as_bytes());
        self.is_host(request) && rest.is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
    }

    /// Returns whether a request is for the metadata.
    pub(super) fn is_metadata(&self, request: &RequestFacts<'_>) -> bool {
        let rest = request.path_only().strip_prefix(WELL_KNOWN.as_bytes());
        rest == Some(self.path.as_bytes()) && self.is_host(request)
    }

    /// Returns the path without a slash at the end.
    fn without_slash(&self) -> &str {
        self.path.strip_suffix('/').unwrap_or(&self.path)
    }

    fn is_host(&self, request: &RequestFacts<'_>) -> bool {
        request.host().eq_ignore_ascii_case(self.host.as_bytes())
    }
}

/// Checks the resources, and writes their metadata.
pub(super) fn resolve(
    resources: Vec<ProtectedResource>,
    providers: &[PlannedProvider],
) -> Result<Vec<PlannedResource>, ConfigError> {
    let mut planned: Vec<PlannedResource> = Vec::new();
    for (index, resource) in resources.into_iter().enumerate() {
        let place = FieldPath::new("protected_resources").at(index);
        let resource = self::resource(resource, providers, &place)?;
        let is_same = |known: &PlannedResource| {
            known.host == resource.host && known.without_slash() == resource.without_slash()
        };
        if planned.iter().any(is_same) {
            return Err(place.field("resource").error("another resource has the same host and path"));
        }
        // The longest path first, for the most specific resource.
        let at = planned.partition_point(|known| known.path.len() >= resource.path.len());
        planned.insert(at, resource);
    }
    Ok(planned)
}

fn resource(
    config: ProtectedResource,
    providers: &[PlannedProvider],
    place: &FieldPath,
) -> Result<PlannedResource, ConfigError> {
    let ProtectedResource { resource, mut authorization_servers, scopes_supported, .. } = config;
    let invalid =
        |what: &str| place.field("resource").error(format_args!("`{}` {what}", resource.escape_debug()));
    let url = Url::parse(&resource).map_err(invalid)?;
    if url.path_and_query.contains('?') {
        return Err(invalid("must not have a query"));
    }
    // The URL of the metadata is written between quotes.
    if resource.contains(['"', '\\']) {
        return Err(invalid("contains a character that must be percent-encoded"));
    }
    let servers = place.field("authorization_servers");
    for (index, server) in authorization_servers.iter().enumerate() {
        let invalid = |what| servers.at(index).error(format_args!("`{}` {what}", server.escape_debug()));
        Url::parse(server).map_err(invalid)?;
    }
    check::scopes(&scopes_supported, &place.field("scopes_supported"))?;
    if authorization_servers.is_empty() {
        for provider in providers {
            let issuer = &provider.config.issuer;
            if Url::parse(issuer).is_ok() && !authorization_servers.contains(issuer) {
                authorization_servers.push(issuer.clone());
            }
        }
    }
    if let Some(page) = &config.resource_documentation {
        let invalid = |what| format!("`{}` {what}", page.escape_debug());
        Url::parse(page).map_err(|what| place.field("resource_documentation").error(invalid(what)))?;
    }
    // RFC 9728 section 3.1 removes a slash that follows the host, and no other.
    let path = if url.path_and_query == "/" { "" } else { url.path_and_query };
    let scheme = if url.secure { "https" } else { "http" };
    let members = [
        ("resource", Some(text(&resource))),
        ("authorization_servers", list(&authorization_servers)),
        ("scopes_supported", list(&scopes_supported)),
        ("bearer_methods_supported", list(&methods(providers))),
        ("resource_name", config.resource_name.as_deref().map(text)),
        ("resource_documentation", config.resource_documentation.as_deref().map(text)),
    ];
    let mut object = Vec::new();
    for (name, value) in members {
        object.extend(value.map(|value| (name.into(), value)));
    }
    Ok(PlannedResource {
        host: url.host.to_ascii_lowercase(),
        path: path.into(),
        metadata_url: [scheme, "://", url.authority, WELL_KNOWN, path].concat(),
        metadata: Json::Object(object).to_string().into_bytes(),
    })
}

/// Returns the ways in which the providers read bearer tokens, of those in RFC 6750 section 2.
fn methods(providers: &[PlannedProvider]) -> Vec<&'static str> {
    let mut configs = providers.iter().map(|provider| &provider.config);
    let in_header = configs.clone().flat_map(|config| &config.from_headers);
    let mut methods = Vec::new();
    methods.extend({ in_header }.any(|header| header.name.as_str() == "authorization").then_some("header"));
    methods.extend(
        configs.any(|config| config.from_params.iter().any(|name| name == "access_token")).then_some("query"),
    );
    methods
}

fn text(text: &str) -> Json {
    Json::String(text.into())
}

/// Returns an array, which is absent if it would be empty (RFC 9728 section 3.2).
fn list(texts: &[impl AsRef<str>]) -> Option<Json> {
    let mut elements = Vec::new();
    for element in texts {
        elements.push(text(element.as_ref()));
    }
    (!elements.is_empty()).then_some(Json::Array(elements))
}
