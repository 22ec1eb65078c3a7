//! A test case, and the sheet of cases that share a proxy.

use crate::script::{Step, entry};
use tollgate_host_test::{Answer, FailurePolicy, Request, Settings};

/// Header that [`Case::without_latency`] removes.
pub const LATENCY: &str = "x-envoy-upstream-service-time";

/// Steps per filter (by its position in the chain) and callback.
pub type Scripts = Vec<(usize, &'static str, Vec<Step>)>;

/// A behaviour of Envoy: host calls of the probe while requests pass. Both hosts must show the same.
#[derive(Clone, Debug)]
pub struct Case {
    /// Unique name. The requests use it as their path.
    pub name: String,
    /// Envoy's behaviour, in one sentence.
    pub title: String,
    /// Steps of the filters.
    pub scripts: Scripts,
    /// Requests, sent one after the other. Empty for a case that needs none. Their paths follow the name of
    /// the case. The probe knows only that name, so it makes no calls for a longer path.
    pub requests: Vec<Request>,
    /// Answers of the upstreams to requests for this case's path, by upstream name.
    pub answers: Vec<(&'static str, Vec<Answer>)>,
    /// Sort the log lines, because several threads log in any order.
    pub unordered: bool,
    /// The known difference between the hosts, if there is one.
    pub differs: Option<Differs>,
}

/// A known difference between the hosts.
#[derive(Clone, Copy, Debug)]
pub struct Differs {
    /// Behaviour of the affected versions of Envoy, as a sentence without its subject. If all versions
    /// are affected, a whole sentence.
    pub reason: &'static str,
    /// Affected Envoy versions, as prefixes (`1.36`). Empty for all versions.
    pub versions: &'static [&'static str],
}

impl Case {
    /// Creates a case with one `GET`.
    pub fn new(name: impl Into<String>, title: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            title: title.into(),
            scripts: Vec::new(),
            requests: vec![Request::get("/")],
            answers: Vec::new(),
            unordered: false,
            differs: None,
        }
    }

    /// Adds steps to a callback of the first filter. The callback's name omits `proxy_on_`.
    pub fn on(self, callback: &'static str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.on_filter(0, callback, steps)
    }

    /// Adds steps to a callback of any filter, after the steps that it already has.
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

    /// Removes the upstream's response time from the response. Not even its length is the same in two runs.
    pub fn without_latency(mut self) -> Self {
        let remove = crate::script::calls::remove(2, LATENCY);
        let of_response = |(filter, callback, _): &&mut (usize, &str, Vec<Step>)| {
            *filter == 0 && *callback == "response_headers"
        };
        match self.scripts.iter_mut().find(of_response) {
            Some((.., steps)) => steps.insert(0, remove),
            None => self.scripts.push((0, "response_headers", vec![remove])),
        }
        self
    }

    /// Logs calls of these callbacks of the first filter.
    pub fn shows(self, callbacks: &[&'static str]) -> Self {
        callbacks.iter().fold(self, |case, callback| case.on(callback, []))
    }

    /// Sends this request instead of the `GET`.
    pub fn request(mut self, request: Request) -> Self {
        self.requests = vec![request];
        self
    }

    /// Sends these requests instead of the `GET`.
    pub fn requests(mut self, requests: impl IntoIterator<Item = Request>) -> Self {
        self.requests = requests.into_iter().collect();
        self
    }

    /// Sends no request, for cases about what filters do without one.
    pub fn alone(self) -> Self {
        self.requests([])
    }

    /// Sets the answers of an upstream to this case's requests, in order.
    pub fn answer(mut self, upstream: &'static str, answers: impl IntoIterator<Item = Answer>) -> Self {
        self.answers.push((upstream, answers.into_iter().collect()));
        self
    }

    /// Compares the log lines in any order.
    pub fn unordered(mut self) -> Self {
        self.unordered = true;
        self
    }

    /// Lists a known difference.
    pub fn differs(mut self, reason: &'static str, versions: &'static [&'static str]) -> Self {
        self.differs = Some(Differs { reason, versions });
        self
    }

    /// Returns the key of the case in the probe's configuration: the path of its requests.
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
    /// `VmConfig.configuration`: scripts for callbacks that run before the plugin is configured.
    pub vm_configuration: Vec<u8>,
    /// `PluginConfig.failure_policy`.
    pub failure_policy: FailurePolicy,
    /// `PluginConfig.allow_on_headers_stop_iteration`.
    pub allow_on_headers_stop_iteration: bool,
    /// `VmConfig.environment_variables`.
    pub environment: &'static [(&'static str, &'static str)],
}

impl Loaded {
    /// Creates a probe with Envoy's defaults.
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

    /// Adds steps to a callback of the root context that runs before the plugin is configured.
    pub fn early(mut self, callback: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        self.vm_configuration.extend(entry("", callback, &steps.into_iter().collect::<Vec<_>>()));
        self
    }

    /// Sets `failure_policy`.
    pub fn policy(self, failure_policy: FailurePolicy) -> Self {
        Self { failure_policy, ..self }
    }

    /// Sets `allow_on_headers_stop_iteration`.
    pub fn with_headers_stop_iteration(self) -> Self {
        Self { allow_on_headers_stop_iteration: true, ..self }
    }
}

/// Cases that share a proxy, in this order. A case that ends the VM must be the last one.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Name of the sheet.
    pub name: &'static str,
    /// The probes in the chain.
    pub filters: Vec<Loaded>,
    /// Settings of the proxy.
    pub settings: Settings,
    /// The cases.
    pub cases: Vec<Case>,
    /// Whether the probe imports the WASI calls that Envoy added in 1.37.
    pub newer_wasi: bool,
}

impl Sheet {
    /// Creates a sheet with one probe and Envoy's defaults.
    pub fn new(name: &'static str, cases: Vec<Case>) -> Self {
        let settings = Settings { generate_request_id: false, ..Settings::default() };
        Self { name, filters: vec![Loaded::new("probe")], settings, cases, newer_wasi: false }
    }

    /// Sets the filters.
    pub fn filters(mut self, filters: Vec<Loaded>) -> Self {
        self.filters = filters;
        self
    }

    /// Uses a probe that imports the WASI calls that Envoy added in 1.37.
    pub fn newer_wasi(mut self) -> Self {
        self.newer_wasi = true;
        self
    }

    /// Changes the settings.
    pub fn settings(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(&mut self.settings);
        self
    }
}
