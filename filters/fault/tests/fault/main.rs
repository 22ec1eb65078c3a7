//! Tests of the filter with complete requests, on both hosts. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod asked;
mod callers;
mod control;
mod failures;
mod faults;
mod formats;
mod limits;
mod live;
mod many;
mod native;
mod responses;
mod support;
mod targets;
