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
    /// Required value of `iss`.
    pub issuer: String,
    /// Accepted audiences; `aud` must contain one of them. Default: any.
    pub audiences: Vec<String>,
    /// URL of the keys.
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
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub output_payload_to_header: HeaderOrNothing,
    /// Forward the token to the upstream.
    pub forward_original_token: bool,
    /// Claims to copy to headers.
    pub output_claim_to_headers: Vec<IstioClaimToHeader>,
    /// Time to wait for the keys. Default: `5s`.
    pub timeout: Option<Duration>,
    /// Claims whose text is a list separated by spaces, in addition to `scope` and `permission`.
    pub space_delimited_claims: Vec<String>,
}

/// A header, or `None` for the empty text: in a protobuf message, an empty field is absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HeaderOrNothing(pub Option<HeaderName>);

/// A header to read the token from.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct IstioHeader {
    /// Name of the header.
    pub name: HeaderName,
    /// Text before the token.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub prefix: String,
}

/// A claim to copy to a header.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct IstioClaimToHeader {
    /// Name of the header.
    pub header: HeaderName,
    /// Name or path of the claim.
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
