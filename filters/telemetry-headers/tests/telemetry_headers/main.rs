//! Scenarios of the filter on both hosts. One module for each feature.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    reason = "a test ends by panicking; clippy relaxes these only inside test functions, not in what they share"
)]

mod config;
mod edits;
mod failures;
mod hostile;
mod request_id;
mod server_timing;
mod support;
mod trace_context;
