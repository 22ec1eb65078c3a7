//! Playing a variation on a fresh emulator.

use super::apply::apply;
use super::change::{Change, Variation};
use super::visible::{Ignored, Visible};
use crate::emulator::{Emulator, StreamHandle};
use crate::{Refused, Scenario};
use std::time::Duration;

/// How long, on the virtual clock, the proxy goes on after the last request: whatever waits for a timeout gets it.
const AFTERWARDS: Duration = Duration::from_secs(60);
/// An event that comes later than this is nothing that a request waits for.
const SOON: Duration = Duration::from_secs(20);

/// What came of it.
#[derive(Debug)]
pub(super) struct Played {
    pub visible: Visible,
    /// Whether a request was cut off; it may have been complete before.
    pub cut: bool,
}

pub(super) fn play(scenario: &Scenario, variation: &Variation, ignored: &Ignored) -> Result<Played, Refused> {
    let scenario = apply(scenario, &variation.changes);
    let mut emulator = Emulator::new(&scenario)?;
    let mut handles = Vec::new();
    let mut cut = false;
    for (index, request) in scenario.requests.iter().enumerate() {
        let worker = worker(&variation.changes, index).unwrap_or(0).min(scenario.settings.workers - 1);
        if let Some((how, after)) = stop(&variation.changes, index) {
            let handle = emulator.begin(worker, request);
            let open = steps(&mut emulator, handle, after);
            if open {
                how(&mut emulator, handle);
            }
            emulator.finish_request(handle);
            if !open {
                // It came to its end, and is the request itself.
                handles.push(handle);
                continue;
            }
            cut = true;
        }
        let handle = emulator.begin(worker, request);
        handles.push(handle);
        match overlap(&variation.changes, index) {
            Some(events) if index + 1 < scenario.requests.len() => {
                steps(&mut emulator, handle, events);
            }
            _ => {
                emulator.finish_request(handle);
            }
        }
    }
    let exchanges: Vec<_> = handles.into_iter().map(|handle| emulator.finish_request(handle)).collect();
    // To the same moment in all variations, so that as many ticks have been.
    let end = AFTERWARDS.max(scenario.settings.linger) + SOON * scenario.requests.len() as u32;
    emulator.advance(end.saturating_sub(emulator.now()));
    Ok(Played { visible: Visible::of(&scenario, &emulator, &exchanges, ignored), cut })
}

/// So many events, if it takes as many. Whether the request is still under way.
fn steps(emulator: &mut Emulator, handle: StreamHandle, events: usize) -> bool {
    for _ in 0..events {
        let until = emulator.now() + SOON;
        if !emulator.is_open(handle) || !emulator.step(until) {
            return false;
        }
    }
    emulator.is_open(handle)
}

type Stop = fn(&mut Emulator, StreamHandle);

fn stop(changes: &[Change], index: usize) -> Option<(Stop, usize)> {
    let hang_up: Stop = Emulator::hang_up;
    // Before there is a connection, and after its last byte, there is nothing to break; the request goes on.
    let reset: Stop = |emulator, handle| {
        emulator.break_upstream(handle);
    };
    changes.iter().rev().find_map(|change| match change {
        Change::HangUp { request, after } if *request == index => Some((hang_up, *after)),
        Change::UpstreamReset { request, after } if *request == index => Some((reset, *after)),
        _ => None,
    })
}

fn worker(changes: &[Change], index: usize) -> Option<usize> {
    changes.iter().rev().find_map(|change| match change {
        Change::Worker { request, worker } if *request == index => Some(*worker),
        _ => None,
    })
}

fn overlap(changes: &[Change], index: usize) -> Option<usize> {
    changes.iter().rev().find_map(|change| match change {
        Change::Overlap { request, events } if *request == index => Some(*events),
        _ => None,
    })
}
