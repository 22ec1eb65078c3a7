//! Why a token or a key is refused.

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
    /// `crit` is present: no extension is understood (RFC 7515 section 4.1.11); `b64` falls under it.
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
    /// PEM that cannot be read.
    Pem(&'static str),
}

/// Why a key set cannot be used at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySetError {
    /// Larger than the limit, in bytes.
    TooLarge(usize),
    /// Not a JSON object with an array `keys`.
    NotAKeySet,
    /// More keys than the limit.
    TooManyKeys(usize),
    /// Not one key of it can be used; with why the first could not.
    NoUsableKey(Option<KeyError>),
}
