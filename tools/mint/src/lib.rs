//! Creates keys and tokens, valid and invalid, for tests, benchmarks and the tour.
//!
//! Independent of `tollgate-jose`, so that the parser of tokens is not tested with itself. The keys are in
//! `testdata/`. They are public and only for tests; so no test has to generate keys, and each run uses the
//! same ones. Signatures are the same in each run too: ECDSA's nonce follows RFC 6979, and the salt of PSS is
//! derived from the signed text.
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
    reason = "for tests: a missing key is an error of the test"
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
