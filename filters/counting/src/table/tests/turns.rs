//! Requests that wait for several rates at once.

use super::*;
use proptest::prelude::*;

/// Reserved times of requests, and their costs.
type Turns = Vec<(u64, u64)>;

/// Returns whether all requests are within a rate if they continue at their reserved times.
fn holds(rate: &Rate, turns: &Turns) -> bool {
    let quota = rate.quota(crate::rate::State::default(), START);
    let sum = |from: u64, to: u64| {
        turns.iter().filter(|(at, _)| (from..to).contains(at)).map(|(_, cost)| cost).sum::<u64>()
    };
    turns.iter().all(|(at, _)| match rate {
        Rate::Meter(_) => {
            let one = quota.window / quota.limit;
            let passed = |from: &u64| sum(*from, at + 1) * one <= quota.window + (at - from);
            turns.iter().map(|(from, _)| from).filter(|from| *from <= at).all(passed)
        }
        Rate::FixedWindow(_) => {
            let start = at - at % quota.window;
            sum(start, start + quota.window) <= quota.limit
        }
        Rate::SlidingWindow(_) => {
            let start = at - at % quota.window;
            let last = sum(start - quota.window, start) * (start + quota.window - at);
            last.div_ceil(quota.window).saturating_sub(1) + sum(start, at + 1) <= quota.limit
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn waits_for_several_rates_are_exact_and_ordered(
        numbers in prop::collection::vec((0..3u8, 1..8u64, 1..300u64), 1..5),
        requests in prop::collection::vec((0..60u64, 1..4u64, 0..3_000u64), 1..120),
    ) {
        let rates: Vec<_> = numbers.into_iter().map(|(which, most, time)| {
            let rate = match which {
                0 => bucket(most, time),
                1 => fixed(most, time),
                _ => sliding(most as u32, time),
            };
            rate.with_max_wait(3_000)
        }).collect();
        let (mut bytes, mut now, mut last, mut turns) = (empty(), START, 0, Turns::new());
        for (later, cost, max_wait) in requests {
            now.0 += later;
            let outcome = take(&mut bytes, Step { cost, max_wait, ..step(1, &rates, now) });
            if let Outcome::Taken { wait, .. } = outcome {
                prop_assert!(wait <= max_wait && now.0 + wait >= last);
                last = now.0 + wait;
                turns.push((last, cost));
            }
        }
        for rate in &rates {
            prop_assert!(holds(rate, &turns), "{rate:?} {turns:?}");
        }
    }
}
