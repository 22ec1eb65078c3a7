//! The policy of the fault filter: decides which faults a request gets.
//!
//! [`Policy`] decides. It receives facts about the request, and reaches the host only through
//! [`Environment`]. A decision is a value: header edits, a delay, a response. The faults of a request
//! ([`Injected`]) are kept with its stream, for its response and its end.
//!
//! If the filter cannot decide, the request gets no fault: an experiment must not break more than it was
//! asked to.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

mod asked;
mod body;
mod condition;
pub mod config;
mod control;
mod distribution;
pub mod draw;
mod environment;
pub mod envoy;
mod injected;
pub mod istio;
mod plan;
mod policy;
mod rule;

pub use body::BodyFault;
pub use config::Config;
pub use control::Document;
pub use distribution::Distribution;
pub use environment::{Environment, Event};
pub use injected::{Decision, Details, Injected, ResponseDecision, Then};
pub use plan::{Experiment, Plan};
pub use policy::Policy;
pub use rule::Rule;

#[cfg(test)]
mod tests;
