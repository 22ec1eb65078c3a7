//! The adaptive concurrency limit, compared with a simple implementation on random histories.

use crate::support::SECOND;
use proptest::prelude::*;
use tollgate_circuit_breaker_policy::gradient::{BYTES, Gradient, histogram};
use tollgate_policy::UnixNanos;

const MS: u64 = 1_000_000;

fn numbers() -> impl Strategy<Value = Gradient> {
    (1u32..5, 5u32..60, 1u32..8, prop::option::of(200u32..5000), 1u32..=1_000_000).prop_map(
        |(min_limit, max_limit, min_rtt_requests, fixed_min_rtt, percentile)| Gradient {
            percentile,
            max_limit,
            min_limit,
            interval: 100 * MS,
            min_rtt_interval: 2 * SECOND,
            min_rtt_requests,
            jitter: 0,
            buffer: 0.25,
            fixed_min_rtt,
        },
    )
}

/// The algorithm of Envoy's `GradientController`, with a list of latencies.
struct Reference {
    numbers: Gradient,
    limit: u32,
    measuring: Option<u32>,
    min_rtt: f64,
    samples: Vec<u32>,
    interval_end: u64,
    measured_from: u64,
    next_measurement: u64,
    low: u32,
}

impl Reference {
    fn new(numbers: Gradient, now: u64) -> Self {
        let is_fixed = numbers.fixed_min_rtt.is_some();
        Self {
            limit: numbers.min_limit,
            measuring: (!is_fixed).then_some(numbers.min_limit),
            min_rtt: numbers.fixed_min_rtt.unwrap_or(0).into(),
            samples: Vec::new(),
            interval_end: now + numbers.interval,
            measured_from: if is_fixed { 0 } else { now },
            next_measurement: 0,
            low: 0,
            numbers,
        }
    }

    fn percentile(&mut self) -> u32 {
        let mut samples: Vec<_> = self.samples.drain(..).map(histogram::stored).collect();
        samples.sort_unstable();
        let rank = (samples.len() as u64 * u64::from(self.numbers.percentile)).div_ceil(1_000_000).max(1);
        samples[rank as usize - 1]
    }

    fn tick(&mut self, now: u64) {
        if self.measuring.is_some() {
            return;
        }
        if self.numbers.fixed_min_rtt.is_none() && now >= self.next_measurement {
            self.samples.clear();
            (self.measuring, self.limit) = (Some(self.limit), self.numbers.min_limit);
            (self.measured_from, self.low) = (now, 0);
        } else if now >= self.interval_end {
            self.interval_end = now + self.numbers.interval;
            if !self.samples.is_empty() {
                let latency = f64::from(self.percentile());
                let gradient = (self.min_rtt * (1.0 + self.numbers.buffer) / latency).clamp(0.5, 2.0);
                let limit = f64::from(self.limit) * gradient;
                let (least, most) = (self.numbers.min_limit, self.numbers.max_limit);
                let next = ((limit + limit.sqrt()) as u32).clamp(least, most);
                self.low = if self.limit == least && next == least { self.low + 1 } else { 0 };
                self.limit = next;
                if self.low >= 5 {
                    self.next_measurement = now;
                }
            }
        }
    }

    fn sample(&mut self, began: u64, now: u64) {
        self.tick(now);
        if began < self.measured_from {
            return;
        }
        self.samples.push(((now - began) / 1000) as u32);
        if let Some(deferred) =
            self.measuring.filter(|_| self.samples.len() >= self.numbers.min_rtt_requests as usize)
        {
            self.min_rtt = self.percentile().into();
            (self.limit, self.measuring) = (deferred, None);
            self.next_measurement = now + self.numbers.min_rtt_interval;
            self.interval_end = now + self.numbers.interval;
        }
    }
}

proptest! {
    #[test]
    fn the_limit_equals_a_simple_implementation(
        numbers in numbers(), steps in prop::collection::vec((0u64..80, any::<bool>(), 50u64..200_000), 0..150),
    ) {
        let mut bytes = vec![0; BYTES];
        let mut now = 1000 * SECOND;
        let mut reference = Reference::new(numbers, now);
        prop_assert_eq!(numbers.limit(&mut bytes, UnixNanos(now)).limit, reference.limit);
        for (ms, is_request, latency) in steps {
            now += ms * MS;
            let limit = if is_request {
                reference.tick(now);
                numbers.limit(&mut bytes, UnixNanos(now))
            } else {
                let began = now - latency * 1000;
                reference.sample(began, now);
                numbers.sample(&mut bytes, UnixNanos(began), UnixNanos(now), 0)
            };
            prop_assert_eq!(limit.limit, reference.limit);
            prop_assert_eq!(f64::from(limit.min_rtt), reference.min_rtt);
        }
    }

    #[test]
    fn the_limit_stays_in_its_bounds_for_any_bytes(
        numbers in numbers(), bytes in prop::collection::vec(any::<u8>(), BYTES), began: u64, now: u64, draw: u64,
    ) {
        let mut bytes = bytes;
        for step in 0..4 {
            let now = UnixNanos(now.saturating_add(step * 50 * MS));
            let bounds = numbers.min_limit..=numbers.max_limit;
            prop_assert!(bounds.contains(&numbers.limit(&mut bytes, now).limit));
            prop_assert!(bounds.contains(&numbers.sample(&mut bytes, UnixNanos(began), now, draw).limit));
        }
    }

    #[test]
    fn a_percentile_is_accurate(latencies in prop::collection::vec((6u32..32).prop_flat_map(|power| 1u32 << power..=u32::MAX >> (31 - power)), 1..300), percentile in 1u32..=1_000_000) {
        let mut bytes = vec![0; histogram::HISTOGRAM_BYTES];
        latencies.iter().for_each(|latency| histogram::add(&mut bytes, *latency));
        let mut sorted = latencies;
        sorted.sort_unstable();
        let rank = (sorted.len() as u64 * u64::from(percentile)).div_ceil(1_000_000).max(1) as usize;
        let (exact, found) = (f64::from(sorted[rank - 1]), f64::from(histogram::percentile(&bytes, percentile)));
        prop_assert!((found - exact).abs() <= exact * 0.1251, "{found}, exactly {exact}");
    }
}

/// A measurement that began with another configuration ends.
#[test]
fn a_fixed_time_replaces_a_measured_one() {
    let measured = Gradient {
        percentile: 500_000,
        max_limit: 100,
        min_limit: 3,
        interval: 100 * MS,
        min_rtt_interval: 60 * SECOND,
        min_rtt_requests: 1,
        jitter: 0,
        buffer: 0.0,
        fixed_min_rtt: None,
    };
    let mut bytes = vec![0; BYTES];
    let now = UnixNanos(1000 * SECOND);
    assert_ne!(measured.limit(&mut bytes, now).deferred, 0);
    let fixed = Gradient { fixed_min_rtt: Some(70_000), ..measured };
    let limit = fixed.limit(&mut bytes, now);
    assert_eq!((limit.min_rtt, limit.deferred, limit.limit), (70_000, 0, 3));
    let other = Gradient { fixed_min_rtt: Some(90_000), ..measured };
    assert_eq!(other.limit(&mut bytes, now).min_rtt, 90_000);
}

/// The shares of latencies stay if a bucket is full.
#[test]
fn a_full_bucket_halves_all() {
    let mut bytes = vec![0; histogram::HISTOGRAM_BYTES];
    for index in 0..200_000 {
        histogram::add(&mut bytes, if index % 10 == 0 { 100_000_000 } else { 1000 });
    }
    assert_eq!(histogram::percentile(&bytes, 850_000), histogram::stored(1000));
    assert_eq!(histogram::percentile(&bytes, 950_000), histogram::stored(100_000_000));
}

/// A model of an upstream that serves eight requests at once, 10 ms each, and queues others.
#[test]
fn the_limit_finds_the_capacity_of_an_upstream() {
    let numbers = Gradient {
        percentile: 500_000,
        max_limit: 1000,
        min_limit: 3,
        interval: 100 * MS,
        min_rtt_interval: 600 * SECOND,
        min_rtt_requests: 50,
        jitter: 0,
        buffer: 0.25,
        fixed_min_rtt: None,
    };
    let mut bytes = vec![0; BYTES];
    let mut now = 1000 * SECOND;
    let mut limit = numbers.limit(&mut bytes, UnixNanos(now)).limit;
    for _ in 0..3000 {
        let latency = 10 * MS * u64::from(limit.max(8)) / 8;
        now += latency;
        let admitted = limit;
        for _ in 0..admitted {
            limit = numbers.sample(&mut bytes, UnixNanos(now - latency), UnixNanos(now), 0).limit;
        }
    }
    assert!((8..=25).contains(&limit), "{limit}");
}
