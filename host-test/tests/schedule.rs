//! Runs workers in all orders. Races are found and can be replayed; correct code passes.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    missing_docs,
    reason = "tests"
)]

#[path = "schedule/counters.rs"]
mod counters;
#[path = "schedule/envoy.rs"]
mod envoy;
#[path = "schedule/herds.rs"]
mod herds;
#[path = "schedule/modules.rs"]
mod modules;
#[path = "schedule/trouble.rs"]
mod trouble;
