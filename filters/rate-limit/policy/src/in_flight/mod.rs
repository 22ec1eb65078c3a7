//! Requests in flight, counted over all workers.
//!
//! A count that is only raised and lowered never recovers from a worker that died in between. So each VM counts its own
//! requests, under a random number of its own, and says every [`HEARTBEAT`] that it lives; what a VM counted that has not
//! said so for [`LEASE`] is forgotten.
//!
//! A record has an entry for each key and VM with requests in flight, and none for others: it is never longer than what is
//! in flight just now, and what VMs left behind that died since the last request.

mod entries;
mod lines;
mod members;
mod record;
#[cfg(test)]
mod tests;

pub use lines::{LineId, Lines, POLL};
pub use members::Members;

use entries::Entry;
use tollgate_policy::UnixNanos;

/// How often a VM is to [beat](Members::beat), in nanoseconds; and once before it [acquires](acquire) anything. Timers of
/// Envoy's workers are late by what a worker is busy, which is seconds at worst.
pub const HEARTBEAT: u64 = 1_000_000_000;

/// After how long without a beat a VM is dead, in nanoseconds. Nine beats may be missed: to forget a VM that lives admits too
/// many, and to remember one that died only makes keys that it served wait so long for their room.
pub const LEASE: u64 = 10 * HEARTBEAT;

/// What comes of asking for room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquire {
    /// There is one request more in flight. The record is to be kept.
    Acquired,
    /// There are as many as may be. The record is as it was.
    Full,
}

/// One request more of the key that `tag` stands for, by the VM `vm`, unless those of all VMs that live are `max` already.
/// What dead ones counted is dropped.
///
/// A VM that `members` does not know lives as long as [`LEASE`] after it last acquired something: it may have come since
/// `members` was read. The VM itself always lives.
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

/// How many requests of the key are in flight, as far as `vm` knows.
pub fn count(record: &[u8], tag: u64, vm: u32, members: &Members, now: UnixNanos) -> u32 {
    let counts = entries::read(record).filter(|entry| entry.tag == tag && lives(entry, vm, members, now));
    counts.fold(0, |sum: u32, entry| sum.saturating_add(entry.count))
}

fn lives(entry: &Entry, vm: u32, members: &Members, now: UnixNanos) -> bool {
    entry.vm == vm || members.is_alive(entry.vm, now) || is_recent(entry.acquired_at, seconds(now))
}

/// One request less. `false` if there was none: the record is as it was.
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

/// Whole seconds are enough for [`LEASE`], and take half the bytes. They wrap in 2106, and only their difference is used.
fn seconds(now: UnixNanos) -> u32 {
    (now.0 / 1_000_000_000) as u32
}

/// Whether it was at most [`LEASE`] ago. Not if it is to come, but for a second by which workers may be apart: that is a
/// clock that was set back.
fn is_recent(then: u32, now: u32) -> bool {
    now.wrapping_sub(then).wrapping_add(1) <= (LEASE / 1_000_000_000) as u32 + 1
}
