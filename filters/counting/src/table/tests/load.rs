//! A million keys, in bounded memory.

use super::super::{WAYS, pages_for};
use super::*;

/// Returns the share of takes that evicted an entry, in hundredths of a percent, when a table for `max_keys`
/// keys receives `load` percent of that number.
fn evictions(load: u64, rates: &[Rate]) -> u64 {
    let max_keys = 50_000;
    let keys = max_keys * load / 100 / rates.len() as u64;
    let mut table = Table::new(pages_for(max_keys as u32));
    let mut came = vec![0_usize; pages_for(max_keys as u32) as usize];
    for key in 0..keys {
        assert!(is_taken(table.take(key, rates, after(key))));
        came[table.place(key).page as usize] += 1;
    }
    let without_room: usize = came.iter().map(|keys| keys.saturating_sub(WAYS / rates.len())).sum();
    assert_eq!(table.evictions, without_room as u64);
    println!("{load} % of {max_keys}: {} of {keys} takes lost an entry", table.evictions);
    table.evictions * 10_000 / keys
}

#[test]
fn the_share_without_room_equals_the_arithmetic() {
    let one = [bucket(10, 3600 * SECOND)];
    let shares = [50, 80, 100, 150, 200, 300].map(|load| evictions(load, &one));
    for (share, expected) in shares.into_iter().zip([0..1, 0..2, 5..10, 195..215, 970..1015, 3330..3400]) {
        assert!(expected.contains(&share), "{share} of 10,000, expected {expected:?}");
    }
}

#[test]
fn keys_with_two_rates_need_more_room() {
    let two = [bucket(10, 60 * SECOND), bucket(10, 3600 * SECOND)];
    let shares = [75, 100].map(|load| evictions(load, &two));
    for (share, expected) in shares.into_iter().zip([6..24, 66..92]) {
        assert!(expected.contains(&share), "{share} of 10,000, expected {expected:?}");
    }
}

#[test]
fn the_first_key_is_still_limited_after_a_million() {
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
