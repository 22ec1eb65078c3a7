mod exchange;
mod state;
mod workers;

use super::Rules;
use crate::config::{HttpUri, OidcDiscovery};
use crate::plan::{From, RemoteSource};
use tollgate_policy::{Duration, UnixNanos};

const MS: u64 = 1_000_000;
const SECOND: u64 = 1000 * MS;
/// Some day of 2025.
const START: UnixNanos = UnixNanos(1_750_000_000 * SECOND);

fn ms(milliseconds: u64) -> Duration {
    Duration::from_nanos(milliseconds * MS)
}

fn after(time: UnixNanos, milliseconds: u64) -> UnixNanos {
    UnixNanos(time.0 + milliseconds * MS)
}

fn source() -> RemoteSource {
    let uri = "https://keys.example/jwks?v=1".into();
    RemoteSource {
        from: From::Uri(HttpUri { uri, cluster: "keys".into(), timeout: Some(ms(1000)) }),
        cache_duration: ms(600_000),
        failed_refetch_duration: ms(1000),
        num_retries: 1,
        base_interval: ms(1000),
        max_interval: ms(10_000),
        refetch_on_unknown_kid: Some(ms(30_000)),
        stale_if_error: ms(3_600_000),
        max_bytes: 1000,
        max_keys: 10,
    }
}

fn rules() -> Rules {
    Rules::of_keys(&source())
}

fn discovery(issuer: &str, jwks_cluster: Option<&str>) -> Rules {
    let jwks_cluster = jwks_cluster.map(Into::into);
    let discovery = OidcDiscovery { cluster: "issuer".into(), jwks_cluster, timeout: None, clusters: None };
    Rules::of_keys(&RemoteSource { from: From::Discovery { issuer: issuer.into(), discovery }, ..source() })
}
