//! Tests of the filter with complete requests, on both hosts. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod answers;
mod combined;
mod costs;
mod exact;
mod failures;
mod in_flight;
mod instructions;
mod keys;
mod live;
mod memory;
mod native;
mod orders;
mod rates;
mod support;
mod waiting;
