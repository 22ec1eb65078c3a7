//! Run proxy-wasm filters as Envoy runs them: in an emulated host, and in a real Envoy.
//!
//! A [`Scenario`] says which filters are loaded, what stands behind the proxy, and what a client sends. A [`Host`]
//! runs it and gives back an [`Outcome`] with three views: what the client saw, what the upstream saw, and what the
//! filter did. The emulator takes milliseconds and keeps a virtual clock; Envoy takes a second and is always right.
//!
//! ```
//! use tollgate_host_test::{Filter, Host, Request, Scenario, Wasm};
//!
//! // Any module: `Wasm::file("policy.wasm")`. This one is built from this workspace.
//! let hello = Filter::new(Wasm::package("tollgate-example-hello"))
//!     .config(serde_json::json!({"header": "x-team", "allowed": ["red", "blue"]}));
//! let scenario = Scenario::new()
//!     .filter(hello)
//!     .request(Request::get("/").header("x-team", "blue"))
//!     .request(Request::get("/"));
//! for host in [Host::Emulator, Host::Envoy] {
//!     let outcome = host.run(&scenario);
//!     outcome.has_statuses(&[200, 403]);
//!     outcome.client(0).body("ok");
//! }
//! ```
//!
//! `docs/testing.md` goes on from here.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test library: a broken set-up ends the test, saying what to do"
)]

pub mod build;
pub mod emulator;
pub mod envoy;
pub mod scenario;
pub mod variations;

pub use build::Wasm;
pub use scenario::{
    Answer, Certificate, ClientView, Configuration, Connection, ConnectionExchange, End, Exchange,
    FailurePolicy, Filter, HeaderMatch, Headers, Host, LogLevel, LogLine, Metadata, NativeFilter, Outcome,
    PathMatch, Received, Refused, Request, Response, RetryPolicy, Route, RouteAction, Scenario, Script, Seen,
    SeenConnection, Settings, Step, StringMatch, TcpUpstream, Tls, Upstream, UpstreamRequest, VirtualHost,
};
pub use tollgate_pack::paths;
