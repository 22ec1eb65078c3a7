//! Rules for fetching keys and revocation lists, and discovery of an issuer's keys.

use super::{From, RemoteSource, RevocationSource};
use crate::config::Url;
use tollgate_jose::Json;
use tollgate_policy::fetch::{Rules, Source, Step, Target};

impl RemoteSource {
    /// Returns the rules for a provider's keys.
    pub fn rules(&self) -> Rules {
        let (requests, timeout) = match &self.from {
            From::Uri(uri) => (1, uri.timeout),
            From::Discovery { discovery, .. } => (2, discovery.timeout),
        };
        Rules {
            name: format!("keys {} {}", self.max_keys, self.from.identity()),
            timeout: timeout.unwrap_or(Rules::TIMEOUT),
            requests,
            life: self.cache_duration,
            heeds_cache_control: true,
            retries: self.num_retries,
            base_interval: self.base_interval,
            max_interval: self.max_interval,
            failed_refetch: self.failed_refetch_duration,
            refetch_at_most_every: self.refetch_on_unknown_kid,
            stale: self.stale_if_error,
            max_bytes: self.max_bytes,
            headers: self.headers.clone(),
        }
    }
}

impl RevocationSource {
    /// Returns the rules for a revocation list.
    pub fn rules(&self) -> Rules {
        Rules {
            stale: self.stale_if_error,
            max_bytes: self.max_bytes,
            headers: self.headers.clone(),
            ..Rules::for_polling("revoked", &self.uri, self.poll_interval)
        }
    }
}

impl From {
    /// Returns a text that differs for sources that may have different keys.
    fn identity(&self) -> String {
        let (issuer, discovery) = match self {
            Self::Uri(uri) => return format!("{} {}", uri.cluster, uri.uri),
            Self::Discovery { issuer, discovery } => (issuer, discovery),
        };
        // Istio's rules also have clusters by host.
        let mut identity = format!("{issuer} {:?}", discovery.cluster);
        if let Some(cluster) = &discovery.jwks_cluster {
            identity += &format!(" keys {cluster:?}");
        }
        if let Some(clusters) = &discovery.clusters {
            identity += " by host";
            for (host, cluster) in clusters {
                identity += &format!(" {host:?} {cluster:?}");
            }
        }
        identity
    }
}

impl Source for From {
    fn place(&self) -> &str {
        match self {
            Self::Uri(uri) => uri.place(),
            Self::Discovery { issuer, .. } => issuer,
        }
    }

    /// The issuer's own path comes first, without a final slash (OpenID Connect Discovery 1.0 section 4.1).
    fn begin(&self) -> Result<Step, String> {
        match self {
            Self::Uri(uri) => uri.begin(),
            Self::Discovery { issuer, discovery } => {
                let issuer = issuer.strip_suffix('/').unwrap_or(issuer);
                let uri = format!("{issuer}/.well-known/openid-configuration");
                Ok(Step::Locate(Target::for_json(&discovery.cluster, &uri)))
            }
        }
    }

    /// Reads an issuer's discovery document, which must be that of the provider's issuer (section 4.3).
    fn follow(&self, body: &[u8]) -> Result<Step, String> {
        let (issuer, discovery) = match self {
            Self::Uri(uri) => return uri.follow(body),
            Self::Discovery { issuer, discovery } => (issuer, discovery),
        };
        let invalid = |what: &str| Err(format!("the issuer's discovery document {what}"));
        let configuration = Json::parse(body);
        let member = |name: &str| configuration.as_ref()?.get(name)?.as_str();
        let (Some(said), Some(jwks_uri)) = (member("issuer"), member("jwks_uri")) else {
            return invalid("is not JSON with an `issuer` and a `jwks_uri`");
        };
        if said != issuer {
            return Err("the `issuer` of the discovery document differs from the provider's".into());
        }
        let Ok(keys) = Url::parse(jwks_uri) else {
            return invalid("has a `jwks_uri` that is not an absolute URL");
        };
        if !keys.secure && Url::parse(issuer).is_ok_and(|issuer| issuer.secure) {
            return invalid("has a `jwks_uri` without TLS for an issuer with TLS");
        }
        Ok(Step::Document(Target::for_json(&discovery.cluster_of(&keys), jwks_uri)))
    }
}
