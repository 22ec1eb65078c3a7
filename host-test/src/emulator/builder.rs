//! Configures an emulator before it loads its filters.

use super::faults::{Effect, Fault, Which};
use super::linking::Code;
use super::random::Random;
use super::start::codes;
use super::world::{UpstreamState, World};
use super::{Emulator, PATIENCE};
use crate::scenario::Turns;
use crate::{Refused, Response, Route, Scenario, Upstream, VirtualHost};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// Configures an emulator before it loads its filters. Created by [`Emulator::builder`].
#[derive(Debug)]
pub struct Builder {
    world: Box<World>,
}

impl Builder {
    /// Makes host calls of this name fail, including those made while the filters load.
    pub fn fault(mut self, call: &str, which: Which, effect: Effect) -> Self {
        self.world.faults.add(Fault::Call { name: call.into(), which, effect });
        self
    }

    /// Adds faults to the fault plan.
    pub fn faults(mut self, plan: impl IntoIterator<Item = Fault>) -> Self {
        plan.into_iter().for_each(|fault| self.world.faults.add(fault));
        self
    }

    /// Counts instructions; read them with [`Emulator::costs`]. The module is compiled a second time for
    /// this, and runs a little slower.
    pub fn metered(mut self) -> Self {
        self.world.meters.metered = true;
        self
    }

    /// Stops a callback that executes more than `most` instructions, so that an endless loop ends at the same
    /// point in every run. Turns on instruction counting.
    pub fn instructions(mut self, most: u64) -> Self {
        self.world.meters.limit = Some(most);
        self.metered()
    }

    /// Keeps the last `calls` host calls instead of the default 65,536. With 0, nothing is traced, traps do
    /// not list the host calls before them, and everything runs faster.
    pub fn keep_calls(mut self, calls: usize) -> Self {
        self.world.trace.keep(calls);
        self
    }

    /// Sets the seed of all randomness: the bytes of `random_get` and the ids that the proxy generates. Runs
    /// with equal seeds are equal.
    pub fn seed(mut self, seed: u64) -> Self {
        self.world.random = Random::new(seed);
        self
    }

    /// Sets the time at which the virtual clock starts, since 1970. The default is 2026-01-01T00:00:00Z.
    pub fn start_time(mut self, since_1970: Duration) -> Self {
        self.world.clock.set_start(u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX));
        self
    }

    /// Limits how long a callback may run, in wall-clock time, before it counts as an endless loop. The
    /// default is 10 seconds.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.world.patience = patience;
        self
    }

    /// Loads the filters and returns the running emulator.
    ///
    /// # Errors
    ///
    /// The reason why the configuration was rejected, in Envoy's words, and the log lines so far.
    pub fn start(mut self) -> Result<Emulator, Refused> {
        let no_logs = |reason| Refused { reason, logs: Vec::new() };
        if let Some(native) = self.world.scenario.native_filters.first() {
            let why =
                format!("`{}` is a native Envoy filter; run this scenario on `Host::Envoy`", native.name);
            return Err(no_logs(why));
        }
        if self.world.scenario.requests.iter().any(|request| request.http2) {
            let why = "the emulator has no HTTP/2 clients; run this scenario on `Host::Envoy`";
            return Err(no_logs(why.into()));
        }
        self.world.meters.metered |= self.world.faults.count_instructions();
        let codes = codes(&self.world.scenario, self.world.meters.metering()).map_err(no_logs)?;
        let mut emulator = self.start_first(&codes)?;
        for thread in 1..=emulator.world.workers {
            if let Err(reason) = emulator.load_on(thread, &codes) {
                return Err(Refused { reason, logs: emulator.world.logs });
            }
        }
        Ok(emulator)
    }

    /// Loads the filters in canary VMs and on the main thread.
    pub(crate) fn start_first(mut self, codes: &[Arc<Code>]) -> Result<Emulator, Refused> {
        let world = &mut self.world;
        world.settings = world.scenario.settings.clone();
        let mut upstreams = world.scenario.upstreams.clone();
        if upstreams.is_empty() {
            upstreams.push(Upstream::replies("upstream", Response::new(200).chunk("ok")));
        }
        if world.settings.virtual_hosts.is_empty() {
            let catch_all = Route::to("/", &upstreams[0].name);
            world.settings.virtual_hosts = vec![VirtualHost::new("any", &["*"]).route(catch_all)];
        }
        world.upstreams = upstreams
            .into_iter()
            .map(|spec| UpstreamState {
                spec,
                turns: Turns::default(),
                received: Vec::new(),
                called: Vec::new(),
                idle: BTreeMap::new(),
                http2: BTreeSet::new(),
            })
            .collect();
        world.workers = world.settings.workers.max(1);
        let mut emulator = Emulator { world: self.world };
        match emulator.load_first(codes) {
            Ok(()) => Ok(emulator),
            Err(reason) => Err(Refused { reason, logs: emulator.world.logs }),
        }
    }
}

impl Emulator {
    /// Creates an emulator with the default options and loads the filters of a scenario.
    pub fn new(scenario: &Scenario) -> Result<Self, Refused> {
        Self::builder(scenario).start()
    }

    /// Returns a builder that sets options before the filters are loaded.
    pub fn builder(scenario: &Scenario) -> Builder {
        let world = World { scenario: scenario.clone(), patience: PATIENCE, ..World::default() };
        Builder { world: Box::new(world) }
    }
}
