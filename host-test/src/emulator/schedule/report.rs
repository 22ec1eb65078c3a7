//! What comes of trying schedules.

use super::plan::Schedule;
use crate::Exchange;
use crate::emulator::Emulator;
use std::fmt;

/// Turns that a violation is printed with: those of a race are few, those of an endless loop all alike.
const SHOWN: usize = 100;

/// How things have ended under one schedule.
#[derive(Debug)]
pub struct End {
    /// What came of each request, in the order in which they were given.
    pub exchanges: Vec<Exchange>,
    /// The schedule.
    pub schedule: Schedule,
    /// The host calls whose order it is, as in the trace: `[thread#context] call(arguments) -> answer`.
    pub calls: Vec<String>,
    /// The proxy as it was left: shared data, metrics, logs, traps, and what upstreams got. Time may pass and requests
    /// be sent, one after the other from now on.
    pub emulator: Emulator,
}

/// What a check returns: nothing, if it panics when something is wrong, or a result.
pub trait Verdict {
    /// What is wrong, if anything.
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

/// Nothing was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What was tried, in order.
    pub schedules: Vec<Schedule>,
    /// Beginnings that were not followed to the end because they come to the same as others.
    pub cut: usize,
    /// Whether that is all there is.
    pub coverage: Coverage,
}

/// How much of what could happen was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coverage {
    /// Everything.
    Everything,
    /// Everything with at most so many preemptions; there are schedules with more.
    Preemptions(usize),
    /// Something.
    Part,
}

impl Report {
    /// Whether nothing was left out that could have ended in another way.
    pub fn is_exhaustive(&self) -> bool {
        self.coverage == Coverage::Everything
    }
}

/// A schedule under which something is wrong.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct Violation {
    /// What the check said, or why the run did not come to its end.
    pub reason: String,
    /// The schedule, for [`super::Interleaved::replay`].
    pub schedule: Schedule,
    /// How often it takes the turn from a thread that is in the middle of something.
    pub preemptions: usize,
    /// The host calls whose order it is, with their answers.
    pub calls: Vec<String>,
    /// Schedules that were tried, with this one.
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
        writeln!(f, "  turns, as [thread#context] call -> answer:")?;
        let left_out = self.calls.len().saturating_sub(SHOWN);
        if left_out > 0 {
            writeln!(f, "        ({left_out} before these)")?;
        }
        for (place, call) in self.calls.iter().enumerate().skip(left_out) {
            writeln!(f, "  {:>4}  {call}", place + 1)?;
        }
        Ok(())
    }
}

/// The same as `Display`, so that `unwrap` is readable.
impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
