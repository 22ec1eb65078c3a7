//! Why a token or a key is refused.

use core::fmt;

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

/// Why a key cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A member is absent, of the wrong type or malformed.
    Member(&'static str),
    /// `kty`, `crv` or the algorithm of a certificate is not one that is offered.
    Unsupported(Box<str>),
    /// `use`, `key_ops` or `alg` says that it is not for verifying signatures of its kind.
    NotForVerifying(&'static str),
    /// Too weak: RSA under 2048 bits, a secret shorter than the hash of its `alg` (or than 32 bytes).
    Weak(&'static str),
    /// Too large: RSA over 8192 bits (a signature would take too long), a secret over 1 KiB.
    TooLarge(&'static str),
    /// A point that is not on its curve, an even or tiny modulus or exponent.
    Invalid(&'static str),
    /// Part of a private key: whoever published it has to replace it.
    Private(&'static str),
    /// PEM that cannot be read.
    Pem(&'static str),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "`{name}` is missing or malformed"),
            Self::Unsupported(name) => write!(f, "`{name}` is not supported"),
            Self::NotForVerifying(name) => write!(f, "by its `{name}` it is not for verifying signatures"),
            Self::Weak(what) => write!(f, "too weak: {what}"),
            Self::TooLarge(what) => write!(f, "too large: {what}"),
            Self::Invalid(what) => write!(f, "not valid: {what}"),
            Self::Private(name) => write!(f, "`{name}` is of a private key, which has leaked: replace it"),
            Self::Pem(what) => write!(f, "not the PEM of public keys: {what}"),
        }
    }
}

impl core::error::Error for KeyError {}

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
