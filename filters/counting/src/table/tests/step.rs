use super::super::page::{Entry, WAYS};
use super::*;
use crate::rate::State;
use crate::table::ENTRY_BYTES;
use proptest::prelude::*;

fn limited(rate: usize, retry_after: u64) -> Outcome {
    Outcome::Limited { rate, retry_after: Some(retry_after) }
}

fn taken(wait: u64) -> Outcome {
    Outcome::Taken { wait, evicted: None }
}

fn owed(bytes: &mut [u8], tag: u64) -> Option<u64> {
    Page(bytes).find(tag).map(|state| state.full_at - START.0)
}

/// A page in which others owe 10 seconds each.
fn crowded() -> [u8; PAGE_BYTES] {
    let mut bytes = empty();
    for tag in 1000..1000 + WAYS as u64 {
        let state = State { full_at: after(10 * SECOND).0, rest: 0 };
        Page(&mut bytes).write(Entry { tag, state }, START, |_| false);
    }
    bytes
}

#[test]
fn a_key_takes_its_rate_and_then_waits() {
    let (mut bytes, rates) = (empty(), [bucket(2, SECOND)]);
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
    assert_eq!(take(&mut bytes, step(5, &rates, START)), limited(0, SECOND));
    assert_eq!(take(&mut bytes, step(6, &rates, START)), taken(0));
    assert_eq!(take(&mut bytes, step(5, &rates, after(SECOND))), taken(0));
    assert_eq!(Page(&mut bytes).entries().count(), 2);
}

#[test]
fn all_rates_are_charged_or_none() {
    let (mut bytes, rates) = (empty(), [bucket(5, SECOND), bucket(2, 60 * SECOND), bucket(9, SECOND)]);
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
    let before = bytes;
    assert_eq!(take(&mut bytes, step(5, &rates, START)), limited(1, 60 * SECOND));
    assert_eq!(bytes, before);
    let expected = [2 * SECOND, 120 * SECOND, 2 * SECOND].map(Some);
    assert_eq!([5, 6, 7].map(|tag| owed(&mut bytes, tag)), expected);
}

#[test]
fn reports_the_slowest_rate_without_room() {
    let rates = [bucket(1, SECOND), bucket(1, 3 * SECOND), bucket(1, 2 * SECOND)];
    let mut bytes = empty();
    take(&mut bytes, step(5, &rates, START));
    assert_eq!(take(&mut bytes, step(5, &rates, START)), limited(1, 3 * SECOND));
    let rates = [bucket(1, 3 * SECOND), bucket(1, SECOND)];
    let never = Step { cost: 2, ..step(5, &rates, START) };
    assert_eq!(take(&mut empty(), never), Outcome::Limited { rate: 0, retry_after: None });
}

#[test]
fn waits_for_the_slowest_rate_in_order() {
    let rates = [queue(1, SECOND, 4 * SECOND), queue(1, 2 * SECOND, 4 * SECOND)];
    let waiting = Step { max_wait: 4 * SECOND, ..step(5, &rates, START) };
    let mut bytes = empty();
    assert_eq!(take(&mut bytes, waiting), taken(0));
    assert_eq!(take(&mut bytes, waiting), taken(2 * SECOND));
    assert_eq!(take(&mut bytes, waiting), taken(4 * SECOND));
    let before = bytes;
    assert_eq!(take(&mut bytes, waiting), limited(1, 6 * SECOND));
    assert_eq!(bytes, before);
    let alone = Step { rates: &rates[..1], place: Place { page: 0, tag: 50 }, ..waiting };
    assert_eq!(take(&mut bytes, alone), taken(0));
    assert_eq!(take(&mut bytes, alone), taken(SECOND));
}

#[test]
fn a_window_without_room_has_no_queue() {
    let rates = [queue(1, SECOND, 600 * SECOND), fixed(2, 60 * SECOND)];
    let waiting = Step { max_wait: 600 * SECOND, ..step(5, &rates, START) };
    let mut bytes = empty();
    assert_eq!(take(&mut bytes, waiting), taken(0));
    assert_eq!(take(&mut bytes, waiting), taken(SECOND));
    let before = bytes;
    assert_eq!(take(&mut bytes, waiting), limited(1, 60 * SECOND));
    assert_eq!(bytes, before);
}

#[test]
fn an_old_copy_rejects_like_the_page() {
    let patient = |burst| queue(burst, SECOND, SECOND);
    for rates in [vec![patient(2)], vec![patient(9), patient(2)]] {
        let mut bytes = empty();
        for _ in 0..2 {
            assert_eq!(step(5, &rates, START).is_denied(&bytes), None);
            assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
        }
        let denied = step(5, &rates, START).is_denied(&bytes);
        assert_eq!(denied, Some(limited(rates.len() - 1, SECOND)));
        assert_eq!(step(5, &rates, after(SECOND)).is_denied(&bytes), None);
        let waiting = Step { max_wait: SECOND, ..step(5, &rates, START) };
        assert_eq!(waiting.is_denied(&bytes), None);
    }
}

#[test]
fn a_charge_is_taken_without_room() {
    let (mut bytes, rates) = (empty(), [bucket(3, SECOND), bucket(2, 2 * SECOND)]);
    assert_eq!(step(5, &rates, START).charge(&mut Page(&mut bytes), 4), None);
    assert_eq!([5, 6].map(|tag| owed(&mut bytes, tag)), [Some(4 * SECOND), Some(8 * SECOND)]);
    assert_eq!(take(&mut bytes, step(5, &rates, START)), limited(1, 6 * SECOND));
    assert_eq!(step(5, &rates, START).charge(&mut Page(&mut crowded()), 1), Some(10 * SECOND));
}

#[test]
fn a_refund_can_be_taken_again() {
    let (mut bytes, rates) = (empty(), [bucket(1, SECOND), bucket(1, 2 * SECOND)]);
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
    assert!(step(5, &rates, START).refund(&mut Page(&mut bytes), START, &[], 1));
    assert_eq!(take(&mut bytes, step(5, &rates, START)), taken(0));
}

#[test]
fn an_evicted_key_gets_no_refund() {
    let mut bytes = crowded();
    assert!(!step(5, &[bucket(1, SECOND)], START).refund(&mut Page(&mut bytes), START, &[], 1));
    assert_eq!(bytes, crowded());
}

#[test]
fn quotas_are_those_of_the_rates() {
    let (mut bytes, rates) = (empty(), [bucket(5, SECOND), bucket(2, 60 * SECOND)]);
    take(&mut bytes, step(5, &rates, START));
    let remaining = |tag| -> Vec<_> {
        step(tag, &rates, START).quotas(&bytes).map(|(index, quota)| (index, quota.remaining)).collect()
    };
    assert_eq!(remaining(5), [(0, 4), (1, 1)]);
    assert_eq!(remaining(50), [(0, 5), (1, 2)]);
}

#[test]
fn the_last_request_and_the_first_rejected_one_have_one_reset() {
    for cost in [1, 2] {
        let (mut bytes, rates) = (empty(), [bucket(2, 30 * SECOND), fixed(2, 60 * SECOND)]);
        let step = Step { cost, ..step(5, &rates, START) };
        let resets = |bytes: &[u8]| -> Vec<_> { step.quotas(bytes).map(|(_, quota)| quota.reset).collect() };
        assert_eq!(resets(&bytes), [0, 60 * SECOND], "everything is available");
        while matches!(take(&mut bytes, step), Outcome::Taken { .. }) {}
        assert_eq!(resets(&bytes), [cost * 30 * SECOND, 60 * SECOND]);
        let never = Step { cost: 3, ..step };
        let resets: Vec<_> = never.quotas(&bytes).map(|(_, quota)| quota.reset).collect();
        assert_eq!(resets, [60 * SECOND, 60 * SECOND], "no time suffices, so until everything is available");
    }
}

#[test]
fn a_key_does_not_evict_its_own_entries() {
    // Each owes less than all before it.
    let rates: Vec<_> = (0..WAYS as u64).map(|n| bucket(1, (WAYS as u64 - n) * SECOND / 16)).collect();
    let mut bytes = crowded();
    let outcome = take(&mut bytes, step(5, &rates, START));
    assert_eq!(outcome, Outcome::Taken { wait: 0, evicted: Some(10 * SECOND) });
    assert!((5..5 + WAYS as u64).all(|tag| Page(&mut bytes).find(tag).is_some()));
}

#[test]
fn rejects_more_rates_than_fit_into_a_page() {
    let rates: Vec<_> = (0..=WAYS).map(|_| bucket(1, SECOND)).collect();
    let refused = |rate| Outcome::Limited { rate, retry_after: None };
    let mut bytes = empty();
    assert_eq!(take(&mut bytes, step(5, &rates, START)), refused(WAYS));
    assert_eq!(bytes, empty());
    // An old copy says nothing of room.
    assert_eq!(step(5, &rates, START).is_denied(&bytes), None);
    assert_eq!(take(&mut bytes[..100], step(5, &rates[..5], START)), refused(4));
    assert_eq!(take(&mut bytes[..100], step(5, &rates[..4], START)), taken(0));
    assert_eq!(take(&mut [], step(5, &rates[..1], START)), refused(0));
}

#[test]
fn stores_no_entry_that_owes_nothing() {
    let mut bytes = crowded();
    assert_eq!(take(&mut bytes, Step { cost: 0, ..step(5, &[bucket(1, SECOND)], START) }), taken(0));
    assert_eq!(take(&mut bytes, step(5, &[], START)), taken(0));
    assert_eq!(bytes, crowded());
}

#[test]
fn tags_leave_room_for_those_of_other_rates() {
    let placer = Placer::new([7; 16], 5);
    for n in 0..10_000_u32 {
        let mut key = placer.key(3);
        key.value(&n.to_le_bytes());
        let place = key.place();
        assert!(place.page < 5 && place.tag != 0 && place.tag.checked_add(WAYS as u64).is_some());
    }
}

proptest! {
    #[test]
    fn accepts_pages_of_random_bytes(
        mut bytes in proptest::collection::vec(any::<u8>(), 0..500),
        known in proptest::collection::vec((0..30_u64, any::<u64>(), any::<u64>()), 0..16),
        (now, taken_at, cost, max_wait) in any::<(u64, u64, u64, u64)>(),
        rates in 0..20_usize,
    ) {
        for (tag, full_at, rest) in known {
            let state = State { full_at, rest };
            Page(&mut bytes).write(Entry { tag: tag + 1, state }, START, |_| false);
        }
        let kinds = [bucket(9, SECOND), fixed(9, SECOND), sliding(9, SECOND)];
        let rates: Vec<_> = kinds.into_iter().cycle().take(rates).collect();
        let step = Step { cost, max_wait, ..step(3, &rates, UnixNanos(now)) };
        let denied = step.is_denied(&bytes);
        let used = bytes.as_chunks::<ENTRY_BYTES>().0.iter().rposition(|entry| entry.iter().any(|byte| *byte != 0));
        prop_assert_eq!(denied, step.is_denied(&bytes[..used.map_or(0, |last| last + 1) * ENTRY_BYTES]));
        let before = bytes.clone();
        let has_room = rates.len() <= (bytes.len() / ENTRY_BYTES).min(WAYS);
        let outcome = take(&mut bytes, step);
        prop_assert_eq!(denied.is_none() && has_room, is_taken(outcome));
        if let Some(denied) = denied.filter(|_| has_room) {
            prop_assert_eq!(denied, outcome);
        }
        if !is_taken(outcome) {
            prop_assert_eq!(&bytes, &before);
        }
        step.charge(&mut Page(&mut bytes), cost);
        step.refund(&mut Page(&mut bytes), UnixNanos(taken_at), &[], cost);
        prop_assert_eq!(step.quotas(&bytes).count(), rates.len());
    }
}
