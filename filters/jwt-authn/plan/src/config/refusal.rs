//! Format of rejections.

pub use tollgate_policy::BodyFormat;
use tollgate_policy::{Config, HeaderMatcher};

/// Format of rejections. A gRPC request always gets a gRPC status.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct FailureResponse {
    /// Format of the body. Default: `text`.
    pub body_format: BodyFormat,
    /// `realm` of `WWW-Authenticate`. Default: the requested URL without its query. (Envoy includes the
    /// query, which may contain a token.)
    pub realm: Option<String>,
    /// Redirect for browsers without a valid token, instead of a 401.
    pub redirect: Option<Redirect>,
}

/// Redirect of browsers to the login page.
#[derive(Clone, Debug, Config)]
pub struct Redirect {
    /// Value of `Location`: a path or an absolute URL. `{url}` is replaced by the requested URL,
    /// percent-encoded.
    pub location: String,
    /// Matchers that identify the requests of browsers, all must match. Default: `text/html` in `Accept`.
    /// Only `GET` and `HEAD` requests are redirected.
    #[config(default)]
    pub headers: Vec<HeaderMatcher>,
    /// Status of the redirect: 302, 303 or 307. Default: 302.
    pub status: Option<u16>,
}

/// A protected resource, whose metadata (RFC 9728) tells clients where to get tokens. The filter serves the
/// metadata, and names its URL in the challenge of rejected requests for the resource.
#[derive(Clone, Debug, Config)]
pub struct ProtectedResource {
    /// Resource identifier: the absolute URL of the resource, without a query. It applies to requests for its
    /// host and for paths that begin with its path. The resource with the longest path applies.
    pub resource: String,
    /// Issuers of tokens for the resource. Default: those of the providers that are URLs.
    #[config(default)]
    pub authorization_servers: Vec<String>,
    /// Scopes for the resource.
    #[config(default)]
    pub scopes_supported: Vec<String>,
    /// Name of the resource for people.
    pub resource_name: Option<String>,
    /// URL of a page for developers.
    pub resource_documentation: Option<String>,
}
