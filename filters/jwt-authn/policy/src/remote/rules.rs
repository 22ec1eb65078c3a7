//! Rules for fetching and using a document, for keys and revocation lists.

use crate::plan::{From, RemoteSource, RevocationSource};
use tollgate_policy::Duration;

/// Rules for fetching and using a document.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Location of the document.
    pub from: From,
    /// Lifetime of the document.
    pub life: Duration,
    /// Whether `Cache-Control` can shorten the lifetime.
    pub heeds_cache_control: bool,
    /// Number of retries of a fetch.
    pub retries: u32,
    /// Maximum back-off before the first retry.
    pub base_interval: Duration,
    /// Maximum back-off before any retry.
    pub max_interval: Duration,
    /// Delay before the next fetch after a failed one. Doubles after each failure.
    pub failed_refetch: Duration,
    /// Minimum time between two fetches for unknown keys; `None` for no such fetches.
    pub refetch_at_most_every: Option<Duration>,
    /// Time for which an expired document is still used.
    pub stale: Duration,
    /// Maximum size of the document.
    pub max_bytes: usize,
    /// Kind of the document, for [`Self::identity`]. Documents that are parsed differently have different
    /// kinds.
    pub kind: String,
}

const SECOND: Duration = Duration::from_nanos(1_000_000_000);
/// Default timeout. Envoy's `HttpUri.timeout` has no default; Istio resolves keys within 5 s.
const TIMEOUT: Duration = Duration::from_nanos(5_000_000_000);

impl Rules {
    /// Returns the rules for a provider's keys.
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

    /// Returns the rules for a revocation list. It is polled at the configured interval, whatever
    /// `Cache-Control` says.
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

    /// Returns the URL of the document, or the issuer for discovery.
    pub fn place(&self) -> &str {
        match &self.from {
            From::Uri(uri) => &uri.uri,
            From::Discovery { issuer, .. } => issuer,
        }
    }

    /// Returns the time for each response.
    pub fn timeout(&self) -> Duration {
        let given = match &self.from {
            From::Uri(uri) => uri.timeout,
            From::Discovery { discovery, .. } => discovery.timeout,
        };
        given.unwrap_or(TIMEOUT)
    }

    /// Returns the maximum duration of a try.
    fn try_takes(&self) -> u64 {
        let answers = match self.from {
            From::Uri(_) => 1,
            From::Discovery { .. } => 2,
        };
        self.timeout().as_nanos().saturating_mul(answers)
    }

    /// Returns the time that a request may wait for the document: a whole try, and a margin until the worker
    /// notices its end.
    pub fn wait(&self) -> Duration {
        Duration::from_nanos(self.try_takes().saturating_add(SECOND.as_nanos() / 2))
    }

    /// Returns the duration of a lease.
    pub(super) fn lease(&self) -> Duration {
        Duration::from_nanos(self.try_takes().saturating_add(2 * SECOND.as_nanos()))
    }

    /// Returns the longest possible delay of a fetch.
    pub(super) fn longest(&self) -> Duration {
        self.life.max(self.failed_refetch).max(self.max_interval).max(super::RECOVERY)
    }

    /// Returns the key of the document in shared data. Filters with different rules do not share documents,
    /// because each trusts that a shared document was checked by its own rules.
    pub fn identity(&self) -> String {
        let place = match &self.from {
            From::Uri(uri) => format!("{} {}", uri.cluster, uri.uri),
            From::Discovery { issuer, discovery } => {
                // Istio's rules also have clusters by host.
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
