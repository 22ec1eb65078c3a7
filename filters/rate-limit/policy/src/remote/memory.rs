//! Cache of a fixed number of recently used keys.
//!
//! Uses the clock algorithm: a hand moves through the entries, and evicts the first one that was not used
//! since its last visit. So a key stays in the cache if fewer other keys than entries come between its uses.
//! Each of these other keys needs an answered call first. An evicted entry costs little: the service repeats
//! a rejection for one call, and the hits of a lease were already counted.

use super::entry::Entry;
use super::key::Key;
use std::collections::HashMap;
use tollgate_counting::BuildHashed;

/// Maximum number of entries that the hand visits for a new key, so that no request pays for a whole round.
const STEPS: usize = 64;

/// Cache entries, by key.
#[derive(Debug)]
pub(super) struct Memory {
    most: usize,
    index: HashMap<Key, u32, BuildHashed>,
    places: Vec<Place>,
    hand: usize,
}

#[derive(Debug)]
struct Place {
    key: Key,
    /// Number of keys that had this place before.
    generation: u32,
    used: bool,
    entry: Entry,
}

/// Reference to an entry, valid as long as its key has the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    place: u32,
    generation: u32,
}

impl Memory {
    pub fn new(most: usize) -> Self {
        Self { most, index: HashMap::default(), places: Vec::new(), hand: 0 }
    }

    /// Returns the entry of a key.
    pub fn find(&mut self, key: Key) -> Option<(At, &mut Entry)> {
        let place = *self.index.get(&key)?;
        let found = self.places.get_mut(place as usize)?;
        found.used = true;
        Some((At { place, generation: found.generation }, &mut found.entry))
    }

    /// Returns the entry of a reference, unless another key has the place by now.
    pub fn at(&mut self, at: At) -> Option<&mut Entry> {
        let place = self.places.get_mut(at.place as usize)?;
        (place.generation == at.generation).then_some(&mut place.entry)
    }

    /// Adds an entry for a new key. `None` if no entry can be evicted.
    pub fn add(&mut self, key: Key, now: u64) -> Option<(At, &mut Entry)> {
        let place = if self.places.len() < self.most {
            self.places.push(Place { key, generation: 0, used: false, entry: Entry::default() });
            self.places.len() - 1
        } else {
            self.vacate(now)?
        };
        let at = u32::try_from(place).ok()?;
        let found = self.places.get_mut(place)?;
        self.index.insert(key, at);
        found.key = key;
        Some((At { place: at, generation: found.generation }, &mut found.entry))
    }

    /// Evicts an entry that was not used recently, or that is idle.
    fn vacate(&mut self, now: u64) -> Option<usize> {
        let mut spare = None;
        for _ in 0..STEPS.min(self.places.len()) {
            let at = self.hand;
            self.hand = (at + 1) % self.places.len();
            let place = self.places.get_mut(at)?;
            if place.entry.owes(now) {
                continue;
            }
            spare = Some(at);
            if !place.used || place.entry.is_idle(now) {
                break;
            }
            place.used = false;
        }
        let place = self.places.get_mut(spare?)?;
        self.index.remove(&place.key);
        place.generation = place.generation.wrapping_add(1);
        place.used = false;
        place.entry = Entry::default();
        spare
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        assert_eq!(self.index.len(), self.places.len());
        self.places.len()
    }
}
