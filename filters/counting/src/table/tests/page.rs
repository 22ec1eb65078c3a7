use super::super::page::{Entry, PAGE_BYTES, Page, WAYS};
use super::{START, after, empty};
use crate::rate::State;
use proptest::prelude::*;

fn entry(tag: u64, owed: u64) -> Entry {
    Entry { tag, state: State { full_at: after(owed).0, rest: tag } }
}

/// With `WAYS` entries, of which the n-th has tag `n + 1` and owes `owed(n)`.
fn full(owed: impl Fn(u64) -> u64) -> [u8; PAGE_BYTES] {
    let mut bytes = empty();
    for n in 0..WAYS as u64 {
        assert_eq!(Page(&mut bytes).write(entry(n + 1, owed(n)), START, |_| false), None);
    }
    bytes
}

#[test]
fn finds_written_entries() {
    let mut bytes = full(|n| 100 + n);
    let page = Page(&mut bytes);
    for n in 0..WAYS as u64 {
        assert_eq!(page.find(n + 1), Some(entry(n + 1, 100 + n).state));
    }
    assert_eq!(page.find(99), None);
    assert_eq!(page.entries().count(), WAYS);
}

#[test]
fn words_are_little_endian() {
    let mut bytes = empty();
    let state = State { full_at: 0x0203, rest: 0x0405 };
    Page(&mut bytes).write(Entry { tag: 0x0102, state }, START, |_| false);
    let written = [2, 1, 0, 0, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 0, 0, 5, 4, 0, 0, 0, 0, 0, 0];
    assert_eq!(bytes[..24], written);
    assert!(bytes[24..].iter().all(|byte| *byte == 0));
}

#[test]
fn replaces_an_entry_of_the_same_tag() {
    let mut bytes = full(|n| 100 + n);
    assert_eq!(Page(&mut bytes).write(entry(16, 1), START, |_| false), None);
    assert_eq!(Page(&mut bytes).find(16), Some(entry(16, 1).state));
    assert_eq!(Page(&mut bytes).entries().count(), WAYS);
}

#[test]
fn evicts_the_entry_that_owes_least() {
    let mut bytes = full(|n| 100 + (n + 5) % WAYS as u64);
    assert_eq!(Page(&mut bytes).write(entry(99, 1), START, |_| false), Some(100));
    assert_eq!(Page(&mut bytes).find(12), None);
    assert!(Page(&mut bytes).find(99).is_some());
    assert_eq!(Page(&mut bytes).entries().count(), WAYS);
}

#[test]
fn evicting_an_entry_that_owes_nothing_is_not_counted() {
    let mut bytes = full(|n| if n == 9 { 50 } else { 100 });
    assert_eq!(Page(&mut bytes).write(entry(99, 1), after(50), |_| false), None);
    assert_eq!(Page(&mut bytes).find(10), None);
}

#[test]
fn evicts_the_smaller_count_of_equal_windows() {
    let mut bytes = empty();
    for n in 0..WAYS as u64 {
        let state = State { full_at: after(100).0, rest: 10 + (n + 5) % WAYS as u64 };
        Page(&mut bytes).write(Entry { tag: n + 1, state }, START, |_| false);
    }
    assert_eq!(Page(&mut bytes).write(entry(99, 100), START, |_| false), Some(100));
    assert_eq!(Page(&mut bytes).find(12), None);
}

#[test]
fn keeps_spared_entries() {
    let mut bytes = full(|n| 100 + n);
    assert_eq!(Page(&mut bytes).write(entry(99, 1), START, |tag| tag <= 3), Some(103));
    assert_eq!(Page(&mut bytes).find(4), None);
    let before = bytes;
    assert_eq!(Page(&mut bytes).write(entry(98, 1), START, |_| true), None);
    assert_eq!(bytes, before);
}

proptest! {
    #[test]
    fn any_bytes_are_a_page(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..600),
        tag in 1..u64::MAX,
        full_at in any::<u64>(),
    ) {
        let before = bytes.clone();
        let room = (bytes.len() / 24).min(WAYS);
        let mut page = Page(&mut bytes);
        prop_assert!(page.entries().count() <= room);
        let new = Entry { tag, state: State { full_at, rest: 3 } };
        page.write(new, START, |_| false);
        prop_assert_eq!(page.find(tag), (room > 0).then_some(new.state));
        // Nothing but one entry is another.
        let changed = |n: &usize| bytes[n * 24..][..24] != before[n * 24..][..24];
        prop_assert!((0..room).filter(changed).count() <= 1);
        prop_assert_eq!(&bytes[room * 24..], &before[room * 24..]);
    }
}
