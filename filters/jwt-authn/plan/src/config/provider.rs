//! A provider: where its tokens are in a request, whose keys sign them, what they must say, what is passed on.

use super::{ClaimToHeader, LocalJwks, RemoteJwks};
use tollgate_policy::{Duration, HeaderName, Read, ReadError, StringMatcher, Value, read_names, read_object};

/// Envoy's `JwtProvider`. Its keys are exactly one of `local_jwks` and `remote_jwks`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Provider {
    /// What `iss` must be. Default: anything.
    pub issuer: String,
    /// One of them must be in `aud`. Default: anything.
    pub audiences: Vec<String>,
    /// What `sub` must match.
    pub subjects: Option<StringMatcher>,
    /// Whether `exp` must be there. Default: `false`.
    pub require_expiration: bool,
    /// How far ahead `exp` may be, by which it must also be there.
    pub max_lifetime: Option<Duration>,
    /// By how much `exp` may be past, and `nbf` and `iat` ahead. Default: 60.
    pub clock_skew_seconds: ClockSkew,
    /// The algorithms that are accepted. Default: those of its keys, but HMAC only with `local_jwks`, because whoever can
    /// fetch a shared secret can sign with it.
    pub allowed_algorithms: Vec<String>,
    /// The values of the header's `typ` that are accepted, without regard to case and to `application/` before it
    /// (RFC 7515 section 4.1.9), such as `at+jwt`. Default: anything, and none.
    pub allowed_types: Vec<String>,
    /// What claims must be; all must match.
    pub required_claims: Vec<ClaimMatcher>,
    /// Scopes that `scope` or `scp` must hold, all of them; a token without them is refused with 403.
    pub required_scopes: Vec<String>,
    /// Keys that are part of the configuration.
    pub local_jwks: Option<LocalJwks>,
    /// Keys that are fetched.
    pub remote_jwks: Option<RemoteJwks>,
    /// Whether the token goes to the upstream too. Default: `false`: it is removed, wherever it was.
    pub forward: bool,
    /// Headers that may hold the token. Default, if no place is given: `Authorization: Bearer `, and the query
    /// parameter `access_token`.
    pub from_headers: Vec<FromHeader>,
    /// Query parameters that may hold it.
    pub from_params: Vec<String>,
    /// Cookies that may hold it.
    pub from_cookies: Vec<String>,
    /// The header that takes the payload, in base64url, to the upstream.
    pub forward_payload_header: Option<HeaderName>,
    /// Whether it is padded. Default: `false`.
    pub pad_forward_payload_header: bool,
    /// Claims that are copied to headers.
    pub claim_to_headers: Vec<ClaimToHeader>,
    /// How claims are read.
    pub normalize_payload: NormalizePayload,
    /// Whether the route is chosen anew once the claims are in the headers. Default: `false`.
    pub clear_route_cache: bool,
    /// What becomes of `cnf` in a token (RFC 8705). Default: `if_present`.
    pub certificate_binding: CertificateBinding,
}

read_object!(
    Provider = Self::default();
    issuer,
    audiences,
    subjects,
    require_expiration,
    max_lifetime,
    clock_skew_seconds,
    allowed_algorithms,
    allowed_types,
    required_claims,
    required_scopes,
    local_jwks,
    remote_jwks,
    forward,
    from_headers,
    from_params,
    from_cookies,
    forward_payload_header,
    pad_forward_payload_header,
    claim_to_headers,
    normalize_payload,
    clear_route_cache,
    certificate_binding;
    instead [
        (
            "payload_in_metadata",
            "a Wasm filter cannot write dynamic metadata; the payload is in the filter state \
             `wasm.jwt_authn.payload` (see `filter_state`)",
        ),
        (
            "header_in_metadata",
            "a Wasm filter cannot write dynamic metadata, and the header of a token is not passed on",
        ),
        (
            "failed_status_in_metadata",
            "a Wasm filter cannot write dynamic metadata; the reason of a refusal is in the filter state \
             `wasm.jwt_authn.failure` (see `filter_state`)",
        ),
        ("normalize_payload_in_metadata", "it is `normalize_payload` here"),
        ("jwt_cache_config", "one cache serves all providers: `jwt_cache_config` stands beside `providers`"),
    ]
);

super::number_with_default! {
    /// Seconds.
    ClockSkew(u32) = 60;
}

/// A header that may hold the token.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FromHeader {
    /// The header.
    pub name: HeaderName,
    /// What is before the token: `Bearer `. A header without it holds no token. Default: nothing.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub value_prefix: String,
}

/// A claim and what it must be: exactly one of the tests is given. A claim that is an array matches if one of its
/// elements does.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ClaimMatcher {
    /// The claim: `groups`, `realm_access.roles`; a name with a dot in it as a list: `["https://a.example/roles"]`.
    pub claim: ClaimPath,
    /// What the text must be.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub string_match: Option<StringMatcher>,
    /// What the number must be.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub number: Option<serde_json::Number>,
    /// What the boolean must be.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub boolean: Option<bool>,
    /// Whether it must be there (not `null`), or must not.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub present: Option<bool>,
    /// Whether a token passes that does not match. Default: `false`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub invert_match: bool,
}

/// Where a claim is in the payload.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(untagged))]
pub enum ClaimPath {
    /// Names joined by dots. A claim of that whole name comes first.
    Dotted(String),
    /// One name each.
    Names(Vec<String>),
}

impl Read for ClaimPath {
    fn blank() -> Self {
        Self::Dotted(String::new())
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        *self = match value {
            Value::String(text) => Self::Dotted(text.clone()),
            Value::Array(_) => Self::Names(tollgate_policy::read(value)?),
            _ => {
                let expected = "a claim, such as `realm_access.roles`, or a list of names";
                return Err(ReadError::invalid_type(value, expected));
            }
        };
        Ok(())
    }
}

/// How claims are read.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct NormalizePayload {
    /// Claims whose text is a list with spaces between, besides `scope`, `scp` and `permission`.
    pub space_delimited_claims: Vec<String>,
}

/// What becomes of `cnf`, which says whose certificate the token is bound to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum CertificateBinding {
    /// A token that is bound must come over a connection with that client certificate. One that is bound in another
    /// way (`jkt`: DPoP) cannot be checked and is refused.
    #[default]
    IfPresent,
    /// Tokens must be bound to a certificate.
    Require,
    /// `cnf` is not looked at.
    Ignore,
}

read_object!(
    FromHeader = Self { name: Read::blank(), value_prefix: String::new() };
    name (required), value_prefix
);
read_object!(
    ClaimMatcher = Self {
        claim: Read::blank(),
        string_match: None,
        number: None,
        boolean: None,
        present: None,
        invert_match: false,
    };
    claim (required), string_match, number, boolean, present, invert_match
);
read_object!(NormalizePayload = Self::default(); space_delimited_claims);
read_names!(CertificateBinding { "if_present" => IfPresent, "require" => Require, "ignore" => Ignore });
