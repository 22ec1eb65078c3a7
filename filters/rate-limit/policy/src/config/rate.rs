//! Rates: how much a limit allows in a time.

use tollgate_policy::{Duration, Read, read_object};

/// A rate: exactly one algorithm, and an optional name.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
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
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct TokenBucket {
    /// Size of the bucket, which starts full. With 0, every request is rejected.
    pub max_tokens: u64,
    /// Number of tokens added in each `fill_interval`. Default: 1.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub tokens_per_fill: u64,
    /// Time in which `tokens_per_fill` tokens are added; at least `50ms`.
    pub fill_interval: Duration,
}

/// Generic cell rate algorithm: a token bucket with other field names.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Gcra {
    /// Number of requests in each `per`.
    pub requests: u64,
    /// Time for `requests`, at least `1ms`.
    pub per: Duration,
    /// Number of requests that may come at once. Default: 1.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub burst: u64,
}

/// Fixed windows of the clock.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FixedWindow {
    /// Maximum number of requests in each window. With 0, every request is rejected.
    pub requests: u64,
    /// Length of a window, at least `1ms`. A window of `1h` begins at each full hour in UTC.
    pub window: Duration,
}

/// A window that slides with the clock.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct SlidingWindow {
    /// Maximum number of requests in any window. With 0, every request is rejected.
    pub requests: u32,
    /// Length of the window, at least `1ms`.
    pub window: Duration,
}

#[cfg(feature = "schema")]
fn one() -> u64 {
    1
}

read_object!(Rate = Self::default(); name, token_bucket, gcra, fixed_window, sliding_window);
read_object!(
    TokenBucket = Self { max_tokens: 0, tokens_per_fill: 1, fill_interval: Read::blank() };
    max_tokens (required), tokens_per_fill, fill_interval (required)
);
read_object!(
    Gcra = Self { requests: 0, per: Read::blank(), burst: 1 };
    requests (required), per (required), burst
);
read_object!(
    FixedWindow = Self { requests: 0, window: Read::blank() };
    requests (required), window (required)
);
read_object!(
    SlidingWindow = Self { requests: 0, window: Read::blank() };
    requests (required), window (required)
);
