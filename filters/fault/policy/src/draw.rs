//! Draws of percentages.
//!
//! A request gets one number per rule: a random one, or a hash of something that stays the same. All draws of
//! the rule are derived from it, so that equal numbers give equal faults, on each worker and each proxy.

use tollgate_policy::{Headers, Percent};

/// Hashes values to a number (FNV-1a with 64 bits, and a final mix). Has no key, so that all proxies agree. A
/// client that sends many ids can find one that is selected.
#[derive(Clone, Copy, Debug)]
pub struct StableHash(u64);

impl StableHash {
    /// Begins to hash, with a salt.
    pub fn new(salt: &[u8]) -> Self {
        let mut hash = Self(0xcbf2_9ce4_8422_2325);
        hash.value(salt);
        hash
    }

    /// Adds a value. Its length is hashed too, so that no two lists of values are equal.
    pub fn value(&mut self, value: &[u8]) {
        for byte in value.iter().copied().chain((value.len() as u64).to_le_bytes()) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    /// Adds all values of a header. Returns `false` if the header is absent.
    pub fn header(&mut self, headers: Headers<'_>, name: &[u8]) -> bool {
        let mut found = false;
        for value in headers.all(name) {
            self.value(value);
            found = true;
        }
        found
    }

    /// Returns the number, uniform over all of `u64`.
    pub fn finish(self) -> u64 {
        mix(self.0)
    }
}

/// The number of a request for a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub u64);

/// Purpose of a derived number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Whether to delay.
    Delay = 1,
    /// Whether to abort.
    Abort = 2,
    /// Whether to reset.
    Reset = 3,
    /// Whether to change the response.
    Response = 4,
    /// Length of the delay.
    Length = 5,
    /// Length of the delay of the response.
    ResponseLength = 6,
    /// Bytes to corrupt.
    Bytes = 7,
}

impl Number {
    /// Returns the number for a purpose, independent of those for other purposes.
    pub fn derive(self, purpose: Purpose) -> u64 {
        mix(self.0.wrapping_add((purpose as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
    }
}

/// Returns the position of a number among a million equal parts.
pub fn part_of_million(draw: u64) -> u32 {
    ((u128::from(draw) * 1_000_000) >> 64) as u32
}

/// Returns the percentage of a number of parts per million, at most all.
pub fn percent(per_million: u32) -> Percent {
    Percent::try_from(f64::from(per_million.min(1_000_000)) / 10_000.0).unwrap_or(Percent::ALL)
}

/// Finaliser of SplitMix64: a bijection in which each bit of the result depends on all bits.
pub(crate) fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Five standard deviations around the expected count of 1,000,000 draws.
    fn is_share(count: usize, per_million: u32) -> bool {
        let p = f64::from(per_million) / 1e6;
        (count as f64 - p * 1e6).abs() <= 5.0 * (p * (1.0 - p) * 1e6).sqrt().max(1.0)
    }

    #[test]
    fn hashes_of_successive_ids_are_uniform() {
        let numbers: Vec<_> = (0..1_000_000)
            .map(|id: u32| {
                let mut hash = StableHash::new(b"rule");
                hash.value(id.to_string().as_bytes());
                Number(hash.finish())
            })
            .collect();
        for purpose in [Purpose::Delay, Purpose::Abort, Purpose::Reset, Purpose::Response] {
            for per_million in [1, 10, 1_000, 125_000, 500_000, 999_999] {
                let hits =
                    numbers.iter().filter(|n| part_of_million(n.derive(purpose)) < per_million).count();
                assert!(is_share(hits, per_million), "{purpose:?} {per_million}: {hits}");
            }
        }
        // Draws for two purposes are independent: both hit in a quarter of the cases.
        let both = numbers.iter().filter(|n| {
            part_of_million(n.derive(Purpose::Delay)) < 500_000
                && part_of_million(n.derive(Purpose::Abort)) < 500_000
        });
        assert!(is_share(both.count(), 250_000));
    }

    #[test]
    fn another_salt_selects_other_requests() {
        let hit = |salt: &[u8], id: u32| {
            let mut hash = StableHash::new(salt);
            hash.value(&id.to_le_bytes());
            part_of_million(hash.finish()) < 500_000
        };
        let same = (0..100_000).filter(|id| hit(b"a", *id) == hit(b"b", *id)).count();
        assert!((48_000..52_000).contains(&same), "{same}");
    }

    #[test]
    fn all_values_of_a_header_count() {
        let hash = |pairs: &[(&[u8], &[u8])]| {
            let mut hash = StableHash::new(b"");
            hash.header(Headers(pairs), b"k").then(|| hash.finish())
        };
        assert_eq!(hash(&[(b"x", b"1")]), None);
        assert_ne!(hash(&[(b"k", b"1")]), hash(&[(b"k", b"1"), (b"k", b"2")]));
        assert_ne!(hash(&[(b"k", b"12")]), hash(&[(b"k", b"1"), (b"k", b"2")]));
        assert_eq!(hash(&[(b"k", b"1")]), hash(&[(b"a", b"9"), (b"K", b"1")]));
    }

    #[test]
    fn parts_and_percentages_agree() {
        assert_eq!((part_of_million(0), part_of_million(u64::MAX)), (0, 999_999));
        for per_million in [0, 1, 9, 1_000, 333_333, 999_999, 1_000_000, u32::MAX] {
            assert_eq!(percent(per_million).per_million(), per_million.min(1_000_000));
        }
    }

    proptest! {
        #[test]
        fn a_part_is_a_percentage(draw: u64, per_million in 0u32..=1_000_000) {
            prop_assert_eq!(part_of_million(draw) < per_million, percent(per_million).holds(draw));
        }
    }
}
