//! How a document is fetched and for how long it is used: one kind of rules for keys and for lists.

use crate::plan::{From, RemoteSource, RevocationSource};
use tollgate_policy::Duration;

/// How a document is fetched and for how long it is used.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Where it is.
    pub from: From,
    /// How long it is fresh.
    pub life: Duration,
    /// Whether `Cache-Control` can make that less.
    pub heeds_cache_control: bool,
    /// How many more times a fetch is tried.
    pub retries: u32,
    /// The longest back-off before the first retry.
    pub base_interval: Duration,
    /// The longest of all.
    pub max_interval: Duration,
    /// How long after a failed fetch the next is tried; doubles.
    pub failed_refetch: Duration,
    /// How often at most it is fetched because something is not in it; `None`: never.
    pub refetch_at_most_every: Option<Duration>,
    /// How long it is used beyond its life.
    pub stale: Duration,
    /// The largest document.
    pub max_bytes: usize,
    /// What tells apart documents that are not read alike.
    pub kind: String,
}

const SECOND: Duration = Duration::from_nanos(1_000_000_000);
/// Envoy's default of `HttpUri.timeout` is none; Istio resolves keys within 5 s.
const TIMEOUT: Duration = Duration::from_nanos(5_000_000_000);

impl Rules {
    /// Those of a provider's keys.
    pub fn of_keys(source: &RemoteSource) -> Self {
        Self {
            from: source.from.clone(),
            life: source.cache_duration,
            heeds_cache_control: true,
            retries: source.num_retries,
            base_interval: source.base_interval,
            max_interval: source.max_interval,
            failed_refetch: source.failed_refetch_duration,
            refetch_at_most_every: source.refetch_on_unknown_kid,
            stale: source.stale_if_error,
            max_bytes: source.max_bytes,
            kind: format!("keys {}", source.max_keys),
        }
    }

    /// Those of a list of what is revoked. It is polled as often as the operator says, whatever its server says.
    pub fn of_revocation(source: &RevocationSource) -> Self {
        Self {
            from: From::Uri(source.uri.clone()),
            life: source.poll_interval,
            heeds_cache_control: false,
            retries: 1,
            base_interval: SECOND,
            max_interval: SECOND,
            failed_refetch: SECOND,
            refetch_at_most_every: None,
            stale: source.stale_if_error,
            max_bytes: source.max_bytes,
            kind: "revoked".into(),
        }
    }

    /// The URL of the document, or of the issuer that says where it is.
    pub fn place(&self) -> &str {
        match &self.from {
            From::Uri(uri) => &uri.uri,
            From::Discovery { issuer, .. } => issuer,
        }
    }

    /// How long each answer is waited for.
    pub fn timeout(&self) -> Duration {
        let given = match &self.from {
            From::Uri(uri) => uri.timeout,
            From::Discovery { discovery, .. } => discovery.timeout,
        };
        given.unwrap_or(TIMEOUT)
    }

    /// How long a try can take.
    fn try_takes(&self) -> u64 {
        let answers = match self.from {
            From::Uri(_) => 1,
            From::Discovery { .. } => 2,
        };
        self.timeout().as_nanos().saturating_mul(answers)
    }

    /// How long a request may wait for the document: a whole try, and a moment for the news of it to come around.
    pub fn wait(&self) -> Duration {
        Duration::from_nanos(self.try_takes().saturating_add(SECOND.as_nanos() / 2))
    }

    /// How long a try belongs to the worker that began it.
    pub(super) fn lease(&self) -> Duration {
        Duration::from_nanos(self.try_takes().saturating_add(2 * SECOND.as_nanos()))
    }

    /// No fetch is ever put off for longer.
    pub(super) fn longest(&self) -> Duration {
        self.life.max(self.failed_refetch).max(self.max_interval).max(super::RECOVERY)
    }

    /// Names the document among all that workers share. Filters whose rules differ do not share, for each trusts what it
    /// finds there to have been judged by its own.
    pub fn identity(&self) -> String {
        let place = match &self.from {
            From::Uri(uri) => format!("{} {}", uri.cluster, uri.uri),
            From::Discovery { issuer, discovery } => {
                // Clusters by host too, if it is one of Istio's rules.
                let mut place = format!("{issuer} {:?}", discovery.cluster);
                if let Some(cluster) = &discovery.jwks_cluster {
                    place += &format!(" keys {cluster:?}");
                }
                if let Some(clusters) = &discovery.clusters {
                    place += " by host";
                    for (host, cluster) in clusters {
                        place += &format!(" {host:?} {cluster:?}");
                    }
                }
                place
            }
        };
        let numbers = [
            self.timeout(),
            self.life,
            self.base_interval,
            self.max_interval,
            self.failed_refetch,
            self.refetch_at_most_every.unwrap_or_default(),
            self.stale,
        ];
        let mut name = format!("{} {place} {} {}", self.kind, self.max_bytes, self.retries);
        for number in numbers {
            name.push(' ');
            name.push_str(&number.as_nanos().to_string());
        }
        name
    }
}
