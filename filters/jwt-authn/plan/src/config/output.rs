//! What is passed on of a token.

use super::ClaimPath;
use tollgate_policy::{HeaderName, Read, read_names, read_object};

/// A claim that is copied to a header. What a client sends under that name is always removed.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct ClaimToHeader {
    /// The header.
    pub header_name: HeaderName,
    /// The claim. A claim that is not there makes no header.
    pub claim_name: ClaimPath,
    /// How an array of texts, numbers and booleans is written. Default: `join`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub array_format: ArrayFormat,
    /// What is between the elements of one that is joined. Default: `,`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub separator: Option<String>,
}

/// How a claim that is an array is written. An object, and an array that holds arrays or objects, is JSON in base64
/// unless `json` is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum ArrayFormat {
    /// Its elements with the separator between. An element that holds the separator makes the whole JSON in base64,
    /// since nobody could take it apart again.
    #[default]
    Join,
    /// JSON text, in ASCII.
    Json,
    /// JSON text in base64 (with padding), as Envoy does.
    Base64,
}

/// What is left in the filter state, for later filters (`rbac`, `rate-limit`) and for access logs
/// (`%FILTER_STATE(wasm.jwt_authn.principal:PLAIN)%`).
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct FilterState {
    /// `jwt_authn.principal`: `<iss>/<sub>`, as Istio's `request.auth.principal`; and `jwt_authn.provider`: whose token it
    /// is. Default: `true`.
    pub principal: bool,
    /// `jwt_authn.payload`: the payload as JSON; of several tokens the first one's, and all of them in
    /// `jwt_authn.payloads`. Default: `true`.
    pub payload: bool,
    /// `jwt_authn.failure`: why the request was refused, or would have been. Default: `true`.
    pub failure: bool,
}

impl Default for FilterState {
    fn default() -> Self {
        Self { principal: true, payload: true, failure: true }
    }
}

read_object!(
    ClaimToHeader = Self {
        header_name: Read::blank(),
        claim_name: Read::blank(),
        array_format: ArrayFormat::Join,
        separator: None,
    };
    header_name (required), claim_name (required), array_format, separator
);
read_names!(ArrayFormat { "join" => Join, "json" => Json, "base64" => Base64 });
read_object!(FilterState = Self::default(); principal, payload, failure);
