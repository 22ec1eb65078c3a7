//! Defaults.

use crate::{plan, provider};
use serde_json::json;
use tollgate_jose::Algorithm;
use tollgate_jwt_authn_policy::plan::{From, Source};
use tollgate_policy::Duration;

fn seconds(duration: Duration) -> u64 {
    duration.as_nanos() / 1_000_000_000
}

#[test]
fn a_token_is_where_envoy_looks_for_it() {
    let plan = plan(json!({"providers": {"a": provider(json!({}))}})).unwrap();
    let provider = &plan.providers[0].config;
    let header = &provider.from_headers[0];
    assert_eq!((header.name.as_str(), header.value_prefix.as_str()), ("authorization", "Bearer "));
    assert_eq!((&provider.from_params[..], provider.from_cookies.len()), (&["access_token".into()][..], 0));
    assert_eq!(provider.clock_skew_seconds.0, 60);
}

#[test]
fn a_place_that_is_given_is_the_only_one() {
    let plan = plan(json!({"providers": {"a": provider(json!({"from_cookies": ["session"]}))}})).unwrap();
    let provider = &plan.providers[0].config;
    assert_eq!((provider.from_headers.len(), provider.from_params.len()), (0, 0));
}

#[test]
fn keys_are_fetched_as_envoy_fetches_them() {
    let uri = json!({"uri": "https://a.example/keys", "cluster": "a"});
    let plan = plan(
        json!({"providers": {"a": {"remote_jwks": {"http_uri": uri, "async_fetch": {"fast_listener": true}}}}}),
    );
    let plan = plan.unwrap();
    let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
    let From::Uri(uri) = &source.from else { panic!("{source:?}") };
    assert_eq!(uri.timeout.map(seconds), Some(5));
    assert_eq!(seconds(source.cache_duration), 600);
    assert_eq!(seconds(source.failed_refetch_duration), 1);
    assert_eq!((source.num_retries, seconds(source.base_interval), seconds(source.max_interval)), (1, 1, 10));
    assert_eq!(source.refetch_on_unknown_kid.map(seconds), Some(30));
    assert_eq!((seconds(source.stale_if_error), source.max_bytes, source.max_keys), (3600, 262_144, 100));
}

#[test]
fn what_is_given_counts() {
    let remote = json!({
        "oidc_discovery": {"cluster": "a", "jwks_cluster": "b", "timeout": "2s"},
        "cache_duration": "1m",
        "async_fetch": {"failed_refetch_duration": "3s"},
        "retry_policy": {"num_retries": 0, "retry_back_off": {"base_interval": "4s", "max_interval": "4s"}},
        "refetch_on_unknown_kid": "0",
        "stale_if_error": "0",
        "max_bytes": 10,
        "max_keys": 2
    });
    let plan =
        plan(json!({"providers": {"a": {"issuer": "https://a.example/x", "remote_jwks": remote}}})).unwrap();
    let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
    let From::Discovery { issuer, discovery } = &source.from else { panic!("{source:?}") };
    assert_eq!((issuer.as_str(), discovery.timeout.map(seconds)), ("https://a.example/x", Some(2)));
    assert_eq!((seconds(source.cache_duration), seconds(source.failed_refetch_duration)), (60, 3));
    assert_eq!((source.num_retries, seconds(source.base_interval), seconds(source.max_interval)), (0, 4, 4));
    assert_eq!((source.refetch_on_unknown_kid, seconds(source.stale_if_error)), (None, 0));
    assert_eq!((source.max_bytes, source.max_keys), (10, 2));
}

#[test]
fn a_list_of_what_is_revoked_is_polled_every_minute() {
    let uri = json!({"uri": "http://a.example/revoked", "cluster": "a"});
    let plan = plan(json!({"revocation": {"remote": {"http_uri": uri}}})).unwrap();
    let source = plan.revocation.unwrap();
    assert_eq!((seconds(source.poll_interval), seconds(source.stale_if_error)), (60, 3600));
    assert_eq!(
        (source.max_bytes, source.on_error, source.uri.timeout.map(seconds)),
        (1 << 20, None, Some(5))
    );
}

#[test]
fn fetched_keys_are_for_public_algorithms_unless_it_is_said() {
    let uri = json!({"uri": "https://a.example/keys", "cluster": "a"});
    let remote = json!({"http_uri": uri});
    let plan = plan(json!({"providers": {
        "a": {"remote_jwks": remote},
        "b": {"remote_jwks": remote, "allowed_algorithms": ["HS256"]},
        "c": provider(json!({})),
    }}));
    let plan = plan.unwrap();
    let allowed = |index: usize, algorithm| plan.providers[index].allowed.contains(algorithm);
    assert!(allowed(0, Algorithm::Rs256) && allowed(0, Algorithm::EdDsa) && !allowed(0, Algorithm::Hs512));
    assert!(allowed(1, Algorithm::Hs256) && !allowed(1, Algorithm::Rs256));
    assert!(plan.providers[2].allowed.is_empty());
}
