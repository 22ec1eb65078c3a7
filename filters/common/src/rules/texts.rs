//! Finds the texts that a value begins with.

use crate::Places;
use core::cmp::Ordering;

/// Sorted texts, each with the index of the longest other text that it begins with.
///
/// One search finds all texts that a value begins with, because the last text that is not greater than the
/// value begins with the longest of them. Proof: let `l` be that longest text, and `s` a text between `l` and
/// the value. If `s` differed from `l` within the length of `l`, it would be greater there, and so greater
/// than the value too.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    text: Box<[u8]>,
    parent: Option<usize>,
}

impl Texts {
    /// Builds the list from the names of `texts`.
    pub(super) fn new(texts: &Places) -> Self {
        let mut entries: Vec<Entry> = Vec::new();
        for (text, _) in texts.iter() {
            let mut parent = entries.len().checked_sub(1);
            while let Some(entry) = parent.and_then(|place| entries.get(place)) {
                if text.starts_with(&entry.text) {
                    break;
                }
                parent = entry.parent;
            }
            entries.push(Entry { text: text.into(), parent });
        }
        Self(entries)
    }

    /// Returns the index of a text.
    pub(super) fn place(&self, text: &[u8]) -> Option<usize> {
        self.0.binary_search_by(|entry| (*entry.text).cmp(text)).ok()
    }

    /// Returns the indices of the texts that a value begins with, longest first, each with whether it is the
    /// whole value. The value is given by three arguments: the comparison of a text with it, the number of
    /// leading bytes that a text shares with it, and its length.
    pub(super) fn starts(
        &self,
        compare: impl Fn(&[u8]) -> Ordering,
        common: impl FnOnce(&[u8]) -> usize,
        length: usize,
    ) -> Starts<'_> {
        let after = self.0.partition_point(|entry| compare(&entry.text).is_le());
        let next = after.checked_sub(1);
        let common = next.and_then(|place| self.0.get(place)).map(|entry| common(&entry.text));
        Starts { texts: self, next, common: common.unwrap_or_default(), length }
    }
}

/// See [`Texts::starts`].
#[derive(Clone)]
pub(super) struct Starts<'t> {
    texts: &'t Texts,
    next: Option<usize>,
    common: usize,
    length: usize,
}

impl Iterator for Starts<'_> {
    type Item = (usize, bool);

    fn next(&mut self) -> Option<(usize, bool)> {
        loop {
            let place = self.next?;
            let entry = self.texts.0.get(place)?;
            self.next = entry.parent;
            if entry.text.len() <= self.common {
                return Some((place, entry.text.len() == self.length));
            }
        }
    }
}
