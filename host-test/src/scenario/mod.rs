//! Types that describe a test: filters, upstreams, requests and outcomes.
//!
//! All of them are plain data. The emulator and the Envoy runner read it, and nothing in it depends on
//! either: a test does not know which of them it runs on.

mod connection;
mod expect;
mod expect_metrics;
mod histogram;
mod host;
mod inputs;
mod message;
mod node;
mod outcome;
mod routes;
mod setup;
pub mod text;
pub(crate) mod tls;
mod turns;
mod upstream;

pub use connection::{Connection, ConnectionExchange, End, Received, Script, Step, TcpUpstream};
pub use expect::{Seen, SeenConnection};
pub use histogram::{Bucket, Histogram};
pub use host::{Host, Refused, on_envoy};
pub use message::{Headers, Request, Response, Waits};
pub use node::Node;
pub use outcome::{CallbackTrap, ClientView, Exchange, LogLevel, LogLine, Outcome, UpstreamRequest};
pub use routes::{
    HeaderMatch, Metadata, PathMatch, RetryPolicy, Route, RouteAction, StringMatch, VirtualHost,
};
pub(crate) use setup::RELOAD_AFTER;
pub use setup::{Configuration, FailurePolicy, Filter, NativeFilter, Scenario, Settings};
pub use tls::{Certificate, Tls};
pub(crate) use turns::Turns;
pub use upstream::{Answer, Upstream};
