//! Index of values by issuer and name. Every worker may have many thousands of entries, so all names are
//! stored in one text. An entry takes 16 bytes, 4 to 8 bytes in the buckets, and its name.

use foldhash::quality::FixedState;
use std::collections::HashMap;
use tollgate_jwt_authn_token::cache::table::{NONE, Table, same};

/// Issuers, by number.
#[derive(Debug, PartialEq)]
pub(super) struct Issuers(HashMap<Box<str>, u32, FixedState>);

impl Issuers {
    pub(super) fn new(seed: [u8; 16]) -> Self {
        Self(HashMap::with_hasher(FixedState::with_seed(u128::from_be_bytes(seed) as u64)))
    }

    pub(super) fn number(&self, issuer: &str) -> Option<u32> {
        self.0.get(issuer).copied()
    }

    pub(super) fn number_or_new(&mut self, issuer: &str) -> u32 {
        // Memory ends before 32 bits do.
        let new = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.number(issuer).unwrap_or_else(|| {
            self.0.insert(issuer.into(), new);
            new
        })
    }
}

/// Values by issuer and name. A name may occur more than once.
#[derive(Debug)]
pub(super) struct Index<T> {
    names: Vec<u8>,
    entries: Vec<Entry<T>>,
    table: Table,
}

#[derive(Debug, PartialEq)]
struct Entry<T> {
    issuer: u32,
    /// End of its name, which starts at the end of the previous entry's name.
    end: u32,
    /// Next entry of its bucket.
    next: u32,
    about: T,
}

impl<T: PartialEq> PartialEq for Index<T> {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names && self.entries == other.entries
    }
}

impl<T> Index<T> {
    pub(super) fn new() -> Self {
        Self { names: Vec::new(), entries: Vec::new(), table: Table::new(0, [0; 16]) }
    }

    /// Adds an entry, which can be found after [`Self::finish`]. Returns `None` if there is no room for it.
    pub(super) fn push(&mut self, issuer: u32, name: &str, about: T) -> Option<()> {
        let end = u32::try_from(self.names.len().checked_add(name.len())?).ok()?;
        if self.entries.len() >= NONE as usize {
            return None;
        }
        self.names.extend_from_slice(name.as_bytes());
        self.entries.push(Entry { issuer, end, next: NONE, about });
        Some(())
    }

    /// Builds the hash table, and frees unused memory.
    pub(super) fn finish(&mut self, seed: [u8; 16]) {
        self.names.shrink_to_fit();
        self.entries.shrink_to_fit();
        self.table = Table::new(self.entries.len(), seed);
        let mut start = 0;
        for (number, entry) in (0..).zip(&mut self.entries) {
            let name = self.names.get(start..entry.end as usize).unwrap_or_default();
            entry.next = self.table.push(self.table.hash(entry.issuer, name), number);
            start = entry.end as usize;
        }
    }

    /// Returns all values of a name.
    pub(super) fn get<'a>(&'a self, issuer: u32, name: &'a str) -> impl Iterator<Item = &'a T> {
        let mut at = self.table.first(self.table.hash(issuer, name.as_bytes()));
        let chain = core::iter::from_fn(move || {
            let number = at;
            let entry = self.entries.get(number as usize)?;
            at = entry.next;
            Some((number, entry))
        });
        chain
            .filter(move |(number, entry)| {
                entry.issuer == issuer && self.name(*number).is_some_and(|found| same(found, name.as_bytes()))
            })
            .map(|(_, entry)| &entry.about)
    }

    fn name(&self, number: u32) -> Option<&[u8]> {
        let start = match number.checked_sub(1) {
            Some(before) => self.entries.get(before as usize)?.end as usize,
            None => 0,
        };
        self.names.get(start..self.entries.get(number as usize)?.end as usize)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Memory in bytes.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.names.capacity() + self.entries.capacity() * size_of::<Entry<T>>() + self.table.bytes()
    }
}
