//! The same exchange in other ways, which must make no visible difference.
//!
//! A filter may not care in which pieces a body arrives, in which order fields of different names stand, which of two
//! callouts is answered first, on which worker a request lands, or what other request is under way; and a client or an
//! upstream that goes away may leave nothing behind. Nobody writes the test for each of these. [`Variations`] plays a
//! scenario once as it is, then in drawn variations of it, and cut off at every one of its events, and compares what
//! the client, the upstreams and the metrics show. What differs is cut down to the least [`Variation`] that shows it.
//!
//! ```no_run
//! # use tollgate_host_test::{Filter, Request, Scenario, Wasm, variations::Variations};
//! let filter = Filter::new(Wasm::file("filter.wasm"));
//! let scenario = Scenario::new().filter(filter).request(Request::post("/", "a body of some length"));
//! Variations::of(&scenario).seed(7).runs(64).check().unwrap_or_else(|difference| panic!("{difference}"));
//! ```
//!
//! Pieces without bytes are no variation: a codec does not hand them on.

mod apply;
mod change;
mod draw;
mod failure;
mod play;
mod shrink;
mod visible;

pub use change::{Change, Kind, Variation};
pub use failure::{Difference, Differs, Failure, Report};

use crate::{Refused, Scenario};
use draw::Draw;
use visible::{Ignored, Visible};

/// How many variations are drawn unless a test says otherwise.
const RUNS: usize = 64;
/// A scenario of more events than this is not cut off at each of them, but at as many, evenly spread.
const MOST_CUTS: usize = 200;

/// Variations of a scenario, and what of it they may change.
#[derive(Clone, Debug)]
pub struct Variations {
    scenario: Scenario,
    seed: u64,
    runs: usize,
    kinds: Vec<Kind>,
    ignored: Ignored,
}

impl Variations {
    /// Of this scenario, in every way.
    pub fn of(scenario: &Scenario) -> Self {
        Self {
            scenario: apply::whole(scenario),
            seed: 0,
            runs: RUNS,
            kinds: Kind::ALL.to_vec(),
            ignored: Ignored::default(),
        }
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
        self.ignored.headers.push(name.to_ascii_lowercase());
        self
    }

    /// Lets this metric differ.
    pub fn ignoring_metric(mut self, name: &str) -> Self {
        self.ignored.metrics.push(name.into());
        self
    }

    /// Plays them all until one makes a difference; then looks for the least that does.
    pub fn check(&self) -> Result<Report, Failure> {
        let plain = self.plain()?;
        let (kinds, left_out) = apply::possible(&self.scenario, &self.kinds);
        let mut report = Report { drawn: 0, cuts: 0, left_out };
        for kind in kinds.iter().filter(|kind| kind.cuts_off()) {
            for request in 0..self.scenario.requests.len() {
                report.cuts += self.cut_everywhere(*kind, request, &plain)?;
            }
        }
        let mut draw = Draw::new(self.seed);
        for _ in 0..self.runs {
            let variation = draw.variation(&self.scenario, &kinds);
            self.compare(&variation, &plain)?;
            report.drawn += 1;
        }
        Ok(report)
    }

    /// Plays one variation, such as a failure has printed.
    pub fn replay(&self, variation: &Variation) -> Result<(), Failure> {
        self.compare(variation, &self.plain()?)
    }

    fn plain(&self) -> Result<Visible, Refused> {
        Ok(play::play(&self.scenario, &Variation::default(), &self.ignored)?.visible)
    }

    /// Cuts a request off after each of its events; how many these were.
    fn cut_everywhere(&self, kind: Kind, request: usize, plain: &Visible) -> Result<usize, Failure> {
        let mut cuts = 0;
        let mut step = 1;
        let mut after = 0;
        loop {
            let variation = Variation::new([kind.cut(request, after)]);
            let played = play::play(&self.scenario, &variation, &self.ignored)?;
            if !played.cut {
                return Ok(cuts);
            }
            cuts += 1;
            if !plain.differs(&played.visible, true).is_empty() {
                return Err(self.least(variation, plain));
            }
            if cuts % MOST_CUTS == 0 {
                step *= 2;
            }
            after += step;
        }
    }

    fn compare(&self, variation: &Variation, plain: &Visible) -> Result<(), Failure> {
        let played = play::play(&self.scenario, variation, &self.ignored)?;
        match plain.differs(&played.visible, variation.cuts_off()).is_empty() {
            true => Ok(()),
            false => Err(self.least(variation.clone(), plain)),
        }
    }

    fn least(&self, variation: Variation, plain: &Visible) -> Failure {
        let differs = |variation: &Variation| {
            let played = play::play(&self.scenario, variation, &self.ignored).ok()?;
            let differs = plain.differs(&played.visible, variation.cuts_off());
            (!differs.is_empty()).then_some(differs)
        };
        let variation = shrink::shrink(variation, |smaller| differs(smaller).is_some());
        let differs = differs(&variation).unwrap_or_default();
        let text = variation.changes.iter().map(|change| apply::describe(change, &self.scenario)).collect();
        Failure::Differs(Box::new(Difference { variation, text, seed: self.seed, differs }))
    }
}
