//! Runs a variation on a new proxy.

use super::apply::apply;
use super::change::{Change, Variation};
use super::visible::{Ignored, Visible};
use crate::emulator::{Emulator, StreamHandle};
use crate::{Exchange, Host, Outcome, Refused, Scenario};
use std::collections::BTreeMap;
use std::time::Duration;

/// Virtual time for which the proxy continues to run after the last request, so that pending timeouts expire.
const AFTERWARDS: Duration = Duration::from_secs(60);
/// Virtual time after which a request no longer waits for an event.
const SOON: Duration = Duration::from_secs(20);
/// Maximum virtual time of a request with its pause, or of a connection.
const LONGEST: Duration = Duration::from_secs(30);

/// The result of a run.
#[derive(Debug)]
pub(super) struct Played {
    pub visible: Visible,
    /// Whether the run aborted a request, or overlapped it with the next one, before it was complete.
    pub reached: bool,
}

/// Runs variations of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Player {
    /// The scenario, with at least two workers.
    pub scenario: Scenario,
    /// Number of workers that handle requests, round robin, without a variation.
    pub base_workers: usize,
    pub ignored: Ignored,
}

impl Player {
    pub fn play(&self, host: Host, variation: &Variation) -> Result<Played, Refused> {
        let scenario = apply(&self.scenario, &variation.changes);
        match host {
            Host::Emulator => self.emulate(&scenario, &variation.changes),
            Host::Envoy => {
                let outcome = host.try_run(&scenario)?;
                Ok(Played { visible: Visible::of(&scenario, &outcome, &self.ignored), reached: false })
            }
        }
    }

    fn emulate(&self, scenario: &Scenario, changes: &[Change]) -> Result<Played, Refused> {
        let mut emulator = Emulator::new(scenario)?;
        let mut sent: Vec<(StreamHandle, Option<Exchange>)> = Vec::new();
        let mut reached = false;
        for (index, request) in scenario.requests.iter().enumerate() {
            let worker = find(changes, |change| match change {
                Change::Worker { request, worker } if *request == index => Some(*worker),
                _ => None,
            });
            let worker = worker.unwrap_or(index % self.base_workers).min(scenario.settings.workers - 1);
            let pause = find(changes, |change| match change {
                Change::Pause { request, before } if *request == index => Some(*before),
                _ => None,
            });
            // Even a pause of zero would run the events that are due.
            if let Some(pause) = pause {
                emulator.advance(pause);
            }
            if let Some((how, after)) = stop(changes, index) {
                let handle = emulator.begin(worker, request);
                let open = steps(&mut emulator, handle, after);
                if open {
                    how(&mut emulator, handle);
                }
                let exchange = emulator.finish_request(handle);
                if !open {
                    // It was complete before it could be aborted, so it is not sent again.
                    sent.push((handle, Some(exchange)));
                    continue;
                }
                reached = true;
            }
            let handle = emulator.begin(worker, request);
            let overlap = find(changes, |change| match change {
                Change::Overlap { request, events } if *request == index => Some(*events),
                _ => None,
            });
            match overlap {
                Some(events) if index + 1 < scenario.requests.len() => {
                    reached |= steps(&mut emulator, handle, events);
                    sent.push((handle, None));
                }
                _ => {
                    let exchange = emulator.finish_request(handle);
                    sent.push((handle, Some(exchange)));
                }
            }
        }
        let exchanges = sent
            .into_iter()
            .map(|(handle, exchange)| exchange.unwrap_or_else(|| emulator.finish_request(handle)));
        let exchanges: Vec<_> = exchanges.collect();
        let connections = scenario.connections.iter().enumerate().map(|(index, script)| {
            let handle = emulator.connect(index % self.base_workers, script);
            emulator.finish_connection(handle)
        });
        let connections: Vec<_> = connections.collect();
        // All variations end at the same time, and so after the same number of ticks.
        let end = AFTERWARDS.max(scenario.settings.linger)
            + LONGEST * (scenario.requests.len() + scenario.connections.len()) as u32;
        emulator.advance(end.saturating_sub(emulator.now()));
        let callouts = scenario.upstreams.iter().skip(1);
        let outcome = Outcome {
            exchanges,
            connections,
            callouts: callouts.map(|u| (u.name.clone(), emulator.received(&u.name).to_vec())).collect(),
            metrics: emulator.metrics(),
            histograms: BTreeMap::new(),
            logs: Vec::new(),
            traps: Vec::new(),
            trace: Vec::new(),
            host_calls: BTreeMap::new(),
            instructions: BTreeMap::new(),
        };
        let mut visible = Visible::of(scenario, &outcome, &self.ignored);
        visible.inside(&emulator);
        Ok(Played { visible, reached })
    }
}

/// Returns the last match, because a later change overrides an earlier one.
fn find<T>(changes: &[Change], of: impl Fn(&Change) -> Option<T>) -> Option<T> {
    changes.iter().rev().find_map(of)
}

/// Runs up to this many events. Returns whether the request is still in flight.
fn steps(emulator: &mut Emulator, handle: StreamHandle, events: usize) -> bool {
    for _ in 0..events {
        let until = emulator.now() + SOON;
        if !emulator.is_under_way(handle) || !emulator.step(until) {
            return false;
        }
    }
    emulator.is_under_way(handle)
}

type Stop = fn(&mut Emulator, StreamHandle);

fn stop(changes: &[Change], index: usize) -> Option<(Stop, usize)> {
    let hang_up: Stop = Emulator::hang_up;
    // Without an open connection to the upstream, the reset does nothing and the request continues.
    let reset: Stop = |emulator, handle| {
        emulator.break_upstream(handle);
    };
    find(changes, |change| match change {
        Change::HangUp { request, after } if *request == index => Some((hang_up, *after)),
        Change::UpstreamReset { request, after } if *request == index => Some((reset, *after)),
        _ => None,
    })
}
