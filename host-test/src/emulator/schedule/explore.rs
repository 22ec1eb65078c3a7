//! All schedules, each once, those with the fewest preemptions first.
//!
//! A run is repeated from its beginning with other choices: at every turn there was, for each of those who were not
//! chosen. What remains to be done is a list of beginnings, sorted by how often they take the turn from somebody who
//! is in the middle of something. Most races need one such preemption and hardly any needs three (Musuvathi and Qadeer,
//! "Iterative context bounding", PLDI 2007), and the fewer there are, the better a schedule can be read.
//!
//! Two schedules that differ only in the order of neighbours which do not concern each other are one. They are
//! recognised by sleep sets (Godefroid, "Partial-Order Methods", 1996): when a beginning branches, those whose branches
//! come before are asleep in it until somebody does something that concerns them, since until then it is all the same
//! whether they go now or went before. If all who wait are asleep, the run is cut off.
//!
//! Most of what filters touch is theirs or is only added to: counters above all. Which things are contested shows in
//! the runs themselves: a thing is, once two tasks have touched it in ways that do not commute. As long as it is not,
//! who touches it goes on as if nothing were. When a thing turns out to be contested, the search starts anew. At its
//! end no run has touched any other thing in such a way; so none could: the shortest one that did would begin, but for
//! the order of what commutes, as one of those that were tried.

use super::run::{Pending, Stopped};
use super::touch::Touch;
use std::collections::{BTreeMap, BTreeSet};

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub schedules: usize,
    pub preemptions: usize,
    /// Whether schedules that come to the same are left out.
    pub reduce: bool,
}

/// A beginning, up to and with a choice, and who sleeps behind it.
#[derive(Debug, Default)]
struct Branch {
    turns: Vec<usize>,
    asleep: Vec<Pending>,
}

/// What is still to be done.
#[derive(Debug)]
pub(super) struct Front {
    limits: Limits,
    /// By preemptions; the latest beginning of the fewest is the next, so that there are never many.
    branches: BTreeMap<usize, Vec<Branch>>,
    /// Who has touched what and how.
    touched: Vec<(usize, Touch)>,
    contested: BTreeSet<String>,
    /// Something has turned out to be contested in the last run.
    grown: bool,
    /// Some beginnings had more preemptions than are allowed.
    pub beyond: bool,
}

impl Front {
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            branches: BTreeMap::from([(0, vec![Branch::default()])]),
            touched: Vec::new(),
            contested: BTreeSet::new(),
            grown: false,
            beyond: false,
        }
    }

    /// The next run, if there is one.
    pub fn next(&mut self) -> Option<Walk<'_>> {
        let mut fewest = self.branches.first_entry()?;
        let preemptions = *fewest.key();
        let branch = fewest.get_mut().pop().unwrap_or_default();
        if fewest.get().is_empty() {
            fewest.remove();
        }
        Some(Walk { front: self, branch, turns: Vec::new(), preemptions })
    }

    /// Whether what was tried so far is void, since a thing has turned out to be contested.
    pub fn starts_anew(&mut self) -> bool {
        if self.grown {
            self.branches = BTreeMap::from([(0, vec![Branch::default()])]);
            self.beyond = false;
        }
        std::mem::take(&mut self.grown)
    }

    fn touches(&mut self, task: usize, touch: &Touch) {
        if !self.limits.reduce || self.touched.iter().any(|(by, same)| *by == task && same == touch) {
            return;
        }
        let clashes = |(other, its): &&(usize, Touch)| *other != task && !its.commutes(touch);
        let clashing: Vec<_> = self.touched.iter().filter(clashes).map(|(_, its)| its).collect();
        let both = clashing.first().map(|_| touch).into_iter().chain(clashing.iter().copied());
        for what in both.filter_map(Touch::what) {
            self.grown |= self.contested.insert(what.to_owned());
        }
        self.touched.push((task, touch.clone()));
    }

    fn is_contested(&self, touch: &Touch) -> bool {
        !self.limits.reduce || touch.what().is_none_or(|what| self.contested.contains(what))
    }

    fn later(&mut self, preemptions: usize, branch: Branch) {
        if preemptions <= self.limits.preemptions {
            self.branches.entry(preemptions).or_default().push(branch);
        } else {
            self.beyond = true;
        }
    }
}

/// A run that follows a beginning and then goes its own way, leaving the other ways for later.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    front: &'a mut Front,
    branch: Branch,
    turns: Vec<usize>,
    /// Of the beginning; what is chosen here adds none unless all else is asleep.
    pub preemptions: usize,
}

impl Walk<'_> {
    /// Whose turn it is.
    pub fn choose(&mut self, pending: &[Pending]) -> Result<usize, Stopped> {
        let task = match self.branch.turns.get(self.turns.len()) {
            Some(given) if pending.iter().any(|p| p.task == *given) => *given,
            Some(given) => return Err(Stopped::Broken(format!("task {given} waited here in another run"))),
            None => self.branch_out(pending)?,
        };
        if let Some(chosen) = pending.iter().find(|p| p.task == task) {
            self.front.touches(task, &chosen.touch);
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
        // Who touches nothing that is contested can go on alone, unless that interrupts somebody.
        let alone =
            |p: &&Pending| interrupted.is_none_or(|i| i.task == p.task) && !self.front.is_contested(&p.touch);
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
                let asleep = before.iter().filter(|p| p.touch.commutes(&way.touch)).cloned().collect();
                let preemptions = self.preemptions + costs;
                self.front.later(preemptions, Branch { turns, asleep });
            }
            if self.front.limits.reduce {
                before.push((*way).clone());
            }
        }
        let way = ways.first().ok_or(Stopped::Cut)?;
        self.branch.asleep.retain(|p| p.touch.commutes(&way.touch));
        Ok(way.task)
    }
}

#[cfg(test)]
mod tests {
    use super::super::touch::{How, Touch};
    use super::*;
    use std::collections::BTreeSet;

    /// Tasks that touch these things one after the other.
    fn all(tasks: &[&[Touch]], limits: Limits) -> (Vec<(usize, Vec<usize>)>, bool) {
        let mut front = Front::new(limits);
        let mut seen = Vec::new();
        while let Some(mut walk) = front.next() {
            let mut at = vec![0; tasks.len()];
            loop {
                let pending: Vec<_> = (0..tasks.len())
                    .filter_map(|task| {
                        let touch = tasks[task].get(at[task])?.clone();
                        Some(Pending { task, touch, fresh: at[task] == 0 })
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
            if front.starts_anew() {
                seen.clear();
            }
        }
        (seen, front.beyond)
    }

    fn limits(preemptions: usize, reduce: bool) -> Limits {
        Limits { schedules: usize::MAX, preemptions, reduce }
    }

    fn reads(what: &str) -> Touch {
        Touch::new(what, How::Reads)
    }

    fn changes(what: &str) -> Touch {
        Touch::new(what, How::Changes)
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
    fn what_does_not_concern_others_is_not_tried_in_all_orders() {
        let apart = [[changes("x"), changes("x")], [changes("y"), changes("y")]];
        assert_eq!(all(&[&apart[0], &apart[1]], limits(usize::MAX, true)).0.len(), 1);
        let counter = [reads("x"), changes("x")];
        assert_eq!(all(&[&counter, &counter], limits(usize::MAX, false)).0.len(), 6);
        assert_eq!(all(&[&counter, &counter], limits(usize::MAX, true)).0.len(), 4);
    }

    /// What tasks see, and what is left: the thing itself, not an argument about it.
    fn outcome(tasks: &[&[Touch]], turns: &[usize]) -> Vec<Vec<Vec<(usize, usize)>>> {
        let mut history: Vec<(Touch, Vec<(usize, usize)>)> = Vec::new();
        let mut seen = vec![Vec::new(); tasks.len()];
        let mut at = vec![0; tasks.len()];
        for task in turns {
            let touch = &tasks[*task][at[*task]];
            let matter = history.iter().filter(|(other, _)| !other.commutes(touch));
            let mut past: Vec<_> = matter.flat_map(|(_, who)| who.clone()).collect();
            past.sort_unstable();
            seen[*task].push(past);
            history.push((touch.clone(), vec![(*task, at[*task])]));
            at[*task] += 1;
        }
        seen
    }

    #[test]
    fn leaving_out_what_comes_to_the_same_loses_no_outcome() {
        let add = |what| Touch::new(what, How::Adds);
        let things =
            [reads("x"), changes("x"), reads("y"), changes("y"), add("x"), add("z"), Touch::everything()];
        let mut random = crate::emulator::random::Random::new(7);
        for round in 0..150 {
            let (count, length, orders) = if round % 2 == 0 { (3, 2, 90) } else { (2, 4, 70) };
            let mut task =
                || (0..length).map(|_| things[random.below(things.len())].clone()).collect::<Vec<_>>();
            let tasks: Vec<_> = (0..count).map(|_| task()).collect();
            let tasks: Vec<&[Touch]> = tasks.iter().map(Vec::as_slice).collect();
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
