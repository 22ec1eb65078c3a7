//! Counts that all workers of an Envoy share.
//!
//! - [`rate`]: the arithmetic of token buckets and windows.
//! - [`table`]: a table of many keys in bounded memory. All rates of a key change in one atomic step, so no
//!   order of workers can admit more than the rates allow.
//! - [`in_flight`]: requests in flight by key, correct also after a worker has died, and queues for them.
//!
//! Policies reach the memory through [`SharedMemory`], and the rest of the host through [`Host`].
//! `tollgate-kit` implements both with host calls.

mod hashed;
pub mod in_flight;
pub mod rate;
mod shared;
pub mod table;

pub use hashed::{BuildHashed, Hashed};
pub use shared::{Failure, Host, LocalMemory, SharedMemory, client_address};
