//! Tokens of requests: finds them, and remembers those that were verified.
//!
//! A crate of its own, compiled for speed, because every request runs this code.

pub mod cache;
pub mod extract;
