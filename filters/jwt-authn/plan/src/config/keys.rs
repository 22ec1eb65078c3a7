//! Sources of a provider's keys.

use std::borrow::Cow;
use tollgate_policy::{Config, Duration, EditableName, HttpUri, Named, Url};

/// Keys in the configuration, in exactly one of the fields: a JWKS, a single JWK, PEM, or an object of
/// certificates by `kid`.
#[derive(Clone, Debug, Default, Config)]
#[config(default, instead = [
    ("filename", NO_FILES),
    ("watched_directory", NO_FILES),
    ("inline_bytes", "not supported; use `inline_string` for the text of the keys"),
])]
pub struct LocalJwks {
    /// Text of the keys.
    pub inline_string: Option<String>,
    /// Variable of the VM's environment that contains the keys (`vmConfig.env` of a `WasmPlugin`).
    pub environment_variable: Option<String>,
}

/// Keys that the filter fetches, from exactly one of `http_uri` and `oidc_discovery`. One worker fetches for
/// all.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct RemoteJwks {
    /// Location of the keys.
    pub http_uri: Option<HttpUri>,
    /// Read the URL of the keys from the issuer's discovery document (OpenID Connect Discovery 1.0).
    pub oidc_discovery: Option<OidcDiscovery>,
    /// Lifetime of fetched keys; they are fetched again after 80 to 95 % of it. `Cache-Control` of the
    /// response can shorten it, to `10s` at the least. Default: `10m`.
    pub cache_duration: Option<Duration>,
    /// Fetches before the keys expire.
    pub async_fetch: AsyncFetch,
    /// Retries of a failed fetch.
    pub retry_policy: RetryPolicy,
    /// Minimum time between two fetches that an unknown `kid` triggers, over all workers. `"0"` disables
    /// these fetches. Default: `30s`.
    pub refetch_on_unknown_kid: Option<Duration>,
    /// Time for which expired keys are still used when a fetch fails. Default: `1h`.
    pub stale_if_error: Option<Duration>,
    /// Headers of the requests for the keys and for the discovery document. Default: `user-agent`
    /// `tollgate/<version>`.
    pub headers: Vec<FetchHeader>,
    /// Maximum size of the response. Default: 262144 bytes.
    pub max_bytes: Option<usize>,
    /// Maximum number of keys. Default: 100.
    pub max_keys: Option<usize>,
}

/// A header of a request by the filter. It replaces the filter's own header of this name.
#[derive(Clone, Debug, Config)]
pub struct FetchHeader {
    /// Name of the header.
    pub name: EditableName,
    /// Value of the header.
    pub value: String,
}

/// Fetches at start and before the keys expire.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct AsyncFetch {
    /// Accepted for compatibility with Envoy's configuration; has no effect. Listeners never wait for keys.
    pub fast_listener: bool,
    /// Delay before the next fetch after a fetch failed with all its retries. It doubles after each failure,
    /// up to `cache_duration`, or up to 30 s while no keys can be used. Default: `1s`.
    pub failed_refetch_duration: Option<Duration>,
}

/// Envoy's `RetryPolicy`.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct RetryPolicy {
    /// Number of retries of a fetch. Default: 1.
    pub num_retries: Option<u32>,
    /// Delays between the tries.
    pub retry_back_off: BackOff,
}

/// Exponential back-off with full jitter.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct BackOff {
    /// Maximum delay before the first retry. Default: `1s`.
    pub base_interval: Option<Duration>,
    /// Maximum delay before any retry. Default: ten times `base_interval`.
    pub max_interval: Option<Duration>,
}

/// Location of the issuer's `/.well-known/openid-configuration`, which contains the URL of the keys. Its
/// `issuer` must be the provider's.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
pub struct OidcDiscovery {
    /// Cluster of the issuer.
    pub cluster: String,
    /// Cluster of the host of `jwks_uri`. Default: `cluster`.
    pub jwks_cluster: Option<String>,
    /// Time for each of the two responses. Default: `5s`.
    pub timeout: Option<Duration>,
    /// Clusters by host, for Istio's rules; other hosts use Istio's cluster names.
    #[config(skip)]
    pub clusters: Option<Named<String>>,
}

const NO_FILES: &str = "not supported: a Wasm filter cannot read files; use `inline_string`, or \
                        `environment_variable` for a variable of the VM's environment";

impl OidcDiscovery {
    /// Cluster for fetching keys from `url`, the URL in the discovery document.
    pub fn cluster_of(&self, url: &Url<'_>) -> Cow<'_, str> {
        match &self.clusters {
            Some(clusters) => istio_cluster(clusters, url),
            None => Cow::Borrowed(self.jwks_cluster.as_ref().unwrap_or(&self.cluster)),
        }
    }
}

/// Cluster of a host: the configured one, or else the one that Istio creates for a service or `ServiceEntry`.
pub(crate) fn istio_cluster<'c>(clusters: &'c Named<String>, url: &Url<'_>) -> Cow<'c, str> {
    match clusters.get(url.host) {
        Some(cluster) => Cow::Borrowed(cluster),
        None => Cow::Owned(format!("outbound|{}||{}", url.port, url.host)),
    }
}
