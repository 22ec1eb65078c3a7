//! Indices of list entries, by name.

use std::collections::BTreeMap;

/// A map from names to the indices of list entries. Used for all look-ups by name when a configuration is
/// resolved: a separate map type for each type of value would cost 5 KB of Wasm each.
#[derive(Clone, Debug, Default)]
pub struct Places(BTreeMap<Box<[u8]>, Vec<usize>>);

impl Places {
    /// Appends an index to those of a name, unless it is already the last one.
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

    /// Returns the indices of a name, in the order in which they were added.
    #[inline(never)]
    pub fn get(&self, name: &[u8]) -> &[usize] {
        self.0.get(name).map(Vec::as_slice).unwrap_or_default()
    }

    /// Returns the first index of a name.
    pub fn first(&self, name: &[u8]) -> Option<usize> {
        self.get(name).first().copied()
    }

    /// Returns all names, sorted, with their indices.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[usize])> {
        self.0.iter().map(|(name, places)| (&**name, places.as_slice()))
    }
}

impl Places {
    /// Lists the names, for an error about an unknown one: ``expected one of `a`, `b` ``.
    #[inline(never)]
    pub fn known(&self) -> String {
        // A configuration may have thousands of names, and the message is one line of a log.
        const SHOWN: usize = 8;
        let count = self.iter().count();
        let mut text = String::from(match count {
            0 => return "none is configured".into(),
            1 => "expected `",
            _ => "expected one of `",
        });
        for (index, (name, _)) in self.iter().take(SHOWN).enumerate() {
            if index > 0 {
                text += "`, `";
            }
            text += &String::from_utf8_lossy(name);
        }
        text += "`";
        if count > SHOWN {
            text = text + " and " + &(count - SHOWN).to_string() + " more";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_indices_in_order_without_repeating_the_last() {
        let mut places = Places::default();
        for (name, place) in [("b", 0), ("a", 1), ("b", 2), ("b", 2)] {
            places.add(name.as_bytes(), place);
        }
        assert_eq!((places.get(b"b"), places.first(b"a"), places.first(b"")), (&[0, 2][..], Some(1), None));
        let names: Vec<_> = places.iter().map(|(name, _)| name).collect();
        assert_eq!(names, [b"a", b"b"]);
    }

    #[test]
    fn lists_the_first_eight_names() {
        let mut names = Places::default();
        assert_eq!(names.known(), "none is configured");
        names.add(b"a", 0);
        assert_eq!(names.known(), "expected `a`");
        names.add(b"b", 1);
        assert_eq!(names.known(), "expected one of `a`, `b`");
        for name in "cdefghij".bytes() {
            names.add(&[name], 2);
        }
        assert_eq!(names.known(), "expected one of `a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` and 2 more");
    }
}
