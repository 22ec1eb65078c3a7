//! Configurations of Envoy's filter.

use crate::{plan, provider_refused, rule_refused};
use serde_json::json;

#[test]
fn accepts_an_example_of_envoys_documentation() {
    let plan = plan(json!({
        "providers": {
            "provider1": {
                "issuer": "https://provider1.com",
                "audiences": ["audience1"],
                "remote_jwks": {
                    "http_uri": {
                        "uri": "https://provider1.com/jwks.json",
                        "cluster": "provider1_jwks_cluster",
                        "timeout": "5s"
                    },
                    "cache_duration": "300s",
                    "async_fetch": {"fast_listener": true, "failed_refetch_duration": "0.5s"},
                    "retry_policy": {"num_retries": 3, "retry_back_off": {"base_interval": "0.01s", "max_interval": "3s"}}
                },
                "from_headers": [{"name": "jwt-assertion"}],
                "from_params": ["jwt_token"],
                "from_cookies": ["auth_token"],
                "forward": true,
                "forward_payload_header": "x-jwt-payload",
                "pad_forward_payload_header": true,
                "claim_to_headers": [{"header_name": "x-jwt-claim-nested-key", "claim_name": "nested.claim.key"}],
                "clock_skew_seconds": 60,
                "subjects": {"prefix": "spiffe://spiffe.example.com/"},
                "require_expiration": true,
                "max_lifetime": "86400s",
                "clear_route_cache": true
            }
        },
        "rules": [
            {"match": {"paths": [{"exact": "/health"}]}},
            {"match": {"paths": [{"prefix": "/"}]}, "requires": {
                "requires_any": {"requirements": [{"provider_name": "provider1"}, {"allow_missing_or_failed": {}}]}
            }}
        ],
        "bypass_cors_preflight": true,
        "strip_failure_response": true,
        "stat_prefix": "edge"
    }));
    let plan = plan.unwrap();
    let sanitized: Vec<_> = plan.sanitized.iter().map(|name| name.as_str()).collect();
    assert_eq!(sanitized, ["x-jwt-claim-nested-key", "x-jwt-payload"]);
}

#[test]
fn an_unsupported_field_is_rejected_with_its_replacement() {
    for (field, instead) in [
        ("payload_in_metadata", "`filter_state`"),
        ("header_in_metadata", "dynamic metadata"),
        ("failed_status_in_metadata", "`%RESPONSE_CODE_DETAILS%`"),
        ("normalize_payload_in_metadata", "`normalize_payload`"),
        ("jwt_cache_config", "at the top level"),
    ] {
        let message = provider_refused(json!({field: {}}));
        assert!(message.starts_with(field) && message.contains(instead), "{message}");
    }
    for (field, instead) in [
        ("filename", "`environment_variable`"),
        ("watched_directory", "`environment_variable`"),
        ("inline_bytes", "`inline_string`"),
    ] {
        let message = provider_refused(json!({"local_jwks": {field: "x"}}));
        assert!(
            message.starts_with(&format!("local_jwks.{field}")) && message.contains(instead),
            "{message}"
        );
    }
    for (field, instead) in [
        ("prefix", r#"{"paths": [{"prefix": "#),
        ("path", r#"{"paths": [{"exact": "#),
        ("safe_regex", r#"{"paths": [{"regex": "#),
        ("path_separated_prefix", r#"{"paths": [{"template": "#),
        ("path_match_policy", r#"{"paths": [{"template": "#),
        ("query_parameters", r#"{"query": ["#),
    ] {
        let message = rule_refused(json!({"match": {field: "/"}}));
        assert!(message.starts_with(&format!("match.{field}")) && message.contains(instead), "{message}");
    }
}

#[test]
fn rejects_fields_that_neither_filter_has() {
    let message = provider_refused(json!({"isuer": "x"}));
    assert!(message.starts_with("isuer: unknown field `isuer`, expected one of `issuer`"), "{message}");
    assert!(rule_refused(json!({"match": {"pahts": []}})).contains("unknown field `pahts`"));
}
