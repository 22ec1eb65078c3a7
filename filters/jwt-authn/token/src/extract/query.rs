//! Parses a query into its parameters, so that the rest can be joined again byte for byte.

use std::borrow::Cow;
use tollgate_policy::percent_decoded;

/// A parameter as sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'r> {
    /// The whole parameter.
    pub(super) raw: &'r [u8],
    name: &'r [u8],
    /// The value, not decoded; empty without an `=`.
    pub(super) value: &'r [u8],
}

impl Parameter<'_> {
    /// Whether the decoded name is `name`. Without decoding, `access%5Ftoken` would not be recognised.
    pub(super) fn is(&self, name: &str) -> bool {
        // Decoding never makes a text longer.
        self.name.len() >= name.len() && *decoded(self.name) == *name.as_bytes()
    }
}

/// Returns the parameters of a query, in order. Splits only at `&`, as Envoy does.
pub(super) fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    query.split(|byte| *byte == b'&').map(|raw| {
        let mut halves = raw.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        Parameter { raw, name, value: halves.next().unwrap_or_default() }
    })
}

/// Decodes percent-encoding. `+` is not decoded: neither `+` nor a space can be part of a token.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decoded(text)
}
