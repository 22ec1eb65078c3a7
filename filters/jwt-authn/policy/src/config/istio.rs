//! The `jwtRules` of Istio's `RequestAuthentication`.

use serde::Deserialize;
use serde::de::{Deserializer, Error};
use tollgate_policy::{Duration, HeaderName};

/// Istio's `JWTRule` (`security.istio.io/v1`).
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields, rename_all = "camelCase")]
pub struct JwtRule {
    /// What `iss` must be.
    pub issuer: String,
    /// One of them must be in `aud`. Default: anything.
    pub audiences: Vec<String>,
    /// Where the keys are.
    #[serde(alias = "jwks_uri")]
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
    #[serde(deserialize_with = "header_or_nothing")]
    #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
    pub output_payload_to_header: Option<HeaderName>,
    /// Whether the token goes to the upstream too.
    pub forward_original_token: bool,
    /// Claims that are copied to headers.
    pub output_claim_to_headers: Vec<IstioClaimToHeader>,
    /// How long to wait for the keys. Default: `5s`.
    pub timeout: Option<Duration>,
    /// Claims whose text is a list with spaces between.
    pub space_delimited_claims: Vec<String>,
}

/// In a protobuf message, what is empty is not there.
fn header_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<HeaderName>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?.filter(|text| !text.is_empty());
    text.map(|text| text.parse().map_err(D::Error::custom)).transpose()
}

/// A header that may hold the token.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IstioHeader {
    /// The header.
    pub name: HeaderName,
    /// What is before the token.
    #[serde(default)]
    pub prefix: String,
}

/// A claim that is copied to a header.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct IstioClaimToHeader {
    /// The header.
    pub header: HeaderName,
    /// The claim.
    pub claim: String,
}
