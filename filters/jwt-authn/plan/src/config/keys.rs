//! Where a provider's keys come from.

use super::Url;
use std::borrow::Cow;
use tollgate_policy::{Duration, Named, read_object};

/// Keys that are part of the configuration: exactly one of the fields. A JWKS, a JWK, or PEM.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct LocalJwks {
    /// The keys.
    pub inline_string: Option<String>,
    /// The variable of the VM's environment that holds them (`vmConfig.env` of a `WasmPlugin`).
    pub environment_variable: Option<String>,
}

/// Keys that are fetched, from exactly one of `http_uri` and `oidc_discovery`. One worker fetches for all.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct RemoteJwks {
    /// Where they are.
    pub http_uri: Option<HttpUri>,
    /// The issuer says where they are (OpenID Connect Discovery 1.0).
    pub oidc_discovery: Option<OidcDiscovery>,
    /// How long keys are used before they are fetched again; a `Cache-Control: max-age` of the answer counts instead
    /// if it is less. Default: `10m`.
    pub cache_duration: Option<Duration>,
    /// Fetching ahead.
    pub async_fetch: AsyncFetch,
    /// What is tried when a fetch fails.
    pub retry_policy: RetryPolicy,
    /// How often at most an unknown `kid` makes the keys be fetched again. `"0"`: never. Default: `30s`.
    pub refetch_on_unknown_kid: Option<Duration>,
    /// For how long after their time keys are still used when they cannot be fetched. Default: `1h`.
    pub stale_if_error: Option<Duration>,
    /// The largest answer. Default: 262144 bytes.
    pub max_bytes: Option<usize>,
    /// The most keys. Default: 100.
    pub max_keys: Option<usize>,
}

/// Envoy's `HttpUri`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct HttpUri {
    /// An absolute URL, whose host and path are sent.
    pub uri: String,
    /// The cluster that it is sent to.
    pub cluster: String,
    /// How long to wait for the whole answer. Default: `5s`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub timeout: Option<Duration>,
}

/// Fetching ahead: at start, and before the keys are too old.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct AsyncFetch {
    /// Taken for the sake of Envoy's configurations: neither value makes a listener wait for its keys.
    pub fast_listener: bool,
    /// How long after a fetch (with its retries) has failed the next is tried; it doubles each time, up to
    /// `cache_duration`, or to 30 s while there are no keys to use. Default: `1s`.
    pub failed_refetch_duration: Option<Duration>,
}

/// Envoy's `RetryPolicy`.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct RetryPolicy {
    /// How many more times a fetch is tried. Default: 1.
    pub num_retries: Option<u32>,
    /// How long to wait between.
    pub retry_back_off: BackOff,
}

/// Exponential, with full jitter.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct BackOff {
    /// The first is at most this. Default: `1s`.
    pub base_interval: Option<Duration>,
    /// None is more than this. Default: ten times `base_interval`.
    pub max_interval: Option<Duration>,
}

/// The issuer's `/.well-known/openid-configuration` says where its keys are; its `issuer` must be the provider's.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct OidcDiscovery {
    /// The cluster of the issuer.
    pub cluster: String,
    /// The cluster of the host of `jwks_uri`. Default: `cluster`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub jwks_cluster: Option<String>,
    /// How long to wait for each of the two answers. Default: `5s`.
    #[cfg_attr(feature = "schema", schemars(default))]
    pub timeout: Option<Duration>,
    /// Set for Istio's rules: clusters by host, Istio's names for others.
    #[cfg_attr(feature = "schema", schemars(skip))]
    pub clusters: Option<Named<String>>,
}

const NO_FILES: &str = "a Wasm filter cannot read files; give the keys as `inline_string`, or in a variable of the VM's \
                        environment as `environment_variable`";

read_object!(LocalJwks = Self::default(); inline_string, environment_variable; instead [
    ("filename", NO_FILES),
    ("watched_directory", NO_FILES),
    ("inline_bytes", "give the text of the keys as `inline_string`"),
]);
read_object!(
    RemoteJwks = Self::default();
    http_uri,
    oidc_discovery,
    cache_duration,
    async_fetch,
    retry_policy,
    refetch_on_unknown_kid,
    stale_if_error,
    max_bytes,
    max_keys,
);
read_object!(
    HttpUri = Self { uri: String::new(), cluster: String::new(), timeout: None };
    uri (required), cluster (required), timeout
);
read_object!(AsyncFetch = Self::default(); fast_listener, failed_refetch_duration);
read_object!(RetryPolicy = Self::default(); num_retries, retry_back_off);
read_object!(BackOff = Self::default(); base_interval, max_interval);
read_object!(
    OidcDiscovery = Self { cluster: String::new(), jwks_cluster: None, timeout: None, clusters: None };
    cluster (required), jwks_cluster, timeout
);

impl OidcDiscovery {
    /// The cluster to fetch keys from that the issuer says are at `url`.
    pub fn cluster_of(&self, url: &Url<'_>) -> Cow<'_, str> {
        match &self.clusters {
            Some(clusters) => istio_cluster(clusters, url),
            None => Cow::Borrowed(self.jwks_cluster.as_ref().unwrap_or(&self.cluster)),
        }
    }
}

/// The cluster of a host: the one that is configured, or else the one that Istio makes for a service or `ServiceEntry`.
pub(crate) fn istio_cluster<'c>(clusters: &'c Named<String>, url: &Url<'_>) -> Cow<'c, str> {
    match clusters.get(url.host) {
        Some(cluster) => Cow::Borrowed(cluster),
        None => Cow::Owned(format!("outbound|{}||{}", url.port, url.host)),
    }
}
