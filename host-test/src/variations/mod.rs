//! The same exchange in other ways, which must make no visible difference.
//!
//! A filter may not care in which pieces a body arrives, in which order fields of different names stand, which of two
//! callouts is answered first, on which worker a request lands, or what other request is under way; and a client or an
//! upstream that goes away may leave nothing behind. Nobody writes the test for each of these. [`Variations`] plays a
//! scenario once as it is, then cut off at every one of its events, with the next request begun at every one of them, and
//! in variations drawn by lot; it compares what the clients, the upstreams and the metrics show. What differs is cut down
//! to the least [`Variation`] that shows it.
//!
//! ```no_run
//! # use tollgate_host_test::{Filter, Request, Scenario, Wasm, variations::Variations};
//! let filter = Filter::new(Wasm::file("filter.wasm"));
//! let scenario = Scenario::new().filter(filter).request(Request::post("/", "a body of some length"));
//! Variations::of(&scenario).seed(7).runs(64).check().unwrap_or_else(|difference| panic!("{difference}"));
//! ```
//!
//! All of this is on the emulator, where a request can be stopped between two events and time is a number.
//! [`Variations::check_on_envoy`] plays on a real Envoy what can be played there. Of TCP
//! connections the pieces are varied that either end sends. Pieces without bytes are no variation: a codec does not hand
//! them on.

mod apply;
mod change;
mod draw;
mod failure;
mod play;
mod shrink;
mod visible;

pub use change::{Change, Kind, Variation};
pub use failure::{Difference, Differs, Failure, Report};

use crate::{Host, Refused, Scenario};
use draw::Draw;
use play::Player;
use visible::{Ignored, Visible};

/// How many variations are drawn unless a test says otherwise.
const RUNS: usize = 64;
/// After so many events of a request, every second event will do; after as many more, every fourth.
const MOST_MOMENTS: usize = 200;

/// Variations of a scenario, and what of it they may change.
#[derive(Clone, Debug)]
pub struct Variations {
    player: Player,
    seed: u64,
    runs: usize,
    kinds: Vec<Kind>,
}

impl Variations {
    /// Of this scenario, in every way.
    pub fn of(scenario: &Scenario) -> Self {
        let player = Player {
            scenario: apply::whole(scenario),
            at_home: scenario.settings.workers.max(1),
            ignored: Ignored::default(),
        };
        Self { player, seed: 0, runs: RUNS, kinds: Kind::ALL.to_vec() }
    }

    /// What is drawn follows from this number.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many variations are drawn. Being cut off at every event comes on top of them.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// Leaves out a kind of variation, which this filter may well depend on: one that limits rates is meant to see
    /// that requests overlap.
    pub fn without(mut self, kind: Kind) -> Self {
        self.kinds.retain(|k| *k != kind);
        self
    }

    /// Lets the values of this header differ, for they are drawn by lot or tell the time. That it is there, and how
    /// often, still counts.
    pub fn ignoring_header(mut self, name: &str) -> Self {
        self.player.ignored.headers.push(name.to_ascii_lowercase());
        self
    }

    /// Lets this metric differ.
    pub fn ignoring_metric(mut self, name: &str) -> Self {
        self.player.ignored.metrics.push(name.into());
        self
    }

    /// Plays them all until one makes a difference; then looks for the least that does.
    pub fn check(&self) -> Result<Report, Failure> {
        let plain = self.plain(Host::Emulator)?;
        let (kinds, left_out) = apply::possible(&self.player.scenario, &self.kinds);
        let mut report = Report { left_out, ..Report::default() };
        for kind in kinds.iter().filter(|kind| kind.has_moment()) {
            for request in 0..self.player.scenario.requests.len() {
                let moments = self.at_every_event(*kind, request, &plain)?;
                *(if kind.cuts_off() { &mut report.cuts } else { &mut report.overlaps }) += moments;
            }
        }
        report.drawn = self.draw(Host::Emulator, &kinds, &plain)?;
        Ok(report)
    }

    /// Plays on a real Envoy those that change nothing but data: pieces, orders and latencies. It takes about half a
    /// second for each; nobody gets cut off there, and nothing overlaps.
    pub fn check_on_envoy(&self) -> Result<Report, Failure> {
        let plain = self.plain(Host::Envoy)?;
        let (mut kinds, mut left_out) = apply::possible(&self.player.scenario, &self.kinds);
        kinds.retain(|kind| {
            let data = kind.is_data();
            if !data {
                left_out.push((*kind, "it is played on the emulator only"));
            }
            data
        });
        Ok(Report { drawn: self.draw(Host::Envoy, &kinds, &plain)?, left_out, ..Report::default() })
    }

    /// Plays one variation, such as a failure has printed.
    pub fn replay(&self, variation: &Variation) -> Result<(), Failure> {
        self.compare(Host::Emulator, variation, &self.plain(Host::Emulator)?)
    }

    fn plain(&self, host: Host) -> Result<Visible, Refused> {
        Ok(self.player.play(host, &Variation::default())?.visible)
    }

    fn draw(&self, host: Host, kinds: &[Kind], plain: &Visible) -> Result<usize, Failure> {
        let mut draw = Draw::new(self.seed);
        let mut drawn = 0;
        for _ in 0..self.runs {
            // None is a scenario in which there is nothing of these kinds to change.
            let Some(variation) = draw.variation(&self.player.scenario, kinds) else { break };
            self.compare(host, &variation, plain)?;
            drawn += 1;
        }
        Ok(drawn)
    }

    /// Cuts a request off, or lets the next one begin, after each of its events; how many these were.
    fn at_every_event(&self, kind: Kind, request: usize, plain: &Visible) -> Result<usize, Failure> {
        let mut moments = 0;
        let mut step = 1;
        let mut after = 0;
        loop {
            let mut changes = vec![kind.at(request, after)];
            if kind == Kind::Overlaps && self.player.at_home > 1 {
                // Elsewhere it would meet nothing of the first.
                let worker = request % self.player.at_home;
                changes.push(Change::Worker { request: request + 1, worker });
            }
            let variation = Variation { changes };
            let played = self.player.play(Host::Emulator, &variation)?;
            if !played.reached {
                return Ok(moments);
            }
            moments += 1;
            if !plain.differs(&played.visible, kind.cuts_off()).is_empty() {
                return Err(self.least(Host::Emulator, variation, plain));
            }
            if moments % MOST_MOMENTS == 0 {
                step *= 2;
            }
            after += step;
        }
    }

    fn compare(&self, host: Host, variation: &Variation, plain: &Visible) -> Result<(), Failure> {
        let played = self.player.play(host, variation)?;
        match plain.differs(&played.visible, variation.cuts_off()).is_empty() {
            true => Ok(()),
            false => Err(self.least(host, variation.clone(), plain)),
        }
    }

    fn least(&self, host: Host, variation: Variation, plain: &Visible) -> Failure {
        let differs = |variation: &Variation| {
            let played = self.player.play(host, variation).ok()?;
            let differs = plain.differs(&played.visible, variation.cuts_off());
            (!differs.is_empty()).then_some(differs)
        };
        let variation = shrink::shrink(variation, |smaller| differs(smaller).is_some());
        let differs = differs(&variation).unwrap_or_default();
        let describe = |change| apply::describe(change, &self.player.scenario);
        let text = variation.changes.iter().map(describe).collect();
        Failure::Differs(Box::new(Difference { variation, text, seed: self.seed, differs }))
    }
}
