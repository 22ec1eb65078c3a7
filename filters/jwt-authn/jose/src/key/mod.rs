//! A key, and the algorithms that it permits.
//!
//! A key is parsed once, both for the crate that verifies with it and as the SubjectPublicKeyInfo for the
//! host. Verification does not parse it again. The dates and the issuer of a certificate are ignored: a key
//! is trusted because of its source.

mod jwk;
mod pem;

use crate::signature::Material;
use crate::{Algorithm, Algorithms, KeyError};
use core::fmt;

pub(crate) use pem::from_pem;

/// A key that verifies signatures.
#[derive(Clone)]
pub struct Key {
    pub(crate) id: Option<Box<str>>,
    /// Permitted algorithms: those of its family (for RSA, PKCS #1 and PSS), or only its `alg`.
    pub(crate) algorithms: Algorithms,
    pub(crate) material: Material,
}

impl Key {
    /// Creates a key for all algorithms of its family.
    fn new(material: Material) -> Self {
        let algorithms =
            Algorithm::ALL.iter().copied().filter(|algorithm| material.takes(*algorithm)).collect();
        Self { id: None, algorithms, material }
    }

    /// Returns `kid`.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// Whether the key may verify signatures of this algorithm.
    pub fn permits(&self, algorithm: Algorithm) -> bool {
        self.algorithms.contains(algorithm)
    }

    /// Returns the SubjectPublicKeyInfo in DER, for the host; `None` for a secret and Ed25519.
    pub fn spki(&self) -> Option<&[u8]> {
        self.material.spki()
    }
}

/// Omits the key material, which may be a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

type Result<T> = core::result::Result<T, KeyError>;
