//! A provider: locations of its tokens, its keys, checks of its claims, and the claims that are passed on.

use super::{ClaimToHeader, LocalJwks, RemoteJwks};
use tollgate_policy::{Config, ConfigError, Duration, HeaderName, StringMatcher, Value};

/// Envoy's `JwtProvider`. Exactly one of `local_jwks` and `remote_jwks` must be set.
#[derive(Clone, Debug, Default, Config)]
#[config(default, instead = [
        (
            "payload_in_metadata",
            "not supported: a Wasm filter cannot write dynamic metadata; read the filter state \
             `wasm.jwt_authn.payload` instead (see `filter_state`)",
        ),
        (
            "header_in_metadata",
            "not supported: a Wasm filter cannot write dynamic metadata",
        ),
        (
            "failed_status_in_metadata",
            "not supported: a Wasm filter cannot write dynamic metadata; the reason is in \
             `%RESPONSE_CODE_DETAILS%`, and in shadow mode in the filter state `wasm.jwt_authn.failure`",
        ),
        ("normalize_payload_in_metadata", "unknown field; use `normalize_payload`"),
        (
            "jwt_cache_config",
            "not a field of a provider: one cache serves all providers; set `jwt_cache_config` at the top level",
        ),
    ])]
pub struct Provider {
    /// Required value of `iss`. Default: any.
    pub issuer: String,
    /// Accepted audiences; `aud` must contain one of them. Default: any.
    pub audiences: Vec<String>,
    /// Matcher for `sub`. Default: any.
    pub subjects: Option<StringMatcher>,
    /// Require `exp`. Default: `false`.
    pub require_expiration: bool,
    /// Maximum time from now until `exp`. Also requires `exp`. Default: none.
    pub max_lifetime: Option<Duration>,
    /// Tolerance in seconds for `exp`, `nbf` and `iat`. Default: 60.
    pub clock_skew_seconds: ClockSkew,
    /// Accepted algorithms. Default: those of the keys, but HMAC only with `local_jwks`, because anyone who
    /// can fetch a shared secret can sign with it.
    pub allowed_algorithms: Vec<String>,
    /// Accepted values of `typ` in the header, such as `at+jwt`. The comparison ignores case and a prefix
    /// `application/` (RFC 7515 section 4.1.9). Default: any value, or no `typ`.
    pub allowed_types: Vec<String>,
    /// Matchers for claims. All must match.
    pub required_claims: Vec<ClaimMatcher>,
    /// Scopes that `scope` or `scp` must contain, all of them. A token that lacks one is rejected with 403.
    pub required_scopes: Vec<String>,
    /// Keys in the configuration.
    pub local_jwks: Option<LocalJwks>,
    /// Keys that the filter fetches.
    pub remote_jwks: Option<RemoteJwks>,
    /// Forward the token to the upstream. Default: `false`, the token is removed from the request.
    pub forward: bool,
    /// Headers to read the token from. If no location is configured, the filter reads `Authorization` with
    /// the prefix `Bearer `, and the query parameter `access_token`.
    pub from_headers: Vec<FromHeader>,
    /// Query parameters to read the token from.
    pub from_params: Vec<String>,
    /// Cookies to read the token from.
    pub from_cookies: Vec<String>,
    /// Header in which the upstream receives the payload, in base64url.
    pub forward_payload_header: Option<HeaderName>,
    /// Pad the base64url of that header. Default: `false`.
    pub pad_forward_payload_header: bool,
    /// Claims to copy to headers.
    pub claim_to_headers: Vec<ClaimToHeader>,
    /// Interpretation of claims.
    pub normalize_payload: NormalizePayload,
    /// Select the route again after claims are copied to headers. Default: `false`.
    pub clear_route_cache: bool,
    /// Check of `cnf` (RFC 8705). Default: `if_present`.
    pub certificate_binding: CertificateBinding,
}

super::number_with_default! {
    /// Tolerance in seconds.
    ClockSkew(u32) = 60;
}

/// A header to read the token from.
#[derive(Clone, Debug, Config)]
pub struct FromHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Text before the token, such as `Bearer `. A value without it contains no token. Default: none.
    #[config(default)]
    pub value_prefix: String,
}

/// A claim and exactly one test. A claim that is an array matches if one of its elements does.
#[derive(Clone, Debug, Config)]
pub struct ClaimMatcher {
    /// Path of the claim, such as `groups` or `realm_access.roles`; a list for names that contain dots, such
    /// as `["https://a.example/roles"]`.
    pub claim: ClaimPath,
    /// Matcher for a text.
    pub string_match: Option<StringMatcher>,
    /// Required number.
    pub number: Option<serde_json::Number>,
    /// Required boolean.
    pub boolean: Option<bool>,
    /// Whether the claim must be present (and not `null`), or absent.
    pub present: Option<bool>,
    /// Accept tokens that do not match, instead of those that do. Default: `false`.
    #[config(default)]
    pub invert_match: bool,
}

/// Path of a claim in the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimPath {
    /// Names joined by dots. A claim with exactly this name takes precedence.
    Dotted(String),
    /// List of names, from the outermost claim to the innermost.
    Names(Vec<String>),
}

impl Config for ClaimPath {
    fn blank() -> Self {
        Self::Dotted(String::new())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ConfigError> {
        *self = match value {
            Value::String(text) => Self::Dotted(text.clone()),
            Value::Array(_) => Self::Names(tollgate_policy::config::read(value)?),
            _ => {
                let expected = "a claim, such as `realm_access.roles`, or a list of names";
                return Err(ConfigError::invalid_type(value, expected));
            }
        };
        Ok(())
    }
}

tollgate_policy::json_schema_of!(ClaimPath, |generator| {
    tollgate_policy::config::schema::any_of(
        "Path of a claim in the payload.",
        [
            (
                "Names joined by dots. A claim with exactly this name takes precedence.",
                generator.subschema_for::<String>(),
            ),
            (
                "List of names, from the outermost claim to the innermost.",
                generator.subschema_for::<Vec<String>>(),
            ),
        ],
    )
});

/// Interpretation of claims.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct NormalizePayload {
    /// Claims whose text is a list separated by spaces, in addition to `scope`, `scp` and `permission`.
    pub space_delimited_claims: Vec<String>,
}

/// Check of `cnf`, which binds a token to a client certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum CertificateBinding {
    /// A bound token must arrive over a connection with its client certificate. A token with another kind of
    /// binding (`jkt`: DPoP) cannot be checked and is rejected.
    #[default]
    IfPresent,
    /// Each token must be bound to a certificate.
    Require,
    /// `cnf` is ignored.
    Ignore,
}
