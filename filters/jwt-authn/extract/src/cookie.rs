//! Cookies of a `Cookie` header (RFC 6265 section 5.4), read as servers read them.

/// A cookie as it was sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cookie<'r> {
    /// All of it, with the white space around it.
    pub(super) raw: &'r [u8],
    pub(super) name: &'r [u8],
    /// Without the quotes that may be around it (RFC 6265 section 4.1.1).
    pub(super) value: &'r [u8],
}

/// The cookies of a header, in order.
pub(super) fn cookies(header: &[u8]) -> impl Iterator<Item = Cookie<'_>> {
    header.split(|byte| *byte == b';').map(|raw| {
        let mut halves = raw.splitn(2, |byte| *byte == b'=');
        let name = halves.next().unwrap_or_default().trim_ascii();
        let value = halves.next().unwrap_or_default().trim_ascii();
        let bare = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\""));
        Cookie { raw, name, value: bare.unwrap_or(value) }
    })
}
