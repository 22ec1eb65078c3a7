//! Requests in flight, counted across all workers.
//!
//! A shared count that is only incremented and decremented would never recover from a worker that dies in
//! between. So each VM counts its own requests under a random number, and stores a heartbeat every
//! [`HEARTBEAT`]. The counts of a VM without a heartbeat for [`LEASE`] are removed.
//!
//! A record only has entries for keys and VMs with requests in flight, including those of VMs that died since
//! the last request.

mod entries;
mod members;
mod queues;
mod record;
#[cfg(test)]
mod tests;

pub use members::Members;
pub use queues::{POLL, Queues, WaiterId};

use entries::Entry;
use tollgate_types::UnixNanos;

/// Interval of the [heartbeats](Members::beat) of a VM, in nanoseconds. The first one is due before it
/// [acquires](acquire) anything. If an Envoy worker is busy, its timers are late, by seconds at worst.
pub const HEARTBEAT: u64 = 1_000_000_000;

/// Time without a heartbeat after which a VM counts as dead, in nanoseconds. Nine heartbeats may be missed:
/// removing a running VM admits too many requests, while keeping a dead one only blocks its slots for this
/// time.
pub const LEASE: u64 = 10 * HEARTBEAT;

/// Result of [`acquire`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// The request is counted. Store the record.
    Acquired,
    /// The maximum is reached. The record has not changed.
    Full,
}

/// Counts another request of the key with this tag for the VM `vm`, unless the requests of all running VMs
/// have reached `max`. Removes the counts of dead VMs.
///
/// A VM that is not in `members` counts as running for [`LEASE`] after it last acquired something, because it
/// may have started after `members` was read. The VM `vm` itself always counts as running.
pub fn acquire(
    record: &mut Vec<u8>,
    tag: u64,
    vm: u32,
    max: u32,
    members: &Members,
    now: UnixNanos,
) -> Acquire {
    if count(record, tag, vm, members, now) >= max {
        return Acquire::Full;
    }
    let seconds = seconds(now);
    let lives = |entry: &Entry| lives(entry, vm, members, now);
    let mut found = false;
    entries::update(record, |entry| {
        let is_own = entry.tag == tag && entry.vm == vm && !found;
        if is_own {
            found = true;
            *entry = Entry { count: entry.count.saturating_add(1), acquired_at: seconds, ..*entry };
        }
        entry.count != 0 && (is_own || lives(entry))
    });
    if !found {
        entries::push(record, Entry { tag, vm, count: 1, acquired_at: seconds });
    }
    Acquire::Acquired
}

/// Returns the number of requests of the key in flight, from the view of `vm`.
pub fn count(record: &[u8], tag: u64, vm: u32, members: &Members, now: UnixNanos) -> u32 {
    let counts = entries::read(record).filter(|entry| entry.tag == tag && lives(entry, vm, members, now));
    counts.fold(0, |sum: u32, entry| sum.saturating_add(entry.count))
}

fn lives(entry: &Entry, vm: u32, members: &Members, now: UnixNanos) -> bool {
    entry.vm == vm || members.is_alive(entry.vm, now) || is_recent(entry.acquired_at, seconds(now))
}

/// Removes a request. Returns `false` if the record has no such request; then it has not changed.
pub fn release(record: &mut Vec<u8>, tag: u64, vm: u32) -> bool {
    if !entries::read(record).any(|entry| entry.tag == tag && entry.vm == vm) {
        return false;
    }
    let mut found = false;
    entries::update(record, |entry| {
        if entry.tag == tag && entry.vm == vm && !found {
            found = true;
            entry.count = entry.count.saturating_sub(1);
        }
        entry.count != 0
    });
    true
}

/// Returns whole seconds, which are precise enough for [`LEASE`] and take half the bytes. They wrap in 2106,
/// but only their differences are used.
fn seconds(now: UnixNanos) -> u32 {
    (now.0 / 1_000_000_000) as u32
}

/// Returns whether `then` is at most [`LEASE`] ago, or at most a second in the future, by which workers may
/// differ. If it is further in the future, the clock was set back.
fn is_recent(then: u32, now: u32) -> bool {
    now.wrapping_sub(then).wrapping_add(1) <= (LEASE / 1_000_000_000) as u32 + 1
}
