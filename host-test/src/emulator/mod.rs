//! The emulated host.

pub mod foreign;
pub mod state;

use crate::{Outcome, Refused, Scenario};

/// Runs a scenario on the emulator.
pub fn run(_scenario: &Scenario) -> Result<Outcome, Refused> {
    unimplemented!("being written")
}
