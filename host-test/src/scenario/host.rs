//! The two hosts that run a scenario.

use super::{LogLine, Outcome, Scenario};
use crate::envoy::RunError;
use std::fs::File;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

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
    /// The test set-up is broken (no Envoy, no free port), or Envoy exits while it runs. The message says how
    /// to fix it, or shows Envoy's log.
    pub fn try_run(self, scenario: &Scenario) -> Result<Outcome, Refused> {
        match self {
            Host::Emulator => crate::emulator::run(scenario),
            Host::Envoy => crate::envoy::run(scenario).map_err(|error| match error {
                RunError::Refused(refused) => refused,
                RunError::Failed(why) => panic!("{why}"),
            }),
        }
    }

    /// Runs a scenario.
    ///
    /// # Panics
    /// As [`Host::try_run`], if the proxy does not start with these filters, and if a filter traps although
    /// the scenario does not expect it, or does not trap although it does (`Settings::expect_traps`).
    #[track_caller]
    pub fn run(self, scenario: &Scenario) -> Outcome {
        match self.try_run(scenario) {
            Ok(outcome) if outcome.traps.is_empty() != scenario.settings.expect_traps => outcome,
            Ok(outcome) if outcome.traps.is_empty() => panic!("no filter trapped\n{:#?}", outcome.logs),
            Ok(outcome) => {
                panic!("{}", outcome.traps.iter().map(|trap| format!("{trap}\n")).collect::<String>())
            }
            Err(refused) => panic!("{refused}\n{:#?}", refused.logs),
        }
    }
}

/// Maximum number of attempts of a check in Envoy. As many as `make conformance` makes.
const ATTEMPTS: u32 = 3;

/// Runs a check that depends on real time, because it uses a real Envoy: up to three times, until it does
/// not panic. On a busy machine a timer is late, or two pieces arrive as one. A wrong filter fails each
/// attempt, and the same check in the emulator gets one attempt.
///
/// A failed attempt is printed. If the environment variable `TOLLGATE_RETRY_LOG` names a file, the name of
/// the test is appended to it. `make test` prints these names, so that a fragile test is noticed.
#[track_caller]
pub fn on_envoy(check: impl Fn()) {
    attempts(check, report_retry);
}

#[track_caller]
fn attempts(check: impl Fn(), failed: impl Fn(u32)) {
    for attempt in 1..ATTEMPTS {
        if catch_unwind(AssertUnwindSafe(&check)).is_ok() {
            return;
        }
        failed(attempt);
    }
    check();
}

fn report_retry(attempt: u32) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    eprintln!("attempt {attempt} of {ATTEMPTS} in Envoy failed: {test}");
    if let Some(path) = std::env::var_os("TOLLGATE_RETRY_LOG") {
        let log = File::options().append(true).create(true).open(&path);
        let written = log.and_then(|mut log| writeln!(log, "{test}"));
        written.unwrap_or_else(|error| {
            panic!("cannot write `{}`, the TOLLGATE_RETRY_LOG: {error}", path.display())
        });
    }
}

/// Declares tests that run on both hosts: `on_both_hosts! { fn keeps_the_id(host) { ... } }` becomes
/// `keeps_the_id::emulator` and `keeps_the_id::envoy`. The latter runs with [`on_envoy`].
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
                $crate::on_envoy(|| check($crate::Host::Envoy));
            }
        }
    )* };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// Runs a check that fails in the first `failures` attempts. Returns the number of attempts, the number
    /// of failures that were reported, and whether the check passed.
    fn run(failures: u32) -> (u32, u32, bool) {
        let (count, reported) = (Cell::new(0), Cell::new(0));
        let check = || {
            count.set(count.get() + 1);
            assert!(count.get() > failures, "attempt {}", count.get());
        };
        let failed = |attempt| reported.set(attempt);
        let passed = catch_unwind(AssertUnwindSafe(|| attempts(check, failed))).is_ok();
        (count.get(), reported.get(), passed)
    }

    #[test]
    fn a_check_in_envoy_gets_three_attempts() {
        assert_eq!(run(0), (1, 0, true));
        assert_eq!(run(2), (3, 2, true));
        assert_eq!(run(3), (3, 2, false));
    }
}
