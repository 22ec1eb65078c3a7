//! Which of many texts a value begins with.

use crate::Places;
use core::cmp::Ordering;

/// Texts in order, each with the longest other one that it begins with.
///
/// The texts that a value begins with are all found from one place: the last text that is not greater than the value
/// begins with the longest of them. For let `l` be that longest and `s` a text from `l` up to the value; were `s` to
/// differ from `l` within the length of `l`, it would be greater there, and so greater than the value too.
#[derive(Clone, Debug, Default)]
pub(super) struct Texts(Vec<Entry>);

#[derive(Clone, Debug)]
struct Entry {
    text: Box<[u8]>,
    parent: Option<usize>,
}

impl Texts {
    /// Of names.
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

    /// The place of a text.
    pub(super) fn place(&self, text: &[u8]) -> Option<usize> {
        self.0.binary_search_by(|entry| (*entry.text).cmp(text)).ok()
    }

    /// The places of the texts that a value begins with, longest first, each with whether it is the whole value. A value
    /// is given by how a text compares to it, by how many bytes at its beginning a text has in common with it, and by its
    /// length.
    pub(super) fn starts(
        &self,
        compare: impl Fn(&[u8]) -> Ordering,
        common: impl FnOnce(&[u8]) -> usize,
        length: usize,
    ) -> Starts<'_> {
        let behind = self.0.partition_point(|entry| compare(&entry.text).is_le());
        let next = behind.checked_sub(1);
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
