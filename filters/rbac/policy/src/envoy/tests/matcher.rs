//! The generic matcher.

use super::reference::{self, action, extension, header_input, input};
use super::walk;
use super::{Decision, decide, error, stages};
use crate::Effect;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Returns the decision of a matcher, as the name of the policy and its action.
fn decided(matcher: &Value, request: &Value) -> (String, &'static str) {
    let stages = stages(&json!({"matcher": matcher}));
    let Decision { effect, policy, logged } = decide(&stages[0], request);
    let policy = policy.unwrap_or_default();
    match effect {
        Effect::Allow if logged == [policy.clone()] => (policy, "LOG"),
        Effect::Allow if logged.is_empty() => (policy, "ALLOW"),
        Effect::Deny if logged.is_empty() => (policy, "DENY"),
        _ => panic!("{matcher}: {policy} after {logged:?}"),
    }
}

#[track_caller]
fn check(matcher: &Value, requests: &[(Value, &str)]) {
    for (request, expected) in requests {
        assert_eq!(decided(matcher, request).0, *expected, "{request}");
    }
}

fn x(value: &str) -> Value {
    json!({"headers": [["x", value]]})
}

fn exact(value: &str) -> Value {
    json!({"single_predicate": {"input": header_input("x"), "value_match": {"exact": value}}})
}

#[test]
fn an_empty_matcher_rejects_every_request() {
    assert_eq!(decided(&json!({}), &json!({})), (String::new(), "DENY"));
    let all = json!({"on_no_match": action("all", "LOG")});
    assert_eq!(decided(&all, &json!({})), ("all".into(), "LOG"));
}

#[test]
fn the_first_matcher_of_a_list_decides() {
    let not = json!({"not_matcher": exact("c")});
    let or = json!({"or_matcher": {"predicate": [exact("b"), exact("c")]}});
    let and = json!({"andMatcher": {"predicate": [or, not]}});
    let list = json!({"matcher_list": {"matchers": [
        {"predicate": exact("a"), "on_match": action("one", "DENY")},
        {"predicate": and, "on_match": action("two", "ALLOW")},
        {"predicate": exact("a"), "on_match": action("never", "ALLOW")},
    ]}});
    check(&list, &[(x("a"), "one"), (x("b"), "two"), (x("c"), ""), (json!({}), "")]);
    assert_eq!((decided(&list, &x("a")).1, decided(&list, &x("c")).1), ("DENY", "DENY"));
}

#[test]
fn continues_after_a_nested_matcher_without_a_match() {
    let nested = |on_no_match: Option<Value>| {
        let mut nested = json!({"matcher_list": {"matchers": [
            {"predicate": exact("a"), "on_match": action("inner", "ALLOW")},
        ]}});
        if let Some(on_no_match) = on_no_match {
            nested["on_no_match"] = on_no_match;
        }
        json!({"matcher_list": {"matchers": [
            {"predicate": {"not_matcher": exact("z")}, "on_match": {"matcher": nested}},
            {"predicate": exact("b"), "on_match": action("next", "ALLOW")},
        ]}, "on_no_match": action("last", "DENY")})
    };
    check(&nested(None), &[(x("a"), "inner"), (x("b"), "next"), (x("c"), "last"), (x("z"), "last")]);
    let with_default = nested(Some(action("default", "DENY")));
    check(&with_default, &[(x("a"), "inner"), (x("b"), "default"), (x("z"), "last")]);
}

#[test]
fn looks_up_a_text_by_value_or_longest_prefix() {
    let exact = json!({"matcher_tree": {"input": header_input("x"), "exact_match_map": {"map": {
        "a": action("a", "ALLOW"), "": action("empty", "ALLOW"),
    }}}, "on_no_match": action("other", "DENY")});
    check(&exact, &[(x("a"), "a"), (x(""), "empty"), (x("ab"), "other"), (json!({}), "other")]);
    let nested = json!({"matcher_tree": {"input": header_input("y"), "exact_match_map": {"map": {
        "1": action("nested", "ALLOW"),
    }}}});
    let prefix = json!({"matcherTree": {"input": header_input("x"), "prefixMatchMap": {"map": {
        "a": action("a", "ALLOW"), "abc": {"matcher": nested}, "": action("empty", "DENY"),
    }}}, "onNoMatch": action("none", "DENY")});
    let both = json!({"headers": [["x", "abcd"], ["y", "1"]]});
    let requests =
        [(x("ab"), "a"), (x("abcd"), "a"), (both, "nested"), (x(""), "empty"), (json!({}), "none")];
    check(&prefix, &requests);
}

#[test]
fn the_longest_network_comes_first() {
    let range = |networks: &[(&str, u8)], name: &str, exclusive: bool| {
        let ranges: Vec<_> =
            networks.iter().map(|(a, n)| json!({"address_prefix": a, "prefix_len": n})).collect();
        json!({"ranges": ranges, "on_match": action(name, "ALLOW"), "exclusive": exclusive})
    };
    let nested =
        json!({"matcher_list": {"matchers": [{"predicate": exact("a"), "on_match": action("y", "ALLOW")}]}});
    let mut with_nested = range(&[("192.0.0.0", 2)], "", false);
    with_nested["on_match"] = json!({"matcher": nested});
    for (exclusive, other) in [(false, "x"), (true, "none")] {
        let matcher = json!({"matcher_tree": {
            "input": input("network.v3.SourceIPInput"),
            "custom_match": extension("xds.type.matcher.v3.IPMatcher", json!({"range_matchers": [
                range(&[("0.0.0.0", 0)], "x", exclusive),
                with_nested,
                range(&[("10.1.0.0", 16), ("10.0.0.0", 8)], "ten", false),
                range(&[("10.1.0.0", 16)], "same", false),
            ]})),
        }, "on_no_match": action("none", "DENY")});
        let from = |address: &str, x: &str| json!({"remote": address, "headers": [["x", x]]});
        let requests = [
            (from("192.168.0.1", "a"), "y"),
            (from("192.168.0.1", "b"), other),
            (from("10.1.2.3", ""), "ten"),
            (from("10.2.2.3", ""), "ten"),
            (from("11.2.2.3", ""), "x"),
            (from("2001:db8::1", "a"), "none"),
            (json!({}), "none"),
        ];
        check(&matcher, &requests);
    }
}

#[test]
fn a_whole_server_name_comes_before_the_longest_suffix() {
    let domains =
        |names: &[&str], policy: &str| json!({"domains": names, "on_match": action(policy, "ALLOW")});
    let matcher = json!({"matcher_tree": {
        "input": input("network.v3.ServerNameInput"),
        "custom_match": extension("xds.type.matcher.v3.ServerNameMatcher", json!({"domain_matchers": [
            domains(&["*", "*.test"], "any"),
            domains(&["*.a.test", "b.test"], "a"),
            domains(&["x.a.test"], "x"),
        ]})),
    }, "on_no_match": action("none", "DENY")});
    let sni = |name: &str| json!({"sni": name});
    let requests = [
        (sni("x.a.test"), "x"),
        (sni("y.x.a.test"), "a"),
        (sni("a.test"), "any"),
        (sni("b.test"), "a"),
        (sni("other"), "any"),
        (sni(""), "none"),
        (json!({}), "none"),
    ];
    check(&matcher, &requests);
}

#[test]
fn reads_every_input() {
    let network =
        json!({"cidr_ranges": [{"address_prefix": "192.0.2.0", "prefix_len": 24}], "stat_prefix": "s"});
    let ip = extension("envoy.extensions.matching.input_matchers.ip.v3.Ip", network);
    let cel = extension("xds.type.matcher.v3.CelMatcher", json!({"expr_match": {"cel_expr_string": "true"}}));
    let state =
        extension("envoy.extensions.matching.common_inputs.network.v3.FilterStateInput", json!({"key": "k"}));
    let text = |text: &str| ("value_match", json!({"exact": text}));
    for (input, (kind, matcher), yes) in [
        (header_input(":method"), text("GET"), json!({"method": "GET"})),
        (header_input(":authority"), text("A.test"), json!({"host": "a.TEST:80"})),
        (input("network.v3.SourceIPInput"), ("custom_match", ip), json!({"remote": "192.0.2.7"})),
        (input("network.v3.DirectSourceIPInput"), text("192.0.2.1"), json!({"peer": "192.0.2.1"})),
        (
            input("network.v3.DestinationIPInput"),
            text("2001:db8:0::1"),
            json!({"destination": "2001:db8::1"}),
        ),
        (input("network.v3.DestinationPortInput"), text("80"), json!({"port": 80})),
        (input("network.v3.SourcePortInput"), text("1234"), json!({"source_port": 1234})),
        (
            input("network.v3.ServerNameInput"),
            ("value_match", json!({"suffix": "t"})),
            json!({"sni": "test"}),
        ),
        (input("ssl.v3.UriSanInput"), text("spiffe://a"), json!({"uri_san": "spiffe://a"})),
        (input("ssl.v3.DnsSanInput"), text("a"), json!({"dns_san": "a"})),
        (input("ssl.v3.SubjectInput"), text("CN=a"), json!({"subject": "CN=a"})),
        (state, text("v"), json!({"filter_state": {"k": "v"}})),
        (
            extension("xds.type.matcher.v3.HttpAttributesCelMatchInput", json!({})),
            ("custom_match", cel),
            json!({"condition": "true"}),
        ),
    ] {
        let list = json!({"matcher_list": {"matchers": [{
            "predicate": {"single_predicate": {"input": input, kind: matcher}},
            "on_match": action("p", "ALLOW"),
        }]}});
        check(&list, &[(yes, "p"), (json!({}), "")]);
    }
}

#[test]
fn rejects_what_never_matches_or_is_unsupported() {
    let tree =
        |input: Value, kind: &str, matcher: Value| json!({"matcher_tree": {"input": input, kind: matcher}});
    let port = input("network.v3.DestinationPortInput");
    let map = |key: &str| json!({"map": {key: action("p", "ALLOW")}});
    let domain = |name: &str| {
        extension(
            "xds.type.matcher.v3.ServerNameMatcher",
            json!({"domain_matchers": [
                {"domains": ["a.test", name], "on_match": action("p", "ALLOW")},
            ]}),
        )
    };
    let mut keep = action("p", "ALLOW");
    keep["keep_matching"] = true.into();
    for (matcher, expected) in [
        (
            json!({"matcher_list": {"matchers": []}}),
            "matcher_list.matchers: found 0 elements, expected at least 1",
        ),
        (
            json!({"matcher_list": {}, "matcher_tree": {}}),
            "matcher_tree: not supported together with `matcher_list`",
        ),
        (json!({"on_no_match": {}}), "on_no_match: expected exactly one of `action`, `matcher`, found none"),
        (
            json!({"on_no_match": keep}),
            "on_no_match.keep_matching: `true` is not supported, neither here nor in Envoy's filter",
        ),
        (
            json!({"on_no_match": {"action": extension("a.B", json!({}))}}),
            "on_no_match.action.typed_config.@type: unsupported type `a.B`, expected \
             `envoy.config.rbac.v3.Action`",
        ),
        (
            json!({"on_no_match": action("", "ALLOW")}),
            "on_no_match.action.typed_config.name: the text is empty",
        ),
        (
            tree(header_input("x"), "exact_match_map", json!({"map": {}})),
            "matcher_tree.exact_match_map.map: the map is empty",
        ),
        (
            tree(port.clone(), "exact_match_map", map("080")),
            "matcher_tree.exact_match_map.map.080: `080` is not a port",
        ),
        (
            tree(port.clone(), "prefix_match_map", map("80")),
            "matcher_tree.prefix_match_map.map: not supported for a port, use `exact` with a port",
        ),
        (
            tree(input("network.v3.SourceIPInput"), "exact_match_map", map("localhost")),
            "matcher_tree.exact_match_map.map.localhost: `localhost` is not an address",
        ),
        (
            tree(port, "custom_match", domain("b.test")),
            "matcher_tree.custom_match: not supported for a port, use `exact` with a port",
        ),
        (
            tree(header_input("x"), "custom_match", extension("a.B", json!({}))),
            "matcher_tree.custom_match.typed_config.@type: unsupported type `a.B`, expected one of \
             `xds.type.matcher.v3.IPMatcher`, `xds.type.matcher.v3.ServerNameMatcher`",
        ),
        (
            tree(header_input("x"), "custom_match", domain("a.test")),
            "matcher_tree.custom_match.typed_config.domain_matchers[0].domains[1]: duplicate domain `a.test`",
        ),
        (
            tree(header_input("x"), "custom_match", domain("*a.test")),
            "matcher_tree.custom_match.typed_config.domain_matchers[0].domains[1]: `*a.test` is not a domain \
             such as `a.example.com`, `*.example.com`, `*`",
        ),
    ] {
        assert_eq!(error(&json!({"matcher": matcher})), format!("matcher.{expected}"));
    }
    let other =
        error(&json!({"matcher": tree(input("network.v3.SourceTypeInput"), "exact_match_map", map("a"))}));
    let start = "matcher.matcher_tree.input.typed_config.@type: unsupported type \
                 `envoy.extensions.matching.common_inputs.network.v3.SourceTypeInput`, expected one of \
                 `envoy.type.matcher.v3.HttpRequestHeaderMatchInput`, ";
    assert!(other.starts_with(start), "{other}");
}

proptest! {
    #[test]
    fn decides_like_a_walk_of_the_tree(matcher in walk::matcher(), requests in reference::requests()) {
        for request in requests {
            let expected = walk::decide(&matcher, &request).unwrap_or((String::new(), "DENY"));
            prop_assert_eq!(decided(&matcher, &request), expected, "{} of {}", request, matcher);
        }
    }
}
