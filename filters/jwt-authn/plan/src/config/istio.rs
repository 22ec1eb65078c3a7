//! The `jwtRules` of Istio's `RequestAuthentication`.

use tollgate_policy::{Duration, HeaderName, Read, ReadError, Value, read_object};

/// Istio's `JWTRule` (`security.istio.io/v1`).
#[derive(Clone, Debug, Default)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(default, deny_unknown_fields, rename_all = "camelCase")
)]
pub struct JwtRule {
    /// What `iss` must be.
    pub issuer: String,
    /// One of them must be in `aud`. Default: anything.
    pub audiences: Vec<String>,
    /// Where the keys are.
    pub jwks_uri: Option<String>,
    /// The keys. Default, without `jwksUri` too: where the issuer says (OpenID Connect Discovery 1.0).
    pub jwks: Option<String>,
    /// Headers that may hold the token.
    pub from_headers: Vec<IstioHeader>,
    /// Query parameters that may hold it.
    pub from_params: Vec<String>,
    /// Cookies that may hold it.
    pub from_cookies: Vec<String>,
    /// The header that takes the payload to the upstream.
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub output_payload_to_header: HeaderOrNothing,
    /// Whether the token goes to the upstream too.
    pub forward_original_token: bool,
    /// Claims that are copied to headers.
    pub output_claim_to_headers: Vec<IstioClaimToHeader>,
    /// How long to wait for the keys. Default: `5s`.
    pub timeout: Option<Duration>,
    /// Claims whose text is a list with spaces between.
    pub space_delimited_claims: Vec<String>,
}

/// A header, or the empty text: in a protobuf message, what is empty is not there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderOrNothing(pub Option<HeaderName>);

/// A header that may hold the token.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct IstioHeader {
    /// The header.
    pub name: HeaderName,
    /// What is before the token.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub prefix: String,
}

/// A claim that is copied to a header.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct IstioClaimToHeader {
    /// The header.
    pub header: HeaderName,
    /// The claim.
    pub claim: String,
}

read_object!(
    JwtRule = Self::default();
    issuer,
    audiences,
    jwks_uri as "jwksUri" or "jwks_uri",
    jwks,
    from_headers as "fromHeaders",
    from_params as "fromParams",
    from_cookies as "fromCookies",
    output_payload_to_header as "outputPayloadToHeader",
    forward_original_token as "forwardOriginalToken",
    output_claim_to_headers as "outputClaimToHeaders",
    timeout,
    space_delimited_claims as "spaceDelimitedClaims",
);
read_object!(
    IstioHeader = Self { name: Read::blank(), prefix: String::new() };
    name (required), prefix
);
read_object!(
    IstioClaimToHeader = Self { header: Read::blank(), claim: String::new() };
    header (required), claim (required)
);

impl Read for HeaderOrNothing {
    fn blank() -> Self {
        Self::default()
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        if value.as_str() == Some("") { Ok(()) } else { self.0.fill(value) }
    }
}
