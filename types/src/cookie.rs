//! Parses a `Cookie` header (RFC 6265 section 5.4) as servers do.

/// A cookie as sent.
#[derive(Clone, Copy, Debug)]
pub struct Cookie<'r> {
    /// The whole cookie, with the white space around it.
    pub raw: &'r [u8],
    /// The name, without white space around it. Case-sensitive.
    pub name: &'r [u8],
    /// The value, without quotes around it (RFC 6265 section 4.1.1).
    pub value: &'r [u8],
}

/// Returns the cookies of a header, in order.
pub fn cookies(header: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    header.split(|byte| *byte == b';').map(|raw| {
        let mut halves = raw.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default().trim_ascii();
        let value = halves.next().unwrap_or_default().trim_ascii();
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        Cookie { raw, name, value: bare.unwrap_or(value) }
    })
}
