//! The clock of the host, the only source of time.

use crate::{Result, abi, host};
use std::time::Duration;

/// Nanoseconds since the Unix epoch, from the wall clock of the host, which may be set back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(pub u64);

impl UnixNanos {
    /// Returns the time from `earlier` to this time, or zero if the clock was set back in between.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl std::ops::Add<Duration> for UnixNanos {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)))
    }
}

/// Returns the time of the host's wall clock.
pub fn now() -> Result<UnixNanos> {
    let mut time = 0;
    // SAFETY: the pointer is to a live value.
    host::check("get_current_time_nanoseconds", unsafe {
        abi::proxy_get_current_time_nanoseconds(&mut time)
    })?;
    Ok(UnixNanos(time))
}
