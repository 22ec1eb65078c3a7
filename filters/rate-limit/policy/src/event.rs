//! What is counted of each limit.

/// Something that happened to a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It had room.
    Ok,
    /// It had none, and the request was refused.
    Limited,
    /// It had none, and the request went on: shadow mode, or `filter_enforced`.
    ShadowLimited,
    /// It had room later, and the request waits for it.
    Delayed,
    /// It could not be asked: shared state, or the rate limit service.
    Error,
    /// A key that still owed something was given up for another.
    Eviction,
    /// The rate limit service was not asked, since the answer was known.
    CacheHit,
    /// The request had not all of its key, and was not counted.
    NoKey,
}

impl Event {
    /// All of them, in their order.
    pub const ALL: [Self; 8] = [
        Self::Ok,
        Self::Limited,
        Self::ShadowLimited,
        Self::Delayed,
        Self::Error,
        Self::Eviction,
        Self::CacheHit,
        Self::NoKey,
    ];

    /// Its name in statistics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Limited => "rate_limited",
            Self::ShadowLimited => "shadow_rate_limited",
            Self::Delayed => "delayed",
            Self::Error => "error",
            Self::Eviction => "evicted",
            Self::CacheHit => "cache_hit",
            Self::NoKey => "no_key",
        }
    }
}
