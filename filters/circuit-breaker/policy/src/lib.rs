//! Decisions of the circuit breaker filter.
//!
//! A *breaker* has a state for each of its keys: closed, open or half-open, as in resilience4j. The state is
//! a [record] in memory that all workers of an Envoy share. It changes in one atomic step, so that no
//! order of workers admits more probes than configured. Two further triggers work alone or together with it:
//! an [adaptive limit](gradient) on the requests in flight, and [client throttling](admission).
//!
//! [`Policy`] decides about requests and counts their results. A decision depends only on the configuration,
//! the request, the shared memory, the time and random numbers.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

pub mod admission;
pub mod config;
mod decision;
mod environment;
mod event;
pub mod gradient;
mod key;
pub mod machine;
mod plan;
mod policy;
mod reason;
pub mod record;
mod response;
mod result;
pub mod window;

pub use config::Config;
pub use decision::{Decision, Pass, Refusal, Ticket};
pub use environment::{Environment, Report};
pub use event::Event;
pub use plan::{Breaker, Plan};
pub use policy::Policy;
pub use reason::Reason;
