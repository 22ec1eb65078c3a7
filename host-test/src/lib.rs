//! Runs proxy-wasm filters in an emulated Envoy and in a real one.
//!
//! A [`Scenario`] describes the filters to load, the upstreams, and the requests that a client sends. A
//! [`Host`] runs it and returns an [`Outcome`] with three views: what the client received, what the upstream
//! received, and what the filter did. The emulator takes milliseconds and has a virtual clock. Envoy takes
//! about a second, and defines the correct behaviour.
//!
//! ```
//! use tollgate_host_test::{Filter, Host, Request, Scenario, Wasm};
//!
//! // This module is built from the workspace. `Wasm::file("policy.wasm")` loads any other module.
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
//! `docs/testing.md` describes how to test a filter with this crate.

#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used,
    reason = "a test library: a broken set-up fails the test with a message that says how to fix it"
)]

pub mod build;
pub mod emulator;
pub mod envoy;
mod http1;
pub mod scenario;
pub mod variations;

pub use build::Wasm;
pub use scenario::{
    Answer, Bucket, CallbackTrap, Certificate, ClientView, Configuration, Connection, ConnectionExchange,
    End, Exchange, FailurePolicy, Filter, HeaderMatch, Headers, Histogram, Host, LogLevel, LogLine, Metadata,
    NativeFilter, Node, Outcome, PathMatch, Received, Refused, Request, Response, RetryPolicy, Route,
    RouteAction, Scenario, Script, Seen, SeenConnection, Settings, Step, StringMatch, TcpUpstream, Tls,
    Upstream, UpstreamRequest, VirtualHost, Waits, on_envoy,
};
pub use tollgate_pack::paths;
