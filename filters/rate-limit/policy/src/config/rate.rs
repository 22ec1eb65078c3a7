//! Rates: how much a limit allows in a time.

use tollgate_policy::{Config, Duration};

/// A rate: exactly one algorithm, and an optional name.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Rate {
    /// Name of the rate in `RateLimit` and `RateLimit-Policy`: letters, digits and `_-`. Default: the name of
    /// the limit; with several rates, `<limit>-1`, `<limit>-2` and so on.
    pub name: Option<String>,
    /// Envoy's token bucket.
    pub token_bucket: Option<TokenBucket>,
    /// Generic cell rate algorithm: an even rate, and a burst.
    pub gcra: Option<Gcra>,
    /// Fixed windows that are aligned to the Unix epoch, as in envoyproxy/ratelimit and Limitador.
    pub fixed_window: Option<FixedWindow>,
    /// Sliding window: the count of the current window of the clock, plus a share of the previous one.
    pub sliding_window: Option<SlidingWindow>,
}

/// Envoy's `TokenBucket`, which fills evenly and not all at once.
#[derive(Clone, Debug, Config)]
pub struct TokenBucket {
    /// Size of the bucket, which starts full. With 0, every request is rejected.
    pub max_tokens: u64,
    /// Number of tokens added in each `fill_interval`. Default: 1.
    #[config(default = 1)]
    pub tokens_per_fill: u64,
    /// Time in which `tokens_per_fill` tokens are added; at least `50ms`.
    pub fill_interval: Duration,
}

/// Generic cell rate algorithm: a token bucket with other field names.
#[derive(Clone, Debug, Config)]
pub struct Gcra {
    /// Number of requests in each `per`.
    pub requests: u64,
    /// Time for `requests`, at least `1ms`.
    pub per: Duration,
    /// Number of requests that may come at once. Default: 1.
    #[config(default = 1)]
    pub burst: u64,
}

/// Fixed windows of the clock, or of the calendar. Exactly one of `window` and `calendar` is required.
#[derive(Clone, Debug, Config)]
pub struct FixedWindow {
    /// Maximum number of requests in each window. With 0, every request is rejected.
    pub requests: u64,
    /// Length of a window, at least `1ms`. A window of `1h` begins at each full hour in UTC.
    pub window: Option<Duration>,
    /// Period of the calendar, in UTC.
    pub calendar: Option<Calendar>,
}

/// Period of the calendar, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum Calendar {
    /// From the first day of a month.
    #[default]
    Month,
    /// From the first day of January, April, July and October.
    Quarter,
    /// From the first of January.
    Year,
}

/// A window that slides with the clock.
#[derive(Clone, Debug, Config)]
pub struct SlidingWindow {
    /// Maximum number of requests in any window. With 0, every request is rejected.
    pub requests: u32,
    /// Length of the window, at least `1ms`.
    pub window: Duration,
}
