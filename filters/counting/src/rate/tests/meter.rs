use super::*;

/// Tokens in parts of `1 / interval`, of which `tokens` come each nanosecond.
struct Bucket {
    burst: i128,
    tokens: i128,
    interval: i128,
    level: i128,
    at: u64,
}

impl Bucket {
    fn new(burst: u64, tokens: u64, interval: u64) -> Self {
        let [burst, tokens, interval] = [burst, tokens, interval].map(i128::from);
        Self { burst, tokens, interval, level: burst * interval, at: 0 }
    }

    fn fill(&mut self, at: u64) {
        self.level = (self.level + i128::from(at - self.at) * self.tokens).min(self.burst * self.interval);
        self.at = at;
    }

    fn take(&mut self, at: u64, cost: u64) -> bool {
        self.fill(at);
        let cost = i128::from(cost) * self.interval;
        let room = self.level >= cost.max(self.interval);
        self.level -= if room { cost } else { 0 };
        room
    }

    fn charge(&mut self, at: u64, cost: u64) {
        self.fill(at);
        self.level = (self.level - i128::from(cost) * self.interval).max(-self.burst * self.interval);
    }

    fn refund(&mut self, taken_at: u64, at: u64, cost: u64) {
        self.fill(at);
        let cost = i128::from(cost).min(self.burst) * self.interval;
        let left = (cost - i128::from(at - taken_at) * self.tokens).max(0);
        self.level = (self.level + left).min(self.burst * self.interval);
    }
}

/// `(time since the last one, cost, what)`
fn arrivals() -> impl Strategy<Value = Vec<(u64, u64, u8)>> {
    let time = prop_oneof![4 => 0..500u64, 2 => 0..SECOND, 1 => 0..1_000_000 * SECOND];
    prop::collection::vec((time, prop_oneof![3 => Just(1), 2 => 0..8u64, 1 => any_size()], 0..10u8), 1..200)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn it_is_a_bucket_of_rational_tokens(
        burst in 1..30u64, tokens in 1..1_000u64, interval in prop_oneof![1..3_000u64, Just(SECOND)], arrivals in arrivals(),
    ) {
        let mut key = Key::new(bucket(burst, tokens, interval));
        let mut plain = Bucket::new(burst, tokens, interval);
        let (mut now, mut last) = (0, 0);
        for (later, cost, what) in arrivals {
            now += later;
            match what {
                0 => { key.charge(now, cost); plain.charge(now, cost); }
                1 => { key.refund(last, now, cost); plain.refund(last, now, cost); }
                _ => {
                    prop_assert_eq!(key.take(now, cost).is_ok(), plain.take(now, cost));
                    last = now;
                }
            }
            plain.fill(now);
            let whole = plain.level.div_euclid(plain.interval).max(0) as u64;
            prop_assert_eq!(key.remaining(now), whole);
        }
    }

    /// The GCRA as its textbook has it (a theoretical arrival time, an increment and a tolerance), with times
    /// in parts of `1 / tokens` nanoseconds, under a clock that runs forwards and a little backwards.
    #[test]
    fn it_is_the_gcra(
        burst in 1..30u64, tokens in 1..1_000u64, interval in prop_oneof![1..3_000u64, Just(SECOND)],
        arrivals in prop::collection::vec((-200..500i64, 1..5u64), 1..200),
    ) {
        let mut key = Key::new(bucket(burst, tokens, interval));
        let increment = i128::from(interval);
        let tolerance = i128::from(burst) * increment;
        let (mut now, mut expected) = (1_000_000i64, 0);
        for (later, cost) in arrivals {
            now += later;
            let arrival = i128::from(now) * i128::from(tokens);
            let next = arrival.max(expected) + i128::from(cost) * increment;
            let conforms = next - arrival <= tolerance;
            prop_assert_eq!(key.take(now as u64, cost).is_ok(), conforms);
            if conforms { expected = next }
        }
    }

    /// With refunds of whatever was taken, in whatever order: what was kept of it is never more than the
    /// burst and what came.
    #[test]
    fn no_window_exceeds_the_burst_and_the_refill(
        burst in 1..12u64, tokens in 1..5u64, interval in 1..200u64,
        arrivals in prop::collection::vec((0..150u64, 1..4u64, any::<prop::sample::Index>(), 0..3u8), 1..150),
    ) {
        let mut key = Key::new(bucket(burst, tokens, interval));
        let mut now = 0;
        let mut taken: Vec<(u64, u64)> = Vec::new();
        for (later, cost, which, what) in arrivals {
            now += later;
            if what == 0 && !taken.is_empty() {
                let (at, cost) = taken.remove(which.index(taken.len()));
                key.refund(at, now, cost);
            } else if key.take(now, cost).is_ok() {
                taken.push((now, cost));
            }
            for (first, (from, _)) in taken.iter().enumerate() {
                let mut sum = 0;
                for (to, cost) in taken.iter().skip(first) {
                    sum += cost;
                    prop_assert!(sum * interval <= burst * interval + (to - from) * tokens, "{taken:?}");
                }
            }
        }
    }

    /// Waiting requests continue in the order of arrival, and no faster than tokens arrive, except for a
    /// fraction of a nanosecond.
    #[test]
    fn waits_are_ordered_and_exact(
        burst in 1..8u64, tokens in 1..5u64, interval in 1..200u64, max_wait in 0..2_000u64,
        arrivals in prop::collection::vec((0..100u64, 1..4u64), 1..150),
    ) {
        let mut key = Key::new(Rate::Meter(meter(burst, tokens, interval).with_max_wait(max_wait)));
        let (mut now, mut last) = (0, 0);
        let mut passed: Vec<(u64, u64)> = Vec::new();
        for (later, cost) in arrivals {
            now += later;
            let alone = key.rate.take(key.state, UnixNanos(START + now), cost);
            match (key.reserve(now, cost, max_wait), alone) {
                (Some(wait), _) => {
                    prop_assert!(wait <= max_wait && now + wait >= last);
                    last = now + wait;
                    passed.push((last, cost));
                }
                (None, Take::Limited { retry_after }) => {
                    prop_assert!(retry_after.map_or(cost > burst, |wait| wait > max_wait));
                }
                (None, Take::Taken(_)) => prop_assert!(false, "there was room"),
            }
        }
        for (first, (from, _)) in passed.iter().enumerate() {
            let mut sum = 0;
            for (to, cost) in passed.iter().skip(first) {
                sum += cost;
                prop_assert!(sum * interval < burst * interval + (to - from + 1) * tokens, "{passed:?}");
            }
        }
    }
}

#[test]
fn nothing_waits_unless_the_meter_was_made_for_it() {
    let mut key = Key::new(bucket(1, 1, SECOND));
    assert_eq!((key.reserve(0, 1, 60 * SECOND), key.reserve(0, 1, 60 * SECOND)), (Some(0), None));
    let mut key = Key::new(Rate::Meter(meter(1, 1, SECOND).with_max_wait(60 * SECOND)));
    assert_eq!(
        (key.reserve(0, 1, SECOND), key.reserve(0, 1, SECOND), key.reserve(0, 1, SECOND)),
        (Some(0), Some(SECOND), None)
    );
    assert_eq!(key.reserve(0, 0, 2 * SECOND), Some(2 * SECOND), "which asks only");
    assert_eq!(key.reserve(0, 1, 2 * SECOND), Some(2 * SECOND));
    assert_eq!(key.reserve(0, 2, u64::MAX), None, "no wait makes the bucket larger");
}
