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
mod verify;

pub mod base64url;
pub mod host;

pub use error::{KeySetError, TokenError};
pub use json::Json;
pub use jws::{Header, Jws};
pub use key::Key;
pub use key_set::{KeySet, Limits, Skipped};
pub use tollgate_signature::{Algorithm, Algorithms, Curve, Family, Hash, KeyError};
pub use verify::{InWasm, Verifier, verify};
