//! Tests of the filter with complete requests, on both hosts. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod adaptive;
mod faults;
mod keys;
mod live;
mod load;
mod native;
mod orders;
mod responses;
mod results;
mod states;
mod support;
