//! Tests of the filter with complete requests, on both hosts. One module per topic.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; clippy allows this only inside test functions, not in shared helpers"
)]

mod attributes;
mod composed;
mod costs;
mod envoy_format;
mod istio_format;
mod native;
mod native_tree;
mod paths;
mod results;
mod roles;
mod services;
mod support;
