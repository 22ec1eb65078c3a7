//! `WWW-Authenticate` (RFC 6750 section 3).

use super::url;
use crate::Reason;
use tollgate_policy::RequestFacts;

/// Whether a response has a challenge. A 401 must have one (RFC 9110 section 15.5.2); a 403 has one if
/// another token would help.
pub(super) fn applies(reason: Reason, status: u16) -> bool {
    status == 401 || (status == 403 && reason != Reason::UnknownRequirement)
}

/// Returns the challenge. For a client without a token, it contains only the scheme, the realm, and the URL
/// of the resource's metadata, if it has one.
pub(super) fn of<'s>(
    reason: Reason,
    realm: Option<&str>,
    scopes: impl Iterator<Item = &'s str>,
    metadata_url: Option<&str>,
    request: &RequestFacts<'_>,
) -> Vec<u8> {
    let mut out = b"Bearer realm=\"".to_vec();
    match realm {
        Some(realm) => quoted(realm.as_bytes(), &mut out),
        None => url::without_query(request, &mut out),
    }
    out.push(b'"');
    challenge_error(reason, scopes, &mut out);
    // RFC 9728 section 5.1.
    if let Some(url) = metadata_url {
        parameter("resource_metadata", url, &mut out);
    }
    out
}

fn challenge_error<'s>(reason: Reason, scopes: impl Iterator<Item = &'s str>, out: &mut Vec<u8>) {
    let Some(error) = error(reason) else { return };
    parameter("error", error, out);
    parameter("error_description", reason.text(), out);
    if reason == Reason::InsufficientScope {
        let mut separator: &[u8] = b", scope=\"";
        for scope in scopes {
            out.extend_from_slice(separator);
            out.extend(scope.bytes().filter(is_of_scope));
            separator = b" ";
        }
        if separator == b" " {
            out.push(b'"');
        }
    }
}

fn parameter(name: &str, value: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(b", ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    quoted(value.as_bytes(), out);
    out.push(b'"');
}

/// Returns the error code of RFC 6750 section 3.1; `None` if the token is absent or not the cause.
pub(super) fn error(reason: Reason) -> Option<&'static str> {
    match reason {
        Reason::Missing | Reason::UnknownRequirement => None,
        Reason::TooManyTokens | Reason::InvalidPath | Reason::AmbiguousPath => Some("invalid_request"),
        Reason::InsufficientScope | Reason::ClaimNotAllowed => Some("insufficient_scope"),
        reason if reason.status() == 0 => None,
        _ => Some("invalid_token"),
    }
}

/// Appends the inside of a quoted-string (RFC 9110 section 5.6.4), without control characters.
fn quoted(text: &[u8], out: &mut Vec<u8>) {
    for byte in text {
        match byte {
            b'"' | b'\\' => out.extend([b'\\', *byte]),
            b' '..=b'~' | 0x80.. => out.push(*byte),
            _ => {}
        }
    }
}

/// Whether a byte may be part of a scope (RFC 6749 section 3.3).
fn is_of_scope(byte: &u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~')
}
