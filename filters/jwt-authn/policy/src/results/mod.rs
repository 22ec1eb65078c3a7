//! Values of verified tokens that are passed on: headers for the upstream, filter state for later filters and
//! access logs.
//!
//! [`render`] runs once per token, and the cache keeps its result. [`edits`] and [`filter_state`] borrow from
//! it, so a cached token needs no formatting and no copies.
//!
//! A claim may contain any text. A text that cannot be a header value without changes creates no header: an
//! upstream that sees fewer claims allows less.

mod base64;
pub(crate) mod claim_path;
mod header;
#[cfg(test)]
mod tests;

use crate::config::{FilterState, Provider};
use crate::plan::PlannedProvider;
use std::borrow::Cow;
use tollgate_jose::Json;
use tollgate_policy::{HeaderEdit, HeaderName, RequestFacts};

/// Filter state: `<iss>/<sub>` of the first verified token, like Istio's `request.auth.principal`.
pub const PRINCIPAL: &str = "jwt_authn.principal";
/// Filter state: name of the provider of the first verified token.
pub const PROVIDER: &str = "jwt_authn.provider";
/// Filter state: payload of the first verified token, as signed.
pub const PAYLOAD: &str = "jwt_authn.payload";
/// Filter state, only if several tokens were verified: `[{"provider": "<name>", "payload": {..}}, ..]`,
/// including the first.
pub const PAYLOADS: &str = "jwt_authn.payloads";
/// Filter state: name of the [`crate::Reason`] for which the request would have been rejected, in shadow mode
/// and with `on_error: allow`.
pub const FAILURE: &str = "jwt_authn.failure";

/// Values of a token that are passed on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rendered {
    /// Header values, by their index in `claim_to_headers`.
    claims: Vec<(usize, Box<[u8]>)>,
    payload_header: Option<Box<[u8]>>,
    principal: Option<Box<str>>,
    payload: Box<[u8]>,
}

impl Rendered {
    /// Length in bytes, for the bounds of the cache.
    pub fn bytes(&self) -> usize {
        let claims: usize = self.claims.iter().map(|(_, value)| value.len()).sum();
        claims
            + self.payload_header.as_deref().map_or(0, <[u8]>::len)
            + self.principal.as_deref().map_or(0, str::len)
            + self.payload.len()
    }

    /// Returns `<iss>/<sub>`; `None` if one of them is absent or empty.
    pub fn principal(&self) -> Option<&str> {
        self.principal.as_deref()
    }

    /// Returns the payload: the JSON text that was signed.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

/// Returns the values to pass on, for a token of `provider` with these `claims`. `payload` is their JSON
/// text.
pub fn render(provider: &Provider, claims: &Json, payload: &[u8]) -> Rendered {
    let header = |(index, output): (usize, &crate::config::ClaimToHeader)| {
        let claim = claim_path::find(output.claim_name.as_ref()?, claims)?;
        header::value(claim, output).map(|value| (index, value.into()))
    };
    Rendered {
        claims: provider.claim_to_headers.iter().enumerate().filter_map(header).collect(),
        payload_header: provider
            .forward_payload_header
            .is_some()
            .then(|| base64::url(payload, provider.pad_forward_payload_header).into()),
        principal: principal(claims),
        payload: payload.into(),
    }
}

/// Returns the principal. As in Istio, nothing is escaped, so the principals of two issuers can be equal if
/// the name of one begins with the name of the other. To distinguish them, compare `iss` and `sub` of the
/// payload.
fn principal(claims: &Json) -> Option<Box<str>> {
    let text = |name| claims.get(name).and_then(Json::as_str).filter(|text| !text.is_empty());
    Some(format!("{}/{}", text("iss")?, text("sub")?).into())
}

/// Returns the header edits: removes the client's headers in `sanitized`, and sets the headers of the
/// verified tokens. If several tokens set the same header, each adds its value, as in Envoy. A token that
/// meets several requirements adds its value once.
pub fn edits<'p>(
    sanitized: &'p [HeaderName],
    request: &RequestFacts<'_>,
    verified: impl Iterator<Item = (&'p Provider, &'p Rendered)>,
) -> Vec<HeaderEdit<'p>> {
    let mut edits = Vec::new();
    let mut payloads = Vec::new();
    for (provider, rendered) in verified {
        let mut put = |name, value| put(&mut edits, &mut payloads, name, value, rendered.payload());
        if let (Some(name), Some(value)) = (&provider.forward_payload_header, &rendered.payload_header) {
            put(name, value);
        }
        for (index, value) in &rendered.claims {
            if let Some(output) = provider.claim_to_headers.get(*index) {
                put(&output.header_name, value);
            }
        }
    }
    let left = sanitized
        .iter()
        .filter(|name| request.headers.has(name) && !edits.iter().any(|edit| edit.name() == *name));
    let removed: Vec<_> = left.map(HeaderEdit::Remove).collect();
    edits.extend(removed);
    edits
}

/// Adds an edit, unless the same token has added it. The first value replaces the client's header, which
/// saves a host call. `payloads` are those of the tokens of `edits`. They identify tokens: equal payloads
/// have equal values.
fn put<'p>(
    edits: &mut Vec<HeaderEdit<'p>>,
    payloads: &mut Vec<&'p [u8]>,
    name: &'p HeaderName,
    value: &'p [u8],
    payload: &'p [u8],
) {
    let mut first = true;
    for (edit, of) in edits.iter().zip(payloads.iter()).filter(|(edit, _)| edit.name() == name) {
        first = false;
        if edit.value() == Some(value) && *of == payload {
            return;
        }
    }
    let value = Cow::Borrowed(value);
    edits.push(if first { HeaderEdit::Set(name, value) } else { HeaderEdit::Add(name, value) });
    payloads.push(payload);
}

/// Returns the filter state to set for the verified tokens, which are in the order of the requirement.
pub fn filter_state<'p>(
    config: &FilterState,
    verified: impl Iterator<Item = (&'p PlannedProvider, &'p Rendered)> + Clone,
) -> Vec<(&'static str, Cow<'p, [u8]>)> {
    let mut all = verified.clone();
    let Some((provider, first)) = all.next() else { return Vec::new() };
    // A token that meets several requirements counts once for each provider.
    let is_other = |(other, rendered): &(&PlannedProvider, &Rendered)| {
        (&other.name, rendered.payload()) != (&provider.name, first.payload())
    };
    let mut state = Vec::with_capacity(3);
    if config.principal {
        state.push((PROVIDER, Cow::Borrowed(provider.name.as_bytes())));
        state.extend(first.principal().map(|principal| (PRINCIPAL, Cow::Borrowed(principal.as_bytes()))));
    }
    if config.payload {
        state.push((PAYLOAD, Cow::Borrowed(first.payload())));
        if all.any(|one| is_other(&one)) {
            state.push((PAYLOADS, Cow::Owned(payloads(verified))));
        }
    }
    state
}

/// Returns all payloads as a JSON array. Each payload was parsed strictly as JSON, so it can be embedded
/// unchanged.
fn payloads<'p>(verified: impl Iterator<Item = (&'p PlannedProvider, &'p Rendered)>) -> Vec<u8> {
    let mut out = vec![b'['];
    let mut written: Vec<(&str, &[u8])> = Vec::new();
    for (provider, rendered) in verified {
        let one = (provider.name.as_str(), rendered.payload());
        if written.contains(&one) {
            continue;
        }
        written.push(one);
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(b"{\"provider\":");
        out.extend_from_slice(Json::String(provider.name.as_str().into()).to_string().as_bytes());
        out.extend_from_slice(b",\"payload\":");
        out.extend_from_slice(rendered.payload());
        out.push(b'}');
    }
    out.push(b']');
    out
}
