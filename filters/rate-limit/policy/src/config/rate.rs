//! How much, in which time.

use tollgate_policy::{Duration, Read, read_object};

/// A rate: exactly one of the algorithms.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Rate {
    /// What clients know it by, in `RateLimit` and `RateLimit-Policy`: letters, digits and `_-`. Default: the name of the
    /// limit; of several rates `<limit>-1`, `<limit>-2` and so on.
    pub name: Option<String>,
    /// Envoy's token bucket.
    pub token_bucket: Option<TokenBucket>,
    /// So many in a time, evenly, and so many at once.
    pub gcra: Option<Gcra>,
    /// So many in each window of the clock, counted from 1970, as envoyproxy/ratelimit and Limitador count.
    pub fixed_window: Option<FixedWindow>,
    /// So many in any window, by the count of this window of the clock and the last one's share.
    pub sliding_window: Option<SlidingWindow>,
}

/// Envoy's `TokenBucket`, filled evenly and not all at once.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct TokenBucket {
    /// How many tokens it holds, all of them at first. 0: nothing passes.
    pub max_tokens: u64,
    /// How many come in each `fill_interval`. Default: 1.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub tokens_per_fill: u64,
    /// At least `50ms`.
    pub fill_interval: Duration,
}

/// The generic cell rate algorithm: a token bucket by other names.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Gcra {
    /// How many in each `per`.
    pub requests: u64,
    /// In which time, at least `1ms`.
    pub per: Duration,
    /// How many may come at once. Default: 1.
    #[cfg_attr(feature = "schema", schemars(default = "one"))]
    pub burst: u64,
}

/// A window of the clock.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FixedWindow {
    /// How many in each window. 0: nothing passes.
    pub requests: u64,
    /// How long it is, at least `1ms`. A window of `1h` begins with each hour of UTC.
    pub window: Duration,
}

/// Any window.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct SlidingWindow {
    /// How many in any window. 0: nothing passes.
    pub requests: u32,
    /// How long it is, at least `1ms`.
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
