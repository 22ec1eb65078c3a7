//! A table of pages of bytes.

use super::key::Key;
use super::numbers::is_recent;
use super::store::{Host, Store};
use crate::error::Result;
use crate::{Error, UnixNanos};

/// A table of pages that all workers share. A page has a fixed number of entries of a fixed size. Use it for
/// many values that requests change often, such as the counters of clients.
///
/// A page that was never written is all zeros. A stored page that is longer than a page of this table is read
/// as all zeros too. Pages are changed whole and atomically (see [`update`](Self::update)). Pages cannot be
/// deleted, so the page numbers must be bounded. Entries at the end of a page that are all zeros are not
/// stored and take no memory, so fill a page from its beginning.
///
/// # Cost
/// Getting a page costs four times as much as setting it, because the host enters the VM again to allocate.
/// So this VM caches the pages that it used last, and [`update`](Self::update) sets a page without getting
/// it, on the condition that the page is still the cached one. The condition is the CAS number of the page. A
/// set does not return that number, so the VM predicts it. If the prediction is wrong, the host rejects the
/// set. If it is right, no other worker has changed the page. A worker that is alone nearly always predicts
/// correctly. When many workers are busy, predictions fail and are tried less often.
/// `sdk/src/shared/numbers.rs` explains why predictions are safe.
///
/// An update allocates nothing, except for the buffer in which the host returns a page, which replaces the
/// cached one, and for a larger buffer when a page grows.
pub struct Pages(Table<Host>);

impl Pages {
    /// Creates a handle for the pages `name` of this plugin, each with `entries` entries of `entry_bytes`.
    /// This VM caches up to `cached` pages, rounded down to a power of two. From the first update on, each
    /// cache slot takes 40 bytes, and the stored bytes of its page. Pages with the same slot evict each
    /// other; each must then be fetched again.
    pub fn new(plugin: &str, name: &str, entry_bytes: usize, entries: usize, cached: usize) -> Self {
        Self(Table::new(Host, Key::new(plugin, name), Shape { entry_bytes, entries }, cached))
    }

    /// Calls `change` with the bytes of a page. If it returns `true`, stores the changed bytes, atomically
    /// across all workers. If it returns `false`, leaves the page unchanged, whatever `change` did to the
    /// bytes. In this case `change` has seen the bytes that are stored, not outdated ones from the cache.
    ///
    /// If another worker changes the page first, `change` is called again with the new bytes. After
    /// `attempts` failed attempts, besides the one with a predicted CAS number, returns [`Error::Contended`].
    ///
    /// `now` is the current time, read for this call or shortly before it.
    pub fn update(
        &mut self,
        page: u32,
        now: UnixNanos,
        attempts: u32,
        change: impl FnMut(&mut [u8]) -> bool,
    ) -> Result<()> {
        self.0.update(page, now, attempts, change)
    }

    /// Returns the bytes of a page as this VM read or stored them last, without empty entries at the end, or
    /// `None` if the page is not cached. The bytes may be outdated. Makes no host call.
    pub fn seen(&self, page: u32) -> Option<&[u8]> {
        self.0.seen(page)
    }
}

/// The size of a page.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    pub(super) entry_bytes: usize,
    pub(super) entries: usize,
}

impl Shape {
    fn page_bytes(self) -> usize {
        self.entry_bytes * self.entries
    }

    /// Copies the stored bytes of a page to the scratch buffer, and adds the empty entries that were not
    /// stored.
    fn expand(self, stored: &[u8], scratch: &mut Vec<u8>) {
        let page_bytes = self.page_bytes();
        if scratch.len() != page_bytes {
            scratch.resize(page_bytes, 0);
        }
        // One instruction each, whereas `resize` is a loop if compiled for size.
        if let Some((begin, end)) = scratch.split_at_mut_checked(stored.len()) {
            begin.copy_from_slice(stored);
            end.fill(0);
        }
    }

    /// Returns the part of a page that is stored: all but the empty entries at its end.
    fn trim(self, page: &[u8]) -> &[u8] {
        // The bytes after the last word are checked as a whole. Lines of eight words are checked before
        // single words.
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

/// Written out, because a loop would stay a loop if compiled for size.
#[inline(always)]
fn is_empty([a, b, c, d, e, f, g, h]: &[[u8; 8]; 8]) -> bool {
    let word = |bytes: &[u8; 8]| u64::from_le_bytes(*bytes);
    word(a) | word(b) | word(c) | word(d) | word(e) | word(f) | word(g) | word(h) == 0
}

pub(super) struct Table<S> {
    pub(super) store: S,
    key: Key,
    shape: Shape,
    cached: usize,
    slots: Vec<Slot>,
    /// The slot of a table without a cache.
    uncached: Slot,
    /// The buffer that `change` works on.
    scratch: Vec<u8>,
}

/// A cached page.
#[derive(Default)]
struct Slot {
    page: Option<u32>,
    /// The stored bytes, without empty entries at the end.
    bytes: Vec<u8>,
    /// The CAS number of these bytes if no worker has changed them; 0 if it is unknown.
    number: u32,
    /// The time from which the age of `number` counts, see [`is_recent`].
    since: UnixNanos,
    /// A time before which these bytes were not stored; 0 if no such time is known.
    stored: UnixNanos,
}

impl<S: Store> Table<S> {
    pub(super) fn new(store: S, key: Key, shape: Shape, cached: usize) -> Self {
        let cached = cached.checked_ilog2().map_or(0, |log| 1 << log);
        let (slots, uncached, scratch) = (Vec::new(), Slot::default(), Vec::new());
        Self { store, key, shape, cached, slots, uncached, scratch }
    }

    pub(super) fn seen(&self, page: u32) -> Option<&[u8]> {
        let slot = self.slots.get(slot_index(page, self.cached)).unwrap_or(&self.uncached);
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
            self.slots.resize_with(self.cached, Slot::default);
        }
        let slot = self.slots.get_mut(slot_index(page, self.cached)).unwrap_or(&mut self.uncached);
        let (key, shape) = (self.key.with_number(page), self.shape);
        let mut update = Update { store: &self.store, key, shape, now, slot, scratch: &mut self.scratch };
        if update.can_predict(page) {
            // If `change` declined, the cached bytes may be outdated. It is then called again below, with the
            // stored bytes.
            if update.apply(&mut change) && update.write(true)? {
                return Ok(());
            }
        }
        for _ in 0..attempts {
            update.get(page)?;
            if !update.apply(&mut change) {
                return Ok(());
            }
            if update.write(false)? {
                update.read_counter(page);
                return Ok(());
            }
        }
        Err(Error::Contended)
    }
}

/// Returns the index of the cache slot of a page.
fn slot_index(page: u32, slots: usize) -> usize {
    page as usize & slots.saturating_sub(1)
}

/// An update in progress.
struct Update<'a, S> {
    store: &'a S,
    key: Key,
    shape: Shape,
    now: UnixNanos,
    slot: &'a mut Slot,
    scratch: &'a mut Vec<u8>,
}

impl<S: Store> Update<'_, S> {
    fn can_predict(&self, page: u32) -> bool {
        self.slot.page == Some(page)
            && self.slot.number != 0
            && is_recent(self.slot.since, self.now)
            && self.store.numbers().can_predict()
    }

    /// Calls `change` with a copy of the bytes, so that the cached bytes remain those that are stored.
    fn apply(&mut self, change: &mut impl FnMut(&mut [u8]) -> bool) -> bool {
        self.shape.expand(&self.slot.bytes, self.scratch);
        change(self.scratch)
    }

    /// Stores the changed bytes if the page still has the expected CAS number, and returns whether it had.
    fn write(&mut self, predicted: bool) -> Result<bool> {
        // If the call fails, the number is no longer known.
        let number = std::mem::take(&mut self.slot.number);
        let page = self.shape.trim(self.scratch);
        let stored = self.store.set(self.key.bytes(), page, number)?;
        let mut numbers = self.store.numbers();
        match (predicted, stored) {
            (true, true) => numbers.record_success(self.slot.stored),
            (true, false) => numbers.record_failure(),
            (false, _) => {}
        }
        self.store.set_numbers(numbers);
        if stored {
            (self.slot.number, self.slot.since) = numbers.predict();
            self.slot.stored = self.now;
            let bytes = &mut self.slot.bytes;
            bytes.clear();
            // Reserve exactly. A growing `Vec` would reserve twice the size, and there are many slots.
            bytes.reserve_exact(page.len());
            bytes.extend_from_slice(page);
        }
        Ok(stored)
    }

    /// Gets the page and its CAS number.
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
                self.store.numbers().for_insert()
            }
        };
        if slot.bytes.len() > self.shape.page_bytes() {
            slot.bytes.clear();
        }
        (slot.page, slot.since, slot.stored) = (Some(page), self.now, UnixNanos(0));
        Ok(())
    }

    /// Gets the page that was just stored, to read the counter of the host, if that is worth its cost.
    fn read_counter(&mut self, page: u32) {
        let mut numbers = self.store.numbers();
        // The page is already stored, so an error does not matter.
        if numbers.should_read(self.now) && self.get(page).is_ok() {
            numbers.record_read(self.slot.number, self.now);
            self.store.set_numbers(numbers);
            self.slot.stored = self.now;
        }
    }
}
