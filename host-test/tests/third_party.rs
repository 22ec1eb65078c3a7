//! Modules that were not written for this host: unmodified examples from packages of the stock SDK, rewritten
//! examples that no package contains, and modules of older ABI versions. Each runs on the emulator and on a
//! real Envoy, with the same result.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

#[path = "agreement/mod.rs"]
mod agreement;
#[path = "third_party/both.rs"]
mod both;
#[path = "third_party/older.rs"]
mod older;
#[path = "third_party/published.rs"]
mod published;
#[path = "third_party/rewritten.rs"]
mod rewritten;
