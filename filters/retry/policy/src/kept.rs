//! A request that is kept, so that it can be sent again.

use crate::CONTROLS;
use tollgate_policy::RequestFacts;

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
pub(crate) fn size(fields: &[(String, Vec<u8>)]) -> usize {
    fields.iter().map(|(name, value)| FIELD + name.len() + value.len()).sum()
}

/// A request that is kept, so that it can be sent again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// `:method`.
    pub method: String,
    /// `:path`.
    pub path: String,
    /// `:authority`.
    pub authority: String,
    /// Headers, without pseudo-headers.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The part of the body that has arrived.
    pub body: Vec<u8>,
    /// Whether the body is complete.
    pub is_complete: bool,
}

impl Kept {
    /// Copies a request. `None` if a name or a pseudo-header is not text, or if the connection is upgraded:
    /// then it cannot be repeated.
    pub(crate) fn new(facts: &RequestFacts<'_>) -> Option<Self> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let mut kept = Self {
            method: text(facts.method)?,
            path: text(facts.path)?,
            authority: text(facts.authority)?,
            ..Self::default()
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

    /// Replaces a header.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.headers.retain(|(other, _)| other != name);
        self.headers.push((name.into(), value.into_bytes()));
    }

    /// Number of bytes that are kept.
    pub fn size(&self) -> usize {
        size(&self.headers) + self.path.len() + self.authority.len() + self.body.len()
    }
}
