//! The three ways to try schedules.

use super::explore::{Frontier, Limits};
use super::run::{self, Choose, Pending, Run, Stopped, panic_message};
use super::{Coverage, End, Interleaved, Report, Schedule, Verdict, Violation};
use crate::emulator::linking::{Code, Metering};
use crate::emulator::random::Random;
use crate::emulator::start;
use std::collections::HashSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

impl Interleaved {
    /// Tries all schedules, those with the fewest preemptions first, until `check` fails for one.
    ///
    /// `check` receives the state at the end of a run, and fails by a panic or an error. The schedule of the
    /// violation has as few preemptions as possible.
    pub fn exhaustive<V: Verdict>(&self, check: impl Fn(&mut End) -> V) -> Result<Report, Violation> {
        let codes = self.codes()?;
        let found = self.search(&codes, self.limits, &check);
        let Err(violation) = &found else { return found };
        if violation.preemptions > 0 && self.limits.reduce {
            // One of the equivalent schedules that were left out may have fewer preemptions.
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
        let mut frontier = Frontier::new(limits);
        let mut report = Report { schedules: Vec::new(), cut: 0, coverage: Coverage::Everything };
        let mut checked = HashSet::new();
        while let Some(mut walk) = frontier.next() {
            if report.schedules.len().max(report.cut) == limits.schedules {
                report.coverage = Coverage::Part;
                return Ok(report);
            }
            // A search that restarts meets schedules that were already checked.
            let unless_seen =
                |end: &mut End| if checked.contains(&end.schedule) { Ok(()) } else { check(end).verdict() };
            let tried = self.once(codes, &unless_seen, &mut |pending| walk.choose(pending));
            let preemptions = walk.preemptions;
            match tried {
                Ok(Some(end)) => {
                    checked.insert(end.schedule.clone());
                    report.schedules.push(end.schedule);
                }
                Ok(None) => report.cut += 1,
                Err(violation) => {
                    return Err(Violation { tried: checked.len() + 1, preemptions, ..violation });
                }
            }
            if frontier.restarts() {
                (report.schedules, report.cut) = (Vec::new(), 0);
            }
        }
        if frontier.beyond {
            report.coverage = Coverage::Preemptions(limits.preemptions);
        }
        Ok(report)
    }

    /// Tries `runs` random schedules until `check` fails for one.
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

    /// Runs one schedule again. Also fails if the schedule does not fit the run.
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
                    let why =
                        format!("turn {place} names thread `{task}`, but the waiting threads are {waiting}");
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

    fn codes(&self) -> Result<Arc<[Arc<Code>]>, Violation> {
        let codes = start::codes(&self.scenario, Metering::Time);
        codes
            .map(Into::into)
            .map_err(|reason| Violation::new(refused(&reason), Schedule::default(), Vec::new()))
    }

    /// Runs and checks one schedule. Returns `None` if the run was cut off.
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
        let verdict = verdict.unwrap_or_else(|why| Err(panic_message(&*why)));
        match verdict {
            Ok(()) => Ok(Some(end)),
            Err(why) => Err(Violation::new(why, end.schedule, end.calls)),
        }
    }
}

fn refused(reason: &str) -> String {
    format!("proxy rejected the configuration: {reason}")
}

/// Returns whether giving the turn to `task` interrupts another task in the middle of a job.
fn interrupts(pending: &[Pending], last: Option<usize>, task: usize) -> bool {
    last != Some(task) && pending.iter().any(|p| Some(p.task) == last && !p.fresh)
}
