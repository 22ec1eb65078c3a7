//! How a refusal looks.

pub use tollgate_policy::BodyFormat;
use tollgate_policy::{HeaderMatcher, read_object};

/// How a refusal looks. A gRPC request always gets a gRPC status.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct FailureResponse {
    /// The body. Default: `text`.
    pub body_format: BodyFormat,
    /// The `realm` of `WWW-Authenticate`. Default: the URL that was asked for, without its query (Envoy
    /// shows it with the query, in which there may be a token).
    pub realm: Option<String>,
    /// For requests of browsers without a valid token: a redirect in place of a 401.
    pub redirect: Option<Redirect>,
}

/// Where browsers are sent to log in.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Redirect {
    /// `Location`. `{url}` stands for the URL that was asked for, percent-encoded.
    pub location: String,
    /// Which requests are a browser's, all must match. Default: `GET` with `text/html` in `Accept`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub headers: Vec<HeaderMatcher>,
    /// 302, 303 or 307. Default: 302.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub status: Option<u16>,
}

read_object!(FailureResponse = Self::default(); body_format, realm, redirect);
read_object!(
    Redirect = Self { location: String::new(), headers: Vec::new(), status: None };
    location (required), headers, status
);
