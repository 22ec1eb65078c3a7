//! Signature algorithms (RFC 7518 section 3.1, RFC 8037, RFC 9864).

use core::fmt;
use core::str::FromStr;

macro_rules! algorithms {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $family:expr, $hash:expr;)*) => {
        /// A signature algorithm, by its `alg` value. `none` is not among them.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Algorithm { $($(#[$doc])* $variant,)* }

        impl Algorithm {
            /// All algorithms.
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            /// Returns the value of `alg`.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }

            /// Returns the family of keys that it takes.
            pub const fn family(self) -> Family {
                match self { $(Self::$variant => $family,)* }
            }

            /// Returns its hash function.
            pub const fn hash(self) -> Hash {
                match self { $(Self::$variant => $hash,)* }
            }
        }
    };
}

algorithms! {
    /// HMAC with SHA-256.
    Hs256 = "HS256", Family::Hmac, Hash::Sha256;
    /// HMAC with SHA-384.
    Hs384 = "HS384", Family::Hmac, Hash::Sha384;
    /// HMAC with SHA-512.
    Hs512 = "HS512", Family::Hmac, Hash::Sha512;
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256 = "RS256", Family::RsaPkcs1, Hash::Sha256;
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384 = "RS384", Family::RsaPkcs1, Hash::Sha384;
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512 = "RS512", Family::RsaPkcs1, Hash::Sha512;
    /// RSASSA-PSS with SHA-256.
    Ps256 = "PS256", Family::RsaPss, Hash::Sha256;
    /// RSASSA-PSS with SHA-384.
    Ps384 = "PS384", Family::RsaPss, Hash::Sha384;
    /// RSASSA-PSS with SHA-512.
    Ps512 = "PS512", Family::RsaPss, Hash::Sha512;
    /// ECDSA on P-256 with SHA-256.
    Es256 = "ES256", Family::Ecdsa(Curve::P256), Hash::Sha256;
    /// ECDSA on P-384 with SHA-384.
    Es384 = "ES384", Family::Ecdsa(Curve::P384), Hash::Sha384;
    /// ECDSA on P-521 with SHA-512.
    Es512 = "ES512", Family::Ecdsa(Curve::P521), Hash::Sha512;
    /// Ed25519: `EdDSA` (RFC 8037), of which this is the only supported curve, or `Ed25519` (RFC 9864).
    EdDsa = "EdDSA", Family::Ed25519, Hash::Sha512;
}

/// Kind of key that an algorithm takes. A key never verifies with an algorithm of another family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A shared secret.
    Hmac,
    /// RSA with PKCS #1 v1.5 padding.
    RsaPkcs1,
    /// RSA with PSS padding.
    RsaPss,
    /// ECDSA on this curve.
    Ecdsa(Curve),
    /// Ed25519.
    Ed25519,
}

/// A curve of ECDSA.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Curve {
    /// P-256.
    P256,
    /// P-384.
    P384,
    /// P-521.
    P521,
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hash {
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Curve {
    /// Length in bytes of a coordinate and of a number below the order: half a key, half a signature.
    pub const fn bytes(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

impl Hash {
    /// Length of a digest in bytes.
    pub const fn bytes(self) -> usize {
        match self {
            Self::Sha256 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Name of [`Algorithm::EdDsa`] by RFC 9864 section 2.2, which makes `EdDSA` obsolete because it does not
/// name the curve. Both names are one algorithm, in tokens, keys and configurations.
const ED25519: &str = "Ed25519";

/// Error of a text that is not the name of a supported algorithm. Case is significant (RFC 7515 section
/// 4.1.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAlgorithm(Box<str>);

impl fmt::Display for UnknownAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown algorithm `{}`, expected one of", self.0)?;
        let mut separator = " ";
        Algorithm::ALL
            .iter()
            .map(|known| known.name())
            .chain([ED25519])
            .try_for_each(|known| write!(f, "{}`{known}`", std::mem::replace(&mut separator, ", ")))
    }
}

impl FromStr for Algorithm {
    type Err = UnknownAlgorithm;

    // Inlined, so that it is compiled with the optimisation of the crate that parses tokens.
    #[inline]
    fn from_str(text: &str) -> Result<Self, UnknownAlgorithm> {
        let name = if text == ED25519 { Self::EdDsa.name() } else { text };
        let known = Self::ALL.iter().find(|algorithm| algorithm.name() == name);
        known.copied().ok_or_else(|| UnknownAlgorithm(text.into()))
    }
}

/// A set of algorithms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Algorithms(u16);

impl Algorithms {
    /// Whether the set contains an algorithm.
    pub const fn contains(self, algorithm: Algorithm) -> bool {
        self.0 & (1 << algorithm as u8) != 0
    }

    /// Whether the set is empty.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Algorithm> for Algorithms {
    fn from_iter<I: IntoIterator<Item = Algorithm>>(algorithms: I) -> Self {
        Self(algorithms.into_iter().fold(0, |bits, algorithm| bits | (1 << algorithm as u8)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written_and_no_other_way() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(*algorithm));
            assert!(algorithm.name().to_lowercase().parse::<Algorithm>().is_err());
        }
        assert_eq!("Ed25519".parse(), Ok(Algorithm::EdDsa));
        for text in ["none", "None", "", "ES256K", "RS1", "RS256 ", "ed25519", "Ed448", "ESP256"] {
            assert!(text.parse::<Algorithm>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_set_holds_what_was_put_in() {
        let set: Algorithms = [Algorithm::Hs256, Algorithm::EdDsa].into_iter().collect();
        let held: Vec<_> = Algorithm::ALL.iter().filter(|a| set.contains(**a)).collect();
        assert_eq!(held, [&Algorithm::Hs256, &Algorithm::EdDsa]);
        assert!(!set.is_empty() && Algorithms::default().is_empty());
    }
}
