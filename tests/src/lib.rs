//! What must hold for the whole project; the tests are in `tests/`. The Rust that pages show is compiled and run here.

#[doc = include_str!("../../docs/testing.md")]
#[cfg(doctest)]
pub struct Testing;
