//! Permissions and principals, one by one.

use super::{effect, one_policy};
use crate::Effect;
use serde_json::{Value, json};

/// Asserts which requests a test matches, in a policy that allows and in one that denies.
#[track_caller]
fn check(config: [Value; 2], yes: &[Value], no: &[Value]) {
    let [allow, deny] = config;
    for (requests, if_allow, if_deny) in
        [(yes, Effect::Allow, Effect::Deny), (no, Effect::Deny, Effect::Allow)]
    {
        for request in requests {
            let found = (effect(&allow, request), effect(&deny, request));
            assert_eq!(found, (if_allow, if_deny), "{allow} of {request}");
        }
    }
}

#[track_caller]
fn permission(test: Value, yes: &[Value], no: &[Value]) {
    check(["ALLOW", "DENY"].map(|action| one_policy(action, &test, &json!({"any": true}))), yes, no);
}

#[track_caller]
fn principal(test: Value, yes: &[Value], no: &[Value]) {
    check(["ALLOW", "DENY"].map(|action| one_policy(action, &json!({"any": true}), &test)), yes, no);
}

/// Asserts a test that permissions and principals have in common.
#[track_caller]
fn both(test: Value, yes: &[Value], no: &[Value]) {
    permission(test.clone(), yes, no);
    principal(test, yes, no);
}

/// Returns requests with each of these values of a field.
fn each<const N: usize>(field: &str, values: [impl Into<Value>; N]) -> [Value; N] {
    values.map(|value| json!({field: value.into()}))
}

/// Returns requests with each of these values of the header `x`.
fn header<const N: usize>(values: [&str; N]) -> [Value; N] {
    values.map(|value| json!({"headers": [["x", value]]}))
}

#[test]
fn combines_permissions_and_principals() {
    let port = |port: u16| json!({"destination_port": port});
    permission(json!({"any": true}), &[json!({})], &[]);
    permission(
        json!({"and_rules": {"rules": [port(80), port(80)]}}),
        &each("port", [80]),
        &each("port", [81]),
    );
    permission(json!({"and_rules": {"rules": [port(80), port(81)]}}), &[], &each("port", [80, 81]));
    permission(
        json!({"orRules": {"rules": [port(80), port(81)]}}),
        &each("port", [80, 81]),
        &each("port", [82]),
    );
    permission(json!({"not_rule": {"not_rule": port(80)}}), &each("port", [80]), &each("port", [81]));
    let peer = |address: &str| json!({"directRemoteIp": {"addressPrefix": address, "prefixLen": 32}});
    let (one, two) = (peer("192.0.2.1"), peer("192.0.2.2"));
    let either = each("peer", ["192.0.2.1", "192.0.2.2"]);
    principal(json!({"or_ids": {"ids": [one, two]}}), &either, &each("peer", ["192.0.2.3"]));
    principal(json!({"and_ids": {"ids": [one, two]}}), &[], &either);
    principal(json!({"notId": one}), &each("peer", ["192.0.2.2"]), &each("peer", ["192.0.2.1"]));
}

#[test]
fn tests_the_destination() {
    permission(
        json!({"destination_ip": {"address_prefix": "10.0.0.0", "prefix_len": 8}}),
        &each("destination", ["10.0.0.0", "10.255.0.1"]),
        &each("destination", ["11.0.0.0", "2001:db8::1"]),
    );
    permission(json!({"destination_port": "8443"}), &each("port", [8443]), &each("port", [443, 0]));
    permission(
        json!({"destination_port_range": {"start": 80, "end": 90}}),
        &each("port", [80, 89]),
        &each("port", [79, 90]),
    );
    permission(json!({"destination_port_range": {"end": 65536}}), &each("port", [0, 65535]), &[]);
}

#[test]
fn tests_addresses_of_the_client() {
    for (name, field) in [("source_ip", "peer"), ("direct_remote_ip", "peer"), ("remote_ip", "remote")] {
        principal(
            json!({name: {"address_prefix": "2001:db8::", "prefix_len": "32"}}),
            &each(field, ["2001:db8::1"]),
            &[json!({"peer": "::1", "remote": "::1"}), json!({})],
        );
    }
}

#[test]
fn tests_the_server_name() {
    let exact = json!({"requested_server_name": {"exact": "a.example.com"}});
    permission(exact, &each("sni", ["a.example.com"]), &[json!({"sni": "b.example.com"}), json!({})]);
    let none = json!({"requested_server_name": {"exact": ""}});
    permission(none, &[json!({})], &each("sni", ["a.example.com"]));
    let not = json!({"not_rule": {"requested_server_name": {"suffix": ".EXAMPLE.com", "ignore_case": true}}});
    permission(not, &[json!({}), json!({"sni": "a.test"})], &each("sni", ["b.example.com"]));
}

#[test]
fn tests_the_path_without_its_query() {
    both(
        json!({"url_path": {"path": {"prefix": "/api/"}}}),
        &each("path", ["/api/", "/api/a?b"]),
        &each("path", ["/api", "/?/api/"]),
    );
    both(
        json!({"urlPath": {"path": {"safeRegex": {"googleRe2": {}, "regex": "/[0-9]+"}}}}),
        &each("path", ["/12", "/12?x", "/1#f"]),
        &each("path", ["/12/", "/"]),
    );
}

#[test]
fn tests_templates_of_paths() {
    for (template, yes, no) in [
        ("/users/{id}", vec!["/users/7", "/users/a|b?q"], vec!["/users", "/users/", "/users/7/x"]),
        ("/users/*/orders/{o=*}", vec!["/users/7/orders/1"], vec!["/users//orders/1", "/users/7/orders"]),
        ("/v1.0/{a=x/*}/y", vec!["/v1.0/x/7/y"], vec!["/v1.0/7/y", "/v100/x/7/y"]),
        ("/static/**", vec!["/static/", "/static/a/b"], vec!["/static", "/statics/"]),
        ("/{rest=**}", vec!["/", "/a/b", "/a\n"], vec![]),
        ("/**.mpd", vec!["/a/b.mpd", "/.mpd"], vec!["/a/b.mpd/", "/a/bxmpd"]),
        ("/{a=b/**}.x", vec!["/b/.x", "/b/c/d.x"], vec!["/c/d.x", "/b"]),
        ("/v/*.m4s", vec!["/v/1.m4s"], vec!["/v/.m4s", "/v/1/2.m4s", "/v/1xm4s"]),
        ("/a/", vec!["/a/"], vec!["/a", "/a//"]),
        ("/a.b(c)$+", vec!["/a.b(c)$+"], vec!["/axb(c)$+"]),
    ] {
        let test = json!({"uri_template": {"name": "t", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "path_template": template,
        }}});
        let paths =
            |paths: Vec<&str>| paths.into_iter().map(|path| json!({"path": path})).collect::<Vec<_>>();
        permission(test, &paths(yes), &paths(no));
    }
}

#[test]
fn tests_values_of_headers() {
    let absent = [json!({})];
    for (test, yes, no) in [
        (json!({"exact_match": "ab"}), vec!["ab"], vec!["a", "AB", ""]),
        (json!({"prefixMatch": "a"}), vec!["a", "ab"], vec!["", "b"]),
        (json!({"suffix_match": "b"}), vec!["ab"], vec!["ba"]),
        (json!({"contains_match": "b"}), vec!["abc"], vec!["ac"]),
        (json!({"safe_regex_match": {"regex": "a|b"}}), vec!["a", "b"], vec!["ab", ""]),
        (json!({"string_match": {"exact": "Ab", "ignore_case": true}}), vec!["aB"], vec!["a"]),
        (json!({"string_match": {"exact": ""}}), vec![""], vec!["a"]),
        (json!({"range_match": {"start": -10, "end": "0"}}), vec!["-1", "-10"], vec!["0", "-1x", "", "-1.0"]),
    ] {
        let with = |fields: Value| {
            let mut all = test.clone();
            all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            json!({"header": all})
        };
        let lines =
            |values: &[&str]| values.iter().map(|value| header([value])[0].clone()).collect::<Vec<_>>();
        let (yes_lines, no_lines) = (lines(&yes), lines(&no));
        both(with(json!({"name": "X"})), &yes_lines, &[no_lines.clone(), absent.to_vec()].concat());
        // An absent header matches neither way.
        let inverted = with(json!({"name": "x", "invert_match": true}));
        both(inverted, &no_lines, &[yes_lines.clone(), absent.to_vec()].concat());
        // An absent header is an empty one.
        let empty = yes.contains(&"");
        let (mut as_empty, mut not) = ((yes_lines.clone(), no_lines.clone()), (no_lines, yes_lines));
        if empty { &mut as_empty.0 } else { &mut as_empty.1 }.extend(absent.to_vec());
        if empty { &mut not.1 } else { &mut not.0 }.extend(absent.to_vec());
        both(with(json!({"name": "x", "treatMissingHeaderAsEmpty": true})), &as_empty.0, &as_empty.1);
        let inverted = json!({"name": "x", "treat_missing_header_as_empty": true, "invertMatch": true});
        both(with(inverted), &not.0, &not.1);
    }
}

#[test]
fn tests_the_presence_of_a_header() {
    let (present, absent) = (header(["", "a"]), [json!({"headers": [["y", "a"]]})]);
    for (expected, invert, on_present) in
        [(true, false, true), (true, true, false), (false, false, false), (false, true, true)]
    {
        let test = json!({"header": {"name": "x", "present_match": expected, "invert_match": invert}});
        let (yes, no) = if on_present { (&present[..], &absent[..]) } else { (&absent[..], &present[..]) };
        both(test, yes, no);
    }
}

#[test]
fn tests_pseudo_headers() {
    let header = |name: &str, test: Value| json!({"header": {"name": name, "string_match": test}});
    both(
        header(":method", json!({"exact": "GET"})),
        &each("method", ["GET"]),
        &each("method", ["get", "POST"]),
    );
    both(header(":path", json!({"exact": "/a?b"})), &each("path", ["/a?b"]), &each("path", ["/a", "/a?b#c"]));
    both(header(":scheme", json!({"exact": "https"})), &each("scheme", ["https"]), &each("scheme", ["http"]));
    let hosts = each("host", ["shop.test", "SHOP.test", "Shop.Test:8080"]);
    both(header(":authority", json!({"exact": "Shop.test"})), &hosts, &each("host", ["x.shop.test"]));
    both(header(":authority", json!({"exact": "shop.test:8080"})), &hosts[2..], &hosts[..2]);
}

#[test]
fn an_added_line_of_a_header_never_helps_the_client() {
    let lines = json!({"headers": [["x", "a"], ["x", "b"]]});
    for name in ["a", "b"] {
        for invert in [false, true] {
            let test = json!({"header": {"name": "x", "exact_match": name, "invert_match": invert}});
            let any = json!({"any": true});
            assert_eq!(effect(&one_policy("ALLOW", &test, &any), &lines), Effect::Deny, "{test}");
            assert_eq!(effect(&one_policy("DENY", &test, &any), &lines), Effect::Deny, "{test}");
        }
    }
}

#[test]
fn tests_metadata_with_its_type() {
    let dynamic = |value: Value| json!({"metadata": {"f": {"a": {"b": value}}}});
    for (test, yes, no) in [
        (json!({"null_match": {}}), vec![json!(null)], vec![json!(0), json!("")]),
        (json!({"double_match": {"exact": 1}}), vec![json!(1), json!(1.0)], vec![json!("1"), json!(1.1)]),
        (
            json!({"doubleMatch": {"range": {"end": 2.5}}}),
            vec![json!(0), json!(2.4)],
            vec![json!(2.5), json!(-1)],
        ),
        (json!({"string_match": {"prefix": "a"}}), vec![json!("ab")], vec![json!(["ab"]), json!("b")]),
        (json!({"bool_match": false}), vec![json!(false)], vec![json!(true), json!("false"), json!(null)]),
        (json!({"present_match": true}), vec![json!(null), json!({}), json!(0)], vec![]),
        (
            json!({"list_match": {"one_of": {"bool_match": true}}}),
            vec![json!([0, true])],
            vec![json!(true), json!([])],
        ),
        (
            json!({"or_match": {"value_matchers": [
                {"bool_match": true}, {"string_match": {"exact": "yes"}},
            ]}}),
            vec![json!(true), json!("yes")],
            vec![json!("true"), json!(["yes"])],
        ),
    ] {
        let path = json!([{"key": "a"}, {"key": "b"}]);
        let matcher = |invert: bool| json!({"filter": "f", "path": path, "value": test, "invert": invert});
        let requests = |values: Vec<Value>| values.into_iter().map(dynamic).collect::<Vec<_>>();
        let (yes, mut no) = (requests(yes), requests(no));
        no.extend([
            json!({}),
            json!({"metadata": {"f": {"a": [{"b": test}]}}}),
            json!({"metadata": {"a": {"b": 1}}}),
        ]);
        both(json!({"metadata": matcher(false)}), &yes, &no);
        both(json!({"metadata": matcher(true)}), &no, &yes);
        both(json!({"sourced_metadata": {"metadata_matcher": matcher(false)}}), &yes, &no);
        let of_route =
            json!({"sourcedMetadata": {"metadataMatcher": matcher(false), "metadataSource": "ROUTE"}});
        both(
            of_route,
            &yes.iter().map(|request| json!({"route": request["metadata"]})).collect::<Vec<_>>(),
            &yes,
        );
    }
}

#[test]
fn tests_filter_state() {
    let state = |value: &str| json!({"filter_state": {"k": value}});
    principal(
        json!({"filter_state": {"key": "k", "string_match": {"suffix": "a"}}}),
        &[state("ba")],
        &[state("ab"), json!({"filter_state": {"l": "a"}}), json!({})],
    );
    let ranges = json!([
        {"address_prefix": "10.0.0.0", "prefix_len": 8},
        {"address_prefix": "2001:db8::", "prefix_len": 32},
    ]);
    principal(
        json!({"filterState": {"key": "k", "addressMatch": {"ranges": ranges}}}),
        &[state("10.1.1.1"), state("10.1.1.1:80"), state("[2001:db8::1]:80")],
        &[state("11.1.1.1"), state("a"), json!({})],
    );
}

#[test]
fn tests_the_certificate_of_the_peer() {
    let peers = [
        json!({"mtls": true, "uri_san": "spiffe://td/ns/a/sa/b"}),
        json!({"mtls": true, "uri_san": "spiffe://td/x", "dns_san": "spiffe://td/ns/a/sa/b"}),
        json!({"mtls": true, "subject": "spiffe://td/ns/a/sa/b"}),
    ];
    let others = [json!({"mtls": true, "uri_san": "spiffe://td/x", "subject": "CN=x"}), json!({})];
    let name = json!({"authenticated": {"principal_name": {"exact": "spiffe://td/ns/a/sa/b"}}});
    principal(name, &peers, &others);
    principal(json!({"authenticated": {}}), &[json!({"tls": "TLSv1.3"})], &[json!({}), json!({"tls": null})]);
}

#[test]
fn tests_the_names_of_a_validated_certificate() {
    let mtls = |fields: Value| {
        let mut config = json!({
            "@type": "type.googleapis.com/envoy.extensions.rbac.principals.mtls_authenticated.v3.Config",
        });
        config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        json!({"custom": {"name": "envoy.rbac.principals.mtls_authenticated", "typed_config": config}})
    };
    let dns = |name: &str| json!({"mtls": true, "dns_san": name});
    let uri = |name: &str| json!({"mtls": true, "uri_san": name});
    principal(mtls(json!({"any_validated_client_certificate": true})), &[dns("a")], &[json!({})]);
    let exact = json!({"san_matcher": {"san_type": "DNS", "matcher": {"exact": "a.b.test"}}});
    let valid = [dns("a.b.test"), dns("A.B.test"), dns("*.b.test")];
    principal(
        mtls(exact),
        &valid,
        &[dns("*.test"), dns("b.test"), uri("a.b.test"), json!({"dns_san": "a.b.test"})],
    );
    let regex =
        json!({"sanMatcher": {"sanType": "URI", "matcher": {"safe_regex": {"regex": "spiffe://td/.+"}}}});
    principal(mtls(regex), &[uri("spiffe://td/a")], &[uri("spiffe://te/a"), dns("spiffe://td/a")]);
}
