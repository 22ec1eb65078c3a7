//! Workers in all orders: races are found, told so that they can be run again, and not found where there are none.

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
