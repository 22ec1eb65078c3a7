//! Windows with waiting requests, compared with a log of all reservations.

use super::*;

/// A reservation that was not refunded.
#[derive(Clone, Copy, Debug)]
struct Turn {
    at: u64,
    cost: u64,
    /// Result of [`Rate::turn`].
    counts_from: UnixNanos,
}

/// `(time since the last one, cost, how long it waits at most, what)`
fn arrivals() -> impl Strategy<Value = Vec<(u64, u64, u64, u8)>> {
    let time = prop_oneof![6 => 0..60u64, 1 => 0..3_000u64];
    prop::collection::vec((time, 1..5u64, 0..4_000u64, 0..8u8), 1..200)
}

/// Every request's turn, in the order in which they came; and after each request `check` is shown all that
/// still hold.
fn play(
    rate: Rate,
    arrivals: Vec<(u64, u64, u64, u8)>,
    mut check: impl FnMut(&[Turn], u64) -> Result<(), TestCaseError>,
) -> Result<Key, TestCaseError> {
    let mut key = Key::new(rate);
    let (mut now, mut turns): (u64, Vec<Turn>) = (0, Vec::new());
    for (later, cost, max_wait, what) in arrivals {
        now += later;
        if what == 0 && !turns.is_empty() {
            // A request that still waits, or has continued.
            let turn = turns.remove(cost as usize % turns.len());
            key.state = rate.refund(key.state, turn.counts_from, UnixNanos(START + now), turn.cost);
        } else if let Some(wait) = key.reserve(now, cost, max_wait) {
            prop_assert!(wait <= max_wait);
            let counts_from = rate.turn(key.state, UnixNanos(START + now));
            turns.push(Turn { at: now + wait, cost, counts_from });
        }
        check(&turns, now)?;
    }
    Ok(key)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn fixed_windows_are_exact_with_waits_and_refunds(
        requests in 1..9u64, window in 1..400u64, arrivals in arrivals(),
    ) {
        let rate = fixed(requests, window).with_max_wait(4_000);
        play(rate, arrivals, |turns, _| {
            let mut sums = std::collections::HashMap::<u64, u64>::new();
            for turn in turns {
                *sums.entry((START + turn.at) / window).or_default() += turn.cost;
            }
            prop_assert!(sums.values().all(|sum| *sum <= requests), "{turns:?}");
            Ok(())
        })?;
    }

    /// At each time at which a request continues, the estimate is within the limit, including this request.
    #[test]
    fn sliding_windows_are_exact_with_waits_and_refunds(
        requests in 1..9u32, window in 1..400u64, arrivals in arrivals(),
    ) {
        let rate = sliding(requests, window).with_max_wait(4_000);
        play(rate, arrivals, |turns, _| {
            for turn in turns {
                let (this, passed) = ((START + turn.at) / window, (START + turn.at) % window);
                let sum = |of: u64| {
                    turns.iter().filter(|other| other.at <= turn.at && (START + other.at) / window == of)
                        .map(|other| other.cost).sum::<u64>()
                };
                let share = (sum(this - 1) * (window - passed)).div_ceil(window).saturating_sub(1);
                prop_assert!(share + sum(this) <= u64::from(requests), "{turns:?} {turn:?}");
            }
            Ok(())
        })?;
    }

    /// Without refunds, each request continues as early as the plain rule allows after all earlier requests,
    /// and never before them. A rejected request would have had to wait longer.
    #[test]
    fn waits_for_a_window_are_ordered_and_minimal(
        requests in 1..9u32, window in 1..400u64, slides in any::<bool>(), arrivals in arrivals(),
    ) {
        let rate = if slides { sliding(requests, window) } else { fixed(requests.into(), window) };
        let mut key = Key::new(rate.with_max_wait(4_000));
        let (mut now, mut last) = (0, 0);
        // Cost in each window of the requests that have continued by then.
        let mut counts = std::collections::HashMap::<u64, u64>::new();
        for (later, cost, max_wait, _) in arrivals {
            now += later;
            let count = |at: u64| counts.get(&at).copied().unwrap_or(0);
            let fits = |at: u64| {
                let (this, passed) = ((START + at) / window, (START + at) % window);
                let share = if slides { (count(this - 1) * (window - passed)).div_ceil(window) } else { 0 };
                share.saturating_sub(1) + count(this) + cost <= u64::from(requests)
            };
            let first = (cost <= requests.into()).then(|| (last.max(now)..).find(|at| fits(*at)).unwrap());
            let alone = key.rate.take(key.state, UnixNanos(START + now), cost);
            let waits = key.reserve(now, cost, max_wait).map(|wait| now + wait);
            prop_assert_eq!(waits, first.filter(|first| first - now <= max_wait));
            match alone {
                Take::Taken(_) => prop_assert_eq!(first, Some(now)),
                Take::Limited { retry_after } => prop_assert_eq!(retry_after, first.map(|first| first - now)),
            }
            if let Some(turn) = waits {
                *counts.entry((START + turn) / window).or_default() += cost;
                last = turn;
            }
        }
    }
}

#[test]
fn a_fixed_window_is_waited_for_until_it_begins() {
    let mut key = Key::new(fixed(2, 60 * SECOND).with_max_wait(90 * SECOND));
    assert_eq!(key.drain(50 * SECOND), 2);
    let wait = |key: &mut Key, at| key.reserve(at * SECOND, 1, 90 * SECOND).map(|wait| wait / SECOND);
    assert_eq!([50, 51, 52].map(|at| wait(&mut key, at)), [Some(10), Some(9), Some(68)]);
    assert_eq!((key.remaining(55 * SECOND), key.take(55 * SECOND, 1)), (0, Err(Some(65 * SECOND))));
    assert_eq!(wait(&mut key, 55), Some(65));
    assert_eq!(wait(&mut key, 60), None, "that would be two minutes");
    assert_eq!(key.drain(120 * SECOND), 0);
    assert_eq!(key.drain(180 * SECOND), 2);
}

#[test]
fn a_refunded_place_is_used_again() {
    for rate in [fixed(2, 60 * SECOND), sliding(2, 60 * SECOND)] {
        let mut key = Key::new(rate.with_max_wait(300 * SECOND));
        assert_eq!(key.drain(50 * SECOND), 2);
        let wait = key.reserve(50 * SECOND, 1, 300 * SECOND).unwrap();
        let turn = key.rate.turn(key.state, UnixNanos(START + 50 * SECOND));
        assert_eq!(turn, UnixNanos(START + 60 * SECOND), "when its window begins");
        key.state = key.rate.refund(key.state, turn, UnixNanos(START + 51 * SECOND), 1);
        assert_eq!(key.reserve(52 * SECOND, 1, 300 * SECOND), Some(wait - 2 * SECOND));
    }
}

#[test]
fn nothing_waits_for_a_window_that_was_not_made_for_it() {
    for rate in [fixed(1, SECOND), sliding(1, SECOND)] {
        let mut key = Key::new(rate);
        assert_eq!((key.reserve(0, 1, 60 * SECOND), key.reserve(0, 1, 60 * SECOND)), (Some(0), None));
        let mut key = Key::new(rate.with_max_wait(60 * SECOND));
        assert_eq!(key.reserve(0, 1, 60 * SECOND), Some(0));
        assert_eq!(key.reserve(0, 2, u64::MAX), None, "no wait makes the window larger");
        let kept = key.state;
        assert!(key.reserve(0, 0, 60 * SECOND).is_some_and(|wait| wait > 0));
        assert_eq!(key.state, kept, "which asks only");
    }
}
