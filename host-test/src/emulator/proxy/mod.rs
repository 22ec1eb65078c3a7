//! What Envoy is around the filters: the connection manager, the filter chain, the router.
//!
//! The files follow Envoy's: `chain` is `source/common/http/filter_manager.cc`, `filter` is `Context` of
//! `source/extensions/common/wasm/context.cc`, `downstream` is the connection manager with its HTTP/1 codec, `router` is
//! `source/common/router/router.cc`. `network` is all there is of connections without HTTP.

pub(crate) mod chain;
mod codec;
pub(crate) mod downstream;
pub(crate) mod filter;
pub(crate) mod flags;
pub(crate) mod network;
pub(crate) mod reply;
pub(crate) mod retry;
pub(crate) mod router;
pub(crate) mod routes;
pub(crate) mod stream;
pub(crate) mod timeouts;

/// The two directions of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Request,
    Response,
}
