//! Points in time.

/// Nanoseconds since the Unix epoch, by the host's wall clock. Does not overflow until the year 2554.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// Returns the whole milliseconds since the Unix epoch.
    pub fn as_millis(self) -> u64 {
        self.0 / 1_000_000
    }

    /// Returns the time since `earlier`, or zero if `earlier` is later: a wall clock can be set back at any
    /// time.
    pub fn since(self, earlier: UnixNanos) -> core::time::Duration {
        core::time::Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl core::ops::Add<core::time::Duration> for UnixNanos {
    type Output = Self;

    /// Saturates in the year 2554.
    fn add(self, duration: core::time::Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_set_back_yields_zero() {
        assert_eq!(UnixNanos(5).since(UnixNanos(7)), core::time::Duration::ZERO);
        assert_eq!(UnixNanos(7).since(UnixNanos(5)), core::time::Duration::from_nanos(2));
    }

    #[test]
    fn milliseconds_are_rounded_down() {
        assert_eq!(UnixNanos(1_999_999).as_millis(), 1);
    }
}
