//! A thin SDK for proxy-wasm filters on Envoy and Istio. A whole filter:
//!
//! ```
//! use serde::Deserialize;
//! use tollgate::{ConfigError, Context, Flow, HttpFilter, Reply, RequestHeaders, Result};
//!
//! #[derive(Deserialize)]
//! #[serde(deny_unknown_fields)]
//! struct Config {
//!     header: String,
//!     allowed: Vec<String>,
//! }
//!
//! struct AllowList(Config);
//!
//! #[tollgate::filter]
//! impl HttpFilter for AllowList {
//!     type Config = Config;
//!     type Stream = ();
//!
//!     fn new(config: Config, _: &mut Context<'_, Self>) -> std::result::Result<Self, ConfigError> {
//!         Ok(Self(config))
//!     }
//!
//!     fn on_request_headers(
//!         &mut self, _: &mut (), headers: &mut RequestHeaders<'_>, _: &mut Context<'_, Self>,
//!     ) -> Result<Flow> {
//!         let mut values = headers.get_all(&self.0.header)?;
//!         let allowed = values.any(|value| self.0.allowed.iter().any(|a| a.as_bytes() == value));
//!         Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
//!     }
//! }
//! # fn main() {}
//! ```
//!
//! # Layers
//! `abi` (numbers) under `host` (slices and results) under the views that callbacks get ([`RequestHeaders`],
//! [`RequestBody`], ...) and what they can start ([`Context`]); `entry` takes the host's callbacks to the methods of
//! [`HttpFilter`] and carries out the [`Flow`] they return.
//!
//! # What it holds to
//! - Nothing traps: not a status the host answers, not a byte a client sends. A trap costs Envoy's worker the VM.
//! - Headers are bytes, readable only in the phase in which the host lets them be read.
//! - No cost that was not asked for: no export, no host call and no copy that the filter does not use.

mod abi;
pub mod body;
mod callbacks;
pub mod callout;
pub mod clock;
pub mod config;
mod context;
pub mod entry;
mod error;
pub mod filter;
mod flow;
pub mod foreign;
mod headers;
mod host;
pub mod log;
pub mod map;
pub mod metrics;
mod pairs;
mod plugins;
pub mod property;
mod protobuf;
pub mod queue;
pub mod random;
pub mod shared;
pub mod signal;
mod tasks;

pub use body::{RequestBody, ResponseBody, Whole};
pub use callout::{CalloutError, GrpcCall, GrpcError, GrpcResult, HttpCall, HttpResponse, HttpResult};
pub use clock::UnixNanos;
pub use config::ConfigError;
pub use context::Context;
pub use error::{Error, Result, Status};
pub use filter::{HttpFilter, Phase};
pub use flow::{Flow, Reply};
pub use headers::{AccessLog, Headers, RequestHeaders, RequestTrailers, ResponseHeaders, ResponseTrailers};
pub use pairs::Pairs;
pub use signal::{Signal, Woken};
/// Makes the module's exports of an implementation of [`HttpFilter`]: one for each method that is written.
///
/// Its arguments say what else the filter does: `http_callouts`, `grpc_callouts`, `timers`. Using one without saying
/// so does not compile.
pub use tollgate_macros::filter;
