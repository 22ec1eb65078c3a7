//! The rate limit filter. The crate `tollgate-rate-limit-policy` makes the decisions. This crate reads the
//! inputs of the policy, shares pages between workers, calls the rate limit service and carries out
//! decisions.

mod decision;
mod filter;
mod world;

pub use filter::RateLimit;
