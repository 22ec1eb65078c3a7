//! Tests of the filter with a rate limit service: calls, answers and failures.
//!
//! In [`live`] all parts are real: Envoys, a service that uses the crate `limitador`, and clients with
//! sockets.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "tests fail by panicking; services and clients run in real time"
)]

mod answers;
mod circuit;
mod combined;
mod failing;
mod live;
mod local;
mod quotas;
mod support;
mod waiting;
