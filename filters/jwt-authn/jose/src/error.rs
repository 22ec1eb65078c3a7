//! Errors of tokens and key sets.

use crate::signature::KeyError;
use core::fmt;

/// Error of a malformed token. An operator can act on each variant; the policy decides about the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenError {
    /// The token is not three parts joined by dots.
    NotThreeParts,
    /// The header is not canonical base64url (no padding, no other alphabet, no trailing bits).
    HeaderNotBase64,
    /// The header is not a strict JSON object: without duplicate members, without trailing text, with limited
    /// nesting.
    HeaderNotJson,
    /// `alg` is absent or not a string.
    HeaderWithoutAlgorithm,
    /// `alg` is `none` or not supported.
    UnknownAlgorithm,
    /// `kid` is not a string, or is longer than the limit.
    BadKeyId,
    /// `typ` or `cty` is not a string.
    BadType,
    /// `crit` is present, and no extension is supported (RFC 7515 section 4.1.11). Or `b64` is present and
    /// not true (RFC 7797), or `enc` or `zip` is present (RFC 7516), which change the meaning of the token.
    CriticalExtension,
    /// The payload is not canonical base64url.
    PayloadNotBase64,
    /// The payload is not a strict JSON object.
    PayloadNotJson,
    /// The signature is not canonical base64url, or is empty.
    SignatureNotBase64,
}

/// Error of a key set that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// The text is larger than this limit, in bytes.
    TooLarge(usize),
    /// The text is neither a JSON object with an array `keys`, nor a single JWK, nor an object of
    /// certificates.
    NotAKeySet,
    /// The set has more keys than this limit.
    TooManyKeys(usize),
    /// No key of the set can be used. Contains the error of the first key.
    NoUsableKey(Option<KeyError>),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "key set is larger than {limit} bytes"),
            Self::NotAKeySet => f.write_str("not a JSON object with an array `keys`"),
            Self::TooManyKeys(limit) => write!(f, "key set has more than {limit} keys"),
            Self::NoUsableKey(None) => f.write_str("key set has no keys"),
            Self::NoUsableKey(Some(error)) => write!(f, "key set has no usable key: {error}"),
        }
    }
}

impl core::error::Error for KeySetError {}
