//! One key, with the algorithms it may be used for.

use crate::{Algorithm, Algorithms};

/// A key that verifies.
#[derive(Clone, Debug)]
pub struct Key {
    pub(crate) id: Option<Box<str>>,
    /// Of its family (RSA: PKCS #1 and PSS), narrowed by its `alg`.
    pub(crate) algorithms: Algorithms,
    pub(crate) material: Material,
}

#[derive(Clone, Debug)]
pub(crate) enum Material {
    /// Big-endian, without leading zeros, and the SubjectPublicKeyInfo in DER.
    Rsa { n: Box<[u8]>, e: Box<[u8]>, spki: Box<[u8]> },
    /// The uncompressed point, and the SubjectPublicKeyInfo in DER.
    Ec { point: Box<[u8]>, spki: Box<[u8]> },
    /// 32 bytes.
    Ed25519([u8; 32]),
    /// The shared secret.
    Secret(Box<[u8]>),
}

impl Key {
    /// `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether it may verify a signature of that algorithm.
    pub fn permits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// SubjectPublicKeyInfo in DER, which the host takes; `None` for a secret and Ed25519.
    pub fn spki(&self) -> Option<&[u8]> {
        match &self.material {
            Material::Rsa { spki, .. } | Material::Ec { spki, .. } => Some(spki),
            Material::Ed25519(_) | Material::Secret(_) => None,
        }
    }
}
