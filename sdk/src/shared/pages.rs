//! A table of pages of bytes.

use super::key::Key;
use super::numbers::is_young;
use super::store::{Host, Store};
use crate::{Error, Result, UnixNanos};

/// A table of pages, each so many entries of so many bytes, that all workers share: counters and the like of many clients,
/// where every request changes some.
///
/// A page that was never written is all zeros, and so is one that was written with a greater length. Pages are changed
/// whole and atomically ([`update`](Self::update)). Nothing is ever deleted, so the numbers of pages have to be bounded. Entries at
/// the end of a page that are all zeros are not stored, and take no memory: what there is is better put at its beginning.
///
/// # What it costs
/// To get a page costs four times what it costs to set it, since the host enters the VM again to allocate. So the VM
/// remembers the pages that it saw last, and [`update`](Self::update) sets without getting, on the condition that the
/// page is still what this VM remembers. That condition is a number that the host gave to the page and told nobody; it is
/// guessed, in such a way that a wrong guess is refused by the host and a right one proves that nobody changed the page.
/// A worker that is alone guesses right nearly always; where many are busy, guesses fail and become rare.
/// `sdk/src/shared/numbers.rs` has the argument.
///
/// Neither way allocates anything but the buffer in which the host returns a page, which takes the place of the one that was
/// remembered, and a greater one when a page grows.
pub struct Pages(Table<Host>);

impl Pages {
    /// The pages `name` of this plugin, of `entries` of `entry_bytes` each. Up to `remembered` of them, rounded down to a power of
    /// two, are remembered by this VM, each in what is stored of it and 40 bytes, from the first update on; when two that are
    /// remembered in one place take turns, each has to be got anew.
    pub fn new(plugin: &str, name: &str, entry_bytes: usize, entries: usize, remembered: usize) -> Self {
        Self(Table::new(Host, Key::new(plugin, name), Shape { entry_bytes, entries }, remembered))
    }

    /// Calls `change` with the bytes of a page, and stores what it made of them if it says so (`true`), atomically over all
    /// workers: `change` is called again, with new bytes, when another worker was quicker, and [`Error::Contended`] is the
    /// answer after so many `attempts`, beside the one that a guess takes. With `false` the page stays as it is, whatever
    /// was made of the bytes, which then were those that are stored.
    ///
    /// `now` is the time, read for this call or shortly before it.
    pub fn update(
        &mut self,
        page: u32,
        now: UnixNanos,
        attempts: u32,
        change: impl FnMut(&mut [u8]) -> bool,
    ) -> Result<()> {
        self.0.update(page, now, attempts, change)
    }

    /// The bytes of a page as this VM saw or stored them last, which may be long ago, without empty entries at the end; `None` if
    /// it does not remember. Costs no host call.
    pub fn seen(&self, page: u32) -> Option<&[u8]> {
        self.0.seen(page)
    }
}

/// Of a page.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) entry_bytes: usize,
    pub(super) entries: usize,
}

impl Shape {
    fn page_bytes(self) -> usize {
        self.entry_bytes * self.entries
    }

    /// Puts a page on the desk, with the entries that were not stored.
    fn spread(self, stored: &[u8], desk: &mut Vec<u8>) {
        let page_bytes = self.page_bytes();
        if desk.len() != page_bytes {
            desk.resize(page_bytes, 0);
        }
        // One instruction each, where `resize` compiled for size is a loop.
        if let Some((begin, end)) = desk.split_at_mut_checked(stored.len()) {
            begin.copy_from_slice(stored);
            end.fill(0);
        }
    }

    /// What is stored of a page.
    fn stored(self, page: &[u8]) -> &[u8] {
        // What is left over is looked at as a whole, as is each line of a cache before the words in it.
        let (words, rest) = page.as_chunks::<8>();
        if rest.iter().any(|byte| *byte != 0) {
            return page;
        }
        let mut words = words;
        while let Some((before, line)) = words.split_last_chunk::<8>()
            && is_empty(line)
        {
            words = before;
        }
        while let Some((last, before)) = words.split_last()
            && u64::from_le_bytes(*last) == 0
        {
            words = before;
        }
        let bytes = words.as_flattened().len().next_multiple_of(self.entry_bytes.max(1));
        page.get(..bytes).unwrap_or(page)
    }
}

/// Written out, since compiled for size it would be a loop.
#[inline(always)]
fn is_empty([a, b, c, d, e, f, g, h]: &[[u8; 8]; 8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    word(a) | word(b) | word(c) | word(d) | word(e) | word(f) | word(g) | word(h) == 0
}

pub(super) struct Table<S> {
    pub(super) store: S,
    key: Key,
    shape: Shape,
    remembered: usize,
    slots: Vec<Slot>,
    /// For a table that remembers nothing.
    only: Slot,
    /// What `change` works on.
    desk: Vec<u8>,
}

/// A page that is remembered.
#[derive(Default)]
struct Slot {
    page: Option<u32>,
    /// Without empty entries at the end.
    bytes: Vec<u8>,
    /// The number that these bytes have, if nobody changed them; 0 if it is not known.
    number: u32,
    /// Since when that was less than one round of numbers ago.
    since: UnixNanos,
    /// When this VM stored them, or what another worker has replaced them by since; 0 if it did not.
    stored: UnixNanos,
}

impl<S: Store> Table<S> {
    pub(super) fn new(store: S, key: Key, shape: Shape, remembered: usize) -> Self {
        let remembered = remembered.checked_ilog2().map_or(0, |log| 1 << log);
        let (slots, only, desk) = (Vec::new(), Slot::default(), Vec::new());
        Self { store, key, shape, remembered, slots, only, desk }
    }

    pub(super) fn seen(&self, page: u32) -> Option<&[u8]> {
        let slot = self.slots.get(place(page, self.remembered)).unwrap_or(&self.only);
        (slot.page == Some(page)).then_some(&slot.bytes)
    }

    pub(super) fn update(
        &mut self,
        page: u32,
        now: UnixNanos,
        attempts: u32,
        mut change: impl FnMut(&mut [u8]) -> bool,
    ) -> Result<()> {
        if self.slots.is_empty() {
            self.slots.resize_with(self.remembered, Slot::default);
        }
        let slot = self.slots.get_mut(place(page, self.remembered)).unwrap_or(&mut self.only);
        let (key, shape) = (self.key.of(page), self.shape);
        let mut work = Work { store: &self.store, key, shape, now, slot, desk: &mut self.desk };
        if work.can_guess(page) {
            // What was declined may be old: then it is asked again, below.
            if work.ask(&mut change) && work.store(true)? {
                return Ok(());
            }
        }
        for _ in 0..attempts {
            work.get(page)?;
            if !work.ask(&mut change) {
                return Ok(());
            }
            if work.store(false)? {
                work.look_up(page);
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}

/// Where a page is remembered, of so many places.
fn place(page: u32, places: usize) -> usize {
    page as usize & places.saturating_sub(1)
}

/// One update.
struct Work<'a, S> {
    store: &'a S,
    key: Key,
    shape: Shape,
    now: UnixNanos,
    slot: &'a mut Slot,
    desk: &'a mut Vec<u8>,
}

impl<S: Store> Work<'_, S> {
    fn can_guess(&self, page: u32) -> bool {
        self.slot.page == Some(page)
            && self.slot.number != 0
            && is_young(self.slot.since, self.now)
            && self.store.numbers().worth_a_guess()
    }

    /// Has a copy changed, so that what is remembered is what is stored.
    fn ask(&mut self, change: &mut impl FnMut(&mut [u8]) -> bool) -> bool {
        self.shape.spread(&self.slot.bytes, self.desk);
        change(self.desk)
    }

    /// Stores what was made of the page, if it still has the number; says whether it had.
    fn store(&mut self, guessed: bool) -> Result<bool> {
        // Whatever goes wrong, the number is not known any more.
        let number = std::mem::take(&mut self.slot.number);
        let page = self.shape.stored(self.desk);
        let stored = self.store.set(self.key.bytes(), page, number)?;
        let mut numbers = self.store.numbers();
        match (guessed, stored) {
            (true, true) => numbers.was_right(self.slot.stored),
            (true, false) => numbers.was_wrong(),
            (false, _) => {}
        }
        self.store.know(numbers);
        if stored {
            (self.slot.number, self.slot.since) = numbers.guess();
            self.slot.stored = self.now;
            let bytes = &mut self.slot.bytes;
            bytes.clear();
            // And not twice as much as there was, as a vector grows by itself: there are many of them.
            bytes.reserve_exact(page.len());
            bytes.extend_from_slice(page);
        }
        Ok(stored)
    }

    /// Gets the page and its number.
    fn get(&mut self, page: u32) -> Result<()> {
        let got = self.store.get(self.key.bytes())?;
        let slot = &mut *self.slot;
        slot.number = match got {
            Some((bytes, number)) => {
                slot.bytes = bytes;
                number
            }
            None => {
                slot.bytes.clear();
                self.store.numbers().taken()
            }
        };
        if slot.bytes.len() > self.shape.page_bytes() {
            slot.bytes.clear();
        }
        (slot.page, slot.since, slot.stored) = (Some(page), self.now, UnixNanos(0));
        Ok(())
    }

    /// Gets the page that was just stored, for its number, if that is worth it.
    fn look_up(&mut self, page: u32) {
        let mut numbers = self.store.numbers();
        // The page is stored, whatever becomes of this.
        if numbers.worth_a_look(self.now) && self.get(page).is_ok() {
            numbers.looked_up(self.slot.number, self.now);
            self.store.know(numbers);
            self.slot.stored = self.now;
        }
    }
}
