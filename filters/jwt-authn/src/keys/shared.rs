//! Names in shared data, and randomness.

use tollgate::{clock, random};

/// Prefix of all keys in shared data.
pub(super) const PLUGIN: &str = "jwt_authn";
/// Maximum number of tries of a change when other workers are faster. After another worker's change, there is
/// usually nothing left to do.
pub(super) const ATTEMPTS: u32 = 32;

/// Returns a random number, for jitter and to distinguish leases. If the host provides none, returns the
/// time. That gives no jitter, but still distinguishes leases unless they are taken in the same nanosecond.
pub(super) fn draw() -> u64 {
    match random::bytes() {
        Ok(bytes) => u64::from_le_bytes(bytes),
        Err(_) => clock::now().map_or(1, |now| now.0),
    }
}
