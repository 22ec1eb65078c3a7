//! The query of a path, piece by piece, so that what is left of it can be put together byte for byte.

use std::borrow::Cow;

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
        *decoded(self.name) == *name.as_bytes()
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

/// Percent-decoded, once. What is no valid escape stands for itself, and so does `+`: neither it nor the space that it
/// may mean is part of a token.
pub(super) fn decoded(text: &[u8]) -> Cow<'_, [u8]> {
    if !text.contains(&b'%') {
        return Cow::Borrowed(text);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [byte, after @ ..] = rest {
        rest = after;
        out.push(match (byte, after) {
            (b'%', [high, low, behind @ ..]) => match (digit(high), digit(low)) {
                (Some(high), Some(low)) => {
                    rest = behind;
                    high << 4 | low
                }
                _ => b'%',
            },
            (byte, _) => *byte,
        });
    }
    Cow::Owned(out)
}
