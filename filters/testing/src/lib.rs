//! Helpers for the tests of the filters' configurations and README pages.
//!
//! - [`schema`] checks that the committed JSON Schema matches the types and describes every field;
//! - [`page`] extracts parts of a page, so that tests can compare them with the code, and loads its examples;
//! - [`odd`] generates unusual configurations.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub mod odd;
pub mod page;
pub mod schema;
