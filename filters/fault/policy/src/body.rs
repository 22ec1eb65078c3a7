//! Faults of the body of a response: each part is changed as it arrives, and held for as long as its bytes
//! take at the maximum rate.

use crate::Then;
use crate::draw::mix;
use crate::rule::ResponseFault;
use tollgate_policy::{Duration, Percent, UnixNanos};

/// Fault of a body.
#[derive(Debug)]
pub struct BodyFault {
    /// Number of bytes after which the body ends.
    end: Option<u64>,
    /// Whether the stream is reset there.
    resets: bool,
    corrupt: Percent,
    seed: u64,
    /// Number of bytes that were changed or dropped.
    seen: u64,
    /// Whether the body was cut off before the part that was passed last.
    was_cut: bool,
    /// Whether the last part has arrived.
    has_ended: bool,
    pace: Option<Pace>,
    /// Whether a part is held.
    held: bool,
}

/// Maximum rate.
#[derive(Debug)]
struct Pace {
    /// Bytes per second.
    rate: u64,
    started: Option<UnixNanos>,
    /// Bytes since the beginning, with those that are held.
    bytes: u64,
}

impl BodyFault {
    pub(crate) fn new(fault: &ResponseFault, seed: u64, rate: Option<u64>) -> Option<Self> {
        let pace = rate.map(|rate| Pace { rate: rate.max(1), started: None, bytes: 0 });
        (fault.changes_body() || pace.is_some()).then(|| Self {
            end: fault.truncate_after.or(fault.reset_after),
            resets: fault.reset_after.is_some(),
            corrupt: fault.corrupt,
            seed,
            seen: 0,
            was_cut: fault.reset_after == Some(0),
            has_ended: false,
            pace,
            held: false,
        })
    }

    /// Returns whether the length of the body can change.
    pub(crate) fn changes_length(&self) -> bool {
        self.end.is_some()
    }

    /// Returns whether bytes can change.
    pub fn changes_bytes(&self) -> bool {
        self.end.is_some() || self.corrupt > Percent::ZERO
    }

    /// Appends what takes the place of a chunk of the body.
    pub fn change(&mut self, chunk: &[u8], out: &mut Vec<u8>) {
        let left = self.end.map_or(u64::MAX, |end| end.saturating_sub(self.seen));
        let kept = usize::try_from(left).map_or(chunk.len(), |left| left.min(chunk.len()));
        for (offset, byte) in (self.seen..).zip(chunk.iter().take(kept)) {
            out.push(if self.corrupt > Percent::ZERO { self.corrupted(offset, *byte) } else { *byte });
        }
        self.seen = self.seen.saturating_add(chunk.len() as u64);
    }

    /// Returns a byte, or another one. Depends only on the draw of the request and the offset, so that the
    /// chunks in which the body arrives do not matter.
    fn corrupted(&self, offset: u64, byte: u8) -> u8 {
        let draw = mix(self.seed.wrapping_add(offset.wrapping_mul(0x9e37_79b9_7f4a_7c15)));
        if !self.corrupt.holds(draw) {
            return byte;
        }
        // A change by 1 to 255 is never none.
        byte.wrapping_add((mix(draw) % 255) as u8 + 1)
    }

    /// Decides about a part of `bytes` bytes, after [`Self::change`].
    pub(crate) fn pass(&mut self, bytes: usize, end_of_stream: bool, now: UnixNanos) -> Then {
        self.has_ended = end_of_stream;
        // The part in which the body is cut off leaves, if another part can reset the stream.
        let is_cut = self.is_cut();
        let was_cut = core::mem::replace(&mut self.was_cut, is_cut);
        if !self.held && (was_cut || self.ends_by_reset()) {
            return Then::Reset;
        }
        if let Some(pace) = &mut self.pace {
            pace.add(bytes as u64, if self.held { None } else { Some(now) });
        }
        if self.held { Then::Hold } else { self.resume(now) }
    }

    /// Returns whether the body was cut off, and no other part can reset the stream.
    fn ends_by_reset(&self) -> bool {
        self.has_ended && self.is_cut()
    }

    /// Returns whether a part is held.
    pub(crate) fn is_held(&self) -> bool {
        self.held
    }

    /// Returns whether the body was cut off, so that the next part resets the stream.
    fn is_cut(&self) -> bool {
        self.resets && self.end.is_some_and(|end| self.seen >= end)
    }

    /// Returns whether the rate is limited.
    pub(crate) fn has_rate(&self) -> bool {
        self.pace.is_some()
    }

    /// Passes the rest of the body on as it arrives.
    pub(crate) fn stop_pacing(&mut self) {
        (self.pace, self.held) = (None, false);
    }

    /// Decides about what is held, when its time is over.
    pub(crate) fn resume(&mut self, now: UnixNanos) -> Then {
        let wait = self.pace.as_mut().map_or(0, |pace| pace.wait(now));
        self.held = wait > 0;
        if self.held {
            // The longest wait is checked again after it.
            return Then::Delay(Duration::from_nanos(wait.min(MAX_WAIT).saturating_mul(1_000_000)));
        }
        if self.ends_by_reset() { Then::Reset } else { Then::Pass }
    }
}

impl Pace {
    /// Adds bytes. `free` is the time if no other bytes are held. Time without bytes is saved up for a second
    /// at most, as in Envoy.
    fn add(&mut self, bytes: u64, free: Option<UnixNanos>) {
        if let Some(now) = free {
            let saved = self.takes().saturating_add(1_000_000_000);
            let started = self.started.unwrap_or(now);
            self.started = Some(started.max(UnixNanos(now.0.saturating_sub(saved))));
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }

    /// Returns the time that all bytes take, in nanoseconds.
    fn takes(&self) -> u64 {
        let takes = u128::from(self.bytes) * 1_000_000_000 / u128::from(self.rate);
        u64::try_from(takes).unwrap_or(u64::MAX)
    }

    /// Returns the time until all bytes have taken theirs, in milliseconds.
    fn wait(&mut self, now: UnixNanos) -> u64 {
        // If the clock was set back, the time begins again.
        let started = self.started.map_or(now, |started| started.min(now));
        self.started = Some(started);
        self.takes().saturating_sub(now.0.saturating_sub(started.0)).div_ceil(1_000_000)
    }
}

/// Longest time for which a part is held before the rate is checked again, in milliseconds.
const MAX_WAIT: u64 = 60_000;
