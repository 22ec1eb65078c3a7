//! Tests of each host call of the emulator, with hand-written modules.

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
#[path = "abi/both/mod.rs"]
mod both;
#[path = "abi/engine/mod.rs"]
mod engine;
#[path = "abi/guest.rs"]
mod guest;
#[path = "abi/headers.rs"]
mod headers;
#[path = "abi/hostile/mod.rs"]
mod hostile;
#[path = "abi/lifecycle.rs"]
mod lifecycle;
#[path = "abi/wire.rs"]
mod wire;
