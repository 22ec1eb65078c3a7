use super::*;

#[test]
fn a_bucket_gives_its_burst_and_then_one_by_one() {
    let mut key = Key::new(bucket(3, 2, SECOND));
    assert_eq!(key.drain(0), 3);
    assert_eq!(key.take(0, 1), Err(Some(SECOND / 2)));
    assert_eq!(key.take(SECOND / 2 - 1, 1), Err(Some(1)));
    assert_eq!(key.drain(SECOND / 2), 1);
    assert_eq!(key.drain(3 * SECOND), 3);
}

#[test]
fn a_third_of_a_second_is_not_rounded() {
    let mut key = Key::new(bucket(2, 3, SECOND));
    assert_eq!(key.drain(0), 2);
    for third in 1..=300_000u64 {
        let at = (third * SECOND).div_ceil(3);
        assert_eq!(key.take(at - 1, 1), Err(Some(1)));
        assert_eq!(key.drain(at), 1);
    }
}

#[test]
fn a_fixed_window_starts_again() {
    let mut key = Key::new(fixed(5, 60 * SECOND));
    assert_eq!(key.drain(59 * SECOND), 5);
    assert_eq!(key.take(59 * SECOND, 1), Err(Some(SECOND)));
    assert_eq!(key.drain(60 * SECOND), 5);
}

#[test]
fn a_sliding_window_counts_its_share_of_the_previous_one() {
    let mut key = Key::new(sliding(10, 60 * SECOND));
    assert_eq!(key.drain(30 * SECOND), 10);
    assert_eq!(key.drain(60 * SECOND), 1);
    assert_eq!(key.take(60 * SECOND, 1), Err(Some(6 * SECOND)));
    assert_eq!(key.take(66 * SECOND - 1, 1), Err(Some(1)));
    assert_eq!(key.drain(66 * SECOND), 1);
    assert_eq!(key.drain(90 * SECOND), 4);
    assert_eq!(key.drain(120 * SECOND), 5);
    assert_eq!(key.drain(240 * SECOND), 10);
}

#[test]
fn rejects_costs_above_the_maximum() {
    for rate in [bucket(5, 1, SECOND), fixed(5, SECOND), sliding(5, SECOND)] {
        assert_eq!(Key::new(rate).take(0, 6), Err(None));
        assert_eq!(Key::new(rate).take(0, u64::MAX), Err(None));
        assert_eq!(Key::new(rate).take(0, 5), Ok(()));
    }
}

#[test]
fn a_rate_of_nothing_never_has_room() {
    for rate in [bucket(0, 1, SECOND), fixed(0, SECOND), sliding(0, SECOND)] {
        let mut key = Key::new(rate);
        assert_eq!((key.take(0, 1), key.take(0, 0)), (Err(None), Err(None)));
        key.charge(0, 7);
        assert_eq!((key.state, key.remaining(0)), (State::default(), 0));
    }
}

#[test]
fn a_cost_of_zero_takes_nothing() {
    for rate in [bucket(2, 1, SECOND), fixed(2, SECOND), sliding(2, SECOND)] {
        let mut key = Key::new(rate);
        assert_eq!((key.take(0, 0), key.state), (Ok(()), State::default()));
        assert_eq!(key.take(0, 1), Ok(()));
        assert_eq!((key.take(0, 0), key.remaining(0)), (Ok(()), 1));
        assert_eq!(key.drain(0), 1);
        assert_eq!(key.take(0, 0), key.take(0, 1));
        let full = key.state;
        key.charge(0, 0);
        key.refund(0, 0, 0);
        assert_eq!(key.state, full);
    }
}

#[test]
fn a_charge_is_owed_but_no_more_than_the_rate_once_again() {
    let mut key = Key::new(bucket(10, 1, SECOND));
    key.charge(0, 1_000_000);
    assert_eq!(key.take(0, 1), Err(Some(11 * SECOND)));
    key.charge(0, 1);
    assert_eq!(key.take(0, 1), Err(Some(11 * SECOND)));
    key.charge(5 * SECOND, 2);
    assert_eq!(key.take(5 * SECOND, 1), Err(Some(8 * SECOND)));

    let mut key = Key::new(fixed(10, 60 * SECOND));
    key.charge(0, u64::MAX);
    assert_eq!(key.take(0, 1), Err(Some(60 * SECOND)));
    assert_eq!(key.drain(60 * SECOND), 10);

    let mut key = Key::new(sliding(10, 60 * SECOND));
    key.charge(0, u64::MAX);
    assert_eq!(key.take(0, 1), Err(Some(90 * SECOND)));
    assert_eq!(key.drain(90 * SECOND), 1);
    assert_eq!(key.drain(120 * SECOND), 10);
}

#[test]
fn a_refund_makes_room_for_what_was_taken() {
    for rate in [bucket(5, 1, 60 * SECOND), fixed(5, 60 * SECOND), sliding(5, 60 * SECOND)] {
        let mut key = Key::new(rate);
        assert_eq!(key.drain(0), 5);
        key.refund(0, 0, 2);
        assert_eq!(key.remaining(0), 2);
        assert_eq!(key.drain(0), 2);
        key.refund(0, 0, u64::MAX);
        assert_eq!(key.drain(0), 5);
    }
}

#[test]
fn a_refund_excludes_what_has_flowed_in() {
    let mut key = Key::new(bucket(5, 1, SECOND));
    assert_eq!(key.drain(0), 5);
    assert_eq!(key.drain(5 * SECOND), 5);
    key.refund(0, 5 * SECOND, 5);
    assert_eq!(key.drain(5 * SECOND), 0);
    key.refund(3 * SECOND, 5 * SECOND, 3);
    assert_eq!(key.drain(5 * SECOND), 1);
}

#[test]
fn a_refund_into_a_window_that_has_passed_gives_nothing() {
    let mut key = Key::new(fixed(5, 60 * SECOND));
    assert_eq!(key.drain(59 * SECOND), 5);
    assert_eq!(key.drain(60 * SECOND), 5);
    key.refund(59 * SECOND, 61 * SECOND, 5);
    assert_eq!(key.remaining(61 * SECOND), 0);

    let mut key = Key::new(sliding(5, 60 * SECOND));
    assert_eq!(key.drain(59 * SECOND), 5);
    assert_eq!(key.drain(90 * SECOND), 3);
    let before = key.state;
    key.refund(59 * SECOND, 121 * SECOND, 5);
    assert_eq!(key.state, before);
    key.refund(59 * SECOND, 90 * SECOND, 4);
    assert_eq!(key.remaining(90 * SECOND), 2, "the last window still counts, so it gives back");
}

#[test]
fn a_quota_reports_the_rest_and_the_reset() {
    let quota = |key: &Key, at| {
        let quota = key.rate.quota(key.state, UnixNanos(START + at));
        (quota.limit, quota.window, quota.remaining, quota.reset)
    };
    let mut key = Key::new(bucket(10, 2, SECOND));
    assert_eq!(quota(&key, 0), (10, 5 * SECOND, 10, 0));
    key.take(0, 4).unwrap();
    assert_eq!(quota(&key, 0), (10, 5 * SECOND, 6, 2 * SECOND));
    assert_eq!(quota(&key, SECOND - 1), (10, 5 * SECOND, 7, SECOND + 1));

    let mut key = Key::new(fixed(10, 60 * SECOND));
    key.take(10 * SECOND, 4).unwrap();
    assert_eq!(quota(&key, 20 * SECOND), (10, 60 * SECOND, 6, 40 * SECOND));
    assert_eq!(quota(&key, 60 * SECOND), (10, 60 * SECOND, 10, 60 * SECOND));

    let mut key = Key::new(sliding(10, 60 * SECOND));
    key.take(10 * SECOND, 4).unwrap();
    assert_eq!(quota(&key, 20 * SECOND), (10, 60 * SECOND, 6, 100 * SECOND));
    assert_eq!(quota(&key, 61 * SECOND), (10, 60 * SECOND, 7, 59 * SECOND));
    assert_eq!(quota(&key, 200 * SECOND), (10, 60 * SECOND, 10, 0));
}

#[test]
fn rejects_rates_of_more_than_a_hundred_years() {
    const YEAR: u64 = 31_557_600 * SECOND;
    assert_eq!((Meter::new(1, 0, SECOND), Meter::new(1, 1, 0)), (None, None));
    assert!(Meter::new(100, 1, YEAR).is_some());
    assert_eq!(Meter::new(101, 1, YEAR), None);
    assert_eq!(Meter::new(u64::MAX, 1, u64::MAX), None);
    assert!(Meter::new(u64::MAX, u64::MAX, YEAR).is_some());
    assert_eq!((FixedWindow::new(1, 0), SlidingWindow::new(1, 0)), (None, None));
    assert!(FixedWindow::new(u64::MAX, 100 * YEAR).is_some());
    assert!(SlidingWindow::new(u32::MAX, 100 * YEAR).is_some());
    assert_eq!((FixedWindow::new(1, 101 * YEAR), SlidingWindow::new(1, 101 * YEAR)), (None, None));
}

#[test]
fn a_month_is_a_month_of_the_calendar() {
    const DAY: u64 = 86_400 * SECOND;
    // `START` is the 15th of June 2025, 16:00.
    let left = 15 * DAY + 8 * 3600 * SECOND;
    let mut key = Key::new(Rate::FixedWindow(FixedWindow::of_months(2, 1).unwrap()));
    let quota = key.rate.quota(key.state, UnixNanos(START));
    assert_eq!((quota.window, quota.reset), (30 * DAY, left));
    assert_eq!(key.drain(0), 2);
    assert_eq!(key.take(0, 1), Err(Some(left)));
    assert_eq!(key.drain(left - 1), 0);
    assert_eq!(key.drain(left), 2);
    assert_eq!(key.rate.quota(key.state, UnixNanos(START + left)).window, 31 * DAY);
    key.refund(left, left + DAY, 1);
    assert_eq!(key.remaining(left + DAY), 1);
    assert_eq!(key.drain(left + 31 * DAY), 2);
    let mut patient =
        Key::new(Rate::FixedWindow(FixedWindow::of_months(1, 12).unwrap()).with_max_wait(366 * DAY));
    assert_eq!(patient.reserve(0, 1, 0), Some(0));
    assert_eq!(patient.reserve(0, 1, 366 * DAY), Some(199 * DAY + 8 * 3600 * SECOND));
    assert_eq!([0, 1201].map(|months| FixedWindow::of_months(1, months)), [None, None]);
}
