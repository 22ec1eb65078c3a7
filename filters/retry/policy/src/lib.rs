//! The policy of the retry filter: which requests may be sent again, how often, and until when.
//!
//! [`Plan`] is the checked configuration. [`Policy`] decides from facts, the time and random numbers, and
//! reaches the shared budget through [`Environment`].
//!
//! - *Steering*: the policy sets the headers that control the retries of Envoy's router (`steer`).
//! - *Replay*: the filter holds a response, and repeats the request by callouts (`replay`).
//!
//! A request that is not known to be safe is never sent twice: the policy sets `x-envoy-max-retries: 0`. That
//! takes precedence over the retry policy of the route (`source/common/router/retry_state_impl.cc`).

// The derived code of `#[derive(Config)]` names this crate `::tollgate`.
extern crate tollgate_policy as tollgate;

pub mod budget;
pub mod config;
mod deadline;
mod duration;
mod environment;
mod event;
mod kept;
mod latency;
mod plan;
mod policy;
mod replacement;
mod replay;
mod safe;
mod steer;
#[cfg(test)]
mod tests;

pub use budget::WORDS as PAGE_WORDS;
pub use config::Config;
pub use duration::{parse_grpc_timeout, parse_http_date, parse_retry_after, write_grpc_timeout};
pub use environment::Environment;
pub use event::{Event, Reason, RetryReason};
pub use latency::Latency;
pub use plan::Plan;
pub use policy::{Policy, RequestDecision, Stream};
pub(crate) use replay::Blocked;
pub use replay::{Attempt, Attempts, FRAME, Head, Outcome, Step, Target, Wake};
pub use steer::CONTROLS;
