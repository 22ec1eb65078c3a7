//! The state machine of a breaker, for one key: closed, open and half-open, as in resilience4j.
//!
//! Each state change increments the epoch of the record. A request remembers the epoch in which it was
//! admitted, and its result only counts in the same epoch: a late response to a request from before a state
//! change says nothing about the upstream now.

mod change;

pub use change::{Cause, Change, Status};

use crate::record::{Force, Header, Record, State};
use crate::window::{Outcome, Totals, Window};
use core::hash::Hash;
use tollgate_policy::UnixNanos;

/// Numbers of a breaker.
#[derive(Clone, Debug)]
pub struct Numbers {
    /// Window of the outcomes that the triggers use.
    pub window: Window,
    /// Failures in a row that open the breaker.
    pub consecutive_failures: Option<u32>,
    /// Failures in the window that open the breaker.
    pub failure_count: Option<u32>,
    /// Share of failures that opens the breaker, in parts per million.
    pub failure_rate: Option<u32>,
    /// Share of slow requests that opens the breaker, in parts per million.
    pub slow_rate: Option<u32>,
    /// Requests in the window from which the shares count.
    pub minimum_requests: u32,
    /// Time for which the breaker opens.
    pub open: OpenTime,
    /// Probes in half-open.
    pub probes: u16,
    /// Time in half-open after which the breaker opens again, in nanoseconds.
    pub half_open: u64,
    /// Hash of these numbers, of the layout and of the position in the plan.
    pub fingerprint: u32,
    /// Position in the plan.
    pub breaker: u16,
}

impl Numbers {
    /// Returns what a stored state depends on. With other numbers, there is another state.
    pub(crate) fn identity(&self) -> impl Hash + use<> {
        let OpenTime { first, growth, longest, jitter } = self.open;
        (
            (self.window, self.minimum_requests, self.probes, self.half_open, self.breaker),
            (self.consecutive_failures, self.failure_count, self.failure_rate, self.slow_rate),
            (first, growth.to_bits(), longest, jitter),
        )
    }
}

/// Time for which a breaker opens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenTime {
    /// First time, in nanoseconds.
    pub first: u64,
    /// Factor for each further time.
    pub growth: f64,
    /// Longest time without jitter, in nanoseconds.
    pub longest: u64,
    /// Maximum share that is added at random, in parts per million.
    pub jitter: u32,
}

impl OpenTime {
    /// Returns the time for which a breaker opens for the `count`-th time in a row. `draw` is random.
    pub fn after(&self, count: u16, draw: u64) -> u64 {
        let mut time = self.first as f64;
        for _ in 1..count {
            time *= self.growth;
            if time >= self.longest as f64 {
                break;
            }
        }
        let time = (time as u64).min(self.longest);
        time + share(share_of(time, self.jitter), draw)
    }

    /// Returns the longest time with jitter. If a breaker is open for longer, the clock was set back.
    fn bound(&self) -> u64 {
        self.longest.saturating_add(share_of(self.longest, self.jitter))
    }
}

/// Returns `per_million` of a number.
fn share_of(number: u64, per_million: u32) -> u64 {
    (u128::from(number) * u128::from(per_million) / 1_000_000) as u64
}

/// Returns a part of a number, as large as the draw.
pub(crate) fn share(number: u64, draw: u64) -> u64 {
    ((u128::from(number) * u128::from(draw)) >> 64) as u64
}

/// Verdict about a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The request passes. Its result counts in this epoch.
    Admitted {
        /// Epoch of the record.
        epoch: u32,
        /// Whether the request is a probe.
        probe: bool,
    },
    /// The request passes, and its result does not count.
    Uncounted,
    /// The breaker is open, for this time in nanoseconds.
    Open(u64),
    /// The breaker is half-open, and all probes are in use.
    HalfOpen,
    /// An operator opened the breaker.
    ForcedOpen,
}

/// Difference up to which the clocks of workers may differ, in nanoseconds.
const SKEW: u64 = 1_000_000_000;

/// A step of the state machine on a record.
#[derive(Debug)]
pub struct Step<'s, 'p> {
    /// Numbers of the breaker.
    pub numbers: &'s Numbers,
    /// Record of the key.
    pub record: &'s mut Record<'p>,
    /// Current time.
    pub now: UnixNanos,
    /// Random number.
    pub draw: u64,
    /// State changes of the step.
    pub changes: Vec<Change>,
}

impl<'s, 'p> Step<'s, 'p> {
    /// Begins a step. A record without these numbers is new, or of another version: it becomes closed.
    pub fn new(numbers: &'s Numbers, record: &'s mut Record<'p>, now: UnixNanos, draw: u64) -> Self {
        let header = record.header;
        if header.fingerprint != numbers.fingerprint {
            record.clear();
            record.header = Header {
                tag: header.tag,
                fingerprint: numbers.fingerprint,
                epoch: if header.fingerprint == 0 { 0 } else { header.epoch.wrapping_add(1) },
                breaker: numbers.breaker,
                ..Header::default()
            };
        }
        Self { numbers, record, now, draw, changes: Vec::new() }
    }

    /// Decides about a request.
    pub fn admit(&mut self) -> Verdict {
        let header = &self.record.header;
        match (header.force, header.state) {
            (Force::Open, _) => return Verdict::ForcedOpen,
            (Force::Closed, _) => return Verdict::Uncounted,
            (Force::Auto, State::Closed) => {
                return Verdict::Admitted { epoch: header.epoch, probe: false };
            }
            (Force::Auto, State::Open) => match header.until.saturating_sub(self.now.0) {
                0 => self.half_open(),
                left if left > self.numbers.open.bound() => self.half_open(),
                left => return Verdict::Open(left),
            },
            (Force::Auto, State::HalfOpen) if self.is_overdue() => {
                let left = self.open(Cause::ProbeTimeout, Totals::default());
                return Verdict::Open(left);
            }
            (Force::Auto, State::HalfOpen) => {}
        }
        let header = &mut self.record.header;
        if header.admitted >= self.numbers.probes {
            return Verdict::HalfOpen;
        }
        header.admitted += 1;
        Verdict::Admitted { epoch: header.epoch, probe: true }
    }

    /// Counts the outcome of a request that was admitted in an epoch, and opens the breaker if a trigger is
    /// reached and it `may_open`. Returns `false` if the outcome is late.
    pub fn record(&mut self, epoch: u32, outcome: Outcome, may_open: bool) -> bool {
        let header = &mut self.record.header;
        if header.epoch != epoch || header.force != Force::Auto {
            return false;
        }
        match header.state {
            State::Open => return false,
            State::HalfOpen => self.probed(outcome),
            State::Closed => {
                header.consecutive = if outcome.failed { header.consecutive.saturating_add(1) } else { 0 };
                let totals = self.numbers.window.push(self.record.window, self.now, outcome);
                if let Some(cause) = self.trigger(&totals).filter(|_| may_open) {
                    self.open(cause, totals);
                }
            }
        }
        true
    }

    /// Returns the permit of a probe that ends without a result.
    pub fn release(&mut self, epoch: u32) {
        let header = &mut self.record.header;
        if header.epoch == epoch && header.state == State::HalfOpen && header.admitted > header.done {
            header.admitted -= 1;
        }
    }

    /// Forces a state, or ends that.
    pub fn force(&mut self, force: Force) {
        let from = Status::new(&self.record.header);
        if self.record.header.force == force {
            return;
        }
        self.enter(State::Closed);
        self.record.header.openings = 0;
        self.record.header.force = force;
        self.changes.push(Change::new(from, Status::new(&self.record.header), Cause::Operator));
    }

    /// Returns the trigger that opens the breaker.
    fn trigger(&self, totals: &Totals) -> Option<Cause> {
        let numbers = self.numbers;
        let reached = |count: u32, most: Option<u32>| most.is_some_and(|most| count >= most);
        let enough = totals.requests >= numbers.minimum_requests;
        if reached(self.record.header.consecutive, numbers.consecutive_failures) {
            Some(Cause::ConsecutiveFailures)
        } else if reached(totals.failed, numbers.failure_count) {
            Some(Cause::FailureCount)
        } else if enough && is_share(totals.failed, totals.requests, numbers.failure_rate) {
            Some(Cause::FailureRate)
        } else if enough && is_share(totals.slow, totals.requests, numbers.slow_rate) {
            Some(Cause::SlowRate)
        } else {
            None
        }
    }

    /// Counts the outcome of a probe. The breaker opens as soon as the result is certain, and closes when all
    /// probes have a result.
    fn probed(&mut self, outcome: Outcome) {
        let probes = self.numbers.probes;
        let header = &mut self.record.header;
        header.done = header.done.saturating_add(1);
        header.failed = header.failed.saturating_add(outcome.failed.into());
        header.slow = header.slow.saturating_add(outcome.slow.into());
        let totals =
            Totals { requests: header.done.into(), failed: header.failed.into(), slow: header.slow.into() };
        // Without a failure rate, each failed probe opens the breaker.
        let failed = match self.numbers.failure_rate {
            Some(rate) => is_share(totals.failed, probes.into(), Some(rate)),
            None => totals.failed > 0,
        };
        if failed || is_share(totals.slow, probes.into(), self.numbers.slow_rate) {
            self.open(Cause::Probes, totals);
        } else if header.done >= probes {
            let from = Status::new(&self.record.header);
            self.enter(State::Closed);
            self.record.header.openings = 0;
            self.changes.push(Change { totals, ..Change::new(from, Status::Closed, Cause::Recovered) });
        }
    }

    /// Returns whether probes have had no result for too long: their worker may have died.
    fn is_overdue(&self) -> bool {
        let (began, now) = (self.record.header.until, self.now.0);
        now.saturating_sub(began) >= self.numbers.half_open || began.saturating_sub(now) > SKEW
    }

    fn open(&mut self, cause: Cause, totals: Totals) -> u64 {
        let from = Status::new(&self.record.header);
        self.enter(State::Open);
        let header = &mut self.record.header;
        // Probes without a result say nothing about the upstream.
        header.openings = header.openings.saturating_add((cause != Cause::ProbeTimeout).into());
        let open_for = self.numbers.open.after(header.openings, self.draw);
        header.until = self.now.0.saturating_add(open_for);
        self.changes.push(Change { open_for, totals, ..Change::new(from, Status::Open, cause) });
        open_for
    }

    fn half_open(&mut self) {
        self.enter(State::HalfOpen);
        self.record.header.until = self.now.0;
        self.changes.push(Change::new(Status::Open, Status::HalfOpen, Cause::Time));
    }

    /// Enters a state, with empty counts.
    fn enter(&mut self, state: State) {
        self.record.window.fill(0);
        let header = &mut self.record.header;
        header.state = state;
        header.epoch = header.epoch.wrapping_add(1);
        (header.until, header.consecutive) = (0, 0);
        (header.admitted, header.done, header.failed, header.slow) = (0, 0, 0, 0);
    }
}

/// Returns whether a count is at least a share of all, in parts per million. A share of 0 needs one.
fn is_share(count: u32, all: u32, per_million: Option<u32>) -> bool {
    per_million
        .is_some_and(|rate| count > 0 && u64::from(count) * 1_000_000 >= u64::from(all) * u64::from(rate))
}
