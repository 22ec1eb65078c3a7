//! Keys of the algorithms of JSON Web Signatures, and whether a signature is theirs.
//!
//! Here is all cryptography, and nothing that reads a token: it is a crate of its own so that it can be compiled for size.
//! What is generic in the crates of cryptography becomes code in the crate that uses it, with that crate's optimisation;
//! and of three curves, RSA with two paddings and three hashes there is much.
#![cfg_attr(
    not(all(
        feature = "ed25519",
        feature = "hmac",
        feature = "p256",
        feature = "p384",
        feature = "p521",
        feature = "rsa"
    )),
    allow(dead_code, unused_imports, unused_variables, reason = "what only a family that is left out needs")
)]

mod algorithm;
mod asn1;
mod error;
mod material;
mod verify;

pub use algorithm::{Algorithm, Algorithms, Curve, Family, Hash, UnknownAlgorithm};
pub use error::KeyError;
pub use material::Material;

type Result<T> = core::result::Result<T, KeyError>;
