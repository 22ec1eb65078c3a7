//! Why a key is refused.

use core::fmt;

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
