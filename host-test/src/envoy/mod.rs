//! The runner for a real Envoy.

mod admin;
mod binary;
pub mod bootstrap;
mod http1;
mod log;
mod process;
mod spawn;

pub use binary::{SetupError, binary};
pub use log::Entry;
pub use process::{Options, Process, StartError, validate};

use crate::{Outcome, Refused, Scenario};

/// Runs a scenario on Envoy.
pub fn run(_scenario: &Scenario) -> Result<Outcome, Refused> {
    unimplemented!("being written")
}
