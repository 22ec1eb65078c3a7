//! Why a token or a key set is refused.

use core::fmt;
use tollgate_signature::KeyError;

/// Why a token cannot be read. The shortest list of reasons that an operator can act on; the policy says how each is
/// answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenError {
    /// Not three parts joined by dots.
    NotThreeParts,
    /// The header is not canonical base64url (no padding, no other alphabet, no trailing bits).
    HeaderNotBase64,
    /// The header is not one strict JSON object: no duplicate members, nothing behind it, bounded nesting.
    HeaderNotJson,
    /// `alg` is absent or not a string.
    HeaderWithoutAlgorithm,
    /// `alg` is `none` or one that is not offered.
    UnknownAlgorithm,
    /// `kid` is not a string, or is longer than the limit.
    BadKeyId,
    /// `typ` or `cty` is not a string.
    BadType,
    /// `crit` is present: no extension is understood (RFC 7515 section 4.1.11). Or `b64` that is not true (RFC 7797),
    /// `enc` or `zip` (RFC 7516), which change what the token is.
    CriticalExtension,
    /// The payload is not canonical base64url.
    PayloadNotBase64,
    /// The payload is not one strict JSON object.
    PayloadNotJson,
    /// The signature is not canonical base64url, or is empty.
    SignatureNotBase64,
}

/// Why a key set cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Larger than this limit, in bytes.
    TooLarge(usize),
    /// Neither a JSON object with an array `keys`, nor a single JWK, nor an object of certificates.
    NotAKeySet,
    /// More keys than this limit.
    TooManyKeys(usize),
    /// Not one key of it can be used; with why the first could not.
    NoUsableKey(Option<KeyError>),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge(limit) => write!(f, "key set of more than {limit} bytes"),
            Self::NotAKeySet => f.write_str("not a JSON object with an array `keys`"),
            Self::TooManyKeys(limit) => write!(f, "key set of more than {limit} keys"),
            Self::NoUsableKey(None) => f.write_str("key set without a key"),
            Self::NoUsableKey(Some(error)) => write!(f, "key set without a usable key: {error}"),
        }
    }
}

impl core::error::Error for KeySetError {}
