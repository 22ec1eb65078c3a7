//! Faults of the body of a response: each part is changed as it arrives, and held for as long as its bytes
//! take at the maximum rate.

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

/// Next step of a part of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Pass it on.
    Pass,
    /// Hold it for this time, in whole milliseconds.
    Hold(Duration),
    /// Hold it with the part that is held already.
    Held,
    /// Reset the stream.
    Reset,
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
            pace,
            held: false,
        })
    }

    /// Returns whether the length of the body can change.
    pub fn changes_length(&self) -> bool {
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

    /// Decides about a part of `bytes` bytes, after [`Self::change`]. `cut` is whether the body was cut off
    /// before this part.
    pub fn pass(&mut self, bytes: usize, cut: bool, now: UnixNanos) -> Part {
        if cut {
            return Part::Reset;
        }
        if let Some(pace) = &mut self.pace {
            pace.started.get_or_insert(now);
            pace.bytes = pace.bytes.saturating_add(bytes as u64);
        }
        if self.held { Part::Held } else { self.resume(now) }
    }

    /// Returns whether a part is held.
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Returns whether the body was cut off, so that the next part resets the stream.
    pub fn is_cut(&self) -> bool {
        self.resets && self.end.is_some_and(|end| self.seen >= end)
    }

    /// Decides about what is held, when its time is over.
    pub fn resume(&mut self, now: UnixNanos) -> Part {
        let Some(Pace { rate, started: Some(started), bytes }) = &mut self.pace else { return Part::Pass };
        // If the clock was set back, the time begins again.
        *started = now.min(*started);
        let takes = u128::from(*bytes) * 1_000_000_000 / u128::from(*rate);
        let takes = u64::try_from(takes).unwrap_or(u64::MAX);
        let since = now.0.saturating_sub(started.0);
        let wait = takes.saturating_sub(since).div_ceil(1_000_000);
        self.held = wait > 0;
        // The longest wait is checked again after it.
        let wait = Duration::from_nanos(wait.min(MAX_WAIT).saturating_mul(1_000_000));
        if self.held { Part::Hold(wait) } else { Part::Pass }
    }
}

/// Longest time for which a part is held before the rate is checked again, in milliseconds.
const MAX_WAIT: u64 = 60_000;
