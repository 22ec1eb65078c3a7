//! Every order in which three workers can read a page and write it back.

use super::*;
use std::collections::HashSet;

const WORKERS: usize = 3;

/// Action of a worker.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Takes, by key.
    Take(u64),
    /// Gives back what it took last, if it did.
    GiveBack(u64),
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct Worker {
    done: usize,
    /// Page that the worker has read and not yet written, with its version.
    read: Option<([u8; PAGE_BYTES], u32)>,
    /// The page when it last had to do with it.
    seen: [u8; PAGE_BYTES],
    took_last: bool,
}

#[derive(Clone, PartialEq, Eq, Hash)]
struct World {
    page: [u8; PAGE_BYTES],
    version: u32,
    workers: [Worker; WORKERS],
    /// By key: what was taken and not given back.
    held: [u32; 4],
}

/// Settings of the model.
struct Model<'a> {
    rates: &'a [Rate],
    acts: &'a [Act],
    /// Whether a write of what was not read from the newest page is refused, as shared data does.
    compares: bool,
    /// Whether workers deny what the page that they last saw denies.
    looks_at_old: bool,
}

impl Model<'_> {
    /// All worlds that can come of a start with an empty page, those at the end first.
    fn explore(&self) -> (Vec<World>, Vec<World>) {
        let worker = Worker { done: 0, read: None, seen: empty(), took_last: false };
        let workers = std::array::from_fn(|_| worker.clone());
        let mut open = vec![World { page: empty(), version: 0, workers, held: [0; 4] }];
        let (mut known, mut ends) = (HashSet::new(), vec![]);
        while let Some(world) = open.pop() {
            if !known.insert(world.clone()) {
                continue;
            }
            let busy = (0..WORKERS).filter(|worker| world.workers[*worker].done < self.acts.len());
            let next: Vec<_> = busy.map(|worker| self.go_on(world.clone(), worker)).collect();
            if next.is_empty() {
                ends.push(world);
            }
            open.extend(next);
        }
        (ends, known.into_iter().collect())
    }

    /// One worker reads, or writes.
    fn go_on(&self, mut world: World, index: usize) -> World {
        let worker = &mut world.workers[index];
        let act = self.acts[worker.done];
        let key = match act {
            Act::Take(key) | Act::GiveBack(key) => key,
        };
        let step = step(1 + 10 * key, self.rates, START);
        let Some((mut copy, version)) = worker.read.take() else {
            let skips = match act {
                Act::Take(_) => self.looks_at_old && step.is_denied(&worker.seen).is_some(),
                Act::GiveBack(_) => !worker.took_last,
            };
            if skips {
                worker.done += 1;
                worker.took_last = false;
            } else {
                worker.read = Some((world.page, world.version));
                worker.seen = world.page;
            }
            return world;
        };
        let changed = match act {
            Act::Take(_) => is_taken(take(&mut copy, step)),
            Act::GiveBack(_) => step.refund(&mut Page(&mut copy), START, &[], 1),
        };
        if changed && self.compares && version != world.version {
            return world;
        }
        worker.done += 1;
        worker.took_last = changed && matches!(act, Act::Take(_));
        if changed {
            worker.seen = copy;
            (world.page, world.version) = (copy, world.version + 1);
            match act {
                Act::Take(key) => world.held[key as usize] += 1,
                Act::GiveBack(key) => world.held[key as usize] -= 1,
            }
        }
        world
    }
}

#[test]
fn no_order_admits_more_or_less_than_the_limit() {
    let one = [bucket(4, 3600 * SECOND)];
    let two = [bucket(5, SECOND), bucket(4, 3600 * SECOND)];
    for rates in [&one[..], &two[..]] {
        for looks_at_old in [false, true] {
            let model = Model { rates, acts: &[Act::Take(0); 2], compares: true, looks_at_old };
            let (ends, _) = model.explore();
            assert!(!ends.is_empty());
            assert!(ends.iter().all(|world| world.held[0] == 4));
        }
    }
}

#[test]
fn keys_of_one_page_do_not_take_from_each_other() {
    let (rates, acts) = ([bucket(2, 3600 * SECOND)], [Act::Take(0), Act::Take(1), Act::Take(0)]);
    let (ends, _) = Model { rates: &rates, acts: &acts, compares: true, looks_at_old: true }.explore();
    assert!(!ends.is_empty());
    assert!(ends.iter().all(|world| world.held == [2, 2, 0, 0]));
}

#[test]
fn refunds_never_exceed_the_limit_in_any_order() {
    let rates = [bucket(2, 3600 * SECOND), bucket(3, SECOND)];
    let acts = [Act::Take(0), Act::GiveBack(0), Act::Take(0)];
    let (ends, all) = Model { rates: &rates, acts: &acts, compares: true, looks_at_old: false }.explore();
    assert!(all.iter().all(|world| world.held[0] <= 2));
    // The last request finds room: two of the three keep their last reservation.
    assert!(ends.iter().all(|world| world.held[0] == 2));
}

#[test]
fn without_comparing_some_order_admits_more() {
    let rates = [bucket(4, 3600 * SECOND)];
    let model = Model { rates: &rates, acts: &[Act::Take(0); 2], compares: false, looks_at_old: false };
    let (ends, _) = model.explore();
    assert!(ends.iter().any(|world| world.held[0] > 4));
}
