//! The `jwtRules` of Istio's `RequestAuthentication`.

use tollgate_policy::{Config, ConfigError, Duration, HeaderName, Value};

/// Istio's `JWTRule` (`security.istio.io/v1`).
#[derive(Clone, Debug, Default, Config)]
#[config(default, rename_all = "camelCase")]
pub struct JwtRule {
    /// Required value of `iss`. Default: any, which needs `jwksUri`.
    pub issuer: String,
    /// Accepted audiences; `aud` must contain one of them. Default: any.
    pub audiences: Vec<String>,
    /// URL of the keys.
    #[config(alias = "jwks_uri")]
    pub jwks_uri: Option<String>,
    /// The keys. Without `jwks` and `jwksUri`, the filter reads the URL of the keys from the issuer's
    /// discovery document (OpenID Connect Discovery 1.0).
    pub jwks: Option<String>,
    /// Headers to read the token from.
    pub from_headers: Vec<IstioHeader>,
    /// Query parameters to read the token from.
    pub from_params: Vec<String>,
    /// Cookies to read the token from.
    pub from_cookies: Vec<String>,
    /// Header in which the upstream receives the payload.
    pub output_payload_to_header: HeaderOrNothing,
    /// Forward the token to the upstream.
    pub forward_original_token: bool,
    /// Claims to copy to headers.
    pub output_claim_to_headers: Vec<IstioClaimToHeader>,
    /// Time to wait for the keys. Default: `5s`.
    pub timeout: Option<Duration>,
    /// Claims whose text is a list separated by spaces, in addition to `scope` and `permission`.
    pub space_delimited_claims: Vec<String>,
    /// Whether a request needs a valid token of this rule. Default: `OPTIONAL`.
    pub presence: Presence,
}

/// Istio's `JWTRequirement`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
#[config(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Presence {
    /// No token of the rule, or a valid one. A valid token of another rule is enough, unless a rule is
    /// required.
    #[default]
    Optional,
    /// A valid token of the rule.
    Required,
}

/// A header, or `None` for the empty text: in a protobuf message, an empty field is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderOrNothing(pub Option<HeaderName>);

/// A header to read the token from.
#[derive(Clone, Debug, Config)]
pub struct IstioHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Text before the token.
    #[config(default)]
    pub prefix: String,
}

/// A claim to copy to a header.
#[derive(Clone, Debug, Config)]
pub struct IstioClaimToHeader {
    /// Name of the header.
    pub header: HeaderName,
    /// Name or path of the claim.
    pub claim: String,
}

impl Config for HeaderOrNothing {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        if value.as_str() == Some("") { Ok(()) } else { self.0.fill(value) }
    }
}

tollgate_policy::json_schema_of!(HeaderOrNothing, |generator| generator
    .subschema_for::<Option<HeaderName>>());
