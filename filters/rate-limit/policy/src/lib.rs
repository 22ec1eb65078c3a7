//! Decisions of the rate limit filter.
//!
//! A *limit* counts by a key, and has *rates*, which must all have room. A key takes a few words in a
//! [table](tollgate_counting::table) that all workers of an Envoy share. It is updated in one atomic step:
//! either every rate of the limit has room and is charged, or nothing changes. So no order of workers can
//! admit more than the rates allow.
//!
//! [`Policy`] decides about requests. A decision depends only on the configuration, the request, the shared
//! pages, the time and a random number. If the rate limit service is needed, the decision contains the call,
//! and the caller passes the answer back to the policy.

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

pub mod answer;
pub mod config;
mod decision;
mod environment;
mod event;
pub mod key;
pub mod model;
pub mod plan;
mod policy;
mod reason;
pub mod remote;

pub use config::Config;
pub use decision::{Decision, HeaderChanges, Hold, Pass, Refusal, Settled, Until};
pub use environment::Environment;
pub use event::Event;
pub use plan::Plan;
pub use policy::{Policy, Ticket};
pub use reason::Reason;
