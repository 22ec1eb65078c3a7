//! The configuration as the operator writes it. Fields that Envoy's adaptive concurrency and admission
//! control also have are named as there
//! (`envoy/extensions/filters/http/{adaptive_concurrency,admission_control}/v3`).

mod adaptive;
mod admin;
mod breaker;
mod key;
mod outcome;
mod response;

pub use adaptive::{AdmissionControl, Concurrency, MinRtt};
pub use admin::{Admin, Secret};
pub use breaker::{Breaker, Fallback, HalfOpen, Mode, Open, SlowRequests, Window};
pub use key::{Empty, KeyPart, NamedPart};
pub use outcome::{Failures, Ignored};
pub use response::{HeaderToAdd, Response};

use tollgate_policy::{Named, OnError, PathNormalization, RequestMatch, StatPrefix, Status};

/// Configuration of the circuit breaker filter.
#[derive(Clone, Debug, tollgate_policy::Config)]
#[config(default, instead = [
    ("failure_rate", IN_BREAKER),
    ("window", IN_BREAKER),
    ("consecutive_failures", IN_BREAKER),
    ("gradient_controller_config", "use the `concurrency` of a breaker"),
    ("success_criteria", "use the `failures` of a breaker"),
    ("sr_threshold", "use the `admission_control` of a breaker"),
    ("thresholds", "limits of Envoy's clusters belong to `circuit_breakers` of the cluster"),
])]
pub struct Config {
    /// Name of this set of breakers in shared memory. Two filters of one Envoy share breakers if the domain,
    /// the name, the key, the numbers and the shadow mode of a breaker are the same. Letters, digits and
    /// `_-./:`. Default: `tollgate`.
    pub domain: String,
    /// Breakers, by name. A name has up to 64 letters, digits and `_-`.
    pub breakers: Named<Breaker>,
    /// Rules that select the breakers for a request. The first rule that matches decides. A request that no
    /// rule matches passes. Without rules, every breaker applies to every request.
    pub rules: Vec<Rule>,
    /// Readings of a path that servers can read in several ways, for `rules`. By default, all of them.
    pub path_normalization: PathNormalization,
    /// Response to rejected requests.
    pub response: Response,
    /// Path on which operators read and force the states. Default: none.
    pub admin: Option<Admin>,
    /// Number of keys with a state, of all breakers, from the number of breakers to 65536. With more keys,
    /// closed breakers that were not used for the longest time are evicted, which is counted. Default: 1024.
    #[config(range = 1..=65_536)]
    pub max_keys: u32,
    /// Shadow mode: allow and count the requests that the filter would reject. Default: `false`.
    pub shadow: bool,
    /// Handling of a request that the filter cannot decide. Default: `allow`, because a breaker that does not
    /// work must not cause an outage itself.
    pub on_error: OnError,
    /// Status of a request that is rejected because the filter cannot decide. Default: 503.
    pub status_on_error: Status,
    /// Prefix for the names of statistics, after the name of the filter. Default: none.
    pub stat_prefix: StatPrefix,
}

const IN_BREAKER: &str = "move it to a breaker: `breakers: {<name>: {..}}`";

impl Default for Config {
    fn default() -> Self {
        Self {
            domain: "tollgate".into(),
            breakers: Named::default(),
            rules: Vec::new(),
            path_normalization: PathNormalization::default(),
            response: Response::default(),
            admin: None,
            max_keys: 1024,
            shadow: false,
            on_error: OnError::Allow,
            status_on_error: Status { code: 503 },
            stat_prefix: StatPrefix::default(),
        }
    }
}

/// Selects the breakers for some requests.
#[derive(Clone, Debug, Default, tollgate_policy::Config)]
pub struct Rule {
    /// Requests that the rule matches. Default: all.
    #[config(default, rename = "match")]
    pub condition: RequestMatch,
    /// Names of the breakers for these requests, in the order in which they are checked. With `[]` the
    /// requests pass.
    pub breakers: Vec<String>,
}
