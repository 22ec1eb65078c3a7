use super::*;
use crate::{Details, Then};
use tollgate_policy::Duration;

#[test]
fn the_first_rule_that_matches_selects_the_fault() {
    let policy = policy(
        r#"{"rules": [
            {"name": "a", "match": {"paths": [{"prefix": "/api/"}], "methods": ["POST"]}, "reset": {"percentage": 100}},
            {"name": "b", "match": {"paths": [{"prefix": "/api/"}]}, "abort": {"percentage": 100, "http_status": 503}},
            {"name": "c", "match": {"hosts": [{"exact": "shop.test"}]}, "delay": {"percentage": 100, "fixed": "1s"}}
        ]}"#,
    );
    let mut world = World::default();
    let of = |world: &mut World, path: &str| decide(&policy, world, path, &[]);
    let Then::Reply(reply) = of(&mut world, "/api/1?x=1").then else { panic!("expected an abort") };
    assert_eq!((reply.status, reply.reason), (503, Details::Abort));
    assert_eq!(reply.body, b"fault filter abort");
    assert_eq!(of(&mut world, "/").then, Then::Delay(Duration::from_secs(1)));
    assert_eq!(policy.plan().statistics, ["a", "b", "c", "other"]);
    assert_eq!(world.events, [((1, "aborts_injected"), 1), ((2, "delays_injected"), 1)].into());
}

#[test]
fn rules_for_a_source_do_not_hide_others() {
    for condition in [
        r#""source": {"networks": ["10.9.0.0/16"]}"#,
        r#""source": {"namespaces": ["shop"]}"#,
        r#""source": {"principals": [{"prefix": "spiffe://"}]}"#,
        r#""source": {"nodes": [{"exact": "n1"}]}"#,
        r#""upstream_clusters": [{"exact": "cart"}]"#,
        r#""match": {"query": [{"name": "debug", "present": true}]}"#,
        r#""match": {"headers": [{"name": "x-a", "present": true}]}"#,
    ] {
        let policy = policy(&format!(
            r#"{{"rules": [{{"name": "a", {condition}, "reset": {{"percentage": 100}}}}, {{"name": "b", "reset": {{"percentage": 100}}}}]}}"#
        ));
        assert_eq!(mark(&policy, &mut World::default(), &[]), "b;reset", "{condition}");
    }
}

#[test]
fn paths_are_matched_as_they_are_read() {
    let of = |options: &str, path: &str| {
        policy(&format!(
            r#"{{"path_normalization": {options}, "rules": [
                {{"name": "r", "match": {{"paths": [{{"exact": "{path}"}}]}}, "reset": {{"percentage": 100}}}}
            ]}}"#
        ))
    };
    for (options, path, sent, expected) in [
        ("{}", "/a/b", "/a//./b", true),
        ("{}", "/a%20b", "/a%20b", true),
        (r#"{"duplicate_slashes": "keep"}"#, "/a//b", "/a//b", true),
        (r#"{"duplicate_slashes": "keep"}"#, "/a/b", "/a//b", false),
        (r#"{"percent_encoding": "normalize"}"#, "/a b", "/a%20b", true),
    ] {
        let policy = of(options, path);
        let found = decide(&policy, &mut World::default(), sent, &[]).injected.is_some();
        assert_eq!(found, expected, "{options} {path} {sent}");
    }
}

#[test]
fn ten_thousand_rules_select_like_a_list() {
    let of = |n: usize| {
        format!(
            r#"{{"name": "r{n}", "match": {{"paths": [{{"template": "/v1/r{n}/{{id}}"}}]}}, "reset": {{"percentage": 100}}}}"#
        )
    };
    let rules: Vec<_> = (0..10_000).map(of).collect();
    let policy = policy(&format!(r#"{{"rules": [{}]}}"#, rules.join(",")));
    let mut world = World::default();
    for n in [0, 1, 99, 100, 9_999] {
        let decision = decide(&policy, &mut world, &format!("/v1/r{n}/7"), &[]);
        assert_eq!(decision.injected.unwrap().mark, format!("r{n};reset"));
    }
    assert!(decide(&policy, &mut world, "/v1/r10000/7", &[]).injected.is_none());
    // Only a hundred rules have statistics of their own.
    assert_eq!(policy.plan().statistics.len(), 101);
    assert_eq!(world.events[&(100, "resets_injected")], 2);
}

#[test]
fn the_source_and_the_cluster_must_match() {
    let reset = r#""reset": {"percentage": 100}"#;
    let principal = "connection\0uri_san_peer_certificate";
    for (condition, property, value, address, expected) in [
        (r#""upstream_clusters": [{"exact": "a"}]"#, "xds\0cluster_name", "a", [1; 4], true),
        (r#""upstream_clusters": [{"exact": "a"}]"#, "xds\0cluster_name", "b", [1; 4], false),
        (r#""upstream_clusters": [{"exact": "a"}]"#, "x", "", [1; 4], false),
        (
            r#""source": {"principals": [{"suffix": "/sa/cart"}]}"#,
            principal,
            "spiffe://c/ns/shop/sa/cart",
            [1; 4],
            true,
        ),
        (
            r#""source": {"principals": [{"suffix": "/sa/cart"}]}"#,
            principal,
            "spiffe://c/ns/shop/sa/pay",
            [1; 4],
            false,
        ),
        (r#""source": {"namespaces": ["shop"]}"#, principal, "spiffe://c/ns/shop/sa/cart", [1; 4], true),
        (r#""source": {"namespaces": ["shop"]}"#, principal, "spiffe://c/ns/other/sa/shop", [1; 4], false),
        (r#""source": {"namespaces": ["shop"]}"#, "x", "", [1; 4], false),
        (r#""source": {"networks": ["10.0.0.0/8"]}"#, "x", "", [10, 1, 2, 3], true),
        (r#""source": {"networks": ["10.0.0.0/8"]}"#, "x", "", [11, 1, 2, 3], false),
    ] {
        let policy = rule(&format!("{condition}, {reset}"));
        let mut world = World { address: Some(address.into()), ..World::default() };
        world.properties.insert(property, value);
        assert_eq!(mark(&policy, &mut world, &[]) == "r;reset", expected, "{condition} {value}");
    }
    let policy = rule(&format!(r#""source": {{"nodes": [{{"exact": "n1"}}]}}, {reset}"#));
    let mut world = World::default();
    assert_eq!(mark(&policy, &mut world, &[("x-envoy-downstream-service-node", "n1")]), "r;reset");
    assert_eq!(mark(&policy, &mut world, &[("x-envoy-downstream-service-node", "n2")]), "");
    assert_eq!(mark(&policy, &mut world, &[]), "");
}

#[test]
fn the_abort_follows_the_delay() {
    let policy = rule(
        r#""delay": {"percentage": 100, "fixed": "250ms"},
           "abort": {"percentage": 100, "grpc_status": "UNAVAILABLE", "body": "down", "headers": [
                {"name": "x-team", "value": "%REQ(x-team)%"}, {"name": "x-none", "value": "%REQ(x-none)%"},
                {"name": "x-path", "value": "%METHOD% %PATH%"}
           ]}"#,
    );
    let mut world = World::default();
    let decision = decide(&policy, &mut world, "/a", &[("x-team", "red")]);
    assert_eq!(decision.then, Then::Delay(Duration::from_nanos(250_000_000)));
    assert_eq!((world.active, world.count("aborts_injected")), (1, 0));
    let mut injected = decision.injected.unwrap();
    let Then::Reply(reply) = policy.resume(&mut injected, None, &mut world) else {
        panic!("expected an abort")
    };
    assert_eq!((reply.status, reply.grpc_status, &*reply.body), (200, 14, &b"down"[..]));
    let headers: Vec<_> = reply
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    assert_eq!(headers, ["x-team: red", "x-path: GET /a", "x-tollgate-fault: r;delay=250;abort"]);
    assert_eq!((world.active, world.count("aborts_injected"), world.count("delays_injected")), (0, 1, 1));
}

#[test]
fn lengths_are_capped_and_rounded_up() {
    let of = |delay: &str| {
        let json = format!(
            r#"{{"max_delay": "2s", "rules": [{{"name": "r", "delay": {{"percentage": 100, {delay}}}}}]}}"#
        );
        let (policy, mut world) = (policy(&json), World::default());
        (0..2_000)
            .map(|_| decide(&policy, &mut world, "/", &[]).injected.map_or(0, |injected| injected.delay))
            .max()
    };
    assert_eq!(of(r#""fixed": "1h""#), Some(3_600_000));
    assert_eq!(of(r#""fixed": "1500us""#), Some(2));
    assert_eq!(of(r#""pareto": {"min": "5ms", "shape": 0.1}"#), Some(2_000));
    assert_eq!(of(r#""exponential": {"mean": "1h"}"#), Some(2_000));
    // With a length of 0, a request is not delayed.
    assert_eq!(of(r#""uniform": {"min": "0", "max": "0"}"#), Some(0));
}

#[test]
fn a_failed_host_call_injects_nothing() {
    for rule_of in [
        r#""upstream_clusters": [{"exact": "a"}], "reset": {"percentage": 100}"#,
        r#""draw": {"by": "client_address"}, "reset": {"percentage": 100}"#,
        r#""reset": {"percentage": 100}"#,
    ] {
        let policy = rule(rule_of);
        let mut world = World { failure: Some(Failure::Host), ..World::default() };
        assert_eq!(mark(&policy, &mut world, &[]), "");
        assert_eq!(world.count("host_error"), 1, "{rule_of}");
    }
}

#[test]
fn shadow_mode_only_counts() {
    let policy = policy(r#"{"shadow": true, "rules": [{"name": "r", "reset": {"percentage": 100}}]}"#);
    let mut world = World::default();
    assert_eq!(mark(&policy, &mut world, &[]), "");
    assert_eq!(world.events, [((0, "shadow"), 1)].into());
}
