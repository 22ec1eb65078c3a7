//! The two hosts.

use super::{LogLine, Outcome, Scenario};

/// Where a scenario runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Host {
    /// The emulated host: milliseconds, virtual time.
    Emulator,
    /// A real Envoy: real sockets, real time.
    Envoy,
}

/// The proxy would not start with these filters, and what was logged meanwhile.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the proxy refused the configuration: {reason}")]
pub struct Refused {
    /// Why, in the proxy's words.
    pub reason: String,
    /// What the filters logged.
    pub logs: Vec<LogLine>,
}

impl Host {
    /// Runs a scenario. `Err` is for a proxy that refuses to start; trouble of the test set-up itself (no Envoy, no
    /// free port) panics with what to do about it.
    pub fn try_run(self, scenario: &Scenario) -> Result<Outcome, Refused> {
        match self {
            Host::Emulator => crate::emulator::run(scenario),
            Host::Envoy => crate::envoy::run(scenario),
        }
    }

    /// Runs a scenario whose filters must load.
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
            #[allow(unused_imports, reason = "a body may need nothing of its surroundings")]
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
