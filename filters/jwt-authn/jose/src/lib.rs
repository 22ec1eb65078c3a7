//! JSON Object Signing: strict parsing of tokens and keys, and verification of signatures.
//!
//! Everything here is pure. Malformed input is rejected, never repaired ([`Jws::parse`]). The key determines
//! the algorithm of a signature, never the token ([`Key::permits`]). Signatures are verified here
//! ([`verify()`]) or by the host ([`host`]), with the same result.

mod error;
mod json;
mod jws;
mod key;
mod key_set;
#[cfg_attr(
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
mod signature;
mod verify;

pub mod base64url;
pub mod host;

pub use error::{KeySetError, TokenError};
pub use json::{Json, decimal};
pub use jws::{Header, Jws};
pub use key::Key;
pub use key_set::{KeySet, Limits, Skipped};
pub use signature::{Algorithm, Algorithms, Curve, Family, Hash, KeyError};
pub use verify::{InWasm, Verifier, verify};
