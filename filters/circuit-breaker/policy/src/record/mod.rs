//! Records in shared memory, one for each key of a breaker.
//!
//! A page has [`WAYS`] records of one size. The hash of a key selects its page. A record changes in one
//! atomic step, so no order of workers can admit more probes than configured. Shared data can never be
//! deleted, so a full page evicts a record: a closed one if there is one, and of these the one that was not
//! used for the longest time.
//!
//! A page can contain any bytes: those of another version, or from before the clock was set back. Any bytes
//! are read as a valid record.

pub(crate) mod count_window;
mod header;
pub(crate) mod time_window;

pub use header::{Force, HEADER_BYTES, Header, State};
pub(crate) use header::{wide, words, write_words};

use crate::gradient;
use time_window::TIME_WINDOW_BYTES;
use tollgate_policy::UnixNanos;

/// Number of records of a page. With one key per page on average, 0.4 % of the keys find no room.
pub const WAYS: usize = 4;

/// Time without a request after which a record that is not closed is evicted like a closed one, in seconds:
/// it probably belongs to an old configuration.
const LONGEST_UNUSED: u32 = 86_400;

/// Parts of a record after its header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Layout {
    /// Size of the window of outcomes, in bytes.
    pub window: usize,
    /// Whether the record has the window of client throttling.
    pub admission: bool,
    /// Whether the record has the state of the adaptive concurrency limit.
    pub gradient: bool,
}

impl Layout {
    /// Returns the size of a record: a multiple of 8, as records are aligned to words.
    pub fn bytes(self) -> usize {
        let admission = if self.admission { TIME_WINDOW_BYTES } else { 0 };
        let gradient = if self.gradient { gradient::BYTES } else { 0 };
        (HEADER_BYTES + self.window + admission + gradient).next_multiple_of(8)
    }
}

/// A record, split into its parts.
#[derive(Debug)]
pub struct Record<'p> {
    /// State of the breaker.
    pub header: Header,
    raw: &'p mut [u8; HEADER_BYTES],
    /// Window of outcomes.
    pub window: &'p mut [u8],
    /// Window of client throttling; empty without it.
    pub admission: &'p mut [u8],
    /// State of the adaptive concurrency limit; empty without it.
    pub gradient: &'p mut [u8],
}

impl<'p> Record<'p> {
    /// Splits the bytes of a record. `None` if they are too few.
    pub fn new(bytes: &'p mut [u8], layout: Layout) -> Option<Self> {
        let (raw, rest) = bytes.split_first_chunk_mut::<HEADER_BYTES>()?;
        let (window, rest) = rest.split_at_mut_checked(layout.window)?;
        let admission = if layout.admission { TIME_WINDOW_BYTES } else { 0 };
        let (admission, rest) = rest.split_at_mut_checked(admission)?;
        let gradient = if layout.gradient { gradient::BYTES } else { 0 };
        let (gradient, _) = rest.split_at_mut_checked(gradient)?;
        Some(Self { header: Header::read(raw), raw, window, admission, gradient })
    }

    /// Empties all windows.
    pub fn clear(&mut self) {
        self.window.fill(0);
        self.admission.fill(0);
        self.gradient.fill(0);
    }

    /// Stores the header.
    pub fn save(&mut self, now: UnixNanos) {
        self.header.used_at = seconds(now);
        self.header.write(self.raw);
    }
}

/// Finds the record of a key.
pub fn find(page: &mut [u8], layout: Layout, record_bytes: usize, tag: u64) -> Option<Record<'_>> {
    let begin = position(page, record_bytes, tag)?;
    Record::new(page.get_mut(begin..)?, layout)
}

/// Returns the position of the record of a key, in bytes.
pub fn position(page: &[u8], record_bytes: usize, tag: u64) -> Option<usize> {
    let size = record_bytes.max(HEADER_BYTES);
    let mut begins = (0..page.len()).step_by(size);
    begins.find(|begin| page.get(*begin..).is_some_and(|record| tag_of(record) == tag))
}

/// Adds an empty record for a key that is not in the page, and returns it with the header of the record that
/// was evicted for it.
pub fn insert(
    page: &mut [u8],
    layout: Layout,
    record_bytes: usize,
    tag: u64,
    now: UnixNanos,
) -> Option<(Record<'_>, Option<Header>)> {
    let records = page.chunks_exact_mut(record_bytes.max(HEADER_BYTES));
    let (value, bytes) =
        records.map(|record| (value(record, now), record)).min_by_key(|(value, _)| *value)?;
    let evicted = (value > 0).then(|| bytes.first_chunk().map(Header::read)).flatten();
    bytes.fill(0);
    let mut record = Record::new(bytes, layout)?;
    record.header.tag = tag;
    Some((record, evicted))
}

/// Returns the value of a record: 0 if it is empty, and more if it is open or was used later.
fn value(record: &[u8], now: UnixNanos) -> u64 {
    let Some(header) = record.first_chunk().map(Header::read).filter(|header| header.tag != 0) else {
        return 0;
    };
    let age = seconds(now).saturating_sub(header.used_at);
    let is_closed = header.state == State::Closed && header.force == Force::Auto || age > LONGEST_UNUSED;
    (u64::from(!is_closed) << 33) + (1 << 32) + u64::from(u32::MAX - age)
}

fn tag_of(record: &[u8]) -> u64 {
    record.first_chunk().map_or(0, |tag| u64::from_le_bytes(*tag))
}

fn seconds(now: UnixNanos) -> u32 {
    (now.0 / 1_000_000_000) as u32
}
