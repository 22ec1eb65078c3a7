//! Values of a token that are passed on.

use super::ClaimPath;
use tollgate_policy::{Config, HeaderName};

/// A claim to copy to a header. A header of this name that the client sent is always removed.
#[derive(Clone, Debug, Config)]
pub struct ClaimToHeader {
    /// Name of the header.
    pub header_name: HeaderName,
    /// Name or path of the claim. An absent claim creates no header. Set either this or `claim_path`.
    pub claim_name: Option<ClaimPath>,
    /// Path of the claim, as in Envoy: names from the outermost claim to the innermost.
    #[config(default)]
    pub claim_path: Vec<ClaimPathSegment>,
    /// Format of an array of texts, numbers and booleans. Default: `join`.
    #[config(default = ArrayFormat::Join)]
    pub array_format: ArrayFormat,
    /// Text between the elements of a joined array. Default: `,`.
    pub separator: Option<String>,
}

/// Envoy's `PathSegment`.
#[derive(Clone, Debug, Config)]
pub struct ClaimPathSegment {
    /// Name of a claim, or of a member of the claim before it.
    pub key: String,
}

/// Format of a claim that is an array. An object, and an array that contains arrays or objects, is JSON in
/// base64 unless `json` is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum ArrayFormat {
    /// Elements joined with the separator. If an element contains the separator, the array is JSON in base64
    /// instead, because it could not be split again.
    #[default]
    Join,
    /// JSON text in ASCII.
    Json,
    /// JSON text in base64 with padding, as in Envoy.
    Base64,
}

/// Filter state that is set for later filters (`rbac`, `rate-limit`) and for access logs
/// (`%FILTER_STATE(wasm.jwt_authn.principal:PLAIN)%`).
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct FilterState {
    /// Set `jwt_authn.principal` to `<iss>/<sub>`, like Istio's `request.auth.principal`, and
    /// `jwt_authn.provider` to the name of the token's provider. Default: `true`.
    pub principal: bool,
    /// Set `jwt_authn.payload` to the payload of the first token, as JSON; with several tokens, also set
    /// `jwt_authn.payloads` to all of them. Default: `true`.
    pub payload: bool,
    /// Set `jwt_authn.failure` to the reason for which the request would have been rejected, in shadow mode
    /// and with `on_error: allow`. Default: `true`.
    pub failure: bool,
}

impl Default for FilterState {
    fn default() -> Self {
        Self { principal: true, payload: true, failure: true }
    }
}
