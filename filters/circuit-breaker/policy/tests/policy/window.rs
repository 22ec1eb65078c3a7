//! Windows, compared with lists of outcomes.

use proptest::prelude::*;
use tollgate_circuit_breaker_policy::window::{Outcome, Totals, Window};
use tollgate_policy::UnixNanos;

fn totals(outcomes: &[Outcome]) -> Totals {
    let count = |is: fn(&Outcome) -> bool| outcomes.iter().filter(|outcome| is(outcome)).count() as u32;
    Totals { requests: count(|_| true), failed: count(|o| o.failed), slow: count(|o| o.slow) }
}

fn outcome() -> impl Strategy<Value = Outcome> {
    (any::<bool>(), any::<bool>()).prop_map(|(failed, slow)| Outcome { failed, slow })
}

proptest! {
    #[test]
    fn a_window_of_requests_counts_the_last_ones(size in 1u16..40, outcomes in prop::collection::vec(outcome(), 0..150)) {
        let window = Window::Requests(size);
        let mut bytes = vec![0; window.bytes()];
        for end in 0..outcomes.len() {
            let found = window.push(&mut bytes, UnixNanos(0), outcomes[end]);
            let begin = (end + 1).saturating_sub(size.into());
            prop_assert_eq!(found, totals(&outcomes[begin..=end]));
            prop_assert_eq!(window.totals(&mut bytes, UnixNanos(0)), found);
        }
    }

    #[test]
    fn a_window_of_time_counts_ten_intervals(
        interval in 1u64..50, begin in 0u64..1000, steps in prop::collection::vec((0u64..120, outcome()), 0..80),
    ) {
        let window = Window::Time(interval);
        let mut bytes = vec![0; window.bytes()];
        let mut history: Vec<(u64, Outcome)> = Vec::new();
        let mut now = begin;
        for (step, outcome) in steps {
            now += step;
            history.push((now / interval, outcome));
            let recent: Vec<_> =
                history.iter().filter(|(at, _)| at + 10 > now / interval).map(|(_, outcome)| *outcome).collect();
            prop_assert_eq!(window.push(&mut bytes, UnixNanos(now), outcome), totals(&recent));
        }
    }

    #[test]
    fn any_bytes_are_a_window(
        is_time: bool, size in 1u16..50, bytes in prop::collection::vec(any::<u8>(), 0..200), now: u64,
    ) {
        let window = if is_time { Window::Time(size.into()) } else { Window::Requests(size) };
        let mut bytes = bytes;
        for _ in 0..3 {
            let found = window.push(&mut bytes, UnixNanos(now), Outcome { failed: true, slow: true });
            if !is_time {
                prop_assert!(found.requests <= size.into() && found.failed <= found.requests);
            }
        }
    }
}

#[test]
fn a_worker_with_a_late_clock_counts_in_the_latest_interval() {
    let window = Window::Time(10);
    let mut bytes = vec![0; window.bytes()];
    let failure = Outcome { failed: true, slow: false };
    window.push(&mut bytes, UnixNanos(1000), failure);
    assert_eq!(window.push(&mut bytes, UnixNanos(985), failure).failed, 2);
    // The clock was set back: what was counted is from another time.
    assert_eq!(window.push(&mut bytes, UnixNanos(500), failure).failed, 1);
}
