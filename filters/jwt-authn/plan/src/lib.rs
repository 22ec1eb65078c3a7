//! The configuration of `jwt-authn`: how it is written ([`config`]), and what it comes to once it is checked ([`plan`]).
//!
//! All of it runs once for each configuration. It is a crate of its own so that it can be compiled for size, and what
//! decides requests for speed.

pub mod config;
pub mod plan;

pub use config::Config;
pub use plan::Plan;
