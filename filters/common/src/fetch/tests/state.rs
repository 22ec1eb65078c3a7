//! The state of one worker: the times at which it fetches, and when the document is available.

use super::{MS, SECOND, START, after, ms, rules};
use crate::fetch::{Asked, Availability, Body, Rules, State};
use crate::{Duration, Record, UnixNanos};
use proptest::prelude::*;

fn fetched(rules: &Rules, state: State, now: UnixNanos) -> State {
    let state = state.lease(rules, 1, now).expect("due");
    state.fetched(rules, 1, true, rules.life, now, 0).expect("leased")
}

fn failed(rules: &Rules, state: State, now: UnixNanos, draw: u64) -> State {
    let state = state.lease(rules, 1, now).expect("due");
    state.failed(rules, 1, now, draw).expect("leased")
}

#[test]
fn a_document_is_fetched_at_once_and_again_ahead_of_its_time() {
    let rules = rules();
    let state = State::default();
    assert_eq!(state.availability(START), Availability::Pending);
    assert!(state.is_due(&rules, START));
    let state = fetched(&rules, state, START);
    assert_eq!((state.generation, state.body, state.ended), (1, 1, 1));
    assert_eq!(state.availability(START), Availability::Fresh);
    assert!(!state.is_due(&rules, after(START, 479_999)));
    assert!(state.is_due(&rules, after(START, 480_000)));
    let latest = State::default().lease(&rules, 1, START).unwrap();
    let latest = latest.fetched(&rules, 1, true, rules.life, START, u64::MAX).unwrap();
    assert!(!latest.is_due(&rules, after(START, 569_999)));
    assert!(latest.is_due(&rules, after(START, 570_000)));
}

#[test]
fn the_old_document_is_used_until_its_window_ends() {
    let rules = Rules { life: ms(1000), stale: ms(5000), retries: 0, ..rules() };
    let state = fetched(&rules, State::default(), START);
    let state = failed(&rules, state, after(START, 900), 0);
    assert_eq!(state.availability(after(START, 999)), Availability::Fresh);
    assert_eq!(state.availability(after(START, 1000)), Availability::Stale);
    assert_eq!(state.availability(after(START, 5999)), Availability::Stale);
    assert_eq!(state.availability(after(START, 6000)), Availability::Unavailable);
    assert_eq!(
        fetched(&rules, state, after(START, 7000)).availability(after(START, 7000)),
        Availability::Fresh
    );
}

#[test]
fn an_unchanged_document_keeps_its_generation() {
    let rules = rules();
    let state = fetched(&rules, State::default(), START);
    let now = after(START, 590_000);
    let state = state.lease(&rules, 2, now).unwrap().fetched(&rules, 2, false, rules.life, now, 0).unwrap();
    assert_eq!((state.generation, state.body, state.ended), (1, 1, 2));
    assert_eq!(state.availability(after(now, 599_999)), Availability::Fresh);
}

#[test]
fn requests_wait_until_the_first_fetch_and_retries_failed() {
    let rules = Rules { retries: 2, ..rules() };
    let mut state = State::default();
    let mut now = START;
    for _ in 0..2 {
        state = failed(&rules, state, now, u64::MAX);
        assert_eq!((state.availability(now), state.ended), (Availability::Pending, 0));
        now = after(now, 10_000);
    }
    state = failed(&rules, state, now, 0);
    assert_eq!((state.availability(now), state.ended), (Availability::Unavailable, 1));
    // This does not change while the next fetch is in progress.
    now = after(now, 1000);
    assert_eq!(state.lease(&rules, 1, now).unwrap().availability(now), Availability::Unavailable);
}

/// Time from a failure to the next try.
fn wait(state: &State, rules: &Rules, now: UnixNanos) -> u64 {
    let due = |ms| state.is_due(rules, after(now, ms));
    (0..10_000_000).step_by(1).find(|ms| due(*ms)).expect("ever")
}

#[test]
fn without_a_document_fetches_back_off_to_half_a_minute_at_most() {
    let rules = Rules { retries: 0, ..rules() };
    let (mut state, mut now, mut waits) = (State::default(), START, Vec::new());
    for _ in 0..8 {
        state = failed(&rules, state, now, u64::MAX);
        waits.push(wait(&state, &rules, now) / 1000);
        now = after(now, *waits.last().unwrap() * 1000);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30, 30]);
}

#[test]
fn backs_off_up_to_the_lifetime_with_an_old_document() {
    let rules = Rules { retries: 0, life: ms(60_000), stale: ms(200_000), ..rules() };
    let mut state = fetched(&rules, State::default(), START);
    let (mut now, mut waits) = (after(START, 50_000), Vec::new());
    for _ in 0..10 {
        state = failed(&rules, state, now, u64::MAX);
        waits.push(wait(&state, &rules, now) / 1000);
        now = after(now, *waits.last().unwrap() * 1000);
    }
    // At 260 s the document is too old.
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60, 27, 30]);
}

#[test]
fn limits_fetches_for_unknown_keys() {
    let rules = rules();
    let state = fetched(&rules, State::default(), START);
    let Asked::Granted(state) = state.ask(&rules, after(START, 1)) else { panic!("{state:?}") };
    assert!(state.is_due(&rules, after(START, 1)));
    assert_eq!(state.ask(&rules, after(START, 2)), Asked::UnderWay);
    let state = state.lease(&rules, 7, after(START, 3)).unwrap();
    assert_eq!(state.ask(&rules, after(START, 4)), Asked::UnderWay);
    let state = state.fetched(&rules, 7, false, rules.life, after(START, 5), 0).unwrap();
    assert_eq!(state.ask(&rules, after(START, 6)), Asked::TooSoon);
    assert_eq!(state.ask(&rules, after(START, 30_000)), Asked::TooSoon);
    assert!(matches!(state.ask(&rules, after(START, 30_001)), Asked::Granted(_)));
    let never = Rules { refetch_at_most_every: None, ..rules };
    assert_eq!(state.ask(&never, after(START, 30_001)), Asked::TooSoon);
}

#[test]
fn a_lease_ends_when_its_holder_could_long_have_had_an_answer() {
    let rules = rules();
    let state = State::default().lease(&rules, 1, START).unwrap();
    assert_eq!(state.lease(&rules, 2, after(START, 2999)), None);
    let taken = state.lease(&rules, 2, after(START, 3000)).unwrap();
    // The first holder's response is too late.
    assert_eq!(taken.fetched(&rules, 1, true, rules.life, after(START, 3001), 0), None);
    assert_eq!(taken.failed(&rules, 1, after(START, 3001), 0), None);
    // It is late, but no other worker has begun.
    assert!(state.fetched(&rules, 1, true, rules.life, after(START, 4000), 0).is_some());
}

#[test]
fn a_document_that_was_written_over_is_fetched_again_by_one() {
    let rules = rules();
    let state = fetched(&rules, State::default(), START);
    let now = after(START, 1000);
    let lost = state.lost(&rules, now).expect("nobody is at it");
    assert!(lost.is_due(&rules, now));
    // The other workers do nothing more, also during the fetch and after it failed.
    assert_eq!(lost.lost(&rules, now), None);
    let leased = lost.lease(&rules, 2, now).unwrap();
    assert_eq!(leased.lost(&rules, now), None);
    let failed = leased.failed(&rules, 2, now, u64::MAX).unwrap();
    assert_eq!(failed.lost(&rules, now), None);
    // Between the two writes of a holder, body and state differ.
    assert_eq!(
        state.lease(&rules, 3, after(START, 590_000)).unwrap().lost(&rules, after(START, 590_001)),
        None
    );
}

#[test]
fn no_lease_is_held_by_nobody() {
    let rules = rules();
    assert_eq!(State::default().lease(&rules, 0, START), None);
    assert_eq!(State::default().fetched(&rules, 0, true, rules.life, START, 0), None);
    assert_eq!(State::default().failed(&rules, 0, START, 0), None);
}

#[test]
fn a_clock_set_back_delays_and_extends_nothing() {
    let rules = Rules { life: ms(1000), stale: ms(5000), retries: 0, ..rules() };
    let state = fetched(&rules, State::default(), START);
    let day = UnixNanos(START.0 - 86_400 * SECOND);
    assert!(state.is_due(&rules, day));
    let state = failed(&rules, state, day, 0);
    assert_eq!(state.availability(after(day, 5999)), Availability::Stale);
    assert_eq!(state.availability(after(day, 6001)), Availability::Unavailable);
    // A lease from the future is ignored too.
    let leased = State::default().lease(&rules, 1, START).unwrap();
    assert!(leased.lease(&rules, 2, day).is_some());
    let asked = State { asked_at: START, ..fetched(&rules, State::default(), day) };
    assert!(matches!(asked.ask(&rules, after(day, 1)), Asked::Granted(_)));
}

fn any_state() -> impl Strategy<Value = State> {
    let time = prop_oneof![Just(0), any::<u64>(), (0..10_000 * SECOND).prop_map(|t| START.0 + t)]
        .prop_map(UnixNanos);
    let numbers = (any::<u32>(), any::<u64>(), any::<u32>(), any::<u32>(), any::<u32>(), any::<u64>());
    (numbers, [time.clone(), time.clone(), time.clone(), time.clone(), time.clone(), time]).prop_map(
        |((generation, body, ended, attempts, failures, holder), times)| {
            let [fetched_at, fresh_until, stale_until, next_try, asked_at, leased_until] = times;
            State {
                generation,
                body,
                ended,
                fetched_at,
                fresh_until,
                stale_until,
                next_try,
                asked_at,
                attempts,
                failures,
                holder,
                leased_until,
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(state in any_state()) {
        let mut bytes = Vec::new();
        state.encode(&mut bytes);
        prop_assert_eq!(State::decode(&bytes), Some(state));
        bytes.pop();
        prop_assert_eq!(State::decode(&bytes), None);
    }

    #[test]
    fn so_is_a_body(lease: u64, uri: String, etag: Vec<u8>, text: Vec<u8>) {
        let body = Body { lease, uri, etag, text };
        let mut bytes = Vec::new();
        body.encode(&mut bytes);
        prop_assert_eq!(Body::decode(&bytes), Some(body));
    }

    #[test]
    fn nothing_that_is_found_can_be_misread(bytes: Vec<u8>) {
        let _ = (State::decode(&bytes), Body::decode(&bytes));
    }

    /// For any state, a fetch is due within the longest time between two fetches.
    #[test]
    fn no_state_prevents_fetches_forever(state in any_state()) {
        let rules = rules();
        let longest = rules.longest().as_nanos() / MS;
        prop_assert!(state.is_due(&rules, START) || state.is_due(&rules, after(START, longest + 1)));
    }

    #[test]
    fn back_off_is_within_its_bounds(attempts in 0u32..20, failures: u32, draw: u64, base in 1u64..5000, max in 1u64..60_000) {
        let rules = Rules { retries: 40, base_interval: ms(base), max_interval: ms(max.max(base)), ..rules() };
        let state = State { attempts, failures, ..State::default() };
        let next = failed(&rules, state, START, draw);
        let wait = Duration::from_nanos(next.next_try.0 - START.0);
        prop_assert!(wait <= ms(base.saturating_mul(1 << attempts)).min(ms(max.max(base))), "{:?}", wait);
        let rules = Rules { retries: 0, ..rules };
        let next = failed(&rules, State { failures, ..State::default() }, START, draw);
        let wait = Duration::from_nanos(next.next_try.0 - START.0);
        prop_assert!(ms(800) <= wait && wait <= ms(30_000), "{:?}", wait);
    }
}
