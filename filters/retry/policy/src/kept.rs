//! A request that is kept, so that it can be sent again.

use crate::CONTROLS;
use tollgate_policy::RequestFacts;
use tollgate_policy::replay::{Field, Request};

/// Headers that a repeated request must not have: they belong to a connection, or the host sets them.
const DROPPED: [&[u8]; 11] = [
    b"connection",
    b"keep-alive",
    b"proxy-connection",
    b"proxy-authorization",
    b"transfer-encoding",
    b"upgrade",
    b"host",
    b"content-length",
    b"expect",
    b"x-envoy-internal",
    b"x-envoy-attempt-count",
];

/// Bytes that a field takes in addition to its name and value: two allocations, and their pointers.
const FIELD: usize = 64;

/// Number of bytes of fields.
pub(crate) fn size(fields: &[Field]) -> usize {
    fields.iter().map(|(name, value)| FIELD + name.len() + value.len()).sum()
}

/// Replaces a field.
pub(crate) fn set(fields: &mut Vec<Field>, name: &str, value: impl Into<Vec<u8>>) {
    fields.retain(|(other, _)| other != name);
    fields.push((name.into(), value.into()));
}

/// Copies a request. `None` if a name or a pseudo-header is not text, or if the connection is upgraded: then
/// it cannot be repeated.
pub(crate) fn copy(facts: &RequestFacts<'_>) -> Option<Request> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
    let mut kept = Request {
        method: text(facts.method)?,
        path: text(facts.path)?,
        authority: text(facts.authority)?,
        ..Request::default()
    };
    if facts.headers.has("upgrade") {
        return None;
    }
    for (name, value) in facts.headers.0 {
        let is_control = || CONTROLS.iter().any(|control| control.as_str().as_bytes() == *name);
        if !name.starts_with(b":") && !DROPPED.contains(name) && !is_control() {
            kept.headers.push((text(name)?, value.to_vec()));
        }
    }
    Some(kept)
}

/// Number of bytes of a request that are kept.
pub(crate) fn request_size(kept: &Request) -> usize {
    size(&kept.headers) + kept.path.len() + kept.authority.len() + kept.body.len()
}
