//! One key, with the algorithms it may be used for.
//!
//! A key is read once, into what its crate verifies with, and into the SubjectPublicKeyInfo that the host takes: no
//! verification reads it again. What cannot be had of a key from outside (a certificate's dates, who issued it) is not
//! looked at: a key is trusted because of where it was found.

mod jwk;
mod pem;

use crate::{Algorithm, Algorithms, KeyError};
use core::fmt;
use tollgate_signature::Material;

pub(crate) use pem::from_pem;

/// A key that verifies.
#[derive(Clone)]
pub struct Key {
    pub(crate) id: Option<Box<str>>,
    /// Of its family (RSA: PKCS #1 and PSS), narrowed by its `alg`.
    pub(crate) algorithms: Algorithms,
    pub(crate) material: Material,
}

impl Key {
    /// A key for all algorithms of its family.
    fn new(material: Material) -> Self {
        let algorithms =
            Algorithm::ALL.iter().copied().filter(|algorithm| material.takes(*algorithm)).collect();
        Self { id: None, algorithms, material }
    }

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
        self.material.spki()
    }
}

/// Never the key itself: it may be a secret.
impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("algorithms", &self.algorithms)
            .finish_non_exhaustive()
    }
}

type Result<T> = core::result::Result<T, KeyError>;
