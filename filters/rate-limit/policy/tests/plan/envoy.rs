//! Fields of Envoy's own filters. They are accepted if they mean the same, and otherwise rejected with a
//! hint.

use crate::{plan, refused, yaml};
use serde_json::{Value, json};
use tollgate_rate_limit_policy::plan::FailureMode;

#[test]
fn accepts_fields_of_envoy() {
    let plan = yaml(
        "
         limits:
           a:
             actions: [{remote_address: {}}]
             service: {}
         rate_limit_service:
           grpc_service: {envoy_grpc: {cluster_name: rate_limit_cluster}}
           failure_mode_deny: true
         response:
           rate_limited_status: {code: 503}
           enable_retry_after_header: false
           enable_x_ratelimit_headers: 'OFF'",
    );
    assert_eq!(
        (plan.answers.status, plan.answers.retry_after, plan.answers.x_ratelimit_headers),
        (503, false, false)
    );
    let service = plan.service.unwrap();
    assert_eq!((service.cluster.as_str(), service.failure_mode), ("rate_limit_cluster", FailureMode::Deny));
    assert_eq!(plan.limits[0].key.len(), 1);
}

/// The example of Envoy's documentation of `local_ratelimit`, part by part.
#[test]
fn rejects_other_fields_of_envoy_with_a_hint() {
    let bucket = json!({"max_tokens": 10_000, "tokens_per_fill": 1000, "fill_interval": "1s"});
    let percent = json!({"runtime_key": "x", "default_value": {"numerator": 100, "denominator": "HUNDRED"}});
    let in_service = "move it to `rate_limit_service`";
    let in_response = "move it to `response`";
    let by_rules = "use `rules` to select the limits for a request";
    for (name, value, message) in [
        (
            "token_bucket",
            bucket.clone(),
            "use the `rates` of a limit: `limits: {all: {rates: [{token_bucket: ..}]}}`",
        ),
        ("filter_enabled", percent, "invalid type: object, expected a percentage such as `12.5`"),
        ("response_headers_to_add", json!([]), in_response),
        ("status", json!({"code": 429}), in_response),
        ("rate_limited_status", json!({"code": 429}), in_response),
        ("enable_x_ratelimit_headers", json!("OFF"), in_response),
        ("timeout", json!("0.25s"), in_service),
        ("failure_mode_deny", json!(true), in_service),
        ("stage", json!(0), by_rules),
        ("vh_rate_limits", json!("IGNORE"), by_rules),
        (
            "descriptors",
            json!([{"entries": [{"key": "client", "value": "foo"}], "token_bucket": bucket}]),
            "use one limit with `key` and `rates` for each descriptor, and its `overrides` for single values",
        ),
        ("max_dynamic_descriptors", json!(20), "use `table.max_keys`, the maximum number of all keys"),
        (
            "local_rate_limit_per_downstream_connection",
            json!(false),
            "use the action `connection` in the `key` of a limit",
        ),
    ] {
        let mut config = json!({"stat_prefix": "http_local_rate_limiter"});
        config[name] = value;
        assert_eq!(refused(config), format!("{name}: {message}"));
    }
    let limit = |name: &str, value: Value| refused(json!({"limits": {"a": {name: value}}}));
    assert_eq!(
        limit("token_bucket", bucket),
        "limits.a.token_bucket: use `rates`: `rates: [{token_bucket: ..}]`"
    );
    assert_eq!(limit("hits_addend", json!({"number": 1})), "limits.a.hits_addend: use `cost`");
    assert_eq!(
        limit("apply_on_stream_done", json!(true)),
        "limits.a.apply_on_stream_done: use `on_response`"
    );
    assert_eq!(
        refused(json!({"rate_limit_service": {"transport_api_version": "V3"}})),
        "rate_limit_service.transport_api_version: always `V3`; remove this field"
    );
    assert_eq!(
        refused(json!({"rate_limit_service": {"grpc_service": {"google_grpc": {}}}})),
        "rate_limit_service.grpc_service.google_grpc: a Wasm filter can only call clusters; use `envoy_grpc`"
    );
    assert_eq!(
        refused(
            json!({"response": {"response_headers_to_add": [{"append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}]}})
        ),
        "response.response_headers_to_add[0].append_action: not supported; remove this field"
    );
}

/// Actions of Envoy's documentation of `rate_limits` (`RateLimit.Action`), in one key.
#[test]
fn accepts_actions_of_envoys_documentation() {
    let actions = json!([
        {"source_cluster": {}},
        {"destination_cluster": {}},
        {"request_headers": {"header_name": ":path", "descriptor_key": "PATH"}},
        {"request_headers": {"header_name": "x-foo", "descriptor_key": "foo", "skip_if_absent": true}},
        {"remote_address": {}},
        {"generic_key": {"descriptor_value": "default"}},
        {"header_value_match": {"descriptor_value": "fwd", "headers": [{"name": "x-forwarded-for", "present": true}]}},
        {"metadata": {
            "descriptor_key": "user",
            "source": "DYNAMIC",
            "metadata_key": {"key": "envoy.filters.http.jwt_authn", "path": [{"key": "payload"}, {"key": "sub"}]},
            "default_value": "anonymous",
        }},
        {"masked_remote_address": {"v4_prefix_mask_len": 24}},
        {"query_parameter_value_match": {
            "descriptor_value": "d", "expect_match": true, "query_parameters": [{"name": "p", "exact": "q"}],
        }},
    ]);
    let rate = json!({"fixed_window": {"requests": 10, "window": "1m"}});
    let plan = plan(json!({"limits": {"a": {"key": actions, "rates": [rate]}}})).unwrap();
    assert_eq!(plan.limits[0].key.len(), actions.as_array().unwrap().len());
}
