mod behaviour;
mod model;

use super::*;
use proptest::prelude::*;

const SECOND: u64 = HEARTBEAT;
const START: u64 = 1_750_000_000 * SECOND;

fn at(seconds: u64) -> UnixNanos {
    UnixNanos(START + seconds * SECOND)
}

/// The members, of which each was seen at a second.
fn members(seen: &[(u32, u64)]) -> Members {
    let mut record = Vec::new();
    for (vm, seconds) in seen {
        Members::beat(&mut record, *vm, at(*seconds));
    }
    Members::read(&record)
}
