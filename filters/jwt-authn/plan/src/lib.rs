//! Configuration of `jwt-authn`, as written ([`config`]) and after all checks ([`plan`]).
//!
//! All of this code runs once per configuration. It is a separate crate so that it can be compiled for size,
//! while the code that decides requests is compiled for speed.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

pub mod config;
pub mod plan;

pub use config::Config;
pub use plan::Plan;
