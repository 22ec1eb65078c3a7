//! Compares the emulated host with a real Envoy, host call by host call.
//!
//! A [`Case`] is a request and the host calls that the probe (`fixtures/probe`) makes in its callbacks. It
//! contains no expectation. Both hosts run it. The probe's log and the messages that the client and the
//! upstreams receive must be equal, byte by byte. So the table cannot be wrong about Envoy, and you can add a
//! case without knowing the result.
//!
//! Cases that share filters and settings are on one [`Sheet`], which is one proxy: Envoy takes a second to
//! start, and there are thousands of cases.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test tool: a failed expectation ends it with a message"
)]

pub mod case;
pub mod cases;
pub mod compare;
pub mod fuzz;
pub mod mutants;
pub mod page;
pub mod run;
pub mod script;

pub use case::{Case, Sheet};
