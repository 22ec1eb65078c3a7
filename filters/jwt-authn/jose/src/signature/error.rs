//! Errors of keys.

use core::fmt;

/// Error of a key that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// A member is absent, of the wrong type or malformed.
    Member(&'static str),
    /// `kty`, `crv` or the algorithm of a certificate is not supported.
    Unsupported(Box<str>),
    /// `use`, `key_ops` or `alg` does not permit verifying signatures.
    NotForVerifying(&'static str),
    /// The key is too weak: RSA under 2048 bits, or a secret shorter than the hash of its `alg` (or than 32
    /// bytes).
    Weak(&'static str),
    /// The key is too large: RSA over 8192 bits (verification would take too long), or a secret over 1 KiB.
    TooLarge(&'static str),
    /// The key is invalid, for example a point that is not on its curve, or an even or tiny modulus or
    /// exponent.
    Invalid(&'static str),
    /// The key contains a part of a private key, which is now public and must be replaced.
    Private(&'static str),
    /// The PEM is invalid.
    Pem(&'static str),
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(name) => write!(f, "`{name}` is missing or malformed"),
            Self::Unsupported(name) => {
                // The text of the issuer. It must not break a line of a log, nor fill it.
                let shown: String = name.chars().take(64).collect();
                let more = if shown.len() < name.len() { ".." } else { "" };
                write!(f, "`{}{more}` is not supported", shown.escape_debug())
            }
            Self::NotForVerifying(name) => {
                write!(f, "`{name}` does not permit verifying signatures")
            }
            Self::Weak(what) => write!(f, "too weak: {what}"),
            Self::TooLarge(what) => write!(f, "too large: {what}"),
            Self::Invalid(what) => write!(f, "invalid key: {what}"),
            Self::Private(name) => {
                write!(f, "`{name}` belongs to a private key, which has leaked; replace the key")
            }
            Self::Pem(what) => write!(f, "invalid PEM of public keys: {what}"),
        }
    }
}

impl core::error::Error for KeyError {}
