//! The compiled configuration.

mod compile;
mod parts;
mod rules;

pub use rules::Experiment;
pub(crate) use rules::RuleSet;

use crate::config::{ClientCap, Config, Control, HeaderFaults, Mark, Period};
pub(crate) use compile::Compiler;
use parts::check_order;
use tollgate_counting::rate::{Rate, SlidingWindow};
use tollgate_counting::table::pages_for;
use tollgate_policy::{
    ConfigError, FieldPath, HeaderName, Notation, PathNormalization, UnixNanos, fetch, header_name,
};

/// Maximum number of rules with statistics of their own.
const MAX_STATISTICS: usize = 100;
/// Statistics of other rules, and of those of the control endpoint, whose names are not configured here.
const OTHER: &str = "other";

/// The compiled configuration.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(crate) rules: RuleSet,
    pub(crate) experiments: Vec<Experiment>,
    /// The control endpoint.
    pub control: Option<Control>,
    pub(crate) enabled: bool,
    pub(crate) expires_at: Option<UnixNanos>,
    pub(crate) schedule: Vec<Period>,
    pub(crate) max_active: Option<u32>,
    pub(crate) cap: Option<Cap>,
    pub(crate) max_delay: u64,
    pub(crate) header_faults: HeaderFaults,
    /// Marks of injected faults.
    pub mark: Mark,
    pub(crate) normalization: PathNormalization,
    pub(crate) shadow: bool,
    /// Prefix of the names of statistics.
    pub stat_prefix: String,
    /// Names of rules with statistics. The last one is for all other rules.
    pub statistics: Vec<String>,
    /// Parts of the configuration without an effect.
    pub warnings: Vec<&'static str>,
}

/// Maximum number of faults for each client.
#[derive(Clone, Debug)]
pub(crate) struct Cap {
    pub rate: Rate,
    pub header: Option<HeaderName>,
    pub pages: u32,
}

impl Plan {
    /// Checks and compiles a configuration.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let normalization = one_reading(config.path_normalization);
        let mut compiler = Compiler::new(normalization);
        let place = FieldPath::new("rules");
        let mut rules = compiler.rules(&config.rules, None, &place)?;
        for (index, route) in config.istio.iter().flat_map(|istio| &istio.0).enumerate() {
            let compiled = check_order(&rules).and_then(|()| compiler.istio(route));
            rules.extend(compiled.map_err(|error| error.in_list("istio", index))?);
        }
        let mut warnings = Vec::new();
        let mut max_active = config.max_active_faults;
        if let Some(envoy) = &config.envoy {
            let compiled = check_order(&rules).and_then(|()| compiler.envoy(envoy));
            rules.push(compiled.map_err(|error| error.in_member("envoy"))?);
            max_active = max_active.into_iter().chain(envoy.max_active_faults).min();
            if envoy.names_runtime_keys() {
                warnings.push("`envoy`: runtime keys have no effect, use `control`");
            }
        }
        let mut experiments = Vec::new();
        for (index, experiment) in config.experiments.iter().enumerate() {
            let place = FieldPath::new("experiments").at(index);
            if experiment.faults.is_empty() {
                return Err(place.field("faults").error("the list is empty, expected at least one rule"));
            }
            if config.control.is_none() && experiment.from.is_none() && experiment.until.is_none() {
                return Err(place.error("needs `from`, `until` or a `control` endpoint"));
            }
            let compiled = compiler.experiment(experiment, &place)?;
            if experiments.iter().any(|other: &Experiment| other.name == compiled.name) {
                return Err(place.field("name").error(format_args!("duplicate name `{}`", compiled.name)));
            }
            experiments.push(compiled);
        }
        if rules.is_empty() && experiments.is_empty() && config.control.is_none() {
            let message =
                "no faults, expected at least one of `rules`, `envoy`, `istio`, `experiments`, `control`";
            return Err(ConfigError::here(&message));
        }
        if let Some(control) = &config.control {
            check_control(control, &FieldPath::new("control"))?;
        }
        let cap = config.max_faults_per_client.map(cap).transpose()?;
        if let Some(secret) = &config.header_faults.secret {
            FieldPath::new("header_faults.secret.value").named(&secret.value, "the secret")?;
        }
        Ok(Self {
            rules: RuleSet::new(rules),
            experiments,
            control: config.control,
            enabled: config.enabled,
            expires_at: config.expires_at.map(|time| time.0),
            schedule: config.schedule,
            max_active,
            cap,
            max_delay: config.max_delay.as_nanos(),
            header_faults: config.header_faults,
            mark: config.mark,
            normalization,
            shadow: config.shadow,
            stat_prefix: config.stat_prefix.as_str().into(),
            statistics: compiler.into_statistics(),
            warnings,
        })
    }

    /// Returns the rules for fetching the document of the control endpoint.
    pub fn fetch_rules(control: &Control) -> fetch::Rules {
        fetch::Rules {
            stale: control.max_stale,
            ..fetch::Rules::for_polling("fault control", &control.http_uri, control.interval)
        }
    }

    /// Returns the number of pages that the counts of clients need.
    pub fn pages(&self) -> u32 {
        self.cap.as_ref().map_or(1, |cap| cap.pages)
    }

    /// Returns whether active faults have a maximum, so that workers must count them together.
    pub fn counts_active_faults(&self) -> bool {
        self.max_active.is_some()
    }

    /// Returns the index of the statistics of rules that have none of their own.
    pub(crate) fn other_statistics(&self) -> usize {
        self.statistics.len().saturating_sub(1)
    }
}

/// Prefix of the names of [`HEADERS`].
pub(crate) const PREFIX: &[u8] = b"x-envoy-fault-";
/// Request headers of Envoy's fault filter.
pub(crate) static HEADERS: [HeaderName; 7] = [
    header_name!("x-envoy-fault-abort-request"),
    header_name!("x-envoy-fault-abort-grpc-request"),
    header_name!("x-envoy-fault-abort-request-percentage"),
    header_name!("x-envoy-fault-delay-request"),
    header_name!("x-envoy-fault-delay-request-percentage"),
    header_name!("x-envoy-fault-throughput-response"),
    header_name!("x-envoy-fault-throughput-response-percentage"),
];

/// Returns options with which each path has one reading: its canonical one.
fn one_reading(options: PathNormalization) -> PathNormalization {
    let or = |notation, other| if notation == Notation::Both { other } else { notation };
    PathNormalization {
        dot_segments: or(options.dot_segments, Notation::Normalize),
        duplicate_slashes: or(options.duplicate_slashes, Notation::Normalize),
        escaped_slashes: or(options.escaped_slashes, Notation::Keep),
        backslashes: or(options.backslashes, Notation::Keep),
        path_parameters: or(options.path_parameters, Notation::Keep),
        percent_encoding: or(options.percent_encoding, Notation::Keep),
        invalid_escapes: options.invalid_escapes,
    }
}

fn check_control(control: &Control, place: &FieldPath) -> Result<(), ConfigError> {
    let uri = place.field("http_uri");
    uri.field("cluster").named(&control.http_uri.cluster, "the cluster")?;
    if let Err(what) = control.http_uri.url() {
        return Err(uri.field("uri").error(format_args!("`{}` {what}", control.http_uri.uri.escape_debug())));
    }
    if control.interval.as_nanos() < 1_000_000_000 {
        return Err(place
            .field("interval")
            .error(format_args!("`{}` is too short, expected at least `1s`", control.interval)));
    }
    Ok(())
}

fn cap(cap: ClientCap) -> Result<Cap, ConfigError> {
    let window = cap.per.as_nanos();
    let rate = SlidingWindow::new(cap.faults, window).filter(|_| window >= 1_000_000_000);
    let rate = rate.ok_or_else(|| {
        let message = format_args!("`{}` is not a time from `1s` to a hundred years", cap.per);
        ConfigError::new("max_faults_per_client.per", &message)
    })?;
    Ok(Cap { rate: Rate::SlidingWindow(rate), header: cap.header, pages: pages_for(cap.max_clients) })
}
