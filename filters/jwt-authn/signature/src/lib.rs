//! Keys for JSON Web Signatures, and verification of signatures with them.
//!
//! This crate contains all cryptography, and no code that parses tokens. It is a separate crate so that it
//! can be compiled for size. Generic code of the cryptography crates is compiled in the crate that uses it,
//! with that crate's optimisation, and three curves, RSA with two paddings, and three hashes are much code.
#![cfg_attr(
    not(all(
        feature = "ed25519",
        feature = "hmac",
        feature = "p256",
        feature = "p384",
        feature = "p521",
        feature = "rsa"
    )),
    allow(
        dead_code,
        unused_imports,
        unused_variables,
        reason = "only families that are not built need them"
    )
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
