//! Configuration of `jwt-authn`, as written ([`config`]) and after all checks ([`plan`]).
//!
//! All of this code runs once per configuration. It is a separate crate so that it can be compiled for size,
//! while the code that decides requests is compiled for speed.

pub mod config;
pub mod plan;

pub use config::Config;
pub use plan::Plan;
