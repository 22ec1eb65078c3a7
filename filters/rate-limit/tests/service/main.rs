//! What the filter makes of a rate limit service: what it asks, what it does with answers, and without.
//!
//! [`live`] is real in all parts: Envoys, a service that decides by the crate `limitador`, clients on sockets.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test ends by panicking; and services and clients of its own live in real time"
)]

mod answers;
mod circuit;
mod failing;
mod live;
mod local;
mod quotas;
mod support;
mod waiting;
