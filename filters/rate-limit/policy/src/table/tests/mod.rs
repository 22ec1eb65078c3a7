//! What a table promises, by behaviour.

mod page;

use super::PAGE_BYTES;
use tollgate_policy::UnixNanos;

/// Long after the epoch, at the begin of an hour.
const START: UnixNanos = UnixNanos(500_000 * 3600 * 1_000_000_000);

fn after(nanos: u64) -> UnixNanos {
    UnixNanos(START.0 + nanos)
}

fn empty() -> [u8; PAGE_BYTES] {
    [0; PAGE_BYTES]
}
