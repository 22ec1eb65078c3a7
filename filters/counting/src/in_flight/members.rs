//! Running VMs.

use super::{LEASE, record};
use tollgate_types::UnixNanos;

const BYTES: usize = 12;

/// VMs that count requests in flight, and the times of their last heartbeats.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Members {
    /// Members, sorted by number.
    list: Vec<Member>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Member {
    vm: u32,
    /// Time of the last heartbeat, in milliseconds since the Unix epoch.
    seen_at: u64,
}

impl Members {
    /// Reads the record that [`beat`](Self::beat) writes. Read it again with each heartbeat.
    pub fn read(record: &[u8]) -> Self {
        let mut list: Vec<Member> = Vec::new();
        // There are few members, and they are mostly sorted. A sort would be 3 KB of code.
        for member in record::read(record).map(Member::from_bytes) {
            match list.binary_search_by_key(&member.vm, |member| member.vm) {
                Ok(index) => {
                    if let Some(found) = list.get_mut(index) {
                        found.seen_at = found.seen_at.max(member.seen_at);
                    }
                }
                Err(index) => list.insert(index, member),
            }
        }
        Self { list }
    }

    /// Adds a heartbeat of `vm`, and removes dead VMs. A VM that was only stalled returns with its next
    /// heartbeat. A dead VM and an unknown one are treated alike.
    pub fn beat(record: &mut Vec<u8>, vm: u32, now: UnixNanos) {
        let now_ms = now.as_millis();
        record::update(record, |bytes| {
            let member = Member::from_bytes(bytes);
            // A heartbeat in the future was written before the clock was set back. Its VM must renew it.
            *bytes = Member { seen_at: member.seen_at.min(now_ms), ..member }.to_bytes();
            member.vm != vm && member.is_alive(now)
        });
        record::push(record, Member { vm, seen_at: now_ms }.to_bytes());
    }

    /// Returns whether the last heartbeat of a VM is less than [`LEASE`] ago.
    pub fn is_alive(&self, vm: u32, now: UnixNanos) -> bool {
        let found = self.list.binary_search_by_key(&vm, |member| member.vm);
        found.ok().and_then(|index| self.list.get(index)).is_some_and(|member| member.is_alive(now))
    }
}

impl Member {
    fn is_alive(self, now: UnixNanos) -> bool {
        now.as_millis().saturating_sub(self.seen_at) < LEASE / 1_000_000
    }

    fn from_bytes(bytes: &[u8; BYTES]) -> Self {
        let [a, b, c, d, seen_at @ ..] = *bytes;
        Self { vm: u32::from_le_bytes([a, b, c, d]), seen_at: u64::from_le_bytes(seen_at) }
    }

    fn to_bytes(self) -> [u8; BYTES] {
        let mut bytes = [0; BYTES];
        let fields = self.vm.to_le_bytes().into_iter().chain(self.seen_at.to_le_bytes());
        bytes.iter_mut().zip(fields).for_each(|(byte, field)| *byte = field);
        bytes
    }
}
