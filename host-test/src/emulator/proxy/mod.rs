//! The parts of Envoy around the filters: the connection manager, the filter chain and the router.
//!
//! The files correspond to Envoy's: `chain` to `source/common/http/filter_manager.cc`, `filter` to `Context`
//! in `source/extensions/common/wasm/context.cc`, `downstream` to the connection manager with its HTTP/1
//! codec, and `router` to `source/common/router/router.cc`. `network` contains everything for connections
//! without HTTP.

pub(crate) mod answer;
pub(crate) mod attempt;
pub(crate) mod chain;
mod codec;
pub(crate) mod connection;
pub(crate) mod downstream;
pub(crate) mod filter;
pub(crate) mod flags;
mod forwarded;
pub(crate) mod network;
pub(crate) mod reply;
pub(crate) mod retry;
pub(crate) mod router;
pub(crate) mod routes;
mod segments;
pub(crate) mod stream;
pub(crate) mod timeouts;

/// The two directions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Request,
    Response,
}
