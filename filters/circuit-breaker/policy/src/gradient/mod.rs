//! Adaptive concurrency: a limit on the requests in flight that follows the latency of the upstream.
//!
//! The algorithm is the gradient of Netflix's concurrency-limits, in the form of Envoy's `GradientController`
//! (`source/extensions/filters/http/adaptive_concurrency/controller`). From time to time the limit drops to a
//! minimum, and the latencies of some requests show how fast the upstream is without load: the minimum
//! round-trip time. Otherwise, the limit is multiplied in each interval by the ratio of that time to the
//! latency of the interval, and some room for bursts is added.
//!
//! Envoy ends intervals with timers. Here, the first request or response after the end of an interval ends
//! it, so that no worker needs a timer and all workers share one limit.

pub mod histogram;

use crate::machine::share;
use crate::record::{wide, words, write_words};
use histogram::HISTOGRAM_BYTES;
use tollgate_policy::UnixNanos;

/// Bytes before the histogram.
const HEAD: usize = 44;
/// Size of the state in bytes.
pub const BYTES: usize = HEAD + HISTOGRAM_BYTES;

/// Number of intervals with the lowest limit after which the round-trip time is measured again.
const MAX_LOW: u32 = 5;

/// Numbers of the limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient {
    /// Percentile of the latencies that counts, in parts per million.
    pub percentile: u32,
    /// Highest limit.
    pub max_limit: u32,
    /// Lowest limit, and the limit during a measurement.
    pub min_limit: u32,
    /// Length of an interval, in nanoseconds.
    pub interval: u64,
    /// Time between measurements of the minimum round-trip time, in nanoseconds.
    pub min_rtt_interval: u64,
    /// Latencies of a measurement.
    pub min_rtt_requests: u32,
    /// Maximum share of the time between measurements that is added at random, in parts per million.
    pub jitter: u32,
    /// Share of the minimum round-trip time that is tolerated above it, 0 to 1.
    pub buffer: f64,
    /// Fixed minimum round-trip time in microseconds, instead of measurements.
    pub fixed_min_rtt: Option<u32>,
}

/// State of the limit, as it is stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limit {
    /// Current limit; 0 before the first request.
    pub limit: u32,
    /// Limit to return to after a measurement; 0 if none is in progress.
    pub deferred: u32,
    /// Minimum round-trip time in microseconds.
    pub min_rtt: u32,
    /// Number of intervals in a row with the lowest limit.
    pub low: u32,
    /// Number of latencies in the histogram.
    pub samples: u32,
    /// End of the interval.
    pub interval_end: u64,
    /// Beginning of the last measurement. Requests from before are not measured.
    pub measured_from: u64,
    /// Time of the next measurement.
    pub next_measurement: u64,
}

impl Gradient {
    /// Returns the limit for a new request.
    pub fn limit(&self, bytes: &mut [u8], now: UnixNanos) -> Limit {
        let (mut state, histogram) = split(bytes);
        self.tick(&mut state, histogram, now);
        save(&state, bytes);
        state
    }

    /// Records the latency of a request that began at a time, and returns the limit.
    pub fn sample(&self, bytes: &mut [u8], began: UnixNanos, now: UnixNanos, draw: u64) -> Limit {
        let (mut state, histogram) = split(bytes);
        self.tick(&mut state, histogram, now);
        if began.0 >= state.measured_from {
            let latency = now.0.saturating_sub(began.0) / 1000;
            histogram::add(histogram, latency.min(u32::MAX.into()) as u32);
            state.samples = state.samples.saturating_add(1);
            if state.deferred != 0 && state.samples >= self.min_rtt_requests {
                self.end_measurement(&mut state, histogram, now, draw);
            }
        }
        save(&state, bytes);
        state
    }

    /// Begins and ends measurements and intervals.
    fn tick(&self, state: &mut Limit, histogram: &mut [u8], now: UnixNanos) {
        // A measurement may have begun with another configuration.
        if let Some(fixed) = self.fixed_min_rtt {
            state.min_rtt = fixed;
            if state.deferred != 0 {
                (state.limit, state.deferred) = (state.deferred, 0);
            }
        }
        if state.limit == 0 {
            state.limit = self.min_limit;
            state.interval_end = now.0.saturating_add(self.interval);
            if self.fixed_min_rtt.is_none() {
                self.begin_measurement(state, histogram, now);
            }
        }
        // Stored numbers may come from before the clock was set back, or from other bounds.
        state.limit = state.limit.clamp(self.min_limit, self.max_limit);
        if state.measured_from > now.0.saturating_add(self.interval) {
            state.measured_from = now.0;
        }
        if state.deferred != 0 {
            return;
        }
        let has_passed = |end: u64, longest: u64| now.0 >= end || end - now.0 > longest;
        let longest = self.min_rtt_interval.saturating_mul(2);
        if self.fixed_min_rtt.is_none() && has_passed(state.next_measurement, longest) {
            return self.begin_measurement(state, histogram, now);
        }
        if has_passed(state.interval_end, self.interval) {
            state.interval_end = now.0.saturating_add(self.interval);
            if state.samples > 0 {
                let latency = histogram::percentile(histogram, self.percentile);
                self.clear(state, histogram);
                let next = self.next(state, latency);
                self.set(state, next, now);
            }
        }
    }

    /// Returns the next limit: `GradientController::calculateNewLimit`.
    fn next(&self, state: &Limit, latency: u32) -> u32 {
        let tolerated = f64::from(state.min_rtt) * (1.0 + self.buffer);
        let gradient = (tolerated / f64::from(latency.max(1))).clamp(0.5, 2.0);
        let limit = f64::from(state.limit) * gradient;
        ((limit + limit.sqrt()) as u32).clamp(self.min_limit, self.max_limit)
    }

    /// Sets the limit. If it stays at the lowest one, the minimum round-trip time is probably wrong, so that
    /// it is measured again.
    fn set(&self, state: &mut Limit, next: u32, now: UnixNanos) {
        let is_low = state.limit == self.min_limit && next == self.min_limit;
        state.low = if is_low { state.low.saturating_add(1) } else { 0 };
        state.limit = next;
        if state.low >= MAX_LOW {
            state.next_measurement = now.0;
        }
    }

    fn begin_measurement(&self, state: &mut Limit, histogram: &mut [u8], now: UnixNanos) {
        self.clear(state, histogram);
        (state.deferred, state.limit) = (state.limit, self.min_limit);
        (state.low, state.measured_from) = (0, now.0);
    }

    fn end_measurement(&self, state: &mut Limit, histogram: &mut [u8], now: UnixNanos, draw: u64) {
        state.min_rtt = histogram::percentile(histogram, self.percentile);
        self.clear(state, histogram);
        (state.limit, state.deferred) = (state.deferred.clamp(self.min_limit, self.max_limit), 0);
        let jitter = u128::from(self.min_rtt_interval) * u128::from(self.jitter) / 1_000_000;
        let wait = self.min_rtt_interval.saturating_add(share(jitter as u64, draw));
        state.next_measurement = now.0.saturating_add(wait);
        state.interval_end = now.0.saturating_add(self.interval);
    }

    fn clear(&self, state: &mut Limit, histogram: &mut [u8]) {
        histogram.fill(0);
        state.samples = 0;
    }
}

fn split(bytes: &mut [u8]) -> (Limit, &mut [u8]) {
    let [limit, deferred, min_rtt, low, samples, a, b, c, d, e, f] = words(bytes);
    let state = Limit {
        limit,
        deferred,
        min_rtt,
        low,
        samples,
        interval_end: wide(a, b),
        measured_from: wide(c, d),
        next_measurement: wide(e, f),
    };
    (state, bytes.get_mut(HEAD..).unwrap_or_default())
}

fn save(state: &Limit, bytes: &mut [u8]) {
    let Limit { limit, deferred, min_rtt, low, samples, interval_end, measured_from, next_measurement } =
        *state;
    let halves = |number: u64| [number as u32, (number >> 32) as u32];
    let ([a, b], [c, d], [e, f]) = (halves(interval_end), halves(measured_from), halves(next_measurement));
    let head = bytes.get_mut(..HEAD).unwrap_or_default();
    write_words(&[limit, deferred, min_rtt, low, samples, a, b, c, d, e, f], head);
}
