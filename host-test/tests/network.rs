//! Network filters. Each scenario runs on the emulator and on a real Envoy. The tests compare the bytes that
//! both ends received, the callbacks of the filters, and the results of their host calls.

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
#[path = "network/both.rs"]
mod both;
#[path = "network/buffers.rs"]
mod buffers;
#[path = "network/chains.rs"]
mod chains;
#[path = "network/closing.rs"]
mod closing;
#[path = "network/failures.rs"]
mod failures;
#[allow(dead_code, reason = "shared with the ABI tests, which use all items")]
#[path = "abi/guest.rs"]
mod guest;
#[path = "network/hosts.rs"]
mod hosts;
#[path = "network/lifecycle.rs"]
mod lifecycle;
#[path = "network/listener.rs"]
mod listener;
#[path = "network/pauses.rs"]
mod pauses;
#[path = "network/properties.rs"]
mod properties;
#[path = "network/stepwise.rs"]
mod stepwise;
