//! Places in a list, by name.

use std::collections::BTreeMap;

/// Under which name which entries of a list are. All that is looked up by a name when a configuration is resolved goes
/// through it: a map of its own for each type of value is 5 KB of Wasm each.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<Box<[u8]>, Vec<usize>>);

impl Places {
    /// Adds a place behind those that the name has; not again, if it is the last of them.
    #[inline(never)]
    pub fn add(&mut self, name: &[u8], place: usize) {
        if let Some(places) = self.0.get_mut(name) {
            if places.last() != Some(&place) {
                places.push(place);
            }
        } else {
            self.0.insert(name.into(), vec![place]);
        }
    }

    /// The places of a name, in the order in which they were added.
    #[inline(never)]
    pub fn get(&self, name: &[u8]) -> &[usize] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first place of a name.
    pub fn first(&self, name: &[u8]) -> Option<usize> {
        self.get(name).first().copied()
    }

    /// All names in their order, with their places.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[usize])> {
        self.0.iter().map(|(name, places)| (&**name, places.as_slice()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_its_places_in_order_and_none_twice_in_a_row() {
        let mut places = Places::default();
        for (name, place) in [("b", 0), ("a", 1), ("b", 2), ("b", 2)] {
            places.add(name.as_bytes(), place);
        }
        assert_eq!((places.get(b"b"), places.first(b"a"), places.first(b"")), (&[0, 2][..], Some(1), None));
        let names: Vec<_> = places.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [b"a", b"b"]);
    }
}
