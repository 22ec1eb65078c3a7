//! The configuration as the operator writes it.

mod delay;
mod experiment;
mod fault;
mod limits;
mod rule;
mod time;

pub(crate) use delay::fixed_delay;
pub use delay::{
    DelayConfig, Exponential, FromHeader, Interpolation, Normal, Pareto, Percentile, Percentiles, TimeConfig,
    Uniform,
};
pub use experiment::{Control, ExperimentConfig, OnMissing};
pub use fault::{
    AbortConfig, HeaderToAdd, HeaderToSet, HttpStatus, ReplyConfig, ResetConfig, ResponseConfig,
};
pub use limits::{ClientCap, HeaderFaults, Mark, Secret};
pub use rule::{Combine, Draw, DrawBy, RuleConfig, SourceMatch};
pub use time::{Day, Period, TimeOfDay, Timestamp};

use crate::envoy::HttpFault;
use crate::istio::Istio;
use tollgate_policy::{Duration, PathNormalization, StatPrefix};

/// Configuration of the fault filter. A request gets the faults of the first rule that matches it: of the
/// experiments that are active, of `rules`, of `istio` and of `envoy`, in this order.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default, instead = [
    ("delay", "use `rules` with `delay`, or `envoy` for the configuration of Envoy's filter"),
    ("abort", "use `rules` with `abort`, or `envoy` for the configuration of Envoy's filter"),
    ("faults", "use `rules`"),
    ("on_error", "not supported: a request for which the filter cannot decide gets no fault"),
])]
pub struct Config {
    /// Rules, in order.
    pub rules: Vec<RuleConfig>,
    /// Configuration of Envoy's fault filter (`HTTPFault`), unchanged.
    pub envoy: Option<HttpFault>,
    /// Istio's `HTTPFaultInjection`, unchanged, or a list of routes with `match` and `fault`.
    pub istio: Option<Istio>,
    /// Experiments, which run in their time, or when the control endpoint names them.
    pub experiments: Vec<ExperimentConfig>,
    /// Endpoint with the kill switch and the experiments to run.
    pub control: Option<Control>,
    /// Whether the filter injects faults. Default: `true`.
    pub enabled: bool,
    /// Time after which the filter injects no faults, such as `2026-12-24T18:00:00Z`.
    pub expires_at: Option<Timestamp>,
    /// Times of the week at which the filter injects faults. Default: always.
    pub schedule: Vec<Period>,
    /// Maximum number of active faults, over all workers. A delay of a request or of its response is active
    /// from the request until it ends; a response rate limit until the response ends. Other faults need a
    /// free slot, but do not keep it. Default: no maximum.
    pub max_active_faults: Option<u32>,
    /// Maximum number of faults for each client. Default: no maximum.
    pub max_faults_per_client: Option<ClientCap>,
    /// Maximum delay by a distribution or a header. Default: `1m`.
    pub max_delay: Duration,
    /// Conditions for faults by request headers.
    pub header_faults: HeaderFaults,
    /// Marks of injected faults.
    pub mark: Mark,
    /// Reading of the paths that rules match. Of `both`, dot segments and repeated slashes are resolved, and
    /// other notations are kept. A path that cannot be read is matched as it is.
    pub path_normalization: PathNormalization,
    /// Shadow mode: count the faults and inject none. Default: `false`.
    pub shadow: bool,
    /// Prefix for the names of statistics, after the name of the filter. Default: none.
    pub stat_prefix: StatPrefix,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            envoy: None,
            istio: None,
            experiments: Vec::new(),
            control: None,
            enabled: true,
            expires_at: None,
            schedule: Vec::new(),
            max_active_faults: None,
            max_faults_per_client: None,
            max_delay: Duration::from_secs(60),
            header_faults: HeaderFaults::default(),
            mark: Mark::default(),
            path_normalization: PathNormalization::default(),
            shadow: false,
            stat_prefix: StatPrefix::default(),
        }
    }
}
