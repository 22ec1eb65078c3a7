//! Experiments, and the endpoint that controls them.

use super::{RuleConfig, Timestamp};
use tollgate_policy::{Config, Duration, HttpUri};

/// An experiment: rules that apply for a time.
#[derive(Clone, Debug, Config)]
pub struct ExperimentConfig {
    /// Name.
    pub name: String,
    /// Time at which it begins, such as `2026-12-24T18:00:00Z`. Default: at once.
    pub from: Option<Timestamp>,
    /// Time at which it ends. Default: never.
    pub until: Option<Timestamp>,
    /// Rules, which take precedence over the rules of the filter. In the document of a control endpoint, an
    /// experiment without `faults` is the one of this name in the configuration; an unknown one is skipped.
    #[config(default)]
    pub faults: Vec<RuleConfig>,
}

/// Endpoint with a JSON document: `{"enabled": true, "experiments": [{"name": ".."}]}`. With
/// `enabled: false`, the filter injects no faults, and ends delays that have begun. The experiments of the
/// document run, and those of the configuration only if the document names them.
#[derive(Clone, Debug, Config)]
pub struct Control {
    /// Location of the document.
    pub http_uri: HttpUri,
    /// Interval of the requests, at least `1s`. Default: `5s`.
    #[config(default = Duration::from_secs(5))]
    pub interval: Duration,
    /// Time for which the last document is used after a failed request. Default: `30s`.
    #[config(default = Duration::from_secs(30))]
    pub max_stale: Duration,
    /// Handling of requests while there is no document. Default: `stop`.
    #[config(default)]
    pub on_missing: OnMissing,
}

/// Handling of requests while there is no document of the control endpoint.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum OnMissing {
    /// Inject no faults.
    #[default]
    Stop,
    /// Inject the faults of the rules, and run no experiment. If the last document stopped all faults, inject
    /// none.
    Continue,
}
