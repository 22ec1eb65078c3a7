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
mod tasks;
mod touch;

pub use plan::{NoSchedule, Schedule};
pub use report::{Coverage, End, Report, Verdict, Violation};
pub(crate) use tasks::{Baton, wait};
pub(crate) use touch::{How, Touch};

use super::linking::Code;
use super::random::Random;
use super::{Builder, Effect, Emulator, PATIENCE, Which};
use crate::{Request, Scenario};
use explore::{Front, Limits};
use run::{Choose, Pending, Run, Stopped, words};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
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

    /// Interleaves what the workers do when they load the filters, too. The main thread has loaded them by then.
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

    /// Tries all schedules, those with the fewest preemptions first, until `check` fails for one.
    ///
    /// `check` sees how things have ended, and fails by a panic or an error. The violation has a schedule with as few
    /// preemptions as it takes.
    pub fn exhaustive<V: Verdict>(&self, check: impl Fn(&mut End) -> V) -> Result<Report, Violation> {
        let codes = self.codes()?;
        let found = self.search(&codes, self.limits, &check);
        let Err(violation) = &found else { return found };
        if violation.preemptions > 0 && self.limits.reduce {
            // Of the schedules that were left out because they come to the same, one may have fewer.
            let preemptions = violation.preemptions - 1;
            let fewer = Limits { preemptions, reduce: false, ..self.limits };
            if let Err(simpler) = self.search(&codes, fewer, &check) {
                return Err(Violation { tried: violation.tried + simpler.tried, ..simpler });
            }
        }
        found
    }

    fn search<V: Verdict>(
        &self,
        codes: &Arc<[Arc<Code>]>,
        limits: Limits,
        check: &impl Fn(&mut End) -> V,
    ) -> Result<Report, Violation> {
        let mut front = Front::new(limits);
        let mut report = Report { schedules: Vec::new(), cut: 0, coverage: Coverage::Everything };
        while let Some(mut walk) = front.next() {
            if report.schedules.len().max(report.cut) == limits.schedules {
                report.coverage = Coverage::Part;
                return Ok(report);
            }
            let tried = self.once(codes, check, &mut |pending| walk.choose(pending));
            let preemptions = walk.preemptions;
            match tried {
                Ok(Some(end)) => report.schedules.push(end.schedule),
                Ok(None) => report.cut += 1,
                Err(violation) => {
                    return Err(Violation { tried: report.schedules.len() + 1, preemptions, ..violation });
                }
            }
        }
        if front.beyond {
            report.coverage = Coverage::Preemptions(limits.preemptions);
        }
        Ok(report)
    }

    /// Tries `runs` schedules that a generator of random numbers makes up, until `check` fails for one.
    pub fn seeded<V: Verdict>(
        &self,
        seed: u64,
        runs: usize,
        check: impl Fn(&mut End) -> V,
    ) -> Result<Report, Violation> {
        let codes = self.codes()?;
        let mut random = Random::new(seed);
        let mut report = Report { schedules: Vec::new(), cut: 0, coverage: Coverage::Part };
        for tried in 1..=runs {
            let mut last = None;
            let mut preemptions = 0;
            let mut choose = |pending: &[Pending]| {
                let task = pending[random.below(pending.len())].task;
                preemptions += usize::from(interrupts(pending, last, task));
                last = Some(task);
                Ok(task)
            };
            match self.once(&codes, &check, &mut choose) {
                Ok(end) => report.schedules.extend(end.map(|end| end.schedule)),
                Err(violation) => return Err(Violation { tried, preemptions, ..violation }),
            }
        }
        Ok(report)
    }

    /// Runs one schedule again. The violation also says if it does not fit.
    pub fn replay<V: Verdict>(
        &self,
        schedule: &Schedule,
        check: impl Fn(&mut End) -> V,
    ) -> Result<End, Violation> {
        let codes = self.codes()?;
        let mut turns = schedule.0.iter().enumerate();
        let mut last = None;
        let mut preemptions = 0;
        let mut choose = |pending: &[Pending]| {
            let waits = |task: usize| pending.iter().any(|p| p.task == task);
            let task = match turns.next() {
                Some((_, task)) if waits(*task) => *task,
                Some((place, task)) => {
                    let waiting: Vec<_> = pending.iter().map(|p| p.task.to_string()).collect();
                    let waiting = waiting.join(", ");
                    let why = format!("turn {place} is given to `{task}`, and those who wait are {waiting}");
                    return Err(Stopped::Broken(format!("the schedule does not fit: {why}")));
                }
                None => last.filter(|last| waits(*last)).unwrap_or(pending[0].task),
            };
            preemptions += usize::from(interrupts(pending, last, task));
            last = Some(task);
            Ok(task)
        };
        match self.once(&codes, &check, &mut choose) {
            Ok(end) => Ok(end.expect("only a search cuts runs off")),
            Err(violation) => Err(Violation { preemptions, ..violation }),
        }
    }

    fn builder(&self) -> Builder {
        let builder = Emulator::builder(&self.scenario).patience(self.patience);
        let faults = self.faults.iter();
        faults.fold(builder, |builder, (call, which, effect)| builder.fault(call, *which, *effect))
    }

    fn codes(&self) -> Result<Arc<[Arc<Code>]>, Violation> {
        let codes = super::start::codes(&self.scenario);
        codes
            .map(Into::into)
            .map_err(|reason| Violation::new(refused(&reason), Schedule::default(), Vec::new()))
    }

    /// One run and its check; nothing if it was cut off.
    fn once<V: Verdict>(
        &self,
        codes: &Arc<[Arc<Code>]>,
        check: &impl Fn(&mut End) -> V,
        choose: &mut Choose<'_>,
    ) -> Result<Option<End>, Violation> {
        let run = Run::new(self, codes)
            .map_err(|why| Violation::new(refused(&why), Schedule::default(), Vec::new()))?;
        let mut end = match run.finish(self, choose) {
            Ok(end) => end,
            Err(run::Unfinished { why: Stopped::Cut, .. }) => return Ok(None),
            Err(run::Unfinished { why: Stopped::Broken(why), schedule, calls }) => {
                return Err(Violation::new(why, schedule, calls));
            }
        };
        let verdict = catch_unwind(AssertUnwindSafe(|| check(&mut end).verdict()));
        let verdict = verdict.unwrap_or_else(|why| Err(words(&*why)));
        match verdict {
            Ok(()) => Ok(Some(end)),
            Err(why) => Err(Violation::new(why, end.schedule, end.calls)),
        }
    }
}

fn refused(reason: &str) -> String {
    format!("the proxy refused the configuration: {reason}")
}

/// Whether giving the turn to `task` takes it from somebody in the middle of something.
fn interrupts(pending: &[Pending], last: Option<usize>, task: usize) -> bool {
    last != Some(task) && pending.iter().any(|p| Some(p.task) == last && !p.fresh)
}
