//! Which keys are remembered: as many as configured, those that were of use of late.
//!
//! The clock algorithm: a hand goes round the entries, and takes the first that nobody asked for since it last came by. So a
//! key that is asked for stays as long as there are fewer others in between than there are entries; and each of the others
//! costs who sends them a call that is answered first. What a client can push out at that price is worth little: a refusal
//! that was forgotten is said again by the service, for one call, and a lease that was forgotten was counted already.

use super::entry::Entry;
use super::key::{BuildHashed, Key};
use std::collections::HashMap;

/// How many entries the hand looks at for one new key, so that no request pays for going all the way round.
const STEPS: usize = 64;

/// What is remembered, by key.
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
    /// How many keys had it before.
    generation: u32,
    used: bool,
    entry: Entry,
}

/// Where an entry is, for as long as its key has the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct At {
    place: u32,
    generation: u32,
}

impl Memory {
    pub fn new(most: usize) -> Self {
        Self { most, index: HashMap::default(), places: Vec::new(), hand: 0 }
    }

    /// What is remembered of a key.
    pub fn find(&mut self, key: Key) -> Option<(At, &mut Entry)> {
        let place = *self.index.get(&key)?;
        let found = self.places.get_mut(place as usize)?;
        found.used = true;
        Some((At { place, generation: found.generation }, &mut found.entry))
    }

    /// What is there, unless another key has the place by now.
    pub fn at(&mut self, at: At) -> Option<&mut Entry> {
        let place = self.places.get_mut(at.place as usize)?;
        (place.generation == at.generation).then_some(&mut place.entry)
    }

    /// Makes room for a key that is not remembered. `None` if there is none: every entry is needed.
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

    /// Forgets what was of no use for longest, or what says nothing any more.
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
