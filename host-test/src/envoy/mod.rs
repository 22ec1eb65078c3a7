//! Runs scenarios on a real Envoy.
//!
//! [`run()`] starts the upstreams of a scenario and an Envoy process, sends the requests, and collects the
//! outcome: from the sockets of the client and the upstreams, the access log, the statistics and the log. To
//! use an Envoy for other purposes, start it with [`Process`] and a [`bootstrap`].

mod admin;
mod binary;
pub mod bootstrap;
mod client;
mod exchanges;
mod histograms;
pub(crate) mod http2;
mod inputs;
mod kernel;
mod log;
mod process;
mod routes;
mod run;
mod spawn;
mod tcp;
mod tls;
mod upstream;

pub use binary::{SetupError, binary, version};
pub use log::Entry;
pub use process::{Options, Process, StartError, validate};
pub use run::{RunError, run};
