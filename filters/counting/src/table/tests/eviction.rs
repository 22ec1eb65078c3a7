//! Eviction from a full page.

use super::super::page::WAYS;
use super::*;
use proptest::prelude::*;

/// The same limit in all algorithms: 10 at once, and then few.
fn limits() -> [Rate; 3] {
    [bucket(10, 60 * SECOND), fixed(10, 600 * SECOND), sliding(10, 600 * SECOND)]
}

fn drain(bytes: &mut [u8], tag: u64, rates: &[Rate]) {
    while is_taken(take(bytes, step(tag, rates, START))) {}
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn keys_of_one_token_each_cannot_reset_drained_buckets(
        limit in 0..3_usize,
        drained in 1..WAYS as u64,
        before in 0..40_u64,
        pauses in proptest::collection::vec(0..SECOND / 2, 0..300),
    ) {
        let rates = &limits()[limit..=limit];
        let mut bytes = empty();
        for key in 0..before {
            prop_assert!(is_taken(take(&mut bytes, step(5000 + key, rates, START))));
        }
        for tag in 1..=drained {
            drain(&mut bytes, tag, rates);
        }
        let mut now = START;
        for (key, pause) in pauses.into_iter().enumerate() {
            now.0 += pause / 5;
            prop_assert!(is_taken(take(&mut bytes, step(1000 + key as u64, rates, now))));
        }
        for tag in 1..=drained {
            prop_assert!(!is_taken(take(&mut bytes, step(tag, rates, now))), "{} was reset", tag);
        }
    }

    #[test]
    fn keeps_the_entry_that_owes_most(
        takes in proptest::collection::vec((1..60_u64, 1..10_u64), 1..300),
    ) {
        let rates = [bucket(10, 60 * SECOND)];
        let mut bytes = empty();
        for (tag, cost) in takes {
            let most = |bytes: &mut [u8]| Page(bytes).entries().max_by_key(|entry| entry.state.full_at);
            let before = most(&mut bytes);
            take(&mut bytes, Step { cost, ..step(tag, &rates, START) });
            if let Some(before) = before {
                prop_assert!(Page(&mut bytes).find(before.tag).is_some());
            }
        }
    }
}

#[test]
fn only_keys_that_owe_more_evict_a_drained_bucket() {
    let (small, large) = ([bucket(10, SECOND)], [bucket(10, 60 * SECOND)]);
    let mut bytes = empty();
    drain(&mut bytes, 1, &small);
    for tag in 2..=WAYS as u64 {
        drain(&mut bytes, tag, &large);
    }
    assert!(!is_taken(take(&mut bytes, step(1, &small, START))));
    let outcome = take(&mut bytes, step(99, &large, START));
    assert_eq!(outcome, Outcome::Taken { wait: 0, evicted: Some(10 * SECOND) });
    assert!(is_taken(take(&mut bytes, step(1, &small, START))));
}

#[test]
fn evicts_the_shortest_rate_of_a_key_first() {
    let (short_and_long, other) = ([bucket(2, SECOND), bucket(4, 3600 * SECOND)], [bucket(10, 60 * SECOND)]);
    let mut bytes = empty();
    drain(&mut bytes, 1, &short_and_long);
    for tag in 100..100 + WAYS as u64 - 1 {
        take(&mut bytes, step(tag, &other, START));
    }
    // The short one is gone, the long one is not: it has two left of its four.
    assert_eq!([1, 2].map(|tag| Page(&mut bytes).find(tag).is_some()), [false, true]);
    let more = (0..10).filter(|_| is_taken(take(&mut bytes, step(1, &short_and_long, START)))).count();
    assert_eq!(more, 2);
    assert!(!is_taken(take(&mut bytes, step(1, &short_and_long, after(60 * SECOND)))));
}

/// Else keys of today would drive out each other until the clock has caught up.
#[test]
fn entries_of_a_clock_that_was_set_back_take_no_room() {
    let day = 86_400 * SECOND;
    for limit in &limits() {
        let rates = std::slice::from_ref(limit);
        let mut bytes = empty();
        for tag in 100..100 + WAYS as u64 {
            while is_taken(take(&mut bytes, step(tag, rates, after(day)))) {}
        }
        for tag in 1..=WAYS as u64 {
            while let Outcome::Taken { evicted, .. } = take(&mut bytes, step(tag, rates, START)) {
                assert_eq!(evicted, None, "{limit:?}");
            }
        }
        let refused = (1..=WAYS as u64).filter(|tag| !is_taken(take(&mut bytes, step(*tag, rates, START))));
        assert_eq!(refused.count(), WAYS, "{limit:?}");
    }
}

#[test]
fn keeps_entries_of_limits_with_longer_lifetimes() {
    let (month, second) = ([fixed(1, 30 * 86_400 * SECOND)], [bucket(1, SECOND)]);
    let mut bytes = empty();
    for tag in 1..WAYS as u64 {
        drain(&mut bytes, tag, &month);
    }
    let evictions = (100..200).filter(|tag| {
        matches!(take(&mut bytes, step(*tag, &second, START)), Outcome::Taken { evicted: Some(_), .. })
    });
    assert_eq!(evictions.count(), 99, "expected them to evict each other");
    for tag in 1..WAYS as u64 {
        assert!(!is_taken(take(&mut bytes, step(tag, &month, START))), "{tag}");
    }
}

proptest! {
    /// A state is never further ahead than the lifetime of its rate, and a tag stores at most twice that
    /// time.
    #[test]
    fn tags_store_the_lifetime(tag in any::<u64>(), longest in 1..u64::MAX / 2) {
        use super::super::place::{max_lifetime, with_max_lifetime, key_bits};
        let mark = with_max_lifetime(tag, longest);
        prop_assert_eq!(key_bits(mark), key_bits(tag));
        prop_assert!(max_lifetime(mark) >= longest && max_lifetime(mark) / 2 < longest);
        prop_assert_eq!(max_lifetime(key_bits(tag)), u64::MAX);
    }
}
