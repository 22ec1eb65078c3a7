//! The circuit breaker filter. The crate `tollgate-circuit-breaker-policy` makes the decisions. This crate
//! reads the inputs of the policy, shares records between workers, and carries out decisions.

mod filter;
mod world;

pub use filter::CircuitBreaker;
