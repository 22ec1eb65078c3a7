//! Runs a scenario in many equivalent variations, and checks that the result stays the same.
//!
//! The result of a filter must not depend on the pieces in which a body arrives, on the order of fields with
//! different names, on which of two callouts completes first, on the worker that handles a request, or on
//! other requests in flight. A client or an upstream that disconnects must not leak anything. Few authors
//! write a test for each of these. [`Variations`] first runs the scenario unchanged. It then aborts each
//! request after every one of its events, starts the next request after every one of them, and tries random
//! variations. It compares what clients and upstreams receive, and the metrics. A difference is reduced to
//! the smallest [`Variation`] that shows it.
//!
//! ```no_run
//! # use tollgate_host_test::{Filter, Request, Scenario, Wasm, variations::Variations};
//! let filter = Filter::new(Wasm::file("filter.wasm"));
//! let scenario = Scenario::new().filter(filter).request(Request::post("/", "a body of some length"));
//! Variations::of(&scenario).seed(7).runs(64).check().unwrap_or_else(|difference| panic!("{difference}"));
//! ```
//!
//! This runs on the emulator, which can stop a request between two events and has a virtual clock.
//! [`Variations::check_on_envoy`] runs the variations that are possible on a real Envoy. For TCP connections,
//! only the pieces that either end sends vary. Empty pieces are not used, because codecs drop them.

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

/// Default number of random variations.
const RUNS: usize = 64;
/// After this many events of a request, tries only every second event; after as many more, every fourth.
const MAX_MOMENTS: usize = 200;

/// Checks that variations of a scenario do not change its result.
#[derive(Clone, Debug)]
pub struct Variations {
    player: Player,
    seed: u64,
    runs: usize,
    kinds: Vec<Kind>,
}

impl Variations {
    /// Varies this scenario in all [kinds](Kind) of ways.
    pub fn of(scenario: &Scenario) -> Self {
        let player = Player {
            scenario: apply::whole(scenario),
            base_workers: scenario.settings.workers.max(1),
            ignored: Ignored::default(),
        };
        Self { player, seed: 0, runs: RUNS, kinds: Kind::ALL.to_vec() }
    }

    /// Sets the seed of the random variations. The default is 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets the number of random variations. The default is 64. Runs that abort or overlap a request at every
    /// event are not included in it.
    pub fn runs(mut self, runs: usize) -> Self {
        self.runs = runs;
        self
    }

    /// Leaves out a kind of variation, for a filter whose result may depend on it. Example: a rate limit
    /// depends on [`Kind::Overlaps`].
    pub fn without(mut self, kind: Kind) -> Self {
        self.kinds.retain(|k| *k != kind);
        self
    }

    /// Ignores the values of this header, for example because they are random or contain a time. The number
    /// of fields is still compared.
    pub fn ignoring_header(mut self, name: &str) -> Self {
        self.player.ignored.headers.push(name.to_ascii_lowercase());
        self
    }

    /// Ignores the value of this metric.
    pub fn ignoring_metric(mut self, name: &str) -> Self {
        self.player.ignored.metrics.push(name.into());
        self
    }

    /// Runs all variations on the emulator until one changes the result.
    ///
    /// # Errors
    /// The smallest variation found that changes the result, or the proxy's reason for rejecting the filters.
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

    /// Runs the variations that change only data (pieces, orders and latencies) on a real Envoy. Each takes
    /// about half a second. Requests are not aborted, and do not overlap.
    ///
    /// # Errors
    /// As [`Variations::check`].
    pub fn check_on_envoy(&self) -> Result<Report, Failure> {
        let plain = self.plain(Host::Envoy)?;
        let (mut kinds, mut left_out) = apply::possible(&self.player.scenario, &self.kinds);
        kinds.retain(|kind| {
            let data = kind.is_data();
            if !data {
                left_out.push((*kind, "only possible on the emulator"));
            }
            data
        });
        Ok(Report { drawn: self.draw(Host::Envoy, &kinds, &plain)?, left_out, ..Report::default() })
    }

    /// Runs one variation, for example one that a failure has printed.
    ///
    /// # Errors
    /// As [`Variations::check`].
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
            // `None`: the scenario has nothing that these kinds can change.
            let Some(variation) = draw.variation(&self.player.scenario, kinds) else { break };
            self.compare(host, &variation, plain)?;
            drawn += 1;
        }
        Ok(drawn)
    }

    /// Aborts a request, or starts the next one, after each of its events. Returns the number of events.
    fn at_every_event(&self, kind: Kind, request: usize, plain: &Visible) -> Result<usize, Failure> {
        let mut moments = 0;
        let mut step = 1;
        let mut after = 0;
        loop {
            let mut changes = vec![kind.at(request, after)];
            if kind == Kind::Overlaps && self.player.base_workers > 1 {
                // Only requests on the same worker can interfere.
                let worker = request % self.player.base_workers;
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
            if moments % MAX_MOMENTS == 0 {
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
