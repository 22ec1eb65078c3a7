//! What Envoy answers to each host call, and whether the emulated host answers the same.
//!
//! A [`Case`] is one request and what the probe (`fixtures/probe`) does in which callback; it expects nothing. It is run
//! on both hosts, and what the probe was told, what the client saw and what the upstreams saw must be the same, byte by
//! byte. So the table cannot be wrong about Envoy, and whoever adds a case need not know the answer.
//!
//! Cases that share filters and settings are on one [`Sheet`], which is one proxy: Envoy takes a second to start, and
//! there are hundreds of cases.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test: what is broken ends it, saying what to do"
)]

pub mod case;
pub mod cases;
pub mod compare;
pub mod mutants;
pub mod page;
pub mod run;
pub mod script;

pub use case::{Case, Sheet};
