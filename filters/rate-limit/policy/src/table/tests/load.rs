//! A million keys, in bounded memory.

use super::super::{WAYS, pages_for};
use super::*;

/// Evictions when so many keys come once each, to a table for `max_keys`.
fn evictions(keys: u64, max_keys: u32) -> u64 {
    let rates = [bucket(10, 3600 * SECOND)];
    let mut table = Table::new(pages_for(max_keys));
    for key in 0..keys {
        assert!(is_taken(table.take(key, &rates, after(key))));
    }
    table.evictions
}

/// The share of keys without room, as said at `KEYS_PER_PAGE`, in hundredths of a percent.
#[test]
fn as_many_keys_find_no_room_as_the_arithmetic_says() {
    let max_keys = 100_000;
    let shares = [(50, 0), (80, 1), (100, 8), (150, 205), (200, 992), (300, 3364)];
    for (load, share) in shares {
        let keys = max_keys * load / 100;
        let evicted = evictions(keys, max_keys as u32);
        println!("{load} %: {evicted} of {keys}");
        let expected = keys * share / 10_000;
        assert!(evicted.abs_diff(expected) <= 20 + expected / 20, "{load} %: {evicted} of {keys}");
    }
}

#[test]
fn a_million_keys_later_the_first_is_limited_still() {
    let rates = [bucket(10, 3600 * SECOND)];
    let keys = 1_000_000;
    // For a tenth of them.
    let mut table = Table::new(pages_for(100_000));
    let memory = table.bytes.len();
    assert_eq!(memory, 12_500 * PAGE_BYTES);
    while is_taken(table.take(0, &rates, START)) {}
    for key in 1..keys {
        assert!(is_taken(table.take(key, &rates, after(key))), "limited by others");
    }
    assert!(!is_taken(table.take(0, &rates, after(keys))));
    assert_eq!(table.bytes.len(), memory);
    // All that came, but for what a full table holds.
    assert_eq!(table.evictions, keys - 12_500 * WAYS as u64);
}

#[test]
fn there_is_a_page_for_eight_keys() {
    assert_eq!([0, 1, 8, 9, 65_536].map(pages_for), [1, 1, 1, 2, 8_192]);
    assert_eq!(pages_for(u32::MAX), 1 << 29);
}
