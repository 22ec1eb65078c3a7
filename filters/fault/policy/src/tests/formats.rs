use super::*;
use crate::Then;
use tollgate_policy::Duration;

#[test]
fn accepts_the_configuration_of_envoy() {
    // The fields of `HTTPFault` in Envoy 1.40, in both notations.
    let snake = r#"{"envoy": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault",
        "delay": {"fixed_delay": "0.250s", "percentage": {"numerator": 100, "denominator": "HUNDRED"}},
        "abort": {"http_status": 503, "percentage": {"numerator": 1000000, "denominator": "MILLION"}},
        "upstream_cluster": "cart", "downstream_nodes": ["n1", "n2"], "max_active_faults": 7,
        "headers": [
            {"name": "x-a", "exact_match": "1"}, {"name": "x-b", "string_match": {"prefix": "B", "ignore_case": true}},
            {"name": ":path", "string_match": {"safe_regex": {"google_re2": {}, "regex": "/cart.*"}}},
            {"name": "x-n", "range_match": {"start": 2, "end": 5}}, {"name": "x-none", "present_match": true, "invert_match": true}
        ],
        "response_rate_limit": {"fixed_limit": {"limit_kbps": 64}, "percentage": {"numerator": 0}},
        "delay_percent_runtime": "a", "abort_percent_runtime": "b", "delay_duration_runtime": "c",
        "abort_http_status_runtime": "d", "max_active_faults_runtime": "e", "response_rate_limit_percent_runtime": "f",
        "abort_grpc_status_runtime": "g", "disable_downstream_cluster_stats": true, "filter_metadata": {"team": "red"}
    }}"#;
    let camel = r#"{"envoy": {
        "delay": {"fixedDelay": "0.250s", "percentage": {"numerator": 100}},
        "abort": {"httpStatus": 503, "percentage": {"numerator": 100}},
        "upstreamCluster": "cart", "downstreamNodes": ["n1", "n2"], "maxActiveFaults": 7,
        "headers": [
            {"name": "x-a", "exactMatch": "1"}, {"name": "x-b", "stringMatch": {"prefix": "B", "ignoreCase": true}},
            {"name": ":path", "safeRegexMatch": {"regex": "/cart.*"}},
            {"name": "x-n", "rangeMatch": {"start": 2, "end": 5}}, {"name": "x-none", "presentMatch": true, "invertMatch": true}
        ],
        "responseRateLimit": {"fixedLimit": {"limitKbps": 64}},
        "filterMetadata": {"team": "red"}
    }}"#;
    for json in [snake, camel] {
        let policy = policy(json);
        assert_eq!(policy.plan().max_active, Some(7));
        let mut world = World::default();
        world.properties.insert("xds\0cluster_name", "cart");
        let headers: Pairs<'_> =
            &[("x-a", "1"), ("x-b", "bee"), ("x-n", "4"), ("x-envoy-downstream-service-node", "n2")];
        let decision = decide(&policy, &mut world, "/cart", headers);
        assert_eq!(decision.then, Then::Delay(Duration::from_nanos(250_000_000)));
        let mut injected = decision.injected.unwrap();
        let state: Vec<_> = policy.filter_state(&injected).collect();
        let metadata = ("fault.filter_metadata", r#"{"team":"red"}"#);
        assert_eq!(state, [("fault.injected", "envoy;delay=250;abort"), metadata]);
        assert_eq!(injected.mark, "envoy;delay=250;abort");
        let Then::Reply(reply) = policy.resume(&mut injected, None, &mut world) else { panic!("no abort") };
        assert_eq!(reply.status, 503);
        for missing in 0..headers.len() {
            let others: Vec<_> =
                headers.iter().enumerate().filter(|(n, _)| *n != missing).map(|(_, h)| *h).collect();
            assert!(decide(&policy, &mut world, "/cart", &others).injected.is_none(), "{missing}");
        }
        for other in [("x-n", "5"), ("x-none", "")] {
            let mut headers: Vec<_> = headers.iter().copied().filter(|(name, _)| *name != other.0).collect();
            headers.push(other);
            assert!(decide(&policy, &mut world, "/cart", &headers).injected.is_none(), "{other:?}");
        }
        assert!(decide(&policy, &mut world, "/pay", headers).injected.is_none());
        world.properties.insert("xds\0cluster_name", "pay");
        assert!(decide(&policy, &mut world, "/cart", headers).injected.is_none());
    }
    assert_eq!(policy(snake).plan().warnings.len(), 1);
}

#[test]
fn a_percentage_of_envoy_or_istio_is_zero_by_default() {
    for json in [
        r#"{"envoy": {"abort": {"http_status": 503}}}"#,
        r#"{"envoy": {"delay": {"fixed_delay": "1s"}}}"#,
        r#"{"istio": {"abort": {"httpStatus": 503}}}"#,
        r#"{"istio": {"delay": {"fixedDelay": "1s"}}}"#,
    ] {
        let (policy, mut world) = (policy(json), World::default());
        assert!((0..100).all(|_| mark(&policy, &mut world, &[]).is_empty()), "{json}");
    }
}

#[test]
fn an_absent_header_matches_no_test_of_envoy() {
    let matches = |header: &str, headers: Pairs<'_>| {
        let json = format!(
            r#"{{"envoy": {{"headers": [{header}], "abort": {{"http_status": 503, "percentage": {{"numerator": 100}}}}}}}}"#
        );
        !mark(&policy(&json), &mut World::default(), headers).is_empty()
    };
    for (header, with_a, with_b, without) in [
        (r#"{"name": "x", "string_match": {"exact": "a"}}"#, true, false, false),
        (r#"{"name": "x", "string_match": {"exact": "a"}, "invert_match": true}"#, false, true, false),
        (
            r#"{"name": "x", "string_match": {"exact": "a"}, "invert_match": true, "treat_missing_header_as_empty": true}"#,
            false,
            true,
            true,
        ),
        (r#"{"name": "x", "prefix_match": "a"}"#, true, false, false),
        (r#"{"name": "x", "suffix_match": "a"}"#, true, false, false),
        (r#"{"name": "x", "contains_match": "a"}"#, true, false, false),
        (r#"{"name": "x", "present_match": false}"#, false, false, true),
        (r#"{"name": "x"}"#, true, true, false),
        (r#"{"name": "Host", "string_match": {"exact": "shop.test"}}"#, true, true, true),
    ] {
        assert_eq!(matches(header, &[("x", "a")]), with_a, "{header}");
        assert_eq!(matches(header, &[("x", "b")]), with_b, "{header}");
        assert_eq!(matches(header, &[]), without, "{header}");
    }
}

#[test]
fn accepts_the_fault_injection_of_istio() {
    // The examples of Istio's documentation, and the hidden fields of its API.
    for (json, expected) in [
        (r#"{"abort": {"percentage": {"value": 100}, "httpStatus": 400}}"#, "istio;abort"),
        (r#"{"abort": {"percentage": {"value": 100.0}, "grpcStatus": "UNAVAILABLE"}}"#, "istio;abort"),
        (r#"{"abort": {"percentage": {"value": 100}, "http2Error": "REFUSED_STREAM"}}"#, "istio;reset"),
        (r#"{"delay": {"percentage": {"value": 100}, "fixedDelay": "5s"}}"#, "istio;delay=5000"),
        (r#"{"delay": {"percent": 100, "fixedDelay": "7s"}}"#, "istio;delay=7000"),
        (
            r#"{"delay": {"percentage": {"value": 100}, "fixedDelay": "7s"}, "abort": {"percentage": {"value": 100}, "httpStatus": 500}}"#,
            "istio;delay=7000;abort",
        ),
    ] {
        let policy = policy(&format!(r#"{{"istio": {json}}}"#));
        assert_eq!(mark(&policy, &mut World::default(), &[]), expected, "{json}");
    }
    let exponential =
        policy(r#"{"istio": {"delay": {"percentage": {"value": 100}, "exponentialDelay": "100ms"}}}"#);
    let mut world = World::default();
    let sum: u64 =
        (0..10_000).map(|_| decide(&exponential, &mut world, "/", &[]).injected.map_or(0, |i| i.delay)).sum();
    assert!((95..106).contains(&(sum / 10_000)), "{sum}");
}

#[test]
fn a_route_of_istio_can_have_any_name() {
    let (long, kept) = ("r".repeat(70), "r".repeat(64));
    for (name, expected) in [("ratings.v1", "ratings_v1"), ("", "istio"), ("a é", "a__"), (&long, &kept)] {
        let policy = policy(&format!(
            r#"{{"istio": [{{"name": "{name}", "fault": {{"abort": {{"percentage": {{"value": 100}}, "httpStatus": 500}}}}}}]}}"#
        ));
        assert_eq!(mark(&policy, &mut World::default(), &[]), format!("{expected};abort"));
        assert_eq!(policy.plan().statistics, [expected, "other"]);
    }
}

#[test]
fn a_route_of_istio_selects_requests() {
    let of = |condition: &str| {
        policy(&format!(
            r#"{{"istio": [{{"name": "cart", "match": [{condition}], "fault": {{"abort": {{"percentage": {{"value": 100}}, "httpStatus": 500}}}}}}]}}"#
        ))
    };
    for (condition, path, headers, expected) in [
        (r#"{"uri": {"prefix": "/cart"}}"#, "/cart/1?a=b", &[][..], true),
        (r#"{"uri": {"exact": "/cart"}}"#, "/cart/1", &[], false),
        (r#"{"uri": {"exact": "/CART"}, "ignoreUriCase": true}"#, "/cart", &[], true),
        (r#"{"uri": {"regex": "/c.*"}, "method": {"exact": "GET"}}"#, "/cart", &[], true),
        (r#"{"method": {"regex": "P.*"}}"#, "/cart", &[], false),
        (r#"{"authority": {"exact": "shop.test"}}"#, "/", &[], true),
        (r#"{"headers": {"end-user": {"exact": "jason"}}}"#, "/", &[("end-user", "jason")], true),
        (r#"{"headers": {"end-user": {"exact": "jason"}}}"#, "/", &[("end-user", "ann")], false),
        (r#"{"headers": {"end-user": {}}}"#, "/", &[("end-user", "ann")], true),
        (r#"{"headers": {"end-user": {}}}"#, "/", &[], false),
        (r#"{"withoutHeaders": {"end-user": {"prefix": "j"}}}"#, "/", &[("end-user", "jason")], false),
        (r#"{"withoutHeaders": {"end-user": {"prefix": "j"}}}"#, "/", &[("end-user", "ann")], true),
        (r#"{"withoutHeaders": {"end-user": {"prefix": "j"}}}"#, "/", &[], true),
        (r#"{"withoutHeaders": {"end-user": {}}}"#, "/", &[], true),
        (r#"{"withoutHeaders": {"end-user": {}}}"#, "/", &[("end-user", "")], false),
        (r#"{"queryParams": {"debug": {"exact": "1"}}}"#, "/?debug=1", &[], true),
        (r#"{"queryParams": {"debug": {}}}"#, "/", &[], false),
        (r#"{"uri": {"exact": "/a"}}, {"uri": {"exact": "/b"}}"#, "/b", &[], true),
        (r#"{"sourceNamespace": "shop"}"#, "/", &[], false),
    ] {
        let (policy, mut world) = (of(condition), World::default());
        let found = decide(&policy, &mut world, path, headers).injected.map(|injected| injected.mark);
        assert_eq!(found.as_deref(), expected.then_some("cart;abort"), "{condition} {path} {headers:?}");
    }
}
