//! Random variations, from a seed.

use super::apply::{answers, response, sends};
use super::change::{Change, Kind, Variation};
use crate::{Answer, Headers, Scenario};
use std::time::Duration;

/// Maximum number of changes in one variation. Shrinking removes those that do not matter.
const MAX_CHANGES: usize = 5;
/// Number of attempts to find a change, because a kind may find nothing to change: no body to split, no field
/// to move.
const TRIES: usize = 100;
/// Maximum size of a body that is split at every byte.
const SMALL: usize = 256;
/// Upper bound of the events after which a random overlap or abort happens.
const EVENTS: usize = 12;

/// Random numbers: SplitMix64.
#[derive(Debug)]
pub(super) struct Draw(u64);

impl Draw {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number below `count`, or 0 if `count` is 0.
    fn below(&mut self, count: usize) -> usize {
        self.next().checked_rem(count as u64).unwrap_or(0) as usize
    }

    /// Returns a random variation of these kinds, or `None` if it finds nothing to change.
    pub fn variation(&mut self, scenario: &Scenario, kinds: &[Kind]) -> Option<Variation> {
        (0..TRIES).find_map(|_| {
            let changes = self.changes(scenario, kinds);
            (!changes.is_empty()).then_some(Variation { changes })
        })
    }

    fn changes(&mut self, scenario: &Scenario, kinds: &[Kind]) -> Vec<Change> {
        let count = 1 + self.below(MAX_CHANGES);
        let mut changes: Vec<Change> = Vec::new();
        for _ in 0..count {
            let Some(kind) = kinds.get(self.below(kinds.len())) else { break };
            let cut =
                changes.iter().any(|c| matches!(c, Change::HangUp { .. } | Change::UpstreamReset { .. }));
            if !(cut && kind.cuts_off()) {
                changes.extend(self.change(scenario, *kind));
            }
        }
        changes
    }

    fn change(&mut self, scenario: &Scenario, kind: Kind) -> Option<Change> {
        if kind == Kind::ConnectionPieces {
            let send = self.below(sends(scenario).count());
            let size = sends(scenario).nth(send)?.len();
            return Some(Change::SendCuts { send, cuts: self.cuts(size)? });
        }
        // All other kinds change requests or their answers.
        let request = self.below(scenario.requests.len());
        scenario.requests.get(request)?;
        let answer = self.below(answers(scenario).count());
        let of_answer = answers(scenario).nth(answer).map(|(_, answer)| answer);
        match kind {
            Kind::ConnectionPieces => None,
            Kind::RequestPieces => {
                let size = scenario.requests.get(request)?.body.concat().len();
                Some(Change::RequestCuts { request, cuts: self.cuts(size)? })
            }
            Kind::ResponsePieces => {
                let size = response(of_answer?)?.body().len();
                Some(Change::ResponseCuts { answer, cuts: self.cuts(size)? })
            }
            Kind::HeaderOrder if self.below(2) == 0 => {
                let name = self.name(&response(of_answer?)?.headers)?;
                Some(Change::ResponseHeaderFirst { answer, name })
            }
            Kind::HeaderOrder => {
                let name = self.name(&scenario.requests.get(request)?.headers)?;
                Some(Change::RequestHeaderFirst { request, name })
            }
            Kind::Latencies => Some(Change::Latency { answer, after: self.latency(scenario, of_answer?)? }),
            Kind::Pauses => {
                let pauses = [1, 10, 100, 1_000, 10_000];
                let before = Duration::from_millis(pauses.get(self.below(pauses.len())).copied()?);
                Some(Change::Pause { request, before })
            }
            Kind::Workers => Some(Change::Worker { request, worker: self.below(scenario.settings.workers) }),
            Kind::Overlaps => {
                let request = self.below(scenario.requests.len().checked_sub(1)?);
                Some(Change::Overlap { request, events: self.events() })
            }
            Kind::HangUps | Kind::UpstreamResets => Some(kind.at(request, self.events())),
        }
    }

    /// Returns a number of events, usually small because most requests have few.
    fn events(&mut self) -> usize {
        self.below(EVENTS).min(self.below(EVENTS))
    }

    /// Splits a body nowhere, after every byte, at one offset, or at a few.
    fn cuts(&mut self, size: usize) -> Option<Vec<usize>> {
        let places = size.checked_sub(1).filter(|places| *places > 0)?;
        let count = match self.below(4) {
            0 => return Some(Vec::new()),
            1 if size <= SMALL => return Some((1..size).collect()),
            2 => 1,
            _ => 2 + self.below(6),
        };
        let mut cuts: Vec<usize> = (0..count).map(|_| 1 + self.below(places)).collect();
        cuts.sort_unstable();
        cuts.dedup();
        Some(cuts)
    }

    fn name(&mut self, headers: &Headers) -> Option<String> {
        let (name, _) = headers.0.get(self.below(headers.0.len()))?;
        Some(String::from_utf8_lossy(name).into_owned())
    }

    /// Returns a latency that occurs in the scenario, or up to 3 ms. A longer one could cause a timeout,
    /// which would change the result.
    fn latency(&mut self, scenario: &Scenario, answer: &Answer) -> Option<Duration> {
        let latency = |answer: &Answer| match answer {
            Answer::Reply { after, .. } | Answer::Grpc { after, .. } => Some(*after),
            _ => None,
        };
        latency(answer)?;
        let small = [0, 1, 2, 3].map(Duration::from_millis);
        let all: Vec<Duration> = answers(scenario).filter_map(|(_, a)| latency(a)).chain(small).collect();
        all.get(self.below(all.len())).copied()
    }
}
