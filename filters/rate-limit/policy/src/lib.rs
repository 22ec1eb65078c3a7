//! How many requests of whom.
//!
//! A *limit* has a key, by which it tells apart whom it counts, and *rates*, all of which must have room. What is kept of a
//! key is a few words in a [`table`] that all workers of an Envoy share, and is changed in one atomic step: either every
//! rate of the limit gives what the request costs or none does. So no order in which workers come can admit more than the
//! rates allow.
//!
//! [`Policy`] turns what is known of a request into what becomes of it. It is a function of the configuration, the request,
//! the shared pages, the time and a draw; where the rate limit service has to be asked it says so and is told the answer.

pub mod answer;
pub mod config;
mod decision;
mod environment;
mod event;
pub mod in_flight;
pub mod key;
pub mod plan;
mod policy;
pub mod rate;
mod reason;
pub mod remote;
pub mod table;

pub use config::Config;
pub use decision::{Decision, Pass, Refusal};
pub use environment::{Environment, Failure};
pub use event::Event;
pub use plan::Plan;
pub use policy::{Policy, Ticket};
pub use reason::Reason;
use remote::BuildHashed;
