//! A thin SDK for proxy-wasm filters on Envoy and Istio. This is a complete filter:
//!
//! ```
//! use tollgate::{Config, Flow, HttpFilter, Reply, Request, Result};
//!
//! #[derive(Config)]
//! struct AllowList {
//!     /// Header that is checked.
//!     header: String,
//!     /// Values that are allowed.
//!     allowed: Vec<String>,
//! }
//!
//! #[tollgate::filter]
//! impl HttpFilter for AllowList {
//!     fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
//!         let mut values = request.headers.get_all(&self.header)?;
//!         let allowed = values.any(|value| self.allowed.iter().any(|a| a.as_bytes() == value));
//!         Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Layers
//! - `abi` declares the host calls, with numbers only. `host` wraps them with slices and [`Result`].
//! - Callbacks receive one argument, such as [`Request`]: the part of the message that has arrived, the state
//!   of the stream, and a [`Context`] to start callouts and timers.
//! - `entry` routes the callbacks of the host to the methods of [`HttpFilter`] or [`TcpFilter`], and carries
//!   out the [`Flow`] that they return.
//!
//! # Guarantees
//! - The SDK does not trap, whatever status the host returns and whatever bytes a client sends. A trap would
//!   cost the Envoy worker its VM.
//! - Headers are bytes. They can be read only in the phase in which the host allows it.
//! - A filter pays only for the features that it uses: the module has no export, host call or copy that the
//!   filter does not need.

mod abi;
pub mod body;
mod callbacks;
pub mod callout;
#[doc(hidden)]
pub mod chain;
pub mod clock;
pub mod config;
mod context;
pub mod entry;
mod error;
pub mod filter;
mod flow;
pub mod foreign;
pub mod future;
pub mod grpc_stream;
mod headers;
mod host;
pub mod log;
pub mod map;
pub mod metrics;
mod pairs;
mod plugins;
pub mod property;
mod protobuf;
#[cfg(feature = "proxy-wasm")]
pub mod proxy_wasm;
pub mod queue;
pub mod random;
pub mod shared;
pub mod signal;
mod state;
pub mod stream;
mod stream_state;
mod task;
mod tasks;
pub mod tcp;
mod tick;

pub use body::{Body, Whole};
pub use callout::{CalloutError, GrpcCall, GrpcError, GrpcResult, HttpCall, HttpResponse, HttpResult};
pub use clock::UnixNanos;
pub use config::{Config, ConfigError};
pub use context::Context;
pub use error::{Error, Name, Status};
pub use filter::{HttpFilter, Phase};
pub use flow::{Failure, Flow, Reply, Result};
pub use future::{AsyncRequest, AsyncRequestBody, AsyncResponse, AsyncResponseBody};
pub use headers::{Headers, RequestHeaders, ResponseHeaders, Trailers};
pub use pairs::Pairs;
pub use signal::{Signal, Woken};
pub use state::State;
pub use stream::{
    AccessLog, Request, RequestBody, RequestTrailers, Response, ResponseBody, ResponseTrailers,
};
pub use tcp::TcpFilter;
/// Generates `define` for a struct of metrics. See [`metrics`].
pub use tollgate_macros::Metrics;
#[doc(hidden)]
pub use tollgate_macros::exports;
/// Prepares an implementation of [`HttpFilter`] or [`TcpFilter`] for [`module!`]: notes the methods that it
/// defines, and adds what it leaves out.
///
/// The arguments declare the other features of the filter: `http_callouts`, `grpc_callouts` and `timers`. A
/// filter that uses one of them without declaring it does not compile.
pub use tollgate_macros::filter;
/// Makes the crate a module of one or several filters: generates one export for each callback that a filter
/// defines, and no other. Use it once, in a crate of `crate-type = ["cdylib"]`.
///
/// ```no_run
/// use tollgate::{Flow, HttpFilter, Request, Result};
///
/// struct SetGreeting;
///
/// #[tollgate::filter]
/// impl HttpFilter for SetGreeting {
///     type Config = ();
///
///     fn new(_: (), _: &mut tollgate::Context<'_, Self>) -> Result<Self, tollgate::ConfigError> {
///         Ok(Self)
///     }
///
///     fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
///         request.headers.set("x-greeting", "hello")?;
///         Ok(Flow::Continue)
///     }
/// }
///
/// tollgate::module!(SetGreeting);
/// # fn main() {}
/// ```
pub use tollgate_macros::module;
#[doc(hidden)]
pub use tollgate_types::if_schema;
pub use tollgate_types::{
    Duration, EditableName, HeaderEdit, HeaderName, HeaderValue, Label, Named, Refusal, RequestFacts,
    ResponseDetails, ResponseFacts,
};
