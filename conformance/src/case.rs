//! A case, and the sheet of those that share a proxy.

use crate::script::{Step, entry};
use tollgate_host_test::{Answer, FailurePolicy, Request, Settings};

/// What is done in which callback of which filter (by its place in the chain).
pub type Scripts = Vec<(usize, &'static str, Vec<Step>)>;

/// One behaviour: what the probe does while requests pass. What both hosts then show must be the same.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique in the table. The requests are for the path of this name.
    pub name: String,
    /// What Envoy does, in a sentence.
    pub says: String,
    /// What the filters do.
    pub scripts: Scripts,
    /// One after the other; none for a case of what happens without one. Of their paths only the query counts.
    pub requests: Vec<Request>,
    /// What upstreams answer to requests for this case's path, by the upstream's name.
    pub answers: Vec<(&'static str, Vec<Answer>)>,
    /// Several threads log, in whatever order: the lines are sorted.
    pub unordered: bool,
    /// Why the hosts may differ, if they may.
    pub differs: Option<Differs>,
}

/// A difference between the hosts that is known.
#[derive(Clone, Copy, Debug)]
pub struct Differs {
    /// Why it is left.
    pub reason: &'static str,
    /// The versions of Envoy it holds for, as beginnings (`1.36`); empty for all.
    pub versions: &'static [&'static str],
}

impl Case {
    /// A case with one `GET`.
    pub fn new(name: impl Into<String>, says: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            says: says.into(),
            scripts: Vec::new(),
            requests: vec![Request::get("/")],
            answers: Vec::new(),
            unordered: false,
            differs: None,
        }
    }

    /// What the first filter does in a callback, by its name without `proxy_on_`.
    pub fn on(self, callback: &'static str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.on_filter(0, callback, steps)
    }

    /// The same for any filter. What it does already comes first.
    pub fn on_filter(
        mut self,
        filter: usize,
        callback: &'static str,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        let own = self.scripts.iter_mut().find(|(at, name, _)| *at == filter && *name == callback);
        match own {
            Some((.., script)) => script.extend(steps),
            None => self.scripts.push((filter, callback, steps.into_iter().collect())),
        }
        self
    }

    /// Takes the time that the upstream took out of the response, of which not even the length is the same twice.
    pub fn without_latency(mut self) -> Self {
        let remove = crate::script::calls::remove(2, "x-envoy-upstream-service-time");
        let of_response = |(filter, callback, _): &&mut (usize, &str, Vec<Step>)| {
            *filter == 0 && *callback == "response_headers"
        };
        match self.scripts.iter_mut().find(of_response) {
            Some((.., steps)) => steps.insert(0, remove),
            None => self.scripts.push((0, "response_headers", vec![remove])),
        }
        self
    }

    /// Tells of these callbacks of the first filter that they are called.
    pub fn shows(self, callbacks: &[&'static str]) -> Self {
        callbacks.iter().fold(self, |case, callback| case.on(callback, []))
    }

    /// Sends this in place of the `GET`.
    pub fn request(mut self, request: Request) -> Self {
        self.requests = vec![request];
        self
    }

    /// Sends these in place of the `GET`.
    pub fn requests(mut self, requests: impl IntoIterator<Item = Request>) -> Self {
        self.requests = requests.into_iter().collect();
        self
    }

    /// No request: what the filters do by themselves.
    pub fn alone(self) -> Self {
        self.requests([])
    }

    /// What an upstream answers to this case's requests, in turn.
    pub fn answer(mut self, upstream: &'static str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.push((upstream, answers.into_iter().collect()));
        self
    }

    /// Takes the lines in any order.
    pub fn unordered(mut self) -> Self {
        self.unordered = true;
        self
    }

    /// Lists a difference.
    pub fn differs(mut self, reason: &'static str, versions: &'static [&'static str]) -> Self {
        self.differs = Some(Differs { reason, versions });
        self
    }

    /// What the probe knows it by: the path of its requests.
    pub fn key(&self) -> String {
        if self.requests.is_empty() { String::new() } else { format!("/{}", self.name) }
    }
}

/// A filter of a sheet.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// `PluginConfig.name`.
    pub name: &'static str,
    /// `PluginConfig.root_id`.
    pub root_id: &'static str,
    /// `VmConfig.vm_id`.
    pub vm_id: &'static str,
    /// `VmConfig.configuration`: scripts for what comes before the plugin's configuration has.
    pub vm_configuration: Vec<u8>,
    /// `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicy,
    /// `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// `VmConfig.environment_variables`.
    pub environment: &'static [(&'static str, &'static str)],
}

impl Loaded {
    /// A probe with Envoy's defaults.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            root_id: "",
            vm_id: "",
            vm_configuration: Vec::new(),
            failure_policy: FailurePolicy::FailClosed,
            allow_on_headers_stop_iteration: false,
            environment: &[],
        }
    }

    /// What its root context does in callbacks that come before its configuration has.
    pub fn early(mut self, callback: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.vm_configuration.extend(entry("", callback, &steps.into_iter().collect::<Vec<_>>()));
        self
    }

    /// With another `failure_policy`.
    pub fn policy(self, failure_policy: FailurePolicy) -> Self {
        Self { failure_policy, ..self }
    }

    /// With `allow_on_headers_stop_iteration`.
    pub fn really_stops(self) -> Self {
        Self { allow_on_headers_stop_iteration: true, ..self }
    }
}

/// Cases that share a proxy. They come in this order, so one that ends the VM comes last.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name.
    pub name: &'static str,
    /// The probes in the chain.
    pub filters: Vec<Loaded>,
    /// The proxy's settings.
    pub settings: Settings,
    /// The cases.
    pub cases: Vec<Case>,
    /// Whether the probe imports what hosts have had of WASI since Envoy 1.37.
    pub newer_wasi: bool,
}

impl Sheet {
    /// One probe, and Envoy's defaults.
    pub fn new(name: &'static str, cases: Vec<Case>) -> Self {
        let settings = Settings { generate_request_id: false, ..Settings::default() };
        Self { name, filters: vec![Loaded::new("probe")], settings, cases, newer_wasi: false }
    }

    /// With these filters.
    pub fn filters(mut self, filters: Vec<Loaded>) -> Self {
        self.filters = filters;
        self
    }

    /// With a probe that imports what hosts have had of WASI since Envoy 1.37.
    pub fn newer_wasi(mut self) -> Self {
        self.newer_wasi = true;
        self
    }

    /// With other settings.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }
}
