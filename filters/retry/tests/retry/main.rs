//! Tests of the filter with complete requests, on both hosts. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod deadlines;
mod failures;
mod hedging;
mod instructions;
mod live;
mod load;
mod measured;
mod orders;
mod replay;
mod steering;
mod support;
