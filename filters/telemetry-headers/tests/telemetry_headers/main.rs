//! What the filter does to real exchanges, on both hosts. One `mod` for each concern.

mod config;
mod edits;
mod failures;
mod hostile;
mod request_id;
mod server_timing;
mod support;
mod trace_context;
