//! What the tests of every filter's configuration and page share.
//!
//! - [`schema`]: the committed JSON Schema is that of the types, and says of every field what it is;
//! - [`page`]: pieces of a page, to be held against what they describe;
//! - [`odd`]: configurations that nobody would write.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

pub mod odd;
pub mod page;
pub mod schema;
