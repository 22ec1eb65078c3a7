//! Who waits until one of the key is in flight no more, on this worker: in the order in which they came.
//!
//! Whether there is room is said by what workers share and by nothing else: a line only says who is to ask next. That is the
//! first, as soon as a request of this worker ends, and [every so often](POLL), since nobody says when one of another worker
//! does. Whoever comes later asks later, even if there is room by then.

#[cfg(test)]
mod tests;

use crate::BuildHashed;
use std::collections::{HashMap, VecDeque};

/// How often the first of a line asks whether another worker has left room, in nanoseconds. It costs a look at the record.
pub const POLL: u64 = 20_000_000;

/// How many may be gone from a line before it is worth tidying.
const FEW: usize = 32;

/// Somebody in a line of this worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineId(pub u32);

/// The lines of a worker, by what keys are known by.
#[derive(Debug, Default)]
pub struct Lines {
    by_tag: HashMap<u64, Line, BuildHashed>,
    next: u32,
    woken: Vec<LineId>,
}

/// In the order of their numbers, as they came; some left.
#[derive(Debug, Default)]
struct Line {
    /// And whether they are there still. The first is.
    places: VecDeque<(LineId, bool)>,
    gone: usize,
}

impl Lines {
    /// Who is the first in line.
    #[inline]
    pub fn first(&self, tag: u64) -> Option<LineId> {
        if self.by_tag.is_empty() {
            return None;
        }
        self.by_tag.get(&tag)?.first()
    }

    /// One more, behind all others.
    pub fn join(&mut self, tag: u64) -> LineId {
        self.next = self.next.wrapping_add(1);
        let id = LineId(self.next);
        self.by_tag.entry(tag).or_default().places.push_back((id, true));
        id
    }

    /// One less. Whoever is the first for that is woken, to ask.
    pub fn leave(&mut self, tag: u64, id: LineId) {
        let Some(line) = self.by_tag.get_mut(&tag) else { return };
        let first = line.first();
        line.leave(id);
        match line.first() {
            None => _ = self.by_tag.remove(&tag),
            now if now != first => self.woken.extend(now),
            _ => {}
        }
    }

    /// Wakes the first in line: there may be room.
    pub fn wake(&mut self, tag: u64) {
        self.woken.extend(self.first(tag));
    }

    /// Who was woken since.
    pub fn take_woken(&mut self) -> Vec<LineId> {
        core::mem::take(&mut self.woken)
    }
}

impl Line {
    fn first(&self) -> Option<LineId> {
        self.places.front().map(|(id, _)| *id)
    }

    fn leave(&mut self, id: LineId) {
        let Some(LineId(first)) = self.first() else { return };
        // Numbers begin anew after the last one.
        let order = |id: LineId| id.0.wrapping_sub(first);
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
