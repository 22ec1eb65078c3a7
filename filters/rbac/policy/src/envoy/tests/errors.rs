//! Errors, with path and value.

use super::{error, one_policy};
use serde_json::{Value, json};

#[track_caller]
fn permission(test: Value, expected: &str) {
    let config = one_policy("ALLOW", &test, &json!({"any": true}));
    assert_eq!(error(&config), format!("rules.policies.p.permissions[0]{expected}"));
}

#[track_caller]
fn principal(test: Value, expected: &str) {
    let config = one_policy("ALLOW", &json!({"any": true}), &test);
    assert_eq!(error(&config), format!("rules.policies.p.principals[0]{expected}"));
}

#[test]
fn rejects_unsupported_fields_of_the_filter() {
    for (config, expected) in [
        (json!([]), "invalid type: array, expected an object"),
        (json!({"rules": null}), "rules: invalid type: null, expected an object"),
        (
            json!({"rule": {}}),
            "rule: unknown field `rule`, expected one of `@type`, `rules`, `matcher`, `shadow_rules`, \
             `shadow_matcher`, `track_per_rule_stats`",
        ),
        (
            json!({"@type": "type.googleapis.com/envoy.config.rbac.v3.RBAC"}),
            "@type: unsupported type `envoy.config.rbac.v3.RBAC`, expected \
             `envoy.extensions.filters.http.rbac.v3.RBAC`",
        ),
        (json!({"rules_stat_prefix": "a"}), "rules_stat_prefix: use `stat_prefix` of this filter"),
        (
            json!({"shadowRulesStatPrefix": "a"}),
            "shadowRulesStatPrefix: use `stat_prefix` of this filter: the metrics of shadow rules have names \
             of their own",
        ),
        (
            json!({"track_per_rule_stats": false}),
            "track_per_rule_stats: found false, expected `true`: this filter always counts requests by \
             policy",
        ),
        (
            json!({"rules": {}, "matcher": {}}),
            "rules: Envoy would ignore it, because `matcher` is configured",
        ),
        (
            json!({"shadow_rules": {}, "shadowMatcher": {}}),
            "shadow_rules: Envoy would ignore it, because `shadowMatcher` is configured",
        ),
        (
            json!({"rules": {"action": "AUDIT"}}),
            "rules.action: unknown variant `AUDIT`, expected one of `ALLOW`, `DENY`, `LOG`",
        ),
        (json!({"rules": {"policies": []}}), "rules.policies: invalid type: array, expected an object"),
        (
            json!({"rules": {"audit_logging_options": {"logger_configs": []}}}),
            "rules.audit_logging_options.logger_configs: loggers are not supported: this filter writes the \
             requests of `audit_condition` to its own log",
        ),
        (
            json!({"shadow_rules": {"audit_logging_options": {"audit_condition": "ON_DENY"}}}),
            "shadow_rules: `audit_logging_options` are not supported in shadow rules",
        ),
    ] {
        assert_eq!(error(&config), expected);
    }
}

#[test]
fn rejects_incomplete_policies() {
    let any = json!([{"any": true}]);
    for (policy, expected) in [
        (json!({"principals": any}), "missing field `permissions`"),
        (json!({"permissions": any}), "missing field `principals`"),
        (json!({"permissions": [], "principals": any}), "permissions: found 0 elements, expected at least 1"),
        (json!({"permissions": any, "principals": []}), "principals: found 0 elements, expected at least 1"),
        (
            json!({"permissions": {}, "principals": any}),
            "permissions: invalid type: object, expected an array",
        ),
        (
            json!({"permissions": any, "principals": any, "condition": {}, "checked_condition": {}}),
            "checked_condition: not supported together with `condition`",
        ),
        (
            json!({"permissions": any, "principals": any, "cel_config": {"enable_string_concat": 1}}),
            "cel_config.enable_string_concat: invalid type: integer `1`, expected a boolean",
        ),
        (
            json!({"permissions": any, "principals": any, "conditions": {}}),
            "conditions: unknown field `conditions`, expected one of `permissions`, `principals`, \
             `condition`, `checked_condition`, `cel_config`",
        ),
    ] {
        let path = if expected.starts_with("missing") { ": " } else { "." };
        assert_eq!(
            error(&json!({"rules": {"policies": {"p": policy}}})),
            format!("rules.policies.p{path}{expected}")
        );
    }
}

#[test]
fn rejects_none_or_several_choices() {
    let choices = "expected exactly one of `any`, `and_rules`, `or_rules`, `not_rule`, `header`, `url_path`, \
                   `uri_template`, `destination_ip`, `destination_port`, `destination_port_range`, \
                   `requested_server_name`, `metadata`, `sourced_metadata`, found";
    permission(json!({}), &format!(": {choices} none"));
    permission(
        json!({"any": true, "destinationPort": 1}),
        &format!(": {choices} `any` and `destinationPort`"),
    );
    permission(json!({"any": false}), ".any: `false` never matches, expected `true`");
    permission(
        json!({"and_rules": {"rules": []}}),
        ".and_rules.rules: found 0 elements, expected at least 1",
    );
    permission(json!({"not_rule": {"or_rules": {}}}), ".not_rule.or_rules: missing field `rules`");
    permission(
        json!({"matcher": {}}),
        ".matcher: extensions are not supported: the upstream is not known yet, use `destination_ip` or \
         `destination_port` for the address at which the request arrived",
    );
    permission(
        json!({"url_path": {"path": {"exact": "/a", "prefix": "/b"}}}),
        ".url_path.path: expected exactly one of `exact`, `prefix`, `suffix`, `contains`, `safe_regex`, \
         found `exact` and `prefix`",
    );
    principal(
        json!({"or_ids": {"ids": [{"any": true}, null]}}),
        ".or_ids.ids[1]: invalid type: null, expected an object",
    );
    principal(
        json!({"authenticated": {"name": {}}}),
        ".authenticated.name: unknown field `name`, expected `principal_name`",
    );
    let value = json!({"filter": "f", "path": [{"key": "k"}], "value": {}});
    principal(
        json!({"metadata": value}),
        ".metadata.value: expected exactly one of `null_match`, `double_match`, `string_match`, \
         `bool_match`, `present_match`, `list_match`, `or_match`, found none",
    );
    principal(
        json!({"urlPath": {"path": {"exact": "/a"}}, "url_path": {}}),
        ".url_path: duplicate field `url_path`",
    );
}

#[test]
fn rejects_invalid_ports_and_networks() {
    permission(
        json!({"destination_port": 65536}),
        ".destination_port: invalid value: integer `65536`, expected a whole number from 0 to 65535",
    );
    permission(
        json!({"destination_port": true}),
        ".destination_port: invalid type: boolean `true`, expected a whole number",
    );
    permission(
        json!({"destination_port_range": {"start": 81, "end": 81}}),
        ".destination_port_range: `start` is `81` and `end` is `81`, expected `start` < `end`",
    );
    permission(
        json!({"destination_port_range": {"start": -1, "end": 2}}),
        ".destination_port_range.start: invalid value: integer `-1`, expected a whole number from 0 to 65536",
    );
    for (network, expected) in [
        (json!({"address_prefix": "10.0.0.0"}), ": missing field `prefix_len`"),
        (json!({"prefix_len": 8}), ": missing field `address_prefix`"),
        (
            json!({"address_prefix": "10.0.0.0", "prefix_len": 33}),
            ".prefix_len: invalid value: integer `33`, expected a whole number from 0 to 32",
        ),
        (
            json!({"address_prefix": "10.1.0.0", "prefix_len": 8}),
            ".address_prefix: `10.1.0.0/8` has bits set after its prefix, expected `10.0.0.0/8`",
        ),
        (
            json!({"address_prefix": "10.0.0.0/8", "prefix_len": 8}),
            ".address_prefix: \"10.0.0.0/8\" is not an address such as `10.0.0.1` or `2001:db8::1`",
        ),
        (
            json!({"address_prefix": "a", "prefix_len": 8}),
            ".address_prefix: `a/8` is not a network such as `10.0.0.0/8` or `2001:db8::/32`",
        ),
    ] {
        permission(json!({"destination_ip": network}), &format!(".destination_ip{expected}"));
        principal(json!({"remote_ip": network}), &format!(".remote_ip{expected}"));
    }
}

#[test]
fn rejects_tests_of_headers_that_mislead() {
    let header = |fields: Value, expected: &str| {
        let mut header = json!({"name": "x"});
        header.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        permission(json!({"header": header}), &format!(".header{expected}"));
    };
    header(
        json!({}),
        ": expected exactly one of `exact_match`, `safe_regex_match`, `range_match`, `present_match`, \
         `prefix_match`, `suffix_match`, `contains_match`, `string_match`, found none",
    );
    let empty = "the text is empty and would match every value, use `present_match`";
    for name in ["exact_match", "prefix_match", "suffix_match", "contains_match"] {
        header(json!({name: ""}), &format!(".{name}: {empty}"));
    }
    header(json!({"exact_match": 1}), ".exact_match: invalid type: integer `1`, expected a string");
    header(
        json!({"string_match": {"prefix": ""}}),
        ".string_match: `prefix` is empty and would match everything",
    );
    header(
        json!({"string_match": {"safe_regex": {"regex": "a"}, "ignoreCase": true}}),
        ".string_match.ignore_case: not supported with `safe_regex`, begin the expression with `(?i)`",
    );
    header(json!({"string_match": {"custom": {}}}), ".string_match.custom: not supported, use `safe_regex`");
    header(
        json!({"present_match": true, "treat_missing_header_as_empty": true}),
        ".treat_missing_header_as_empty: not supported with `present_match`",
    );
    header(
        json!({"range_match": {"start": 5}}),
        ".range_match: `start` is `5` and `end` is `0`, expected `start` < `end`",
    );
    header(json!({"name": "host", "present_match": true}), ".name: use `:authority`");
    header(
        json!({"name": ":status", "present_match": true}),
        ".name: unknown pseudo-header `:status`, expected one of `:path`, `:method`, `:authority`, `:scheme`",
    );
    header(json!({"name": "a b", "present_match": true}), ".name: `a b` is not a valid header name");
    let found = error(&one_policy(
        "ALLOW",
        &json!({"header": {"name": "x", "safe_regex_match": {"regex": "("}}}),
        &json!({"any": true}),
    ));
    assert!(
        found.starts_with("rules.policies.p.permissions[0].header.safe_regex_match: `regex` `(`: "),
        "{found}"
    );
}

#[test]
fn rejects_invalid_templates() {
    for (template, reason) in [
        ("a", "must begin with `/`"),
        ("//a", "has an empty segment"),
        ("/a//b", "has an empty segment"),
        ("/{a", "has `{` without `}`"),
        ("/a}", "has a character that a path cannot contain"),
        ("/{}", "has an invalid name of a variable"),
        ("/{{a}", "has an invalid name of a variable"),
        ("/{1}", "has an invalid name of a variable"),
        ("/{a}/{a}", "has two variables with the same name"),
        ("/{a}{b}", "has two operators in a segment"),
        ("/*{b}", "has two operators in a segment"),
        ("/**/a/*", "has an operator after `**`"),
        ("/***", "has two operators in a segment"),
        ("/{a=b//c}", "has an empty segment"),
        ("/a?b", "has a character that a path cannot contain"),
        ("/é", "has a character that a path cannot contain"),
        (&format!("/{}", "a".repeat(256)), "longer than 256 bytes"),
    ] {
        let test = json!({"uri_template": {"name": "t", "typed_config": {
            "@type": "type.googleapis.com/envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig",
            "path_template": template,
        }}});
        let path = ".uri_template.typed_config.path_template";
        permission(test, &format!("{path}: `{template}` is not a template of a path: {reason}"));
    }
}

#[test]
fn rejects_other_extensions() {
    let extension = |kind: &str| json!({"name": "n", "typed_config": {"@type": kind}});
    let mtls = "envoy.extensions.rbac.principals.mtls_authenticated.v3.Config";
    principal(
        json!({"custom": extension("type.googleapis.com/a.B")}),
        &format!(".custom.typed_config.@type: unsupported type `a.B`, expected `{mtls}`"),
    );
    principal(
        json!({"custom": extension("a.B")}),
        ".custom.typed_config.@type: `a.B` is not a type, expected `type.googleapis.com/..`",
    );
    principal(
        json!({"custom": extension(&format!("type.googleapis.com/{mtls}"))}),
        ".custom.typed_config: expected `san_matcher`, or `any_validated_client_certificate` with the value \
         `true`",
    );
    principal(
        json!({"custom": {"name": "n", "typed_config": {}}}),
        ".custom.typed_config: missing field `@type`",
    );
    principal(json!({"custom": {"typed_config": {}}}), ".custom: missing field `name`");
    let account = "cluster.local/ns/a/sa/b";
    for kind in ["exact", "prefix"] {
        principal(
            json!({"authenticated": {"principal_name": {kind: account}}}),
            &format!(
                ".authenticated.principal_name.{kind}: `{account}` matches no certificate, expected \
                 `spiffe://{account}`"
            ),
        );
    }
    let san = json!({"san_type": "EMAIL", "matcher": {"exact": "a"}});
    let mut config = extension(&format!("type.googleapis.com/{mtls}"));
    config["typed_config"]["san_matcher"] = san;
    principal(
        json!({"custom": config}),
        ".custom.typed_config.san_matcher.san_type: unknown variant `EMAIL`, expected `DNS` or `URI`",
    );
}

#[test]
fn rejects_invalid_tests_of_metadata() {
    for (path, value, expected) in [
        (json!([]), json!({"null_match": {}}), ".path: found 0 elements, expected at least 1"),
        (json!([{"key": ""}]), json!({"null_match": {}}), ".path[0].key: the text is empty"),
        (
            json!([{"key": "k"}]),
            json!({"present_match": false}),
            ".value.present_match: `false` never matches, expected `true`",
        ),
        (
            json!([{"key": "k"}]),
            json!({"or_match": {"value_matchers": [{"bool_match": true}]}}),
            ".value.or_match.value_matchers: found 1 elements, expected at least 2",
        ),
        (
            json!([{"key": "k"}]),
            json!({"double_match": {"range": {"start": 1.5, "end": 1.5}}}),
            ".value.double_match.range: `start` is `1.5` and `end` is `1.5`, expected `start` < `end`",
        ),
        (
            json!([{"key": "k"}]),
            json!({"double_match": {"exact": "1"}}),
            ".value.double_match.exact: invalid type: string \"1\", expected a number",
        ),
    ] {
        principal(
            json!({"metadata": {"filter": "f", "path": path, "value": value}}),
            &format!(".metadata{expected}"),
        );
    }
    let matcher = json!({"filter": "f", "path": [{"key": "k"}], "value": {"null_match": {}}});
    principal(
        json!({"sourced_metadata": {"metadata_matcher": matcher, "metadata_source": "CLUSTER"}}),
        ".sourced_metadata.metadata_source: unknown variant `CLUSTER`, expected `DYNAMIC` or `ROUTE`",
    );
    principal(
        json!({"filter_state": {"key": "k", "address_match": {"ranges": []}}}),
        ".filter_state.address_match.ranges: found 0 elements, expected at least 1",
    );
}
