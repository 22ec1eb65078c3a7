//! A rate limit service for tests. The crate `limitador` decides, in memory or on a Redis that the test
//! starts. The server answers as Limitador's own server does, or with the faults that a test selects.
//!
//! Like Limitador's server, it selects limits by the descriptors of a request and their positions. It counts
//! the `hits_addend` of the request, where 0 means 1, and ignores those of single descriptors. It does not
//! count rejected requests, and does not report on single descriptors. It answers `UNKNOWN` without a domain,
//! and `UNAVAILABLE` if its storage fails. Calls are decided one after another.
//!
//! ```no_run
//! use tollgate_limiter::{Limit, Limiter, Storage};
//!
//! let limiter = Limiter::start(&[Limit::new("shop", 100, 60, &["client"])], Storage::Memory);
//! println!("listening on 127.0.0.1:{}", limiter.port());
//! ```
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "for tests: a test fails if its server does not start"
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

/// Storage of the counts.
#[derive(Clone, Copy, Debug)]
pub enum Storage<'a> {
    /// In the memory of the limiter.
    Memory,
    /// In a Redis, which several limiters may share.
    Redis(&'a Redis),
}
