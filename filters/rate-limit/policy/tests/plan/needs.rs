//! The filter only reads what it needs.

use crate::{limit, plan};
use serde_json::{Value, json};
use tollgate_rate_limit_policy::plan::Needs;

fn needs(fields: Value, rest: Value) -> Needs {
    let mut config = limit(fields);
    config.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    plan(config).unwrap().needs
}

const NOTHING: Needs = Needs { request_headers: false, response_headers: false, in_flight: false };

#[test]
fn a_limit_by_address_needs_no_headers() {
    let silent = json!({"response": {"rate_limit_headers": false}});
    let key = json!({"key": [
        {"remote_address": {}}, {"masked_remote_address": {}}, {"generic_key": {"descriptor_value": "x"}},
        {"principal": {}}, {"route": {}}, {"claim": {"name": "sub"}}, {"source_cluster": {}},
    ]});
    assert_eq!(needs(key.clone(), silent), NOTHING);
    assert_eq!(needs(key, json!({})), NOTHING, "headers are added to a response without a look at it");
}

#[test]
fn users_of_the_request_need_its_headers() {
    let silent = json!({"response": {"rate_limit_headers": false}});
    for fields in [
        json!({"key": [{"request_headers": {"header_name": "x"}}]}),
        json!({"key": [{"remote_address": {}}, {"path": {}}]}),
        json!({"key": [{"cookie": {"name": "x"}}]}),
        json!({"cost": {"header": {"name": "x", "max": 1}}}),
        json!({"cost": {"body_bytes": {"per": 1, "max": 1}}}),
    ] {
        let expected = Needs { request_headers: true, ..NOTHING };
        assert_eq!(needs(fields.clone(), silent.clone()), expected, "{fields}");
    }
    for condition in ["hosts", "paths", "methods", "headers", "query"] {
        let matcher = match condition {
            "methods" => json!("GET"),
            "headers" | "query" => json!({"name": "x", "present": true}),
            "hosts" => json!({"exact": "x"}),
            _ => json!({"exact": "/x"}),
        };
        let rules = json!([{"match": {condition: [matcher]}, "limits": ["a"]}]);
        let rest = json!({"rules": rules, "response": {"rate_limit_headers": false}});
        assert!(needs(json!({}), rest).request_headers, "{condition}");
    }
    let rest = json!({"rules": [{"limits": ["a"]}], "response": {"rate_limit_headers": false}});
    assert_eq!(needs(json!({}), rest), NOTHING);
}

#[test]
fn users_of_the_response_need_its_headers() {
    let expected = Needs { response_headers: true, ..NOTHING };
    assert_eq!(needs(json!({"on_response": {"statuses": ["5xx"]}}), json!({})), expected);
    let x = json!({"enable_x_ratelimit_headers": "DRAFT_VERSION_03"});
    assert_eq!(needs(json!({}), json!({"response": x})), NOTHING);
}

#[test]
fn counts_requests_in_flight_if_configured() {
    let silent = json!({"response": {"rate_limit_headers": false}});
    let expected = Needs { in_flight: true, ..NOTHING };
    assert_eq!(needs(json!({"concurrency": {"max_requests": 1}}), silent.clone()), expected);
    let overrides =
        json!([{"when": {"remote_address": {"cidr": "::1"}}, "concurrency": {"max_requests": 1}}]);
    assert_eq!(needs(json!({"key": [{"remote_address": {}}], "overrides": overrides}), silent), expected);
}
