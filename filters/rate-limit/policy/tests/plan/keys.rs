//! Keys of limits.

use crate::{limit_refused, planned, yaml};
use serde_json::{Value, json};
use tollgate_rate_limit_policy::model::{Action, IfAbsent, Source, property};

fn action(action: Value) -> Action {
    planned(json!({"key": [action]})).key.remove(0)
}

fn refused(action: Value) -> String {
    let message = limit_refused(json!({"key": [action]}));
    message.strip_prefix("key[0].").unwrap_or_else(|| panic!("{message}")).into()
}

#[test]
fn resolves_envoys_actions() {
    let plan = yaml(
        "
         limits:
           all:
             rates: [{gcra: {requests: 1, per: 1s}}]
             key:
             - source_cluster: {}
             - destination_cluster: {}
             - request_headers: {header_name: ':Path', descriptor_key: whole}
             - query_parameters: {query_parameter_name: api_key}
             - remote_address: {}
             - masked_remote_address: {v4_prefix_mask_len: 24, v6_prefix_mask_len: 64}
             - remote_address_match: {cidrs: [10.0.0.0/8], invert: true, descriptor_value: outside}
             - generic_key: {descriptor_key: kind, descriptor_value: login}
             - header_value_match: {descriptor_value: test, expect_match: false, headers: [{name: x-env, exact: test}]}
             - query_parameter_value_match: {descriptor_value: d, query_parameters: [{name: debug, present: true}]}
             - metadata:
                 descriptor_key: org
                 source: ROUTE_ENTRY
                 metadata_key: {key: shop, path: [{key: a}, {key: b}]}",
    );
    let key = &plan.limits[0].key;
    let names: Vec<_> = key.iter().map(|action| action.descriptor_key.as_str()).collect();
    let expected = [
        "source_cluster",
        "destination_cluster",
        "whole",
        "api_key",
        "remote_address",
        "masked_remote_address",
        "remote_address_match",
        "kind",
        "header_match",
        "query_match",
        "org",
    ];
    assert_eq!(names, expected);
    assert!(key.iter().all(|action| action.if_absent == IfAbsent::NoKey));
    assert!(matches!(key[0].source, Source::SourceCluster));
    assert!(matches!(&key[1].source, Source::Property { path } if path == property::DESTINATION_CLUSTER));
    assert!(matches!(&key[2].source, Source::RequestHeader { name } if name == ":path"));
    assert!(matches!(&key[3].source, Source::QueryParameter { name } if name == "api_key"));
    assert!(matches!(key[4].source, Source::RemoteAddress));
    assert!(matches!(key[5].source, Source::MaskedRemoteAddress { v4_prefix_len: 24, v6_prefix_len: 64 }));
    assert!(matches!(&key[6].source, Source::RemoteAddressMatch { networks, invert: true, value }
        if networks.len() == 1 && value == "outside"));
    assert!(matches!(&key[7].source, Source::Constant(value) if value == "login"));
    assert!(matches!(&key[8].source, Source::HeaderValueMatch { headers, expect_match: false, value }
        if headers.len() == 1 && value == "test"));
    assert!(matches!(&key[9].source, Source::QueryParameterValueMatch { parameters, expect_match: true, .. }
        if parameters.len() == 1));
    let path = property::metadata(property::Metadata::Route, "shop", ["a", "b"]);
    assert!(matches!(&key[10].source, Source::Property { path: p } if *p == path));
}

#[test]
fn resolves_own_actions() {
    let plan = yaml(
        "
         limits:
           all:
             rates: [{gcra: {requests: 1, per: 1s}}]
             key:
             - cookie: {name: session, default_value: none}
             - path: {}
             - path: {template: '/orgs/{org}/**', segment: org, skip_if_absent: true}
             - host: {}
             - method: {descriptor_key: verb}
             - route: {default_value: '', skip_if_absent: true}
             - principal: {default_value: anonymous, skip_if_absent: true}
             - claim: {name: org.team}
             - filter_state: {key: tenant}",
    );
    let key: Vec<_> = plan.limits[0]
        .key
        .iter()
        .map(|action| (action.descriptor_key.as_str(), &action.if_absent, &action.source))
        .collect();
    let value = |text: &str| IfAbsent::Value(text.into());
    let absent: Vec<_> = key.iter().map(|(name, if_absent, _)| (*name, (*if_absent).clone())).collect();
    let expected = [
        ("session", value("none")),
        ("path", IfAbsent::NoKey),
        ("org", IfAbsent::Skip),
        ("host", IfAbsent::NoKey),
        ("verb", IfAbsent::NoKey),
        ("route", IfAbsent::Skip),
        ("principal", value("anonymous")),
        ("org.team", IfAbsent::NoKey),
        ("tenant", IfAbsent::NoKey),
    ];
    assert_eq!(absent, expected);
    assert!(matches!(key[0].2, Source::Cookie { name } if name == "session"));
    assert!(matches!(key[1].2, Source::Path));
    assert!(matches!(key[2].2, Source::PathSegment { template, index: 1 } if template.matches(b"/orgs/7/x")));
    assert!(matches!((key[3].2, key[4].2), (Source::Host, Source::Method)));
    assert!(matches!(key[5].2, Source::Property { path } if path == property::ROUTE));
    assert!(matches!(key[6].2, Source::Property { path } if path == property::PRINCIPAL));
    assert!(
        matches!(key[7].2, Source::Claim { whole: Some(whole), path } if whole == "org.team" && path.len() == 2)
    );
    assert!(matches!(key[8].2, Source::Property { path } if *path == property::filter_state("tenant")));
}

#[test]
fn masks_no_bits_by_default() {
    let source = action(json!({"masked_remote_address": {}})).source;
    assert!(matches!(source, Source::MaskedRemoteAddress { v4_prefix_len: 32, v6_prefix_len: 128 }));
}

#[test]
fn resolves_metadata_sources() {
    let of = |source: &str| {
        let key = json!({"key": "f", "path": [{"key": "a"}]});
        let Source::Property { path } =
            action(json!({"metadata": {"descriptor_key": "d", "metadata_key": key, "source": source}}))
                .source
        else {
            panic!("another source")
        };
        path
    };
    for (source, of_property) in [
        ("DYNAMIC", property::Metadata::Dynamic),
        ("ROUTE_ENTRY", property::Metadata::Route),
        ("VIRTUAL_HOST", property::Metadata::VirtualHost),
        ("CLUSTER_ENTRY", property::Metadata::Cluster),
    ] {
        assert_eq!(of(source), property::metadata(of_property, "f", ["a"]));
    }
}

#[test]
fn rejects_invalid_actions() {
    let long = "x".repeat(257);
    let text =
        |shown: &str| format!("invalid text `{shown}`, expected 1 to 256 bytes without control characters");
    for (action, message) in [
        (
            json!({"request_headers": {"header_name": ":status"}}),
            "request_headers.header_name: invalid header name `:status`, expected a header or one of `:path`, \
             `:method`, `:authority`"
                .to_owned(),
        ),
        (
            json!({"request_headers": {"header_name": "a b"}}),
            "request_headers.header_name: invalid header name `a b`, expected a header or one of `:path`, \
             `:method`, `:authority`"
                .to_owned(),
        ),
        (json!({"request_headers": {}}), "request_headers: missing field `header_name`".to_owned()),
        (
            json!({"request_headers": {"header_name": "a", "descriptor_key": ""}}),
            format!("request_headers.descriptor_key: {}", text("")),
        ),
        (
            json!({"request_headers": {"header_name": "a", "default_value": "x\n"}}),
            format!("request_headers.default_value: {}", text("x\\n")),
        ),
        (
            json!({"query_parameters": {"query_parameter_name": ""}}),
            format!("query_parameters.query_parameter_name: {}", text("")),
        ),
        (json!({"cookie": {"name": ""}}), format!("cookie.name: {}", text(""))),
        (json!({"claim": {"name": long}}), format!("claim.name: {}", text(&"x".repeat(64)))),
        (json!({"filter_state": {"key": "a\0b"}}), format!("filter_state.name: {}", text("a\\0b"))),
        (json!({"generic_key": {"descriptor_value": ""}}), format!("generic_key.descriptor_value: {}", text(""))),
        (
            json!({"masked_remote_address": {"v4_prefix_mask_len": 33}}),
            "masked_remote_address.v4_prefix_mask_len: `33` is not a number from 0 to 32".to_owned(),
        ),
        (
            json!({"masked_remote_address": {"v6_prefix_mask_len": 129}}),
            "masked_remote_address.v6_prefix_mask_len: `129` is not a number from 0 to 128".to_owned(),
        ),
        (
            json!({"remote_address_match": {"descriptor_value": "x", "cidrs": []}}),
            "remote_address_match.cidrs: must not be empty".to_owned(),
        ),
        (
            json!({"header_value_match": {"descriptor_value": "x", "headers": []}}),
            "header_value_match.headers: must not be empty".to_owned(),
        ),
        (
            json!({"query_parameter_value_match": {"descriptor_value": "x", "query_parameters": []}}),
            "query_parameter_value_match.query_parameters: must not be empty".to_owned(),
        ),
        (
            json!({"path": {"template": "/a/{b}"}}),
            "path: expected both `template` and `segment`, or neither".to_owned(),
        ),
        (
            json!({"path": {"template": "/a/{b}", "segment": "c"}}),
            "path.segment: unknown segment `c`, expected a placeholder of the template `/a/{b}`".to_owned(),
        ),
        (
            json!({"path": {"template": "/a/{b}/{b}", "segment": "b"}}),
            "path.template: `template` `/a/{b}/{b}`: duplicate placeholder name".to_owned(),
        ),
        (
            json!({"metadata": {"descriptor_key": "d", "metadata_key": {"key": "f", "path": []}}}),
            "metadata.metadata_key.path: must not be empty".to_owned(),
        ),
        (
            json!({"metadata": {"descriptor_key": "d", "metadata_key": {"key": "f", "path": [{"key": ""}]}}}),
            format!("metadata.metadata_key.path[0].key: {}", text("")),
        ),
        (
            json!({"dynamic_metadata": {}}),
            "dynamic_metadata: use `metadata` with `source: DYNAMIC`".to_owned(),
        ),
        (
            json!({"extension": {"name": "x"}}),
            "extension: expressions are not supported; use `claim` for a claim, or `filter_state` for a value of an earlier filter"
                .to_owned(),
        ),
        (
            json!({"source_cluster": {"x": 1}}),
            "source_cluster.x: unknown field `x`, there are no fields".to_owned(),
        ),
    ] {
        assert_eq!(refused(action), message);
    }
    assert_eq!(
        limit_refused(json!({"key": [{}]})),
        "key[0]: an object with 0 members, expected an object with one action, such as `remote_address`, \
         `request_headers` or `path`"
    );
    assert!(
        refused(json!({"remote_adress": {}})).starts_with("remote_adress: unknown variant `remote_adress`, ")
    );
    let actions = vec![json!({"remote_address": {}}); 17];
    assert_eq!(limit_refused(json!({"key": actions})), "key: `17` actions, expected at most 16");
}

#[test]
fn rejects_templates_that_no_path_of_a_key_matches() {
    for template in ["/my%20files/{id}", "/a;v=1/{id}", "//a/{id}", "/a/../{id}"] {
        let message = refused(json!({"path": {"template": template, "segment": "id"}}));
        assert!(message.starts_with("path.template: never matches"), "{template}: {message}");
    }
    for template in ["/my files/{id}", "/files/{id}", "/files/{id}/**"] {
        action(json!({"path": {"template": template, "segment": "id"}}));
    }
}
