//! Tests of the policy through its public interface. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod admin;
mod admission;
mod decisions;
mod fallback;
mod gradient;
mod interleavings;
mod keys;
mod machine;
mod plan;
mod results;
mod support;
mod window;
