//! Keys for JSON Web Signatures, and verification of signatures with them.
//!
//! This module contains all cryptography, and no code that parses tokens.

mod algorithm;
mod asn1;
mod error;
mod material;
mod verify;

pub use algorithm::{Algorithm, Algorithms, Curve, Family, Hash};
pub use error::KeyError;
pub use material::Material;

type Result<T> = core::result::Result<T, KeyError>;
