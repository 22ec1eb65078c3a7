//! Makes keys and tokens, good and bad, for tests, benchmarks and the tour.
//!
//! Independent of `tollgate-jose`, so that what reads tokens is not tried with itself. The keys are in `testdata/`, known
//! to everybody and for tests alone: none is slow to make, and each run has the same. So are the signatures: ECDSA's
//! nonce follows RFC 6979, the salt of PSS is drawn from what is signed.
//!
//! ```
//! use tollgate_mint::{Signer, jwks};
//!
//! let signer = Signer::rs256();
//! let token = signer.token(&serde_json::json!({ "iss": "https://issuer.test", "exp": 4_000_000_000u64 }));
//! assert_eq!(token.split('.').count(), 3);
//! assert!(jwks(&[&signer]).contains(r#""kid":"rsa2048-0""#));
//! ```
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests: a key that is not there is a mistake of the test"
)]

mod algorithm;
mod keys;
mod pair;
mod rng;
mod signer;
mod token;
mod vectors;

pub use signer::{Signer, jwks};
pub use token::{base64url, signing_input, unsigned};
pub use vectors::{Vector, vectors};
