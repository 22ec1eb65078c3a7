//! Tests of the whole project, in `tests/`. Doctests compile and run the Rust code in pages.

#[doc = include_str!("../../docs/testing.md")]
#[cfg(doctest)]
pub struct Testing;
