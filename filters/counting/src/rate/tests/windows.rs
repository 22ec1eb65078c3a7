use super::*;
use std::collections::HashMap;

/// Log of all admitted requests.
#[derive(Default)]
struct Log(HashMap<u64, u64>);

impl Log {
    fn in_window(&self, window: u64) -> u64 {
        self.0.get(&window).copied().unwrap_or(0)
    }
}

fn arrivals() -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    prop::collection::vec((prop_oneof![9 => 0..300u64, 1 => 0..5_000u64], 0..5u64, 0..8u8), 1..300)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_fixed_window_is_a_count_for_each_window(requests in 1..20u64, window in 1..2_000u64, arrivals in arrivals()) {
        let mut key = Key::new(fixed(requests, window));
        let (mut log, mut now, mut last) = (Log::default(), 0, 0);
        for (later, cost, what) in arrivals {
            now += later;
            let this = (START + now) / window;
            let count = log.in_window(this);
            match what {
                0 => {
                    key.charge(now, cost);
                    log.0.insert(this, (count + cost).min(2 * requests));
                }
                1 => {
                    key.refund(last, now, cost);
                    let then = (START + last) / window;
                    let count = log.in_window(then);
                    log.0.insert(then, count.saturating_sub(cost));
                }
                _ => {
                    let fits = count + cost.max(1) <= requests;
                    prop_assert_eq!(key.take(now, cost).is_ok(), fits);
                    last = now;
                    if fits { log.0.insert(this, count + cost); }
                }
            }
            prop_assert_eq!(key.remaining(now), requests.saturating_sub(log.in_window(this)));
        }
    }

    /// The estimate, from the log of all that was admitted: the share of the previous window, of which whole
    /// requests count.
    #[test]
    fn a_sliding_window_is_its_estimate(requests in 1..20u32, window in 1..2_000u64, arrivals in arrivals()) {
        let mut key = Key::new(sliding(requests, window));
        let (mut log, mut now, mut last) = (Log::default(), 0, 0);
        let most = u64::from(requests);
        for (later, cost, what) in arrivals {
            now += later;
            let (this, passed) = ((START + now) / window, (START + now) % window);
            let estimate = |log: &Log| {
                let share = (log.in_window(this - 1) * (window - passed)).div_ceil(window);
                share.saturating_sub(1) + log.in_window(this)
            };
            match what {
                0 => {
                    key.charge(now, cost);
                    let count = log.in_window(this);
                    log.0.insert(this, (count + cost).min(2 * most));
                }
                1 => {
                    key.refund(last, now, cost);
                    let then = (START + last) / window;
                    let count = log.in_window(then);
                    log.0.insert(then, count.saturating_sub(cost));
                }
                _ => {
                    let fits = estimate(&log) + cost.max(1) <= most;
                    prop_assert_eq!(key.take(now, cost).is_ok(), fits);
                    last = now;
                    if fits { *log.0.entry(this).or_default() += cost; }
                }
            }
            prop_assert_eq!(key.remaining(now), most.saturating_sub(estimate(&log)));
        }
    }

    /// A client that keeps to the limit is never rejected, whatever the phase of its requests, and if they
    /// come a little late.
    #[test]
    fn a_sliding_window_admits_a_steady_client(
        requests in 1..20u32, window in 20..2_000u64, phase in 0..4_000u64, late in prop_oneof![Just(0), 0..50u64],
    ) {
        let mut key = Key::new(sliding(requests, window));
        let apart = window.div_ceil(requests.into()) + late;
        for count in 0..200 {
            prop_assert_eq!(key.take(phase + count * apart, 1), Ok(()), "{}", count);
        }
    }

    /// Demand above the limit gets the whole limit in the long run, and no more.
    #[test]
    fn a_sliding_window_admits_its_limit_under_load(requests in 1..20u32, window in 40..2_000u64, apart in 1..20u64) {
        let apart = apart.min(window / u64::from(requests));
        let mut key = Key::new(sliding(requests, window));
        let windows = 50;
        let admitted = (0..windows * window / apart).filter(|count| key.take(count * apart, 1).is_ok()).count() as u64;
        let whole = windows * u64::from(requests);
        // Requests that do not come all the time miss the moment at which there is room.
        let missed = windows * u64::from(requests) * apart / window + windows;
        prop_assert!(admitted + missed >= whole && admitted <= whole + u64::from(requests) , "{admitted} of {whole}");
    }

    /// However windows are laid, twice as many pass at most: half of one just before, and what the estimate
    /// then leaves.
    #[test]
    fn no_window_exceeds_twice_its_maximum(requests in 1..10u32, window in 10..300u64, arrivals in arrivals()) {
        let mut key = Key::new(sliding(requests, window));
        let (mut now, mut taken) = (0, Vec::new());
        for (later, cost, _) in arrivals {
            now += later / 10;
            if key.take(now, cost).is_ok() { taken.push((now, cost)) }
            let covered: u64 = taken.iter().filter(|(at, _)| at + window > now).map(|(_, cost)| cost).sum();
            prop_assert!(covered <= 2 * u64::from(requests));
        }
    }
}
