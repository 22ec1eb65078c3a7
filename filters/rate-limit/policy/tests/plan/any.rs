//! Random configurations.

use crate::plan;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollgate_counting::table::WAYS;
use tollgate_filter_testing::odd;
use tollgate_rate_limit_policy::Plan;

/// One with everything in it.
fn full() -> Value {
    json!({
        "domain": "shop", "stat_prefix": "edge",
        "limits": {
            "per-client": {
                "key": [
                    {"source_cluster": {}}, {"destination_cluster": {}},
                    {"request_headers": {"header_name": "x-team", "descriptor_key": "team", "default_value": "none"}},
                    {"query_parameters": {"query_parameter_name": "q", "skip_if_absent": true}},
                    {"remote_address": {}}, {"masked_remote_address": {"v4_prefix_mask_len": 24}},
                    {"remote_address_match": {"cidrs": ["10.0.0.0/8"], "invert": true, "descriptor_value": "x"}},
                    {"generic_key": {"descriptor_value": "x"}},
                    {"header_value_match": {"descriptor_value": "x", "headers": [{"name": "a", "exact": "b"}]}},
                    {"query_parameter_value_match":
                        {"descriptor_value": "x", "query_parameters": [{"name": "a", "regex": "b+"}]}},
                    {"metadata": {"descriptor_key": "m", "metadata_key": {"key": "k", "path": [{"key": "p"}]}}},
                    {"cookie": {"name": "c"}}, {"path": {"template": "/a/{b}", "segment": "b"}},
                    {"claim": {"name": "a.b"}}, {"filter_state": {"key": "f"}}, {"principal": {}},
                ],
                "rates": [
                    {"name": "burst", "token_bucket": {"max_tokens": 10, "tokens_per_fill": 1, "fill_interval": "1s"}},
                    {"gcra": {"requests": 10, "per": "1s", "burst": 5}},
                    {"fixed_window": {"requests": 1000, "window": "1h"}},
                    {"sliding_window": {"requests": 1000, "window": "1h"}},
                ],
                "concurrency": {"max_requests": 10},
                "overrides": [
                    {"when": {"team": {"exact": "gold"}, "remote_address": {"cidr": "10.0.0.0/8"}},
                     "rates": [{"gcra": {"requests": 1, "per": "1s"}}]},
                    {"when": {"c": {"regex": "a+"}}, "concurrency": {"max_requests": 1}},
                    {"when": {"c": {"exact": "b"}}, "unlimited": true},
                ],
                "cost": {"header": {"name": "x-cost", "default": 1, "max": 100}},
                "on_response": {
                    "statuses": ["401", "5xx", 403], "headers": [{"name": "a", "present": true}],
                    "cost_header": {"name": "x", "max": 5}, "refund_without_response": true,
                },
                "delay": {"max_wait": "2s"},
                "service": {"hits_addend": true, "fallback_rates": [{"gcra": {"requests": 1, "per": "1s"}}]},
                "shadow": true,
            },
            "all": {"key": [{"connection": {}}], "rates": [{"name": "burst", "fixed_window": {"requests": 1, "calendar": "month"}}], "cost": {"body_bytes": {"per": 1, "max": 9}}},
        },
        "rules": [
            {"match": {"hosts": [{"exact": "h"}], "paths": [{"template": "/a/{b}"}]}, "limits": ["per-client", "all"]},
            {"limits": []},
        ],
        "rate_limit_service": {
            "grpc_service": {"envoy_grpc": {"cluster_name": "c"}}, "timeout": "20ms", "failure_mode": "local",
            "cache": {"over_limit": true, "lease_hits": 10, "lease_max_age": "1s", "overshoot_hits": 0, "max_entries": 1},
        },
        "table": {"max_keys": 100},
        "response": {
            "status": {"code": 429}, "body": "x", "content_type": "text/plain", "retry_after": true,
            "response_headers_to_add": [{"header": {"key": "a", "value": "b"}}],
        },
        "max_waiting_requests": 5, "filter_enabled": 50, "filter_enforced": 12.5, "shadow": false,
        "on_error": "allow", "status_on_error": {"code": 500},
    })
}

/// Texts from statuses, percentages, paths and limits.
const TEXTS: &[&str] = &["5xx", "all", "/{b}", "per-client", "%"];

#[test]
fn accepts_a_config_that_sets_every_field() {
    plan(full()).unwrap();
}

fn whatever() -> impl Strategy<Value = Value> {
    let names =
        ["limits", "rules", "a", "rates", "key", "service", "response", "table", "status", "when", "cost"];
    odd::values(TEXTS).prop_recursive(5, 32, 4, move |inner| {
        let name = prop::sample::select(names.to_vec()).prop_map(String::from);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(name, inner, 0..4)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn check_rejected_in_one_line_or_resolved(config: &Value) -> Result<(), TestCaseError> {
    let config = match tollgate_policy::config::read(config) {
        Ok(config) => config,
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            return Ok(());
        }
    };
    let plan = match Plan::new(config) {
        Ok(plan) => plan,
        Err(problem) => {
            let line = problem.to_string();
            prop_assert!(!problem.path().is_empty() && !problem.message().is_empty(), "{line:?}");
            prop_assert!(!line.chars().any(char::is_control), "{line:?}");
            return Ok(());
        }
    };
    prop_assert!(plan.pages >= 1);
    let indices = plan.rules.iter().flat_map(|rule| &rule.limits).chain(&plan.otherwise);
    prop_assert!(indices.clone().all(|index| *index < plan.limits.len()));
    for limit in &plan.limits {
        let fallback = limit.service.iter().map(|service| service.fallback.list.len());
        let of_overrides = limit.overrides.list().iter().map(|other| other.rates.list.len());
        prop_assert!(
            fallback.chain(of_overrides).chain([limit.rates.list.len()]).all(|rates| rates <= WAYS / 2)
        );
        let whens = limit.overrides.list().iter().flat_map(|other| &other.when);
        prop_assert!(whens.clone().all(|(index, _)| *index < limit.key.len()));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn changed_configs_are_rejected_or_resolved(
        changes in odd::changes(TEXTS),
    ) {
        check_rejected_in_one_line_or_resolved(&odd::changed(full(), &changes))?;
    }

    #[test]
    fn random_values_are_rejected_or_resolved(config in whatever()) {
        check_rejected_in_one_line_or_resolved(&config)?;
    }
}
