//! Modules that were not written for this host: examples that the stock crate ships, untouched; those it does not ship,
//! written anew; modules of older versions of the ABI. Each runs on the emulator and on a real Envoy, and nothing may
//! differ.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

#[path = "third_party/both.rs"]
mod both;
#[path = "third_party/older.rs"]
mod older;
#[path = "third_party/published.rs"]
mod published;
#[path = "third_party/rewritten.rs"]
mod rewritten;
