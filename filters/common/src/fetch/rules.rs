//! Rules for fetching and using a document.

use crate::{Duration, HeaderName, HttpUri};

/// Rules for fetching and using a document.
#[derive(Clone, Debug)]
pub struct Rules {
    /// Name of the document in shared data, with its location. Documents that are parsed differently have
    /// different names.
    pub name: String,
    /// Time for each response.
    pub timeout: Duration,
    /// Maximum number of requests of a try.
    pub requests: u32,
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
    /// Minimum time between two fetches that requests trigger; `None` for no such fetches.
    pub refetch_at_most_every: Option<Duration>,
    /// Time for which an expired document is still used.
    pub stale: Duration,
    /// Maximum size of the document.
    pub max_bytes: usize,
    /// Headers of each request. They replace others of the same name, such as `user-agent`.
    pub headers: Vec<(HeaderName, String)>,
}

const SECOND: Duration = Duration::from_secs(1);

impl Rules {
    /// Default time for a response. Envoy's `HttpUri.timeout` has no default; Istio resolves keys within 5 s.
    pub const TIMEOUT: Duration = Duration::from_secs(5);

    /// Returns rules for a document that is fetched at an interval, whatever `Cache-Control` says: one retry
    /// after at most 1 s, at most 1 MiB, and in use for an hour after the last successful fetch. `kind`
    /// distinguishes documents that are parsed differently.
    pub fn for_polling(kind: &str, uri: &HttpUri, interval: Duration) -> Self {
        Self {
            name: format!("{kind} {} {}", uri.cluster, uri.uri),
            timeout: uri.timeout.unwrap_or(Self::TIMEOUT),
            requests: 1,
            life: interval,
            heeds_cache_control: false,
            retries: 1,
            base_interval: SECOND,
            max_interval: SECOND,
            failed_refetch: SECOND,
            refetch_at_most_every: None,
            stale: Duration::from_secs(3600),
            max_bytes: 1 << 20,
            headers: Vec::new(),
        }
    }

    /// Returns the maximum duration of a try.
    fn try_takes(&self) -> u64 {
        self.timeout.as_nanos().saturating_mul(self.requests.into())
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
        let numbers = [
            self.timeout,
            self.life,
            self.base_interval,
            self.max_interval,
            self.failed_refetch,
            self.refetch_at_most_every.unwrap_or_default(),
            self.stale,
        ];
        let mut identity = format!("{} {} {}", self.name, self.max_bytes, self.retries);
        for number in numbers {
            identity.push(' ');
            identity.push_str(&number.as_nanos().to_string());
        }
        for (name, value) in &self.headers {
            identity.push_str(&format!(" {name}: {value:?}"));
        }
        identity
    }
}
