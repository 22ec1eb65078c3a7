//! What the filter does to real exchanges, on both hosts. One `mod` for each concern.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends by panicking; clippy relaxes these only inside test functions, not in what they share"
)]

mod answers;
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
