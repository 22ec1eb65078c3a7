//! Adaptive concurrency and client throttling.

use tollgate_policy::{Config, Duration, Percent};

/// Adaptive limit on the requests in flight, for each key: Envoy's gradient controller.
#[derive(Clone, Debug, Config)]
#[config(default, instead = [
    ("concurrency_limit_params", "move its fields to `concurrency`"),
    ("min_rtt_calc_params", "use `min_rtt`"),
])]
pub struct Concurrency {
    /// Percentile of the latencies that counts. Default: 50.
    pub sample_aggregate_percentile: Percent,
    /// Highest limit, 1 to 1000000. Default: 1000.
    #[config(range = 1..=1_000_000)]
    pub max_concurrency_limit: u32,
    /// Interval in which the limit is computed, `10ms` to `1m`. Default: `100ms`.
    pub concurrency_update_interval: Duration,
    /// Measurement of the minimum round-trip time.
    pub min_rtt: MinRtt,
}

impl Default for Concurrency {
    fn default() -> Self {
        Self {
            sample_aggregate_percentile: Percent::try_from(50.0).unwrap_or(Percent::ALL),
            max_concurrency_limit: 1000,
            concurrency_update_interval: Duration::from_nanos(100_000_000),
            min_rtt: MinRtt::default(),
        }
    }
}

/// Measurement of the minimum round-trip time.
#[derive(Clone, Debug, Config)]
#[config(default)]
pub struct MinRtt {
    /// Time between measurements, `1s` to `24h`. Default: `60s`.
    pub interval: Duration,
    /// Number of requests of a measurement, 1 to 10000. Default: 50.
    #[config(range = 1..=10_000)]
    pub request_count: u32,
    /// Maximum percentage of `interval` that is added at random. Default: 15.
    pub jitter: Percent,
    /// Percentage of the minimum round-trip time that is tolerated above it. Default: 25.
    pub buffer: Percent,
    /// Lowest limit, and the limit during a measurement, 1 to 1000000. Default: 3.
    #[config(range = 1..=1_000_000)]
    pub min_concurrency: u32,
    /// Fixed minimum round-trip time, instead of measurements, `64us` to `1h`. Default: none.
    pub fixed_value: Option<Duration>,
}

impl Default for MinRtt {
    fn default() -> Self {
        let percent = |percent: f64| Percent::try_from(percent).unwrap_or(Percent::ZERO);
        Self {
            interval: Duration::from_secs(60),
            request_count: 50,
            jitter: percent(15.0),
            buffer: percent(25.0),
            min_concurrency: 3,
            fixed_value: None,
        }
    }
}

/// Client throttling: rejects requests with a probability that follows the share of failures, as Envoy's
/// admission control.
#[derive(Clone, Debug, Config)]
#[config(default, instead = [
    ("success_criteria", "use the `failures` of the breaker"),
    ("enabled", "use the `mode` or `shadow` of the breaker"),
])]
pub struct AdmissionControl {
    /// Length of the window of outcomes, `1s` to `1h`. Default: `30s`.
    pub sampling_window: Duration,
    /// Strength of the reaction, 1 to 100. With 1, the probability is linear in the share of failures.
    /// Default: 1.
    pub aggression: f64,
    /// Percentage of successes below which requests are rejected, 1 to 100. Default: 95.
    pub sr_threshold: Percent,
    /// Requests per second in the window from which requests are rejected, 0 to 1000000. Default: 0.
    #[config(range = 0..=1_000_000)]
    pub rps_threshold: u32,
    /// Maximum percentage of requests that are rejected. Default: 80.
    pub max_rejection_probability: Percent,
}

impl Default for AdmissionControl {
    fn default() -> Self {
        let percent = |percent: f64| Percent::try_from(percent).unwrap_or(Percent::ALL);
        Self {
            sampling_window: Duration::from_secs(30),
            aggression: 1.0,
            sr_threshold: percent(95.0),
            rps_threshold: 0,
            max_rejection_probability: percent(80.0),
        }
    }
}
