//! Top-level fields.

use crate::{plan, refused};
use serde_json::json;
use tollgate_jwt_authn_policy::Config;

#[test]
fn nothing_is_required_of_nothing() {
    let plan = plan(json!({})).unwrap();
    assert!(plan.providers.is_empty() && plan.rules.is_empty() && plan.sanitized.is_empty());
    assert!(plan.by_filter_state.is_none() && plan.revocation.is_none());
}

#[test]
fn through_serde_an_error_says_the_same() {
    let config =
        json!({"rules": [{}, {"requires": {"requires_any": {"requirements": [{"provider_name": 1}]}}}]});
    let error = tollgate_policy::config::read::<Config>(&config.clone()).unwrap_err().to_string();
    let place = "rules[1].requires.requires_any.requirements[0].provider_name";
    assert_eq!(error, format!("{place}: invalid type: integer `1`, expected a string"));
    assert_eq!(error, refused(config));
}

#[test]
fn numbers_have_bounds() {
    for (config, message) in [
        (json!({"max_token_bytes": 0}), "max_token_bytes: `0` is not a number from 1 to 1048576"),
        (json!({"max_waiting_requests": 0}), "max_waiting_requests: `0` is not a number from 1 to 100000"),
        (json!({"status_on_error": 200}), "status_on_error: `200` is not a number from 400 to 599"),
        (
            json!({"jwt_cache_config": {"jwt_cache_size": 1_000_001}}),
            "jwt_cache_config.jwt_cache_size: `1000001` is not a number from 0 to 1000000",
        ),
        (
            json!({"jwt_cache_config": {"jwt_max_token_size": 0}}),
            "jwt_cache_config.jwt_max_token_size: `0` is not a number from 1 to 65536",
        ),
        (
            json!({"jwt_cache_config": {"jwt_cache_size": 1_000_000}}),
            "jwt_cache_config: `jwt_cache_size` `1000000` times `jwt_max_token_size` `4096` must be at most 1073741824 bytes",
        ),
    ] {
        assert_eq!(refused(config), message);
    }
    plan(json!({"jwt_cache_config": {"jwt_cache_size": 0}})).unwrap();
    plan(json!({"jwt_cache_config": {"jwt_cache_size": 100_000}})).unwrap();
}

#[test]
fn a_statistic_has_a_name() {
    for prefix in ["a b", ".a", "a.", "a\n", "\u{e9}", &"a".repeat(65)] {
        let message = refused(json!({"stat_prefix": prefix}));
        assert!(message.starts_with("stat_prefix: `"), "{message}");
    }
    plan(json!({"stat_prefix": "edge.eu-1_a"})).unwrap();
}

#[test]
fn a_browser_is_sent_somewhere() {
    let redirect = |location: &str| json!({"failure_response": {"redirect": {"location": location}}});
    for location in [
        "",
        "login",
        "//evil.example",
        "/\\evil.example",
        "javascript:alert(1)",
        "https://",
        "/login\r\nset-cookie: a=b",
        "/a b",
        "/{uri}",
        "{url}",
    ] {
        let message = refused(redirect(location));
        let expected = "expected an absolute URL or a path";
        assert!(
            message.starts_with("failure_response.redirect.location: invalid location `")
                && message.contains(expected),
            "{message}"
        );
    }
    for location in ["/login?next={url}", "https://login.example?a=b&next={url}#top", "/"] {
        plan(redirect(location)).unwrap();
    }
    let message = refused(json!({"failure_response": {"redirect": {"location": "/", "status": 301}}}));
    assert_eq!(
        message,
        "failure_response.redirect.status: unsupported status `301`, expected one of `302`, `303`, `307`"
    );
}

#[test]
fn a_realm_can_be_quoted() {
    for realm in ["a\"b", "a\\b", "a\nb", "\u{e9}"] {
        let message = refused(json!({"failure_response": {"realm": realm}}));
        assert!(message.starts_with("failure_response.realm: invalid realm `"), "{message}");
    }
    plan(json!({"failure_response": {"realm": "example, all of it"}})).unwrap();
}

#[test]
fn what_is_revoked_is_named() {
    let message = refused(json!({"revocation": {"tokens": [{"iss": "i", "jti": ""}]}}));
    assert_eq!(message, "revocation.tokens[0].jti: the `jti` is empty");
    let message = refused(json!({"revocation": {"subjects": [{"iss": "i", "sub": "", "issued_before": 1}]}}));
    assert_eq!(message, "revocation.subjects[0].sub: the `sub` is empty");
    let uri = json!({"uri": "http://a.example/revoked", "cluster": ""});
    let message = refused(json!({"revocation": {"remote": {"http_uri": uri}}}));
    assert_eq!(message, "revocation.remote.http_uri.cluster: the cluster is empty");
    let uri = json!({"uri": "http://a.example/revoked", "cluster": "a"});
    let message = refused(json!({"revocation": {"remote": {"http_uri": uri, "poll_interval": "0"}}}));
    assert_eq!(message, "revocation.remote.poll_interval: must be at least `1ms`");
}

#[test]
fn clusters_have_names() {
    assert_eq!(refused(json!({"jwks_clusters": {"a": ""}})), "jwks_clusters.a: the cluster is empty");
    assert_eq!(refused(json!({"jwks_clusters": {"": "a"}})), "jwks_clusters: the host is empty");
}
