//! The query of a path, piece by piece, so that what is left of it can be put together byte for byte.

use std::borrow::Cow;
use tollgate_policy::percent_decoded;

/// A parameter as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parameter<'r> {
    /// All of it.
    pub(super) raw: &'r [u8],
    name: &'r [u8],
    /// Not decoded; empty without an `=`.
    pub(super) value: &'r [u8],
}

impl Parameter<'_> {
    /// Whether that is its name once it is decoded, or `access%5Ftoken` would get past.
    pub(super) fn is(&self, name: &str) -> bool {
        // To decode makes nothing longer.
        self.name.len() >= name.len() && *decoded(self.name) == *name.as_bytes()
    }
}

/// The parameters of a query, in order. Splits at `&` alone, as Envoy does.
pub(super) fn parameters(query: &[u8]) -> impl Iterator<Item = Parameter<'_>> {
    query.split(|byte| *byte == b'&').map(|raw| {
        let mut halves = raw.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default();
        Parameter { raw, name, value: halves.next().unwrap_or_default() }
    })
}

/// A `+` stands for itself: neither it nor the space that it may mean is part of a token.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    percent_decoded(text)
}
