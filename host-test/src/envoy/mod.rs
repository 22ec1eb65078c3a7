//! The runner for a real Envoy.

use crate::{Outcome, Refused, Scenario};

/// Runs a scenario on Envoy.
pub fn run(_scenario: &Scenario) -> Result<Outcome, Refused> {
    unimplemented!("being written")
}
