//! JSON Object Signing: tokens and keys read strictly, signatures verified.
//!
//! Everything here is pure. What a client can send is refused rather than repaired ([`Jws::parse`]), the algorithm of a
//! signature is bound to the key and never chosen by the token ([`Key::permits`]), and a signature is checked either
//! here ([`verify`]) or by the host ([`host`]), with the same answer.
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
mod error;
mod json;
mod jws;
mod key;
mod key_set;
mod verify;

pub mod base64url;
pub mod host;

pub use algorithm::{Algorithm, Algorithms, Curve, Family, Hash};
pub use error::{KeyError, KeySetError, TokenError};
pub use json::Json;
pub use jws::{Header, Jws};
pub use key::Key;
pub use key_set::{KeySet, Limits, Skipped};
pub use verify::{InWasm, Verifier, verify};
