//! Keys of things with numbers.
//!
//! The host copies the key of each call into a `std::string`. One of up to 22 bytes (libc++) is copied in place; a longer
//! one is allocated and freed, for each call. A plugin's name, a table's name and a number take more than that, so the
//! names are hashed: the key `rate/0vQ1x7mZk3b0000_4` is four letters of the plugin's name, 64 bits of hash and the
//! number, in digits of 6 bits. A namespace with a thousand tables has two with one hash with a chance of 1 in 10^13;
//! names are the operator's, who has nothing to gain by looking for such.

/// Letters of the plugin's name.
const LETTERS: usize = 4;
/// Of 64 bits.
const HASH: usize = 11;
/// Of 32 bits.
const NUMBER: usize = 6;

const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// A key, in place.
#[derive(Clone, Copy)]
pub(super) struct Key([u8; LETTERS + 1 + HASH + NUMBER]);

impl Key {
    /// Of the things called `name` of this plugin; number 0.
    pub(super) fn new(plugin: &str, name: &str) -> Self {
        let mut key = [b'/'; LETTERS + 1 + HASH + NUMBER];
        let (letters, rest) = key.split_at_mut(LETTERS);
        for (to, from) in letters.iter_mut().zip(plugin.bytes()) {
            *to = from;
        }
        if let Some(digits) = rest.get_mut(1..) {
            // A name cannot hold the byte between them, so that no two pairs of names read alike.
            let names = plugin.bytes().chain([0xff]).chain(name.bytes());
            write(names.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)), digits);
        }
        Self(key).of(0)
    }

    /// That of the number.
    #[inline]
    pub(super) fn of(mut self, number: u32) -> Self {
        if let Some(digits) = self.0.last_chunk_mut::<NUMBER>() {
            write(number.into(), digits);
        }
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// FNV-1a (RFC 9923).
const OFFSET: u64 = 0xcbf2_9ce4_8422_2325;
const PRIME: u64 = 0x0000_0100_0000_01b3;

#[inline]
fn write(mut number: u64, digits: &mut [u8]) {
    for digit in digits.iter_mut().rev() {
        // The index is less than 64.
        *digit = DIGITS.get((number & 63) as usize).copied().unwrap_or_default();
        number >>= 6;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn text(plugin: &str, name: &str, number: u32) -> String {
        String::from_utf8(Key::new(plugin, name).of(number).bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_key_is_short_and_begins_with_the_plugins_name() {
        let key = text("rate-limit", "limits", 0xffff_ffff);
        assert_eq!(key.len(), 22);
        assert!(key.starts_with("rate/"), "{key}");
        assert!(key.ends_with("3_____"), "{key}");
        assert!(text("a", "", 0).starts_with("a////"));
        assert!(text("rate-limit", "limits", 0).ends_with("000000"));
    }

    #[test]
    fn what_differs_has_another_key() {
        let numbers = [0, 1, 63, 64, 4095, 4096, 1 << 24, u32::MAX];
        let names =
            [("rate-limit", "a"), ("rate-limit", "b"), ("rate-limit", ""), ("rate-limi", "ta"), ("", "a")];
        let keys: BTreeSet<_> =
            names.iter().flat_map(|(plugin, name)| numbers.map(|n| text(plugin, name, n))).collect();
        assert_eq!(keys.len(), numbers.len() * names.len());
    }

    #[test]
    fn of_replaces_the_number_and_nothing_else() {
        let key = Key::new("p", "n");
        assert_eq!(key.of(7).of(9).bytes(), key.of(9).bytes());
    }
}
