//! FIFO queues of requests on this worker that wait for a concurrency slot, one queue per key.
//!
//! Only shared memory determines whether there is a slot. A queue determines which request tries next: always
//! the first one. It tries when a request of this worker ends, and at the interval [`POLL`], because other
//! workers send no notification. A later request never overtakes an earlier one, even if there is a slot.

#[cfg(test)]
mod tests;

use crate::BuildHashed;
use std::collections::{HashMap, VecDeque};

/// Interval at which the first request of a queue checks for a slot from another worker, in nanoseconds. Each
/// check reads the record.
pub const POLL: u64 = 20_000_000;

/// Number of removed waiters up to which a queue is not compacted.
const FEW: usize = 32;

/// Identifies a waiting request of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaiterId(pub u32);

/// Queues of a worker, by the tags of the keys.
#[derive(Debug, Default)]
pub struct Queues {
    by_tag: HashMap<u64, Queue, BuildHashed>,
    next: u32,
    woken: Vec<WaiterId>,
}

/// Queue of waiters, in the order of their numbers. May contain removed waiters.
#[derive(Debug, Default)]
struct Queue {
    /// Waiters, and whether they still wait. The first one always does.
    places: VecDeque<(WaiterId, bool)>,
    gone: usize,
}

impl Queues {
    /// Returns the first waiter of a queue.
    pub fn first(&self, tag: u64) -> Option<WaiterId> {
        if self.by_tag.is_empty() {
            return None;
        }
        self.by_tag.get(&tag)?.first()
    }

    /// Adds a waiter at the end of a queue.
    pub fn join(&mut self, tag: u64) -> WaiterId {
        self.next = self.next.wrapping_add(1);
        let id = WaiterId(self.next);
        self.by_tag.entry(tag).or_default().places.push_back((id, true));
        id
    }

    /// Removes a waiter. If another one becomes the first, wakes it.
    pub fn leave(&mut self, tag: u64, id: WaiterId) {
        let Some(queue) = self.by_tag.get_mut(&tag) else { return };
        let first = queue.first();
        queue.leave(id);
        match queue.first() {
            None => _ = self.by_tag.remove(&tag),
            now if now != first => self.woken.extend(now),
            _ => {}
        }
    }

    /// Wakes the first waiter of a queue, because there may be a slot.
    pub fn wake(&mut self, tag: u64) {
        self.woken.extend(self.first(tag));
    }

    /// Returns the waiters that were woken since the last call.
    pub fn take_woken(&mut self) -> Vec<WaiterId> {
        core::mem::take(&mut self.woken)
    }
}

impl Queue {
    fn first(&self) -> Option<WaiterId> {
        self.places.front().map(|(id, _)| *id)
    }

    fn leave(&mut self, id: WaiterId) {
        let Some(WaiterId(first)) = self.first() else { return };
        // Numbers wrap around.
        let order = |id: WaiterId| id.0.wrapping_sub(first);
        let found = self.places.binary_search_by_key(&order(id), |(id, _)| order(*id));
        match found.ok().and_then(|index| self.places.get_mut(index)) {
            Some((_, is_there)) if *is_there => *is_there = false,
            _ => return,
        }
        self.gone += 1;
        while self.places.pop_front_if(|(_, is_there)| !*is_there).is_some() {
            self.gone -= 1;
        }
        if self.gone > self.places.len() / 2 + FEW {
            self.places.retain(|(_, is_there)| *is_there);
            self.gone = 0;
        }
    }
}
