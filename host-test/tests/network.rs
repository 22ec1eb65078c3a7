//! Network filters: the emulator against a real Envoy. Each scenario runs on both, and all that was seen is compared:
//! what the ends of the connections got, what the filters were told, what their calls answered.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

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
#[allow(dead_code, reason = "shared with the tests of the ABI, which use all of it")]
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
