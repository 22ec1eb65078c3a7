//! The runner for a real Envoy.
//!
//! [`run`] starts the upstreams of a scenario and an Envoy of its own in front of them, sends the requests and reads
//! back what there is to know: from the client's and the upstreams' sockets, from the access log, from the statistics
//! and the log. [`Process`] and [`bootstrap`] serve whoever needs an Envoy for something else.

mod admin;
mod binary;
pub mod bootstrap;
mod client;
mod http1;
mod kernel;
mod log;
mod process;
mod routes;
mod run;
mod spawn;
mod tcp;
mod tls;
mod upstream;
mod wire;

pub use binary::{SetupError, binary, version};
pub use log::Entry;
pub use process::{Options, Process, StartError, validate};
pub use run::run;
