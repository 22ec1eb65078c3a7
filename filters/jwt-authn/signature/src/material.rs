//! What verifies.

use crate::{Algorithm, Family, KeyError, Result, asn1, verify};

/// What verifies, read. The SubjectPublicKeyInfo beside it is in DER, and is written here rather than kept as it was
/// found: the host takes one that is followed by other bytes, or that means the same in another way.
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
    /// In every build, so that one without any algorithm has a key to speak of.
    Secret(Box<[u8]>),
}

impl Material {
    /// Whether it can verify a signature of that algorithm.
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
            // RFC 7518 section 3.2: a secret is at least as long as the hash.
            #[cfg(feature = "hmac")]
            (Self::Secret(secret), Family::Hmac) => secret.len() >= algorithm.hash().bytes(),
            _ => false,
        }
    }

    /// Whether `signature` is that of `input`; never by an algorithm that it does not take.
    pub fn verify(&self, algorithm: Algorithm, input: &[u8], signature: &[u8]) -> bool {
        self.takes(algorithm) && verify::verify(self, algorithm, input, signature)
    }

    /// SubjectPublicKeyInfo in DER; `None` for a secret and Ed25519.
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

    /// What no other public key has. A SubjectPublicKeyInfo is never 32 bytes.
    fn public(&self) -> Option<&[u8]> {
        match self {
            #[cfg(feature = "ed25519")]
            Self::Ed25519(key) => Some(key.as_bytes()),
            #[allow(unreachable_patterns, reason = "if nothing else is built in")]
            _ => self.spki(),
        }
    }

    /// `kty` and `crv` of its JWK.
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

/// How to make it of what a key is written as. A family that is left out of the build is unsupported.
impl Material {
    /// Of a SubjectPublicKeyInfo, which is all of the bytes.
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        asn1::from_spki(der)
    }

    /// Of an RSAPublicKey (RFC 8017 appendix A.1.1), which is all of the bytes.
    pub fn from_pkcs1(der: &[u8]) -> Result<Self> {
        asn1::from_pkcs1(der)
    }

    /// Of an X.509 certificate, which is all of the bytes.
    pub fn from_certificate(der: &[u8]) -> Result<Self> {
        asn1::from_certificate(der)
    }

    /// Of big-endian numbers, with or without zeros before them.
    #[cfg(feature = "rsa")]
    pub fn rsa(n: &[u8], e: &[u8]) -> Result<Self> {
        let (n, e) = (without_leading_zeros(n), without_leading_zeros(e));
        // A modulus of 2048 bits has its highest bit set in the 256th byte.
        if n.len() < 256 || (n.len() == 256 && n.first().is_some_and(|byte| *byte < 0x80)) {
            return Err(KeyError::Weak("RSA modulus of less than 2048 bits"));
        }
        if n.len() > 1024 {
            return Err(KeyError::TooLarge("RSA modulus of more than 8192 bits"));
        }
        if n.last().is_none_or(|byte| byte % 2 == 0) {
            return Err(KeyError::Invalid("even RSA modulus"));
        }
        // Each bit of the exponent costs a multiplication for whoever verifies.
        if e.len() > 4 || e.last().is_none_or(|byte| byte % 2 == 0) || e == [1] {
            return Err(KeyError::Invalid("RSA exponent that is even, under 3 or over 32 bits"));
        }
        let numbers = [n, e].map(rsa::BoxedUint::from_be_slice_vartime);
        let [modulus, exponent] = numbers;
        let key = rsa::RsaPublicKey::new(modulus, exponent).map_err(|_| KeyError::Invalid("RSA key"))?;
        Ok(Self::Rsa { key, spki: asn1::rsa_spki(n, e)? })
    }

    /// Of 32 bytes.
    #[cfg(feature = "ed25519")]
    pub fn ed25519(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.try_into().map_err(|_| KeyError::Invalid("Ed25519 key that is not 32 bytes"))?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes);
        let key = key.map_err(|_| KeyError::Invalid("Ed25519 key that is not on the curve"))?;
        // With a point of small order anyone can sign; a second spelling of a point is refused as elsewhere.
        if key.is_weak() {
            return Err(KeyError::Weak("Ed25519 key of small order"));
        }
        if !is_canonical(bytes) {
            return Err(KeyError::Invalid("Ed25519 key that is not canonical"));
        }
        Ok(Self::Ed25519(key))
    }

    /// Of bytes as they are.
    #[cfg(feature = "hmac")]
    pub fn secret(bytes: &[u8]) -> Result<Self> {
        match bytes.len() {
            // RFC 7518 section 3.2: no less than the hash, of which the shortest is SHA-256.
            ..32 => Err(KeyError::Weak("secret of less than 32 bytes")),
            32..=1024 => Ok(Self::Secret(bytes.into())),
            _ => Err(KeyError::TooLarge("secret of more than 1024 bytes")),
        }
    }

    /// RSA, which this build is without.
    #[cfg(not(feature = "rsa"))]
    pub fn rsa(_n: &[u8], _e: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("RSA".into()))
    }

    /// Ed25519, which this build is without.
    #[cfg(not(feature = "ed25519"))]
    pub fn ed25519(_bytes: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("Ed25519".into()))
    }

    /// A secret, which this build is without.
    #[cfg(not(feature = "hmac"))]
    pub fn secret(_bytes: &[u8]) -> Result<Self> {
        Err(KeyError::Unsupported("oct".into()))
    }
}

macro_rules! curves {
    ($($feature:literal, $name:ident, $variant:ident, $crv:literal, $oid:expr;)*) => {
        /// Of a point in SEC 1, uncompressed or compressed. Its crate refuses one that is not on the curve.
        impl Material {
            $(
                #[doc = concat!("Of a point of ", $crv, ".")]
                #[cfg(feature = $feature)]
                pub fn $name(point: &[u8]) -> Result<Self> {
                    if !matches!(point.first(), Some(2..=4)) {
                        return Err(KeyError::Invalid(concat!($crv, " key that is not a point")));
                    }
                    let key = $name::ecdsa::VerifyingKey::from_sec1_bytes(point);
                    let key = key.map_err(|_| KeyError::Invalid(concat!($crv, " key that is not on the curve")))?;
                    let spki = asn1::ec_spki($oid, key.to_sec1_point(false).as_bytes())?;
                    Ok(Self::$variant { key, spki })
                }

                #[doc = concat!($crv, ", which this build is without.")]
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

/// Whether both are the same public key.
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
