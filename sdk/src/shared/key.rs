//! Keys of numbered values.
//!
//! The host copies the key of each call into a `std::string`. libc++ stores keys of up to 22 bytes in place.
//! It allocates and frees memory for a longer key, in each call. The name of a plugin, the name of a table
//! and a number are longer than 22 bytes, so the names are hashed. The key `rate/0vQ1x7mZk3b0000_4` consists
//! of the first four letters of the plugin name, 64 bits of hash, and the number, both in digits of 6 bits.
//! In a namespace with a thousand tables, two of them have the same hash with a probability of 1 in 10^13.
//! Operators choose the names, and have nothing to gain from a collision.

/// Letters of the plugin name.
const LETTERS: usize = 4;
/// Digits of the hash, which has 64 bits.
const HASH_DIGITS: usize = 11;
/// Digits of the number, which has 32 bits.
const NUMBER_DIGITS: usize = 6;

const DIGITS: &[u8; 64] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_";

/// A key of fixed length.
#[derive(Clone, Copy)]
pub(super) struct Key([u8; LETTERS + 1 + HASH_DIGITS + NUMBER_DIGITS]);

impl Key {
    /// Creates the key of the values `name` of this plugin, with the number 0.
    pub(super) fn new(plugin: &str, name: &str) -> Self {
        let mut key = [b'/'; LETTERS + 1 + HASH_DIGITS + NUMBER_DIGITS];
        let (letters, rest) = key.split_at_mut(LETTERS);
        for (to, from) in letters.iter_mut().zip(plugin.bytes()) {
            *to = from;
        }
        if let Some(digits) = rest.get_mut(1..) {
            // A name cannot contain the byte 0xff, so different pairs of names give different input.
            let names = plugin.bytes().chain([0xff]).chain(name.bytes());
            write(names.fold(OFFSET, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME)), digits);
        }
        Self(key).with_number(0)
    }

    /// Replaces the number.
    #[inline]
    pub(super) fn with_number(mut self, number: u32) -> Self {
        if let Some(digits) = self.0.last_chunk_mut::<NUMBER_DIGITS>() {
            write(number.into(), digits);
        }
        self
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Parameters of FNV-1a (RFC 9923).
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
        String::from_utf8(Key::new(plugin, name).with_number(number).bytes().to_vec()).unwrap()
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
    fn different_names_or_numbers_have_different_keys() {
        let numbers = [0, 1, 63, 64, 4095, 4096, 1 << 24, u32::MAX];
        let names =
            [("rate-limit", "a"), ("rate-limit", "b"), ("rate-limit", ""), ("rate-limi", "ta"), ("", "a")];
        let keys: BTreeSet<_> =
            names.iter().flat_map(|(plugin, name)| numbers.map(|n| text(plugin, name, n))).collect();
        assert_eq!(keys.len(), numbers.len() * names.len());
    }

    #[test]
    fn with_number_replaces_only_the_number() {
        let key = Key::new("p", "n");
        assert_eq!(key.with_number(7).with_number(9).bytes(), key.with_number(9).bytes());
    }
}
