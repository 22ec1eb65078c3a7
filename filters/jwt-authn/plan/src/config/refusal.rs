//! Format of rejections.

pub use tollgate_policy::BodyFormat;
use tollgate_policy::{HeaderMatcher, read_object};

/// Format of rejections. A gRPC request always gets a gRPC status.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Redirect {
    /// Value of `Location`: a path or an absolute URL. `{url}` is replaced by the requested URL,
    /// percent-encoded.
    pub location: String,
    /// Matchers that identify the requests of browsers, all must match. Default: `text/html` in `Accept`.
    /// Only `GET` and `HEAD` requests are redirected.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub headers: Vec<HeaderMatcher>,
    /// Status of the redirect: 302, 303 or 307. Default: 302.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub status: Option<u16>,
}

read_object!(FailureResponse = Self::default(); body_format, realm, redirect);
read_object!(
    Redirect = Self { location: String::new(), headers: Vec::new(), status: None };
    location (required), headers, status
);
