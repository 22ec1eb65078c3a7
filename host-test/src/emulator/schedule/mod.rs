//! Workers in a chosen order: what two threads may do to each other, tried on purpose.
//!
//! Envoy runs each worker on a thread of its own, and what filters share — shared data, queues, metrics — is locked for
//! the length of one host call. Between two calls anything may happen: another worker changes what was just read. That
//! hardly ever happens in a test and every day in production.
//!
//! Here several workers are under way at the same instant of virtual time, and a scheduler decides before each host call
//! that touches something shared whose turn it is. It does so nowhere else. That is enough: a VM's memory, its streams
//! and its timers belong to one thread, so what a worker does between two such calls nobody else can see, and whether
//! it happens sooner or later is all the same. What the emulator's workers share and a filter cannot touch by itself,
//! an upstream with several answers, is a thing as any other. Each thread draws random numbers of its own. The order
//! of log lines and of the trace is that of the schedule; a check should not look at it, nor at the number that a `cas`
//! is.
//!
//! - [`Interleaved::exhaustive`] tries all schedules that can be told apart, or says that these were not all.
//! - [`Interleaved::seeded`] tries some at random, the same ones for the same seed.
//! - [`Interleaved::replay`] runs one again.
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

pub use plan::{NoSchedule, Schedule};
pub use report::{Coverage, End, Report, Verdict, Violation};
pub(crate) use tasks::{Baton, wait};
pub(crate) use touch::{How, Touch};

use super::{Builder, Effect, Emulator, PATIENCE, Which};
use crate::{Request, Scenario};
use explore::Limits;
use std::time::Duration;

/// Schedules that are tried before the search is given up, unless told otherwise.
const MOST_SCHEDULES: usize = 10_000;

/// Workers that are to be interleaved, and what they have to do.
#[derive(Clone, Debug)]
pub struct Interleaved {
    scenario: Scenario,
    requests: Vec<Sent>,
    from_start: bool,
    patience: Duration,
    faults: Vec<(String, Which, Effect)>,
    limits: Limits,
}

/// A request, when it is sent, and to whom.
#[derive(Clone, Debug)]
struct Sent {
    at: Duration,
    worker: usize,
    request: Request,
}

impl Interleaved {
    /// The scenario's requests are sent at one instant, to the workers in turn. Their number is `settings.workers`.
    pub fn new(scenario: &Scenario) -> Self {
        let workers = scenario.settings.workers.max(1);
        let limits = Limits { schedules: MOST_SCHEDULES, preemptions: usize::MAX, reduce: true };
        let (scenario, requests, patience) = (scenario.clone(), Vec::new(), PATIENCE);
        let new = Self { scenario, requests, from_start: false, patience, faults: Vec::new(), limits };
        let requests = new.scenario.requests.clone().into_iter().enumerate();
        requests.fold(new, |new, (index, request)| new.send(index % workers, request))
    }

    /// Sends one more request at the start, to a worker, the first being 0. Several to one worker follow each other.
    pub fn send(self, worker: usize, request: Request) -> Self {
        self.send_at(Duration::ZERO, worker, request)
    }

    /// The same at another time since the start.
    pub fn send_at(mut self, at: Duration, worker: usize, request: Request) -> Self {
        let workers = self.scenario.settings.workers.max(1);
        assert!(worker < workers, "there are {workers} workers, and `{worker}` is none of them");
        self.requests.push(Sent { at, worker, request });
        self
    }

    /// Lets time pass after the last request: `settings.linger`, for what ticks do.
    pub fn linger(mut self, time: Duration) -> Self {
        self.scenario.settings.linger = time;
        self
    }

    /// Interleaves what the workers do when they load the filters, too. The main thread has loaded them by then, in a
    /// canary and for itself; workers do it all at once, on Envoy too.
    pub fn from_start(mut self) -> Self {
        self.from_start = true;
        self
    }

    /// Makes host calls of this name fail, also those made while the filters are loaded. The nth call is the nth of all
    /// threads, in the order of the schedule.
    pub fn fault(mut self, call: &str, which: Which, effect: Effect) -> Self {
        self.faults.push((call.into(), which, effect));
        self
    }

    /// Takes a callback that runs longer than this, by the wall's clock, for an endless loop; waiting for a turn counts.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Gives up after so many schedules; 10,000 unless told otherwise.
    pub fn at_most(mut self, schedules: usize) -> Self {
        self.limits.schedules = schedules;
        self
    }

    /// Tries those schedules only in which at most so many times one thread takes the turn from another that is in the
    /// middle of something.
    pub fn preemptions(mut self, most: usize) -> Self {
        // Of two schedules that come to the same, the one left out may be the one within the bound.
        (self.limits.preemptions, self.limits.reduce) = (most, false);
        self
    }

    /// Tries every schedule, also those that cannot be told apart.
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
