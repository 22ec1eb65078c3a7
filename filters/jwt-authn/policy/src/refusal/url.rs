//! The requested URL, as far as the proxy knows it.

use tollgate_policy::RequestFacts;

/// Maximum length of the path in a realm, as in Envoy (`MaximumUriLength` in its `jwt_authn/filter.cc`).
const MAX_REALM_PATH: usize = 256;

/// Returns `https` unless the proxy says `http`. The proxy sets `x-forwarded-proto`; it trusts a client's
/// value only if configured to.
pub(super) fn scheme(request: &RequestFacts<'_>) -> &'static str {
    let forwarded = request.headers.first("x-forwarded-proto");
    match forwarded.or_else(|| request.headers.first(":scheme")) {
        Some(b"http") => "http",
        _ => "https",
    }
}

/// Appends the URL without its query, for a realm. Envoy includes the query, which may contain a token and
/// ends up in the logs of clients.
pub(super) fn without_query(request: &RequestFacts<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(scheme(request).as_bytes());
    out.extend_from_slice(b"://");
    let path = request.path_only();
    let path = path.get(..MAX_REALM_PATH).unwrap_or(path);
    let authority = request.authority.get(..MAX_REALM_PATH).unwrap_or(request.authority);
    for byte in authority.iter().chain(path) {
        match byte {
            b'!' | b'#'..=b'>' | b'@'..=b'[' | b']'..=b'~' => out.push(*byte),
            byte => percent(*byte, out),
        }
    }
}

/// Appends a percent-encoded byte, such as `%20`.
pub(super) fn percent(byte: u8, out: &mut Vec<u8>) {
    let digit = |value: u8| char::from_digit(value.into(), 16).unwrap_or('0').to_ascii_uppercase();
    out.push(b'%');
    out.extend([byte >> 4, byte & 15].map(|value| u8::try_from(digit(value)).unwrap_or(b'0')));
}
