//! Interleaves workers in chosen orders, to find races between threads.
//!
//! Envoy runs each worker on its own thread. The state that filters share (shared data, queues, metrics) is
//! locked only for one host call. Between two calls another worker may change what was just read. This hardly
//! ever happens in a test, but every day in production.
//!
//! Here, several workers run at the same instant of virtual time. Before each host call that accesses shared
//! state, a scheduler decides which thread runs next. It does so nowhere else. That is sufficient: the
//! memory, streams and timers of a VM belong to one thread, so other threads cannot observe what a worker
//! does between two such calls. An upstream with several scripted answers is shared between workers too, and
//! counts as shared state. Each thread draws its own random numbers. The order of log lines and of the trace
//! depends on the schedule; a check should not rely on it, nor on the value of a `cas`.
//!
//! - [`Interleaved::exhaustive`] tries all distinguishable schedules, or reports that some are missing.
//! - [`Interleaved::seeded`] tries random schedules, the same ones for the same seed.
//! - [`Interleaved::replay`] runs one schedule again.
//!
//! ```no_run
//! use tollgate_host_test::emulator::schedule::Interleaved;
//! use tollgate_host_test::{Filter, Request, Scenario, Wasm};
//!
//! let filter = Filter::new(Wasm::package("my-filter"));
//! let scenario = Scenario::new().filter(filter).settings(|s| s.workers = 2);
//! let report = Interleaved::new(&scenario)
//!     .send(0, Request::get("/"))
//!     .send(1, Request::get("/"))
//!     .exhaustive(|end| assert_eq!(end.emulator.metric("my_filter.distinct"), Some(2)))
//!     .unwrap_or_else(|violation| panic!("{violation}"));
//! assert!(report.is_exhaustive());
//! ```

mod explore;
mod plan;
mod report;
mod run;
mod search;
mod tasks;
mod touch;

pub use plan::{ParseScheduleError, Schedule};
pub use report::{Coverage, End, Report, Verdict, Violation};
pub(crate) use tasks::{Interleaving, wait};
pub(crate) use touch::{AccessKind, SharedAccess};

use super::{Builder, Effect, Emulator, PATIENCE, Which};
use crate::{Request, Scenario};
use explore::Limits;
use std::time::Duration;

/// Default limit on the number of schedules that a search tries.
const MAX_SCHEDULES: usize = 10_000;

/// Workers to interleave, with their requests and the limits of the search.
#[derive(Clone, Debug)]
pub struct Interleaved {
    scenario: Scenario,
    requests: Vec<Sent>,
    from_start: bool,
    patience: Duration,
    faults: Vec<(String, Which, Effect)>,
    limits: Limits,
}

/// A request, with the time when it is sent and the worker that receives it.
#[derive(Clone, Debug)]
struct Sent {
    at: Duration,
    worker: usize,
    request: Request,
}

impl Interleaved {
    /// Sends the scenario's requests at the same time, to the workers in round-robin order.
    /// `settings.workers` is the number of workers.
    pub fn new(scenario: &Scenario) -> Self {
        let workers = scenario.settings.workers.max(1);
        let limits = Limits { schedules: MAX_SCHEDULES, preemptions: usize::MAX, reduce: true };
        let (scenario, requests, patience) = (scenario.clone(), Vec::new(), PATIENCE);
        let new = Self { scenario, requests, from_start: false, patience, faults: Vec::new(), limits };
        let requests = new.scenario.requests.clone().into_iter().enumerate();
        requests.fold(new, |new, (index, request)| new.send(index % workers, request))
    }

    /// Adds a request at the start, to a worker (0 is the first). A worker handles its requests one after the
    /// other.
    pub fn send(self, worker: usize, request: Request) -> Self {
        self.send_at(Duration::ZERO, worker, request)
    }

    /// Adds a request at a time since the start.
    pub fn send_at(mut self, at: Duration, worker: usize, request: Request) -> Self {
        let workers = self.scenario.settings.workers.max(1);
        assert!(worker < workers, "unknown worker `{worker}`, expected less than {workers}");
        self.requests.push(Sent { at, worker, request });
        self
    }

    /// Lets time pass after the last request (`settings.linger`), so that ticks can run.
    pub fn linger(mut self, time: Duration) -> Self {
        self.scenario.settings.linger = time;
        self
    }

    /// Also interleaves the loading of filters on the workers, which happens concurrently on Envoy too. The
    /// canary and the main thread have loaded them before.
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Makes host calls of this name fail, including those made while the filters load. Calls are numbered
    /// across all threads, in the order of the schedule.
    pub fn fault(mut self, call: &str, which: Which, effect: Effect) -> Self {
        self.faults.push((call.into(), which, effect));
        self
    }

    /// Limits how long a callback may run, in wall-clock time, before it counts as an endless loop. Waiting
    /// for a turn counts.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Limits the number of schedules that are tried. The default is 10,000.
    pub fn at_most(mut self, schedules: usize) -> Self {
        self.limits.schedules = schedules;
        self
    }

    /// Tries only schedules with at most `most` preemptions. A preemption takes the turn from a thread in the
    /// middle of a job.
    pub fn preemptions(mut self, most: usize) -> Self {
        // Of two equivalent schedules, reduction might leave out the one within the bound.
        (self.limits.preemptions, self.limits.reduce) = (most, false);
        self
    }

    /// Tries every schedule, including equivalent ones.
    pub fn unreduced(mut self) -> Self {
        self.limits.reduce = false;
        self
    }

    fn builder(&self) -> Builder {
        let builder = Emulator::builder(&self.scenario).patience(self.patience);
        let faults = self.faults.iter();
        faults.fold(builder, |builder, (call, which, effect)| builder.fault(call, *which, *effect))
    }
}
