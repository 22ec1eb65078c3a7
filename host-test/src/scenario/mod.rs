//! The language of tests: what is loaded, what is behind it, what is sent, and what was seen.
//!
//! Everything here is plain data. The emulator and the Envoy runner read it; neither leaks into it, so that a test
//! cannot tell which of them it runs on.

mod expect;
mod host;
mod message;
mod outcome;
mod setup;
pub mod text;
mod turns;

pub use expect::Seen;
pub use host::{Host, Refused};
pub use message::{Headers, Request, Response};
pub use outcome::{ClientView, Exchange, LogLevel, LogLine, Outcome, UpstreamRequest};
pub use setup::{Answer, Configuration, FailurePolicy, Filter, Scenario, Settings, Upstream};
pub(crate) use turns::Turns;
