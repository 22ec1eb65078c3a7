//! Exact time spans.

/// A time of `ns - sub / tokens` nanoseconds, where `sub < tokens`. A [`Meter`](super::Meter) can add such
/// times for years without an error. Rounded up, it is `ns`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub ns: u64,
    pub sub: u64,
}

impl Span {
    /// Returns `ticks / tokens` nanoseconds. `None` if this does not fit into `u64`.
    pub fn of_ticks(ticks: u128, tokens: u64) -> Option<Self> {
        let ns = u64::try_from(ticks.div_ceil(tokens.into())).ok()?;
        let sub = (u128::from(ns) * u128::from(tokens)).wrapping_sub(ticks);
        // The result is less than `tokens`.
        Some(Self { ns, sub: sub as u64 })
    }

    /// Like [`of_ticks`](Self::of_ticks), for small numbers.
    pub fn of_few_ticks(ticks: u64, tokens: u64) -> Self {
        let ns = ticks.div_ceil(tokens);
        Self { ns, sub: ns.wrapping_mul(tokens).wrapping_sub(ticks) }
    }

    /// Returns the sum. Neither operand may be more than a few hundred years.
    pub fn plus(self, other: Self, tokens: u64) -> Self {
        let ns = self.ns.saturating_add(other.ns);
        let short = tokens.wrapping_sub(other.sub);
        if self.sub >= short {
            return Self { ns: ns.saturating_sub(1), sub: self.sub.wrapping_sub(short) };
        }
        Self { ns, sub: self.sub.wrapping_add(other.sub) }
    }

    /// Returns the difference; 0 if it would be negative.
    pub fn minus(self, other: Self, tokens: u64) -> Self {
        if self.is_at_most(other) {
            return Self::default();
        }
        let ns = self.ns.saturating_sub(other.ns);
        match self.sub.checked_sub(other.sub) {
            Some(sub) => Self { ns, sub },
            None => {
                Self { ns: ns.saturating_add(1), sub: tokens.wrapping_sub(other.sub).wrapping_add(self.sub) }
            }
        }
    }

    /// Returns whether this time is at most the other one.
    pub fn is_at_most(self, other: Self) -> bool {
        self.ns < other.ns || (self.ns == other.ns && self.sub >= other.sub)
    }

    /// Returns the shorter time.
    pub fn min(self, other: Self) -> Self {
        if self.is_at_most(other) { self } else { other }
    }
}
