//! Entries in the order of insertion, and SIEVE's hand. The list is doubly linked through the slots, so it
//! needs no allocation, and any entry can be removed.

use super::Entry;
use super::table::NONE;

/// Neighbours of an entry.
#[derive(Clone, Copy, Debug)]
pub(super) struct Links {
    newer: u32,
    older: u32,
}

impl Default for Links {
    fn default() -> Self {
        Self { newer: NONE, older: NONE }
    }
}

/// Ends of the list, and the hand, which moves from the oldest entry to the newest and then starts again.
#[derive(Debug)]
pub(super) struct List {
    newest: u32,
    oldest: u32,
    hand: u32,
}

impl Default for List {
    fn default() -> Self {
        Self { newest: NONE, oldest: NONE, hand: NONE }
    }
}

type Slots<V> = [Option<Entry<V>>];

fn links<V>(slots: &Slots<V>, slot: u32) -> Option<Links> {
    Some(slots.get(slot as usize)?.as_ref()?.links)
}

fn links_mut<V>(slots: &mut Slots<V>, slot: u32) -> Option<&mut Links> {
    Some(&mut slots.get_mut(slot as usize)?.as_mut()?.links)
}

impl List {
    /// Returns the position of the hand; `None` if the list is empty.
    pub(super) fn hand(&self) -> Option<u32> {
        [self.hand, self.oldest].into_iter().find(|slot| *slot != NONE)
    }

    pub(super) fn set_hand(&mut self, slot: u32) {
        self.hand = slot;
    }

    /// Returns the next position of the hand.
    pub(super) fn after<V>(&self, slots: &Slots<V>, slot: u32) -> Option<u32> {
        let newer = links(slots, slot)?.newer;
        [newer, self.oldest].into_iter().find(|slot| *slot != NONE)
    }

    /// Adds an entry as the newest.
    pub(super) fn push<V>(&mut self, slots: &mut Slots<V>, slot: u32) {
        if let Some(links) = links_mut(slots, slot) {
            *links = Links { newer: NONE, older: self.newest };
        }
        match links_mut(slots, self.newest) {
            Some(links) => links.newer = slot,
            None => self.oldest = slot,
        }
        self.newest = slot;
    }

    /// Removes an entry. If the hand is at this entry, it moves to the next one.
    pub(super) fn unlink<V>(&mut self, slots: &mut Slots<V>, slot: u32) {
        let Some(Links { newer, older }) = links(slots, slot) else { return };
        match links_mut(slots, newer) {
            Some(links) => links.older = older,
            None => self.newest = older,
        }
        match links_mut(slots, older) {
            Some(links) => links.newer = newer,
            None => self.oldest = newer,
        }
        if self.hand == slot {
            self.hand = newer;
        }
    }
}
