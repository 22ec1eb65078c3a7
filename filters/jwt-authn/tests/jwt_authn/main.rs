//! The filter on both hosts. One module per concern.

#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unwrap_used,
    reason = "a test ends by panicking; clippy relaxes these only inside test functions, not in what they share"
)]

mod attacks;
mod binding;
mod costs;
mod keys;
mod memory;
mod native;
mod places;
mod refusals;
mod requirements;
mod results;
mod support;
