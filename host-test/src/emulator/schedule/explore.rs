//! Enumerates all schedules once each, in the order of their number of preemptions.
//!
//! A run is repeated from its start with other choices: at each turn, one branch for each thread that was not
//! chosen. The remaining work is a list of prefixes, sorted by the number of preemptions, i.e. of turns taken
//! from a thread in the middle of a job. Most races need one preemption and hardly any needs three (Musuvathi
//! and Qadeer, "Iterative context bounding", PLDI 2007). A schedule with few preemptions is also easier to
//! read.
//!
//! Schedules that differ only in the order of independent neighbours are equivalent. Sleep sets recognise
//! them (Godefroid, "Partial-Order Methods", 1996): when a prefix branches, the tasks of earlier branches
//! sleep in the later ones until a dependent access happens, because until then it makes no difference
//! whether they run now or ran before. If all waiting tasks are asleep, the run is cut off.
//!
//! Most resources of a filter are private or are only added to, such as counters. Runs show which resources
//! are contested: those that two tasks have accessed in ways that do not commute. A task continues without a
//! choice if it accesses an uncontested resource. When a resource turns out to be contested, the search
//! restarts. At its end, no run has contested any other resource. No other run could: the shortest one that
//! did would start, apart from the order of commuting accesses, like one of the runs that were tried.

use super::run::{Pending, Stopped};
use super::touch::SharedAccess;
use std::collections::{BTreeMap, BTreeSet};

/// Limits of the search.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub schedules: usize,
    pub preemptions: usize,
    /// Whether equivalent schedules are left out.
    pub reduce: bool,
}

/// A prefix that ends with a choice, and the tasks that sleep after it.
#[derive(Debug, Default)]
struct Branch {
    turns: Vec<usize>,
    asleep: Vec<Pending>,
}

/// The remaining work of the search.
#[derive(Debug)]
pub(super) struct Frontier {
    limits: Limits,
    /// Prefixes by their number of preemptions. The latest of those with the fewest comes next, so the list
    /// stays short.
    branches: BTreeMap<usize, Vec<Branch>>,
    /// The accesses of each task.
    accesses: Vec<(usize, SharedAccess)>,
    contested: BTreeSet<String>,
    /// A resource turned out to be contested in the last run.
    grown: bool,
    /// Some prefixes had too many preemptions.
    pub beyond: bool,
}

impl Frontier {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            branches: BTreeMap::from([(0, vec![Branch::default()])]),
            accesses: Vec::new(),
            contested: BTreeSet::new(),
            grown: false,
            beyond: false,
        }
    }

    /// Returns the next run, if any is left.
    pub fn next(&mut self) -> Option<Walk<'_>> {
        let mut fewest = self.branches.first_entry()?;
        let preemptions = *fewest.key();
        let branch = fewest.get_mut().pop().unwrap_or_default();
        if fewest.get().is_empty() {
            fewest.remove();
        }
        Some(Walk { frontier: self, branch, turns: Vec::new(), preemptions })
    }

    /// Returns whether the search restarts, because a resource turned out to be contested.
    pub fn restarts(&mut self) -> bool {
        if self.grown {
            self.branches = BTreeMap::from([(0, vec![Branch::default()])]);
            self.beyond = false;
        }
        std::mem::take(&mut self.grown)
    }

    fn record_access(&mut self, task: usize, access: &SharedAccess) {
        if !self.limits.reduce || self.accesses.iter().any(|(by, same)| *by == task && same == access) {
            return;
        }
        let clashes = |(other, its): &&(usize, SharedAccess)| *other != task && !its.commutes(access);
        let clashing: Vec<_> = self.accesses.iter().filter(clashes).map(|(_, its)| its).collect();
        let both = clashing.first().map(|_| access).into_iter().chain(clashing.iter().copied());
        for resource in both.filter_map(SharedAccess::resource) {
            self.grown |= self.contested.insert(resource.to_owned());
        }
        self.accesses.push((task, access.clone()));
    }

    fn is_contested(&self, access: &SharedAccess) -> bool {
        !self.limits.reduce || access.resource().is_none_or(|resource| self.contested.contains(resource))
    }

    fn later(&mut self, preemptions: usize, branch: Branch) {
        if preemptions <= self.limits.preemptions {
            self.branches.entry(preemptions).or_default().push(branch);
        } else {
            self.beyond = true;
        }
    }
}

/// A run that follows a prefix and then makes its own choices. It adds the other choices to the remaining
/// work.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    frontier: &'a mut Frontier,
    branch: Branch,
    turns: Vec<usize>,
    /// Preemptions of the prefix. Choices after it add none, unless all other tasks are asleep.
    pub preemptions: usize,
}

impl Walk<'_> {
    /// Chooses the task that runs next.
    pub fn choose(&mut self, pending: &[Pending]) -> Result<usize, Stopped> {
        let task = match self.branch.turns.get(self.turns.len()) {
            Some(given) if pending.iter().any(|p| p.task == *given) => *given,
            Some(given) => {
                return Err(Stopped::Broken(format!(
                    "the run is not deterministic: task {given} waited here in an earlier run"
                )));
            }
            None => self.branch_out(pending)?,
        };
        if let Some(chosen) = pending.iter().find(|p| p.task == task) {
            self.frontier.record_access(task, &chosen.access);
        }
        self.turns.push(task);
        Ok(task)
    }

    fn branch_out(&mut self, pending: &[Pending]) -> Result<usize, Stopped> {
        let last = self.turns.last();
        let asleep = &self.branch.asleep;
        let awake = |p: &&Pending| asleep.iter().all(|a| a.task != p.task);
        let mut ways: Vec<_> = pending.iter().filter(awake).collect();
        ways.sort_by_key(|p| (Some(&p.task) != last, p.task));
        let interrupted = pending.iter().find(|p| Some(&p.task) == last && !p.fresh);
        // A task whose next access is uncontested continues without branching, unless that interrupts another
        // task.
        let alone = |p: &&Pending| {
            interrupted.is_none_or(|i| i.task == p.task) && !self.frontier.is_contested(&p.access)
        };
        if let Some(alone) = ways.iter().copied().find(alone) {
            ways = vec![alone];
        }
        let mut before = self.branch.asleep.clone();
        for (place, way) in ways.iter().enumerate() {
            let costs = usize::from(interrupted.is_some_and(|p| p.task != way.task));
            if place == 0 {
                self.preemptions += costs;
            } else {
                let turns = self.turns.iter().copied().chain([way.task]).collect();
                let asleep = before.iter().filter(|p| p.access.commutes(&way.access)).cloned().collect();
                let preemptions = self.preemptions + costs;
                self.frontier.later(preemptions, Branch { turns, asleep });
            }
            if self.frontier.limits.reduce {
                before.push((*way).clone());
            }
        }
        let way = ways.first().ok_or(Stopped::Cut)?;
        self.branch.asleep.retain(|p| p.access.commutes(&way.access));
        Ok(way.task)
    }
}

#[cfg(test)]
mod tests {
    use super::super::touch::{AccessKind, SharedAccess};
    use super::*;
    use std::collections::BTreeSet;

    /// Explores tasks that make these accesses in order.
    fn all(tasks: &[&[SharedAccess]], limits: Limits) -> (Vec<(usize, Vec<usize>)>, bool) {
        let mut frontier = Frontier::new(limits);
        let mut seen = Vec::new();
        while let Some(mut walk) = frontier.next() {
            let mut at = vec![0; tasks.len()];
            loop {
                let pending: Vec<_> = (0..tasks.len())
                    .filter_map(|task| {
                        let access = tasks[task].get(at[task])?.clone();
                        Some(Pending { task, access, fresh: at[task] == 0 })
                    })
                    .collect();
                if pending.is_empty() {
                    seen.push((walk.preemptions, walk.turns.clone()));
                    break;
                }
                match walk.choose(&pending) {
                    Ok(task) => at[task] += 1,
                    Err(Stopped::Cut) => break,
                    Err(Stopped::Broken(why)) => panic!("{why}"),
                }
            }
            if frontier.restarts() {
                seen.clear();
            }
        }
        (seen, frontier.beyond)
    }

    fn limits(preemptions: usize, reduce: bool) -> Limits {
        Limits { schedules: usize::MAX, preemptions, reduce }
    }

    fn reads(what: &str) -> SharedAccess {
        SharedAccess::new(what, AccessKind::Read)
    }

    fn changes(what: &str) -> SharedAccess {
        SharedAccess::new(what, AccessKind::Change)
    }

    #[test]
    fn each_order_comes_once_and_those_with_fewer_preemptions_first() {
        let task = [changes("x"), changes("x"), changes("x")];
        let (seen, beyond) = all(&[&task, &task], limits(usize::MAX, false));
        // 6! / (3! 3!)
        assert_eq!(seen.len(), 20);
        assert_eq!(seen.iter().collect::<BTreeSet<_>>().len(), 20);
        assert!(seen.is_sorted_by_key(|(preemptions, _)| *preemptions));
        assert_eq!(seen[0], (0, vec![0, 0, 0, 1, 1, 1]));
        assert_eq!(seen.last().map(|(preemptions, _)| *preemptions), Some(4));
        assert!(!beyond);
        let three = [changes("x"), changes("x")];
        assert_eq!(all(&[&three, &three, &three], limits(usize::MAX, false)).0.len(), 90);
    }

    #[test]
    fn a_bound_on_preemptions_says_that_there_is_more() {
        let task = [changes("x"), changes("x"), changes("x")];
        let (seen, beyond) = all(&[&task, &task], limits(1, false));
        assert_eq!(seen.iter().filter(|(preemptions, _)| *preemptions == 0).count(), 2);
        assert_eq!(seen.len(), 6);
        assert!(beyond);
    }

    #[test]
    fn independent_accesses_are_not_tried_in_all_orders() {
        let apart = [[changes("x"), changes("x")], [changes("y"), changes("y")]];
        assert_eq!(all(&[&apart[0], &apart[1]], limits(usize::MAX, true)).0.len(), 1);
        let counter = [reads("x"), changes("x")];
        assert_eq!(all(&[&counter, &counter], limits(usize::MAX, false)).0.len(), 6);
        assert_eq!(all(&[&counter, &counter], limits(usize::MAX, true)).0.len(), 4);
    }

    /// The past accesses that each access of each task depends on.
    fn outcome(tasks: &[&[SharedAccess]], turns: &[usize]) -> Vec<Vec<Vec<(usize, usize)>>> {
        let mut history: Vec<(SharedAccess, Vec<(usize, usize)>)> = Vec::new();
        let mut seen = vec![Vec::new(); tasks.len()];
        let mut at = vec![0; tasks.len()];
        for task in turns {
            let access = &tasks[*task][at[*task]];
            let matter = history.iter().filter(|(other, _)| !other.commutes(access));
            let mut past: Vec<_> = matter.flat_map(|(_, who)| who.clone()).collect();
            past.sort_unstable();
            seen[*task].push(past);
            history.push((access.clone(), vec![(*task, at[*task])]));
            at[*task] += 1;
        }
        seen
    }

    #[test]
    fn reduction_loses_no_outcome() {
        let add = |what| SharedAccess::new(what, AccessKind::Add);
        let things = [
            reads("x"),
            changes("x"),
            reads("y"),
            changes("y"),
            add("x"),
            add("z"),
            SharedAccess::everything(),
        ];
        let mut random = crate::emulator::random::Random::new(7);
        for round in 0..150 {
            let (count, length, orders) = if round % 2 == 0 { (3, 2, 90) } else { (2, 4, 70) };
            let mut task =
                || (0..length).map(|_| things[random.below(things.len())].clone()).collect::<Vec<_>>();
            let tasks: Vec<_> = (0..count).map(|_| task()).collect();
            let tasks: Vec<&[SharedAccess]> = tasks.iter().map(Vec::as_slice).collect();
            let outcomes = |reduce| -> (usize, BTreeSet<_>) {
                let (seen, _) = all(&tasks, limits(usize::MAX, reduce));
                (seen.len(), seen.iter().map(|(_, turns)| outcome(&tasks, turns)).collect())
            };
            let ((every, whole), (fewer, reduced)) = (outcomes(false), outcomes(true));
            assert_eq!(whole, reduced, "{tasks:?}");
            assert_eq!(every, orders);
            assert_eq!(fewer, reduced.len(), "each outcome once: {tasks:?}");
        }
    }
}
