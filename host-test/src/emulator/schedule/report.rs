//! Results of trying schedules.

use super::plan::Schedule;
use crate::Exchange;
use crate::emulator::Emulator;
use std::fmt;

/// Number of turns shown in a violation. A race has few turns; an endless loop repeats the same ones.
const MAX_SHOWN: usize = 100;

/// The state at the end of a run under one schedule.
#[derive(Debug)]
pub struct End {
    /// The exchange of each request, in the order in which the requests were added.
    pub exchanges: Vec<Exchange>,
    /// The schedule of this run.
    pub schedule: Schedule,
    /// The host calls in the order of the schedule, as in the trace: `[thread#context] call(arguments) ->
    /// result`.
    pub calls: Vec<String>,
    /// The emulator at the end of the run: shared data, metrics, logs, traps, and the requests that upstreams
    /// received. It can be used further: let time pass, or send requests one after the other.
    pub emulator: Emulator,
}

/// The result of a check: `()` for a check that panics if something is wrong, or a `Result`.
pub trait Verdict {
    /// Returns what is wrong, if anything.
    fn verdict(self) -> Result<(), String>;
}

impl Verdict for () {
    fn verdict(self) -> Result<(), String> {
        Ok(())
    }
}

impl Verdict for Result<(), String> {
    fn verdict(self) -> Result<(), String> {
        self
    }
}

/// The result of a search that found no violation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The schedules that were tried, in order.
    pub schedules: Vec<Schedule>,
    /// Number of runs that were cut off because they are equivalent to others.
    pub cut: usize,
    /// Whether all schedules were tried.
    pub coverage: Coverage,
}

/// The part of the possible schedules that a search covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// All distinguishable schedules were tried.
    Everything,
    /// All schedules with at most this many preemptions were tried; there are schedules with more.
    Preemptions(usize),
    /// Only some schedules were tried.
    Part,
}

impl Report {
    /// Returns whether the search covered every schedule that could end differently.
    pub fn is_exhaustive(&self) -> bool {
        self.coverage == Coverage::Everything
    }
}

/// A schedule under which a check failed or a run could not finish.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Violation {
    /// The message of the check, or the reason why the run did not finish.
    pub reason: String,
    /// The schedule, for [`super::Interleaved::replay`].
    pub schedule: Schedule,
    /// Number of times that the schedule takes the turn from a thread in the middle of a job.
    pub preemptions: usize,
    /// The host calls in the order of the schedule, with their results.
    pub calls: Vec<String>,
    /// Number of schedules tried, including this one.
    pub tried: usize,
}

impl Violation {
    pub(super) fn new(reason: String, schedule: Schedule, calls: Vec<String>) -> Self {
        Self { reason, schedule, preemptions: 0, calls, tried: 1 }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.reason)?;
        writeln!(f, "  schedule: \"{}\"", self.schedule)?;
        writeln!(f, "  preemptions: {}; schedules tried: {}", self.preemptions, self.tried)?;
        writeln!(f, "  turns, as [thread#context] call -> result:")?;
        let left_out = self.calls.len().saturating_sub(MAX_SHOWN);
        if left_out > 0 {
            writeln!(f, "        ({left_out} earlier turns omitted)")?;
        }
        for (place, call) in self.calls.iter().enumerate().skip(left_out) {
            writeln!(f, "  {:>4}  {call}", place + 1)?;
        }
        Ok(())
    }
}

/// The same as `Display`, so that the output of `unwrap` is readable.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
