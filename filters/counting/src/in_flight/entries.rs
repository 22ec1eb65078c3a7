//! Counts of requests in flight, as bytes.

use super::record;

const BYTES: usize = 20;

/// Requests of a key that one VM has in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub tag: u64,
    pub vm: u32,
    pub count: u32,
    /// Time of the latest request, in seconds.
    pub acquired_at: u32,
}

impl Entry {
    fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let [a, b, c, d, e, f, g, h, rest @ ..] = *bytes;
        let [i, j, k, l, m, n, o, p, q, r, s, t] = rest;
        Self {
            tag: u64::from_le_bytes([a, b, c, d, e, f, g, h]),
            vm: u32::from_le_bytes([i, j, k, l]),
            count: u32::from_le_bytes([m, n, o, p]),
            acquired_at: u32::from_le_bytes([q, r, s, t]),
        }
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let fields = self.tag.to_le_bytes().into_iter().chain(self.vm.to_le_bytes());
        let fields = fields.chain(self.count.to_le_bytes()).chain(self.acquired_at.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        bytes
    }
}

pub(super) fn read(record: &[u8]) -> impl Iterator<Item = Entry> {
    record::read(record).map(Entry::from_bytes)
}

/// Passes each entry to `change`, and removes those for which it returns `false`.
pub(super) fn update(record: &mut Vec<u8>, mut change: impl FnMut(&mut Entry) -> bool) {
    record::update(record, |bytes| {
        let mut entry = Entry::from_bytes(bytes);
        let is_kept = change(&mut entry);
        *bytes = entry.to_bytes();
        is_kept
    });
}

pub(super) fn push(record: &mut Vec<u8>, entry: Entry) {
    record::push(record, entry.to_bytes());
}
