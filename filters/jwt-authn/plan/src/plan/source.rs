//! Sources of keys and revocation lists, with defaults filled in.

use super::{Environment, check, keys};
use crate::config::{
    FetchHeader, HttpUri, OidcDiscovery, OnError, Provider, RemoteJwks, RemoteRevocation, Url,
};
use tollgate_jose::KeySet;
use tollgate_policy::fetch::Rules;
use tollgate_policy::{ConfigError, Duration, FieldPath, HeaderName, Places, is_valid_value};

const MS: u64 = 1_000_000;
const SECOND: Duration = Duration::from_nanos(1000 * MS);
const HOUR: Duration = Duration::from_nanos(3_600_000 * MS);

/// Source of keys.
#[derive(Clone, Debug)]
pub enum Source {
    /// Keys in the configuration.
    Local(KeySet),
    /// Keys that the filter fetches.
    Remote(RemoteSource),
}

/// Source of fetched keys, with defaults filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteSource {
    /// Location of the keys.
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
    /// See [`crate::config::RemoteJwks`]; `None` for never.
    pub refetch_on_unknown_kid: Option<Duration>,
    /// See [`crate::config::RemoteJwks`].
    pub stale_if_error: Duration,
    /// See [`crate::config::RemoteJwks`].
    pub max_bytes: usize,
    /// See [`crate::config::RemoteJwks`].
    pub max_keys: usize,
    /// Headers of each request.
    pub headers: Vec<(HeaderName, String)>,
}

/// Location of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// At this URL.
    Uri(HttpUri),
    /// At the URL in the issuer's discovery document.
    Discovery {
        /// Issuer, as in `iss`.
        issuer: String,
        /// Clusters and timeout for discovery.
        discovery: OidcDiscovery,
    },
}

/// Source of the revocation list, with defaults filled in.
#[derive(Clone, Debug)]
pub struct RevocationSource {
    /// Location of the list.
    pub uri: HttpUri,
    /// See [`RemoteRevocation`].
    pub poll_interval: Duration,
    /// See [`RemoteRevocation`].
    pub stale_if_error: Duration,
    /// See [`RemoteRevocation`]; `None` for `on_error` of the filter.
    pub on_error: Option<OnError>,
    /// See [`RemoteRevocation`].
    pub max_bytes: usize,
    /// Headers of each request.
    pub headers: Vec<(HeaderName, String)>,
}

/// Identity of a set of keys. Two sources with the same origin have the same keys, even if their intervals
/// and timeouts differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Local(usize),
    Remote(From),
}

/// Sources that were added so far, each once.
#[derive(Default)]
pub(super) struct Sources {
    list: Vec<Source>,
    /// Indices of local sources, by their text.
    local: Places,
    /// Indices of remote sources, by their URL or issuer. Candidates are then compared in full.
    remote: Places,
    /// Warnings about keys that were skipped.
    pub(super) warnings: Vec<String>,
}

impl Sources {
    /// Returns the source of a provider's keys and their origin. Moves the keys out of the configuration.
    pub(super) fn of(
        &mut self,
        provider: &mut Provider,
        place: &FieldPath,
        environment: Environment<'_>,
    ) -> Result<(usize, Origin), ConfigError> {
        match (provider.local_jwks.take(), provider.remote_jwks.take()) {
            (Some(local), None) => {
                let (text, place) = keys::text(local, &place.field("local_jwks"), environment)?;
                let index = match self.local.first(text.as_bytes()) {
                    Some(index) => index,
                    None => {
                        let (keys, mut warnings) = keys::read(&text, &place)?;
                        self.warnings.append(&mut warnings);
                        let index = self.push(Source::Local(keys));
                        self.local.add(text.as_bytes(), index);
                        index
                    }
                };
                Ok((index, Origin::Local(index)))
            }
            (None, Some(remote)) => {
                let remote = of_remote(remote, &provider.issuer, &place.field("remote_jwks"))?;
                let origin = Origin::Remote(remote.from.clone());
                Ok((self.remote(remote), origin))
            }
            (None, None) => Err(place.error("one of `local_jwks` and `remote_jwks` must be set")),
            (Some(_), Some(_)) => Err(place.error("`local_jwks` and `remote_jwks` cannot both be set")),
        }
    }

    fn remote(&mut self, remote: RemoteSource) -> usize {
        let name = match &remote.from {
            From::Uri(uri) => uri.uri.clone(),
            From::Discovery { issuer, .. } => issuer.clone(),
        };
        for index in self.remote.get(name.as_bytes()) {
            if matches!(self.list.get(*index), Some(Source::Remote(known)) if *known == remote) {
                return *index;
            }
        }
        let index = self.push(Source::Remote(remote));
        self.remote.add(name.as_bytes(), index);
        index
    }

    fn push(&mut self, source: Source) -> usize {
        self.list.push(source);
        self.list.len() - 1
    }

    /// Returns a source by its index.
    pub(super) fn get(&self, index: usize) -> Option<&Source> {
        self.list.get(index)
    }

    pub(super) fn finish(self) -> Vec<Source> {
        self.list
    }
}

fn of_remote(remote: RemoteJwks, issuer: &str, place: &FieldPath) -> Result<RemoteSource, ConfigError> {
    let from = match (remote.http_uri, remote.oidc_discovery) {
        (Some(mut uri), None) => {
            http_uri(&mut uri, &place.field("http_uri"))?;
            From::Uri(uri)
        }
        (None, Some(mut discovery)) => {
            let place = place.field("oidc_discovery");
            self::discovery(&mut discovery, issuer, &place)?;
            From::Discovery { issuer: issuer.into(), discovery }
        }
        (None, None) => return Err(place.error("one of `http_uri` and `oidc_discovery` must be set")),
        (Some(_), Some(_)) => {
            return Err(place.error("`http_uri` and `oidc_discovery` cannot both be set"));
        }
    };
    let period = |field: &str, value: Option<Duration>, default: Duration| {
        check::period(value.unwrap_or(default), &place.field(field))
    };
    let back_off = place.field("retry_policy").field("retry_back_off");
    let back_off = |field: &str, value: Duration| check::period(value, &back_off.field(field));
    let base_interval =
        back_off("base_interval", remote.retry_policy.retry_back_off.base_interval.unwrap_or(SECOND))?;
    let ten_times = Duration::from_nanos(base_interval.as_nanos().saturating_mul(10));
    let max_interval = remote.retry_policy.retry_back_off.max_interval;
    let max_interval = match max_interval {
        None => ten_times,
        Some(max) if max < base_interval => {
            let place = place.field("retry_policy").field("retry_back_off").field("max_interval");
            return Err(place.error("must be at least `base_interval`"));
        }
        Some(max) => back_off("max_interval", max)?,
    };
    let refetch = remote.refetch_on_unknown_kid.unwrap_or(Duration::from_nanos(30_000 * MS));
    let refetch_on_unknown_kid = match refetch.as_nanos() {
        0 => None,
        _ => Some(check::period(refetch, &place.field("refetch_on_unknown_kid"))?),
    };
    let async_fetch = place.field("async_fetch").field("failed_refetch_duration");
    let failed_refetch = remote.async_fetch.failed_refetch_duration.unwrap_or(SECOND);
    let stale_if_error = remote.stale_if_error.unwrap_or(HOUR);
    check::not_too_long(stale_if_error, &place.field("stale_if_error"))?;
    let num_retries = remote.retry_policy.num_retries.unwrap_or(1);
    place.field("retry_policy").field("num_retries").range(num_retries.into(), 0..=100)?;
    let max_bytes = remote.max_bytes.unwrap_or(256 << 10);
    place.field("max_bytes").range(max_bytes as u64, 1..=4 << 20)?;
    let max_keys = remote.max_keys.unwrap_or(100);
    place.field("max_keys").range(max_keys as u64, 1..=1000)?;
    Ok(RemoteSource {
        cache_duration: period("cache_duration", remote.cache_duration, Duration::from_nanos(600_000 * MS))?,
        failed_refetch_duration: check::period(failed_refetch, &async_fetch)?,
        from,
        num_retries,
        base_interval,
        max_interval,
        refetch_on_unknown_kid,
        stale_if_error,
        max_bytes,
        max_keys,
        headers: headers(remote.headers, &place.field("headers"))?,
    })
}

/// Checks discovery. OpenID Connect Discovery 1.0 section 4.1 appends `/.well-known/openid-configuration` to
/// the issuer.
fn discovery(discovery: &mut OidcDiscovery, issuer: &str, place: &FieldPath) -> Result<(), ConfigError> {
    if issuer.is_empty() {
        return Err(place.error("discovery needs the `issuer` of the provider, which is not set"));
    }
    let refuse = |what: &str| {
        Err(place.error(format_args!("the provider's `issuer` `{}` {what}", issuer.escape_debug())))
    };
    match Url::parse(issuer) {
        Err(what) => return refuse(what),
        Ok(url) if url.path_and_query.contains('?') => {
            return refuse("must not have a query");
        }
        Ok(_) => {}
    }
    place.field("cluster").named(&discovery.cluster, "the cluster")?;
    if let Some(cluster) = &discovery.jwks_cluster {
        place.field("jwks_cluster").named(cluster, "the cluster")?;
    }
    timeout(&mut discovery.timeout, &place.field("timeout"))
}

#[inline(never)]
fn http_uri(uri: &mut HttpUri, place: &FieldPath) -> Result<(), ConfigError> {
    if let Err(what) = uri.url() {
        return Err(place.field("uri").error(format_args!("`{}` {what}", uri.uri.escape_debug())));
    }
    place.field("cluster").named(&uri.cluster, "the cluster")?;
    timeout(&mut uri.timeout, &place.field("timeout"))
}

/// Checks the time for a response. The host takes milliseconds.
#[inline(never)]
fn timeout(value: &mut Option<Duration>, place: &FieldPath) -> Result<(), ConfigError> {
    let value = value.get_or_insert(Rules::TIMEOUT);
    if *value > HOUR {
        return Err(place.error("must be at most `1h`"));
    }
    check::period(*value, place).map(drop)
}

/// Checks headers of requests by the filter.
#[inline(never)]
fn headers(headers: Vec<FetchHeader>, place: &FieldPath) -> Result<Vec<(HeaderName, String)>, ConfigError> {
    let mut checked: Vec<(HeaderName, String)> = Vec::new();
    for (index, FetchHeader { name, value }) in headers.into_iter().enumerate() {
        let (name, place) = (HeaderName::from(name), place.at(index));
        if checked.iter().any(|(known, _)| *known == name) {
            return Err(place.field("name").error(format_args!("duplicate header `{name}`")));
        }
        // The message omits the value, which may be a secret.
        if !is_valid_value(value.as_bytes()) || value.trim_ascii().is_empty() {
            let message = "invalid value, expected a text that is not empty and has no control characters";
            return Err(place.field("value").error(message));
        }
        checked.push((name, value.trim_ascii().into()));
    }
    Ok(checked)
}

/// Checks the source of the revocation list.
pub(super) fn revocation(remote: &RemoteRevocation) -> Result<RevocationSource, ConfigError> {
    let place = FieldPath::new("revocation").field("remote");
    let mut uri = remote.http_uri.clone();
    http_uri(&mut uri, &place.field("http_uri"))?;
    let poll_interval = remote.poll_interval.unwrap_or(Duration::from_nanos(60_000 * MS));
    let stale_if_error = remote.stale_if_error.unwrap_or(HOUR);
    check::not_too_long(stale_if_error, &place.field("stale_if_error"))?;
    let max_bytes = remote.max_bytes.unwrap_or(1 << 20);
    place.field("max_bytes").range(max_bytes as u64, 1..=16 << 20)?;
    Ok(RevocationSource {
        uri,
        poll_interval: check::period(poll_interval, &place.field("poll_interval"))?,
        stale_if_error,
        on_error: remote.on_error,
        max_bytes,
        headers: headers(remote.headers.clone(), &place.field("headers"))?,
    })
}
