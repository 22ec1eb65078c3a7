use super::*;

#[test]
fn a_late_worker_finds_what_others_took() {
    for rate in [bucket(5, 1, SECOND), fixed(5, SECOND), sliding(5, SECOND)] {
        let mut key = Key::new(rate);
        assert_eq!(key.drain(100 * SECOND), 5);
        assert_eq!(key.drain(100 * SECOND - 1), 0);
        assert_eq!(key.drain(99 * SECOND), 0);
    }
}

#[test]
fn a_late_worker_counts_in_the_current_window() {
    let mut key = Key::new(sliding(10, SECOND));
    key.take(SECOND / 2, 4).unwrap();
    key.take(SECOND, 1).unwrap();
    assert_eq!((key.remaining(SECOND), key.remaining(SECOND - 1)), (6, 6));
    assert_eq!(key.drain(SECOND - 1), 6);
}

#[test]
fn a_late_worker_keeps_a_charge() {
    let mut key = Key::new(bucket(5, 1, SECOND));
    key.charge(100 * SECOND, 10);
    assert_eq!(key.drain(99 * SECOND), 0);
}

#[test]
fn a_clock_that_was_set_back_blocks_no_key() {
    for rate in [bucket(5, 1, SECOND), fixed(5, SECOND), sliding(5, SECOND)] {
        let mut key = Key::new(rate);
        key.charge(3600 * SECOND, 10);
        assert_eq!(key.remaining(0), 5);
        assert_eq!(key.drain(0), 5);
        assert_eq!(key.drain(3600 * SECOND), 5, "nor when it is set right");
    }
}

#[test]
fn reservations_are_not_taken_for_a_clock_that_was_set_back() {
    let patient = Rate::Meter(meter(1, 10, SECOND).with_max_wait(60 * SECOND));
    let mut key = Key::new(patient);
    let mut count = 0;
    while key.reserve(0, 1, 60 * SECOND).is_some() {
        count += 1;
    }
    assert_eq!(count, 601);
    assert_eq!(key.take(0, 1), Err(Some(60 * SECOND + SECOND / 10)));
    key.charge(0, 1);
    assert_eq!(key.take(0, 1), Err(Some(60 * SECOND + SECOND / 10)), "more is owed than a charge adds up to");
    key.state.full_at += 3600 * SECOND;
    assert_eq!(key.reserve(0, 1, 60 * SECOND), Some(0));
}

proptest! {
    /// Regardless of the clock that wrote a state, there is room at the latest after twice the time of the
    /// rate, plus the maximum wait and the skew.
    #[test]
    fn no_key_stays_blocked(rate in small_rate(), wait in small_wait(), taken in prop::collection::vec((0..10_000 * SECOND, 1..9u64), 0..9),
        back in 0..20_000 * SECOND)
    {
        let mut key = Key::new(rate.with_max_wait(wait));
        let window = rate.quota(State::default(), UnixNanos(START)).window;
        prop_assume!(rate.quota(State::default(), UnixNanos(START)).limit > 0);
        for (at, cost) in taken {
            key.charge(20_000 * SECOND + at, cost);
        }
        let now = 30_000 * SECOND - back;
        if let Err(retry_after) = key.take(now, 1) {
            let longest = 2 * window + wait + super::super::SKEW;
            prop_assert!(retry_after.unwrap() <= longest, "{retry_after:?}");
            prop_assert_eq!(key.take(now + retry_after.unwrap(), 1), Ok(()));
        }
    }
}
