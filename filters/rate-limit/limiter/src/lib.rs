//! A rate limit service for tests: what decides is the crate `limitador`, in memory or on a Redis that the test starts; what
//! is around it answers as Limitador's own server does, or as a test wants it to.
//!
//! As that server it knows limits by the descriptors of a request and their place, and counts the `hits_addend` of the
//! request, of which 0 means 1, not those of single descriptors. It does not count what it refuses, and says nothing of
//! single descriptors. Without a domain it answers `UNKNOWN`, and `UNAVAILABLE` if its storage cannot be asked. Calls are
//! decided one after the other.
//!
//! ```no_run
//! use tollgate_limiter::{Limit, Limiter, Storage};
//!
//! let limiter = Limiter::start(&[Limit::new("shop", 100, 60, &["client"])], Storage::Memory);
//! println!("a cluster with 127.0.0.1:{}", limiter.port());
//! ```
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests: a server that does not start is the end of one"
)]

mod decide;
mod grpc;
mod redis;
mod resp;
mod server;
mod storage;

pub use decide::Limit;
pub use redis::Redis;
pub use server::{Behaviour, Limiter};

/// Where counts are kept.
#[derive(Clone, Copy, Debug)]
pub enum Storage<'a> {
    /// By the limiter: they are gone when it is stopped.
    Memory,
    /// By a Redis, which several limiters may share.
    Redis(&'a Redis),
}
