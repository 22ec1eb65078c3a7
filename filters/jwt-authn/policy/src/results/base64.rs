//! base64 of what is passed on (RFC 4648). What is read is `tollgate_jose::base64url`'s.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// base64 with padding.
pub(super) fn standard(bytes: &[u8]) -> Vec<u8> {
    encode(bytes, STANDARD, true)
}

/// base64url, with padding if asked for.
pub(super) fn url(bytes: &[u8], padded: bool) -> Vec<u8> {
    encode(bytes, URL, padded)
}

fn encode(bytes: &[u8], alphabet: &[u8; 64], padded: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let byte = |index: usize| group.get(index).copied().map_or(0, u32::from);
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            if index <= group.len() {
                let six = usize::try_from(bits >> shift & 63).unwrap_or_default();
                out.extend(alphabet.get(six));
            } else if padded {
                out.push(b'=');
            }
        }
    }
    out
}
