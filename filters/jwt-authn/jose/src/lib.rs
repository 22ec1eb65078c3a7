//! JSON Object Signing: tokens and keys read strictly, signatures verified.
//!
//! Everything here is pure. What a client can send is refused rather than repaired ([`Jws::parse`]), the algorithm of a
//! signature is bound to the key and never chosen by the token ([`Key::permits`]), and a signature is checked either
//! here ([`verify`]) or by the host ([`host`]), with the same answer.

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
