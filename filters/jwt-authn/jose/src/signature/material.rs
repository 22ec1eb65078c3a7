//! Key material.

use crate::signature::{Algorithm, Family, KeyError, Result, asn1, verify};

/// A parsed key, with its SubjectPublicKeyInfo in DER for the host. This crate encodes the
/// SubjectPublicKeyInfo itself, because the host also accepts trailing bytes and other encodings of the same
/// key.
#[derive(Clone)]
#[non_exhaustive]
pub enum Material {
    /// An RSA key.
    #[cfg(feature = "rsa")]
    Rsa {
        /// The key.
        key: rsa::RsaPublicKey,
        /// In DER.
        spki: Box<[u8]>,
    },
    /// A point of P-256.
    #[cfg(feature = "p256")]
    P256 {
        /// The key.
        key: p256::ecdsa::VerifyingKey,
        /// In DER.
        spki: Box<[u8]>,
    },
    /// A point of P-384.
    #[cfg(feature = "p384")]
    P384 {
        /// The key.
        key: p384::ecdsa::VerifyingKey,
        /// In DER.
        spki: Box<[u8]>,
    },
    /// A point of P-521.
    #[cfg(feature = "p521")]
    P521 {
        /// The key.
        key: p521::ecdsa::VerifyingKey,
        /// In DER.
        spki: Box<[u8]>,
    },
    /// An Ed25519 key.
    #[cfg(feature = "ed25519")]
    Ed25519(ed25519_dalek::VerifyingKey),
    /// A secret. In every build, so that the enum is never empty.
    Secret(Box<[u8]>),
}

impl Material {
    /// Whether the key can verify signatures of this algorithm.
    pub fn takes(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm.family()) {
            #[cfg(feature = "rsa")]
            (Self::Rsa { .. }, Family::RsaPkcs1 | Family::RsaPss) => true,
            #[cfg(feature = "p256")]
            (Self::P256 { .. }, Family::Ecdsa(crate::Curve::P256)) => true,
            #[cfg(feature = "p384")]
            (Self::P384 { .. }, Family::Ecdsa(crate::Curve::P384)) => true,
            #[cfg(feature = "p521")]
            (Self::P521 { .. }, Family::Ecdsa(crate::Curve::P521)) => true,
            #[cfg(feature = "ed25519")]
            (Self::Ed25519(_), Family::Ed25519) => true,
            // RFC 7518 section 3.2: a secret must be at least as long as the hash.
            #[cfg(feature = "hmac")]
            (Self::Secret(secret), Family::Hmac) => secret.len() >= algorithm.hash().bytes(),
            _ => false,
        }
    }

    /// Whether `signature` is a valid signature of `input`. Returns `false` for an algorithm that the key
    /// cannot verify.
    pub fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        self.takes(algorithm) && verify::verify(self, algorithm, input, signature)
    }

    /// Returns the SubjectPublicKeyInfo in DER; `None` for a secret and Ed25519.
    #[inline]
    pub fn spki(&self) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "rsa")]
            Self::Rsa { spki, .. } => Some(spki),
            #[cfg(feature = "p256")]
            Self::P256 { spki, .. } => Some(spki),
            #[cfg(feature = "p384")]
            Self::P384 { spki, .. } => Some(spki),
            #[cfg(feature = "p521")]
            Self::P521 { spki, .. } => Some(spki),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(_) => None,
            Self::Secret(_) => None,
        }
    }

    /// Returns unique bytes of a public key. A SubjectPublicKeyInfo never has 32 bytes, unlike an Ed25519
    /// key.
    fn public(&self) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => Some(key.as_bytes()),
            #[allow(unreachable_patterns, reason = "reached only if other families are built")]
            _ => self.spki(),
        }
    }

    /// Returns `kty` and `crv` of the key's JWK.
    pub fn kind(&self) -> (&'static str, &'static str) {
        match self {
            #[cfg(feature = "rsa")]
            Self::Rsa { .. } => ("RSA", ""),
            #[cfg(feature = "p256")]
            Self::P256 { .. } => ("EC", "P-256"),
            #[cfg(feature = "p384")]
            Self::P384 { .. } => ("EC", "P-384"),
            #[cfg(feature = "p521")]
            Self::P521 { .. } => ("EC", "P-521"),
            #[cfg(feature = "ed25519")]
            Self::Ed25519(_) => ("OKP", "Ed25519"),
            Self::Secret(_) => ("oct", ""),
        }
    }
}

/// Constructors, by format. A family that is not built is unsupported.
impl Material {
    /// Parses a SubjectPublicKeyInfo. No bytes may follow.
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        asn1::from_spki(der)
    }

    /// Parses an RSAPublicKey (RFC 8017 appendix A.1.1). No bytes may follow.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self> {
        asn1::from_pkcs1(der)
    }

    /// Parses an X.509 certificate. No bytes may follow.
    pub fn from_certificate(der: &[u8]) -> Result<Self> {
        asn1::from_certificate(der)
    }

    /// Creates an RSA key of big-endian numbers, with or without leading zeros.
    #[cfg(feature = "rsa")]
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self> {
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        // A modulus of 2048 bits has its highest bit set in the 256th byte.
        if n.len() < 256 || (n.len() == 256 && n.first().is_some_and(|byte| *byte < 0x80)) {
            return Err(KeyError::Weak("RSA modulus has less than 2048 bits"));
        }
        if n.len() > 1024 {
            return Err(KeyError::TooLarge("RSA modulus has more than 8192 bits"));
        }
        if n.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyError::Invalid("RSA modulus is even"));
        }
        // Each bit of the exponent costs a multiplication in each verification.
        if e.len() > 4 || e.last().is_none_or(|byte| byte % 2 == 0) || e == [1] {
            return Err(KeyError::Invalid("RSA exponent is even, less than 3 or longer than 32 bits"));
        }
        let numbers = [n, e].map(rsa::BoxedUint::from_be_slice_vartime);
        let [modulus, exponent] = numbers;
        let key = rsa::RsaPublicKey::new(modulus, exponent).map_err(|_| KeyError::Invalid("RSA key"))?;
        Ok(Self::Rsa { key, spki: asn1::rsa_spki(n, e)? })
    }

    /// Creates an Ed25519 key of 32 bytes.
    #[cfg(feature = "ed25519")]
    pub fn ed25519(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Invalid("Ed25519 key does not have 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes);
        let key = key.map_err(|_| KeyError::Invalid("Ed25519 key is not on the curve"))?;
        // Anyone can sign for a point of small order. A second encoding of a point is rejected, as elsewhere.
        if key.is_weak() {
            return Err(KeyError::Weak("Ed25519 key has a small order"));
        }
        if !is_canonical(bytes) {
            return Err(KeyError::Invalid("Ed25519 key is not canonical"));
        }
        Ok(Self::Ed25519(key))
    }

    /// Creates a secret of these bytes.
    #[cfg(feature = "hmac")]
    pub fn secret(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            // RFC 7518 section 3.2: at least as long as the hash; the shortest hash is SHA-256.
            ..32 => Err(KeyError::Weak("secret has less than 32 bytes")),
            32..=1024 => Ok(Self::Secret(bytes.into())),
            _ => Err(KeyError::TooLarge("secret has more than 1024 bytes")),
        }
    }

    /// Fails: this build does not support RSA.
    #[cfg(not(feature = "rsa"))]
    pub fn rsa(_n: &[u8], _e: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("RSA".into()))
    }

    /// Fails: this build does not support Ed25519.
    #[cfg(not(feature = "ed25519"))]
    pub fn ed25519(_bytes: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("Ed25519".into()))
    }

    /// Fails: this build does not support secrets.
    #[cfg(not(feature = "hmac"))]
    pub fn secret(_bytes: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("oct".into()))
    }
}

macro_rules! curves {
    ($($feature:literal, $name:ident, $variant:ident, $crv:literal, $oid:expr;)*) => {
        /// Constructors for points in SEC 1, uncompressed or compressed. The curve's crate rejects points
        /// that are not on the curve.
        impl Material {
            $(
                #[doc = concat!("Creates a key of a point of ", $crv, ".")]
                #[cfg(feature = $feature)]
                pub fn $name(point: &[u8]) -> Result<Self> {
                    if !matches!(point.first(), Some(2..=4)) {
                        return Err(KeyError::Invalid(concat!($crv, " key is not a point")));
                    }
                    let key = $name::ecdsa::VerifyingKey::from_sec1_bytes(point);
                    let key = key.map_err(|_| KeyError::Invalid(concat!($crv, " key is not on the curve")))?;
                    let spki = asn1::ec_spki($oid, key.to_sec1_point(false).as_bytes())?;
                    Ok(Self::$variant { key, spki })
                }

                #[doc = concat!("Fails: this build does not support ", $crv, ".")]
                #[cfg(not(feature = $feature))]
                pub fn $name(_point: &[u8]) -> Result<Self> {
                    Err(KeyError::Unsupported($crv.into()))
                }
            )*
        }
    };
}

curves! {
    "p256", p256, P256, "P-256", asn1::P256;
    "p384", p384, P384, "P-384", asn1::P384;
    "p521", p521, P521, "P-521", asn1::P521;
}

/// Compares public keys.
impl PartialEq for Material {
    fn eq(&self, other: &Self) -> bool {
        self.public().is_some_and(|key| other.public() == Some(key))
    }
}

#[cfg(feature = "rsa")]
fn without_leading_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

/// Whether `y` is less than 2^255 - 19 (RFC 8032 section 5.1.3).
#[cfg(feature = "ed25519")]
fn is_canonical(point: &[u8; 32]) -> bool {
    let [low, middle @ .., high] = point;
    *low < 0xed || middle.iter().any(|byte| *byte != 0xff) || high & 0x7f != 0x7f
}
