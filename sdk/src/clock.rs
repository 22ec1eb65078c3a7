//! The clock of the host, the only source of time.

use crate::error::Result;
use crate::{abi, host};

pub use tollgate_types::UnixNanos;

/// Returns the time of the host's wall clock.
pub fn now() -> Result<UnixNanos> {
    let mut time = 0;
    // SAFETY: the pointer is to a live value.
    host::check("get_current_time_nanoseconds", unsafe {
        abi::proxy_get_current_time_nanoseconds(&mut time)
    })?;
    Ok(UnixNanos(time))
}
