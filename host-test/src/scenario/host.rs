//! The two hosts that run a scenario.

use super::{LogLine, Outcome, Scenario};

/// The host that runs a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The emulated host: takes milliseconds, uses virtual time.
    Emulator,
    /// A real Envoy: uses real sockets and real time.
    Envoy,
}

/// The proxy did not start with these filters.
#[derive(Clone, Debug, thiserror::Error)]
#[error("proxy rejected the configuration: {reason}")]
pub struct Refused {
    /// The reason, in the proxy's words.
    pub reason: String,
    /// The log lines of the filters until then.
    pub logs: Vec<LogLine>,
}

impl Host {
    /// Runs a scenario.
    ///
    /// # Errors
    /// The proxy does not start with these filters.
    ///
    /// # Panics
    /// The test set-up is broken (no Envoy, no free port). The message says how to fix it.
    pub fn try_run(self, scenario: &Scenario) -> Result<Outcome, Refused> {
        match self {
            Host::Emulator => crate::emulator::run(scenario),
            Host::Envoy => crate::envoy::run(scenario),
        }
    }

    /// Runs a scenario.
    ///
    /// # Panics
    /// As [`Host::try_run`], and if the proxy does not start with these filters.
    #[track_caller]
    pub fn run(self, scenario: &Scenario) -> Outcome {
        match self.try_run(scenario) {
            Ok(outcome) => outcome,
            Err(refused) => panic!("{refused}\n{:#?}", refused.logs),
        }
    }
}

/// Declares tests that run on both hosts: `on_both_hosts! { fn keeps_the_id(host) { ... } }` becomes
/// `keeps_the_id::emulator` and `keeps_the_id::envoy`.
#[macro_export]
macro_rules! on_both_hosts {
    ($($(#[$meta:meta])* fn $name:ident($host:ident) $body:block)*) => { $(
        $(#[$meta])*
        mod $name {
            #[allow(unused_imports, reason = "a test may use nothing from the outer module")]
            use super::*;

            fn check($host: $crate::Host) $body

            #[test]
            fn emulator() {
                check($crate::Host::Emulator);
            }

            #[test]
            fn envoy() {
                check($crate::Host::Envoy);
            }
        }
    )* };
}
