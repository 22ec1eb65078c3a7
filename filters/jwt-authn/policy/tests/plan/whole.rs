//! Top-level fields.

use crate::{ED25519, plan, plan_of, provider, refused, with};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::Config;
use tollgate_policy::RequestFacts;

#[test]
fn rejects_a_configuration_that_allows_everyone() {
    let none = "rules: no request needs a token, expected a rule with `requires`, or `jwtRules`";
    for config in [
        json!({}),
        json!({"providers": {"a": provider(json!({}))}}),
        json!({"rules": []}),
        json!({"rules": [{"match": {"paths": [{"prefix": "/"}]}}]}),
        json!({"jwtRules": []}),
        json!({"requirement_map": {"a": {"allow_missing": {}}}}),
        json!({"filter_state_rules": {"name": "n", "requires": {}}}),
        json!({"shadow": true, "stat_prefix": "a"}),
    ] {
        assert_eq!(plan_of(config.clone()).unwrap_err(), none, "{config}");
    }
    // Each of these checks tokens.
    let requirements =
        json!({"requirement_map": {"a": {"allow_missing": {}}}, "rules": [{"requirement_name": "a"}]});
    for config in [
        requirements,
        json!({"rules": [{"requires": {"allow_missing_or_failed": {}}}]}),
        json!({"jwtRules": [{"issuer": "i", "jwks": ED25519}]}),
        json!({"filter_state_rules": {"name": "n", "requires": {"v": {"allow_missing": {}}}}}),
    ] {
        plan_of(config).unwrap();
    }
}

#[test]
fn rejects_rules_that_never_apply() {
    let refused = |rules: Value, more: Value| {
        let mut config = with(json!({"rules": rules}));
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        plan_of(config).unwrap_err()
    };
    let requires = json!({"provider_name": "auth0"});
    for (condition, message) in [
        (json!({"methods": ["post"]}), "methods[0]: `post` never matches"),
        (json!({"methods": ["GET", "*"]}), "methods[1]: `*` never matches"),
        (json!({"hosts": [{"exact": "h.example:8080"}]}), "hosts[0]: `exact` `h.example:8080` never matches"),
        (json!({"paths": [{"exact": "/a?x=1"}]}), "paths[0]: `exact` `/a?x=1` never matches"),
        (json!({"paths": [{"exact": "a"}]}), "paths[0]: `exact` `a` never matches"),
        (json!({"headers": [{"name": "x", "exact": " a"}]}), "headers[0]: `exact` ` a` never matches"),
    ] {
        let message = format!("rules[0].match.{message}");
        let found = refused(json!([{"match": condition, "requires": requires}]), json!({}));
        assert!(found.starts_with(&message), "{found}");
    }
    let admin = json!({"match": {"paths": [{"prefix": "/admin//"}]}, "requires": requires});
    let found = refused(json!([{}, admin]), json!({}));
    assert_eq!(found, "rules[1]: never applies, because `rules[0]` matches all requests");
    let found = refused(json!([admin]), json!({"path_normalization": {"duplicate_slashes": "normalize"}}));
    assert!(
        found.starts_with("rules[0].match.paths[0]: never matches with this `path_normalization`"),
        "{found}"
    );
}

#[test]
fn a_rule_matches_a_host_in_any_case() {
    let condition = json!({"hosts": [{"exact": "H.EXAMPLE"}]});
    let rule = json!({"match": condition, "requires": {"provider_name": "auth0"}});
    let plan = plan_of(with(json!({"rules": [rule]}))).unwrap();
    for authority in ["h.example", "H.Example:8080"] {
        let facts = RequestFacts { authority: authority.as_bytes(), ..RequestFacts::default() };
        assert!(plan.select(&facts).unwrap().first.is_some(), "{authority}");
    }
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
    for host in ["a.example:443", "https://a.example", "a.example/keys", "*.example"] {
        let message = refused(json!({"jwks_clusters": {host: "a"}}));
        let expected = "expected a host as in the URLs, without scheme, port and path";
        assert_eq!(message, format!("jwks_clusters.{host}: {expected}"));
    }
}
