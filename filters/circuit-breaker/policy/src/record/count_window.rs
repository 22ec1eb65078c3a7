//! A window of the last requests: two bits for each outcome, in a ring.

use super::{words, write_words};
use crate::window::{Outcome, Totals};

/// Bytes before the ring: the next position, the number of outcomes, and how many of them failed or were
/// slow.
const HEAD: usize = 8;

/// Returns the size of a window of `size` requests in bytes.
pub fn bytes(size: u16) -> usize {
    (HEAD + usize::from(size).div_ceil(4)).next_multiple_of(4)
}

/// Adds an outcome, and returns the totals.
pub fn push(bytes: &mut [u8], size: u16, outcome: Outcome) -> Totals {
    let Some((head, ring)) = bytes.split_at_mut_checked(HEAD) else { return Totals::default() };
    let [position, filled, mut failed, mut slow] = counts(head);
    let position = if position < size { position } else { 0 };
    let mut filled = filled.min(size);
    if let Some(byte) = ring.get_mut(usize::from(position / 4)) {
        let shift = position % 4 * 2;
        let old = Outcome::from_bits(*byte >> shift);
        if filled == size {
            failed = failed.saturating_sub(old.failed.into());
            slow = slow.saturating_sub(old.slow.into());
        } else {
            filled += 1;
        }
        *byte = *byte & !(3 << shift) | outcome.bits() << shift;
    }
    failed = failed.saturating_add(outcome.failed.into()).min(filled);
    slow = slow.saturating_add(outcome.slow.into()).min(filled);
    let position = if position + 1 < size { position + 1 } else { 0 };
    let pair = |low: u16, high: u16| u32::from(low) | u32::from(high) << 16;
    write_words(&[pair(position, filled), pair(failed, slow)], head);
    Totals { requests: filled.into(), failed: failed.into(), slow: slow.into() }
}

/// Returns the totals.
pub fn totals(bytes: &[u8]) -> Totals {
    let [_, filled, failed, slow] = counts(bytes);
    Totals { requests: filled.into(), failed: failed.into(), slow: slow.into() }
}

fn counts(bytes: &[u8]) -> [u16; 4] {
    let [a, b] = words(bytes);
    [a as u16, (a >> 16) as u16, b as u16, (b >> 16) as u16]
}
