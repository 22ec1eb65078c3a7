//! Parsing of tokens, keys and key sets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "for tests: what is not as expected is a failure"
)]

mod jwk;
mod jwk_certificate;
mod key_set;
mod pem;
mod properties;
mod rfc;
mod support;
mod token;
