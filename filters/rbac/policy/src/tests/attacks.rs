//! Requests by which a client tries to change a decision.

use super::*;

const NONE: &str = "rbac_access_denied_matched_policy[none]";
const DENIED: &str = "rbac_access_denied_matched_policy[r]";

fn get<'r>(path: &'r str, headers: &'r [(&'r str, &'r str)]) -> Req<'r> {
    Req("GET", "a.test", path, headers)
}

/// A rule `r`; all other requests get the opposite.
fn rule(action: &str, mut rule: Value) -> Policy {
    (rule["name"], rule["action"]) = ("r".into(), action.into());
    let default = if action == "deny" { "allow" } else { "deny" };
    policy(json!({"rules": [rule], "default_action": default}))
}

fn token(claims: Value) -> Host {
    Host::default().with_claims(&claims)
}

#[test]
fn a_condition_sees_no_claims_without_a_token() {
    for text in ["has(request.auth.claims)", "has(request.auth.audiences)", "has(metadata.filter_metadata)"] {
        let policy = rule("allow", json!({ "condition": text }));
        assert_eq!(verdict(&policy, &Host::default(), &get("/", &[])), NONE, "{text}");
    }
}

#[test]
fn a_request_has_the_tenant_of_each_reading() {
    let mine = token(json!({"tenant": "mine"}));
    let headers = [("x-tenant", "mine"), ("x-tenant", "victim")];
    let requests = [
        ("request.path_segments[0]", get("/mine/../victim/docs", &[])),
        ("request.path_segments[0]", get("/victim/../mine/docs", &[])),
        ("request.headers[x-tenant]", get("/", &headers)),
        ("request.path_segments[1]", get("/t/mine/../../admin", &[])),
    ];
    for (domain, request) in requests {
        let same = json!({"attribute": "request.auth.claims[tenant]", "same_as": "domain"});
        for rule in [
            json!({"attributes": [same]}),
            json!({"attributes": [{"attribute": "domain", "one_of": ["mine"]}]}),
            json!({"condition": "domain == request.auth.claims.tenant"}),
        ] {
            let mut rule = rule;
            (rule["name"], rule["action"]) = ("r".into(), "allow".into());
            let policy = policy(json!({"domain": domain, "rules": [rule]}));
            assert_ne!(verdict(&policy, &mine, &request), "allowed", "{domain} {request:?} {rule}");
        }
    }
    let policy = policy(json!({"rules": [{"name": "r", "action": "allow", "attributes": [
        {"attribute": "request.auth.claims[tenant]", "same_as": "request.path_segments[1]"},
    ]}]}));
    assert_eq!(verdict(&policy, &mine, &get("/t/mine/x", &[])), "allowed");
    assert_eq!(verdict(&policy, &mine, &get("/t/mine/../../admin", &[])), NONE);
}

#[test]
fn a_rule_that_denies_counts_possible_roles() {
    let denying = |subject: Value, domain: Option<&str>| {
        let mut binding = json!({"roles": ["contractor"], "subjects": [subject]});
        let mut config = json!({
            "roles": {"contractor": {}}, "default_action": "allow",
            "rules": [{"name": "r", "action": "deny", "roles": ["contractor"]}],
        });
        if let Some(domain) = domain {
            binding["domain"] = "acme".into();
            config["domain"] = domain.into();
        }
        config["bindings"] = json!([binding]);
        policy(config)
    };
    let group = json!({"attribute": "request.headers[x-group]", "one_of": ["ext"]});
    for lines in [&[("x-group", "ext")][..], &[("x-group", "ext"), ("x-group", "foo")]] {
        assert_eq!(verdict(&denying(group.clone(), None), &Host::default(), &get("/", lines)), DENIED);
    }
    let anyone = json!({"attribute": "request.method", "present": true});
    let by_path = denying(anyone, Some("request.path_segments[0]"));
    for path in ["/acme/docs", "/acme;x=1/docs", "/%61cme/docs"] {
        assert_eq!(verdict(&by_path, &Host::default(), &get(path, &[])), DENIED, "{path}");
    }
    assert_eq!(verdict(&by_path, &Host::default(), &get("/other/docs", &[])), "allowed");
    let peer = json!({"attribute": "source.ip", "networks": ["203.0.113.0/24"]});
    let hidden =
        Host::default().with("source/address", "192.0.2.1:0").with("source/port", 0_i64.to_le_bytes());
    assert_eq!(verdict(&denying(peer, None), &hidden, &get("/", &[])), DENIED);
}

#[test]
fn a_role_that_a_client_could_add_does_not_allow() {
    let config = json!({
        "role_attributes": ["request.headers[x-roles]"],
        "roles": {"admin": {"permissions": [{}]}, "user": {"permissions": [{"methods": ["GET"]}]}},
    });
    let policy = policy(config);
    let both = [("x-roles", "user"), ("x-roles", "admin")];
    assert_eq!(verdict(&policy, &Host::default(), &get("/", &both)), NONE);
    assert_eq!(verdict(&policy, &Host::default(), &get("/", &[("x-roles", "admin")])), "allowed");
    let text = rule("allow", json!({"condition": "!('blocked' in roles)"}));
    assert_eq!(verdict(&text, &Host::default(), &get("/", &[])), "allowed");
}

#[test]
fn a_logged_branch_of_a_matcher_still_needs_a_permission() {
    let input = json!({"name": "i", "typed_config": {
        "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput", "header_name": "x-tier",
    }});
    let action = json!({"name": "a", "typed_config": {
        "@type": "type.googleapis.com/envoy.config.rbac.v3.Action", "name": "internal", "action": "LOG",
    }});
    let policy = policy(json!({"envoy": {"matcher": {"matcher_list": {"matchers": [{
        "predicate": {"single_predicate": {"input": input, "value_match": {"exact": "internal"}}},
        "on_match": {"action": action},
    }]}}}}));
    let tier = |lines: &[(&str, &str)]| verdict(&policy, &Host::default(), &get("/", lines));
    assert_eq!(tier(&[("x-tier", "internal")]), "allowed");
    assert_eq!(tier(&[("x-tier", "a"), ("x-tier", "internal")]), NONE);
}

#[test]
fn a_path_with_its_query_has_readings() {
    let matcher = json!({"attribute": "request.path_and_query", "string_match": {"prefix": "/admin"}});
    let policy = rule("deny", json!({ "attributes": [matcher] }));
    for path in ["/admin?x", "/%61dmin", "//admin?x", "/x/../admin"] {
        assert_eq!(verdict(&policy, &Host::default(), &get(path, &[])), DENIED, "{path}");
    }
}

#[test]
fn conditions_see_each_value_of_an_attribute() {
    let lines = [("x-a", "1"), ("x-a", "0"), ("x-b", "0"), ("x-b", "1"), ("user-agent", "bad,good")];
    for text in [
        "request.headers['x-a'] == '1' && request.headers['x-b'] == '1'",
        "request.useragent == 'bad'",
        "request.host == 'a.test'",
    ] {
        let policy = rule("deny", json!({ "condition": text }));
        let request = Req("GET", "a.test:443", "/", &lines);
        assert_eq!(verdict(&policy, &Host::default(), &request), DENIED, "{text}");
    }
    let same = rule("allow", json!({"condition": "request.headers['x-a'] == request.headers['x-b']"}));
    assert_eq!(verdict(&same, &Host::default(), &get("/", &lines)), NONE);
    let raw =
        json!({"rules": [{"name": "r", "action": "deny", "condition": "request.headers[':path'] == '/'"}]});
    assert!(plan(raw).unwrap_err().contains("column"));
}

#[test]
fn a_condition_is_evaluated_a_bounded_number_of_times() {
    let values: Vec<_> = (0..100).map(|n| n.to_string()).collect();
    let lines: Vec<_> = values.iter().map(|value| ("x-a", value.as_str())).collect();
    let policy = rule("allow", json!({"condition": "request.headers['x-a'] != 'x'"}));
    assert_eq!(verdict(&policy, &Host::default(), &get("/", &lines)), NONE);
    assert_eq!(verdict(&policy, &Host::default(), &get("/", &lines[..3])), "allowed");
}

#[test]
fn media_types_ignore_case() {
    let policy =
        rule("deny", json!({"attributes": [{"attribute": "request.grpc.method", "one_of": ["Drop"]}]}));
    let request = get("/shop.Admin/Drop", &[("content-type", "Application/GRPC")]);
    assert_eq!(verdict(&policy, &Host::default(), &request), DENIED);
    let allow =
        rule("allow", json!({"attributes": [{"attribute": "request.grpc.method", "one_of": ["Get"]}]}));
    let grpc = [("content-type", "application/grpc")];
    assert_eq!(verdict(&allow, &Host::default(), &get("/shop.Admin/Get", &grpc)), "allowed");
    for path in ["/shop.Admin/Get;x=1", "/shop.Admin%2FGet", "/shop.Admin/Drop"] {
        assert_ne!(verdict(&allow, &Host::default(), &get(path, &grpc)), "allowed", "{path}");
    }
    let query = verdict(&policy, &Host::default(), &get("?x", &[]));
    assert_eq!(query, "rbac_invalid_path{not_absolute}");
}

#[test]
fn a_missing_filter_state_of_the_peer_is_unknown() {
    let mut config = json!({
        "rules": [{"name": "r", "action": "deny", "attributes": [{"attribute": "source.ip", "networks": ["10.0.0.0/8"]}]}],
        "default_action": "allow", "peer_address_filter_state": "peer",
    });
    assert_eq!(verdict(&policy(config.clone()), &Host::default(), &get("/", &[])), DENIED);
    config["rules"][0]["attributes"][0] =
        json!({"attribute": "source.ip", "same_as": "request.headers[x-ip]"});
    assert_eq!(verdict(&policy(config), &Host::default(), &get("/", &[])), DENIED);
}

#[test]
fn a_binding_compares_numbers_and_addresses_as_texts() {
    for (attribute, text) in [("request.auth.claims[level]", "7"), ("remote.ip", "192.0.2.1")] {
        let policy = policy(json!({
            "roles": {"a": {"permissions": [{}]}},
            "bindings": [{"roles": ["a"], "subjects": [{"attribute": attribute, "one_of": [text]}]}],
        }));
        let host = token(json!({"level": 7})).with("source/address", "192.0.2.1:80");
        assert_eq!(verdict(&policy, &host, &get("/", &[])), "allowed", "{attribute}");
    }
}

#[test]
fn configurations_that_would_not_do_as_written_are_rejected() {
    let r = |fields: Value| {
        let mut rule = json!({"name": "r", "action": "deny"});
        rule.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({ "rules": [rule] })
    };
    for (config, message) in [
        (
            r(json!({"match": {"hosts": [{"exact": "h:80"}]}})),
            "rules[0].match.hosts[0]: `exact` `h:80` never matches",
        ),
        (
            r(json!({"match": {"paths": [{"exact": "/a?b"}]}})),
            "rules[0].match.paths[0]: `exact` `/a?b` never matches",
        ),
        (
            r(json!({"match": {"paths": [{"exact": "a"}]}})),
            "rules[0].match.paths[0]: `exact` `a` never matches",
        ),
        (r(json!({"match": {"methods": ["delete"]}})), "rules[0].match.methods[0]: `delete` never matches"),
        (
            r(json!({"attributes": [{"attribute": "request.method", "networks": ["10.0.0.0/8"]}]})),
            "rules[0].attributes[0].networks: `request.method` is not an address",
        ),
        (json!({"envoy": {}}), "no policies"),
        (json!({"istio": {"policies": []}}), "no policies"),
        (json!({"envoy": {"rules": {}}, "default_action": "allow"}), "default_action: has no effect"),
        (
            r(json!({"attributes": [{"attribute": "domain", "one_of": ["a"]}]})),
            "domain: a policy tests `domain`",
        ),
        (
            json!({
                "rules": [{"name": "p", "action": "deny"}], "policy_options": {"p": {"shadow": true}},
                "envoy": {"rules": {"action": "DENY", "policies": {"p": {"permissions": [{"any": true}], "principals": [{"any": true}]}}}},
            }),
            "policy_options.p: policy `p` is in several formats",
        ),
    ] {
        let error = plan(config.clone()).err().unwrap_or_default();
        assert!(error.starts_with(message), "{config}: {error}");
    }
    let host = rule("deny", json!({"match": {"headers": [{"name": "host", "exact": "a.test"}]}}));
    assert_eq!(verdict(&host, &Host::default(), &get("/", &[])), DENIED);
    let upper = rule("deny", json!({"attributes": [{"attribute": "request.host", "one_of": ["A.Test"]}]}));
    assert_eq!(verdict(&upper, &Host::default(), &get("/", &[])), DENIED);
}
