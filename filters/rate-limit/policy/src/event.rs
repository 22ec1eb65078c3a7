//! Events, which are counted for each limit.

/// An event of a limit. Each event has a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The limit had room.
    Ok,
    /// The limit had no room and rejected the request.
    Limited,
    /// The limit had no room, but the request was allowed because of `shadow` or `filter_enforced`.
    ShadowLimited,
    /// The request waited, or waits, for room.
    Delayed,
    /// The limit could not be checked, or a change by the response could not be stored.
    Error,
    /// An entry that still owed something was evicted for a key of the limit.
    Eviction,
    /// The answer of the rate limit service was cached, so there was no call.
    CacheHit,
    /// The request had no complete key, so the limit did not apply.
    NoKey,
    /// The client left while its request waited for room.
    Cancelled,
}

impl Event {
    /// All events, in the order of their discriminants.
    pub const ALL: [Self; 9] = [
        Self::Ok,
        Self::Limited,
        Self::ShadowLimited,
        Self::Delayed,
        Self::Error,
        Self::Eviction,
        Self::CacheHit,
        Self::NoKey,
        Self::Cancelled,
    ];

    /// Name in statistics.
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
            Self::Cancelled => "cancelled",
        }
    }
}

impl tollgate_policy::Label for Event {
    const ALL: &'static [Self] = &Self::ALL;

    fn name(self) -> &'static str {
        self.name()
    }

    fn index(self) -> usize {
        self as usize
    }
}
