//! The section `rate_limit_service`.

use crate::{plan, rate, refused, yaml};
use serde_json::{Value, json};
use tollgate_policy::Percent;
use tollgate_rate_limit_policy::plan::{FailureMode, RateLimitService};
use tollgate_rate_limit_policy::remote::Service;

fn with(service: Value, of_limit: Value) -> Value {
    let limit = json!({"key": [{"remote_address": {}}], "service": of_limit});
    json!({"limits": {"a": limit}, "rate_limit_service": service})
}

fn service(fields: Value) -> RateLimitService {
    plan(with(fields, json!({}))).unwrap().service.unwrap()
}

fn service_refused(fields: Value) -> String {
    let message = refused(with(fields, json!({})));
    message.strip_prefix("rate_limit_service").unwrap_or_else(|| panic!("{message}")).into()
}

#[test]
fn defaults_are_those_of_envoy() {
    let service = service(json!({"cluster": "ratelimit"}));
    assert_eq!((service.cluster.as_str(), service.failure_mode), ("ratelimit", FailureMode::Allow));
    assert_eq!(service.asked, Service::default());
    let asks = plan(with(json!({"cluster": "c"}), json!({}))).unwrap().limits.remove(0).service.unwrap();
    assert_eq!((asks.hits_addend, asks.fallback.list.len()), (true, 0));
}

#[test]
fn reads_every_field() {
    let plan = yaml(
        "
         limits:
           a:
             key: [{remote_address: {}}]
             service: {hits_addend: false, fallback_rates: [{gcra: {requests: 1, per: 1s}}]}
         rate_limit_service:
           grpc_service: {envoy_grpc: {cluster_name: limitador}}
           timeout: 50ms
           failure_mode: local
           cache: {over_limit: false, lease_hits: 20, lease_max_age: 2s, overshoot_hits: 5, max_entries: 7}",
    );
    let service = plan.service.unwrap();
    assert_eq!((service.cluster.as_str(), service.failure_mode), ("limitador", FailureMode::Local));
    let cache = &service.asked.cache;
    assert_eq!((service.asked.timeout, cache.over_limit, cache.lease_hits), (50_000_000, false, 20));
    assert_eq!((cache.lease_max_age, cache.overshoot_hits, cache.max_entries), (2_000_000_000, 5, 7));
    let asks = plan.limits[0].service.as_ref().unwrap();
    assert_eq!((asks.hits_addend, asks.fallback.names[0].as_str()), (false, "a"));
}

#[test]
fn accepts_one_failure_mode_field() {
    let mode = |fields: Value| {
        let mut all = json!({"cluster": "c"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let service = service(all);
        (service.failure_mode, service.deny_percent)
    };
    let half = Percent::try_from(50.0).unwrap();
    assert_eq!(mode(json!({"failure_mode": "deny"})), (FailureMode::Deny, Percent::ALL));
    assert_eq!(mode(json!({"failure_mode_deny": true})), (FailureMode::Deny, Percent::ALL));
    assert_eq!(mode(json!({"failure_mode_deny": false})).0, FailureMode::Allow);
    assert_eq!(mode(json!({"failure_mode_deny_percent": 50})), (FailureMode::Deny, half));
    assert_eq!(
        mode(json!({"failure_mode": "deny", "failure_mode_deny_percent": 50})),
        (FailureMode::Deny, half)
    );
    assert_eq!(
        service_refused(json!({"cluster": "c", "failure_mode": "allow", "failure_mode_deny": true})),
        ".failure_mode_deny: cannot be combined with `failure_mode`"
    );
    assert_eq!(
        service_refused(json!({"cluster": "c", "failure_mode": "allow", "failure_mode_deny_percent": 50})),
        ".failure_mode_deny_percent: needs `failure_mode: deny`"
    );
}

#[test]
fn numbers_have_bounds() {
    for (fields, message) in [
        (json!({"timeout": "0"}), ".timeout: invalid duration `0s`, expected `1ms` to `5m`"),
        (json!({"status_on_error": 503}), ".status_on_error: move it to the top level"),
        (json!({"cache": {"lease_hits": 0}}), ".cache.lease_hits: `0` is not a number from 1 to 1000000"),
        (
            json!({"cache": {"lease_max_age": "0"}}),
            ".cache.lease_max_age: invalid duration `0s`, expected `1ms` to `1h`",
        ),
        (
            json!({"cache": {"overshoot_hits": 1_000_001}}),
            ".cache.overshoot_hits: `1000001` is not a number from 0 to 1000000",
        ),
        (json!({"cache": {"max_entries": 0}}), ".cache.max_entries: `0` is not a number from 1 to 1000000"),
        (
            json!({"failure_mode_deny_percent": 101}),
            ".failure_mode_deny_percent: `101` is not a percentage from 0 to 100",
        ),
    ] {
        let mut all = json!({"cluster": "c"});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        assert_eq!(service_refused(all), message);
    }
}

#[test]
fn needs_exactly_one_cluster() {
    assert_eq!(service_refused(json!({})), ": expected `cluster` or `grpc_service`");
    let grpc = json!({"envoy_grpc": {"cluster_name": "c"}});
    assert_eq!(
        service_refused(json!({"cluster": "c", "grpc_service": grpc})),
        ".cluster: cannot be combined with `grpc_service`"
    );
    let text = "expected 1 to 256 bytes without control characters";
    assert_eq!(service_refused(json!({"cluster": ""})), format!(".cluster: invalid text ``, {text}"));
    assert_eq!(
        service_refused(json!({"grpc_service": {"envoy_grpc": {"cluster_name": "\n"}}})),
        format!(".grpc_service.envoy_grpc.cluster_name: invalid text `\\n`, {text}")
    );
}

#[test]
fn a_service_needs_a_limit_and_a_limit_needs_a_service() {
    assert_eq!(
        refused(json!({"limits": {"a": {"key": [{"remote_address": {}}], "service": {}}}})),
        "limits.a.service: needs `rate_limit_service`"
    );
    assert_eq!(
        refused(json!({"limits": {"a": {"rates": [rate()]}}, "rate_limit_service": {"cluster": "c"}})),
        "rate_limit_service: not used: no limit has `service`"
    );
    assert_eq!(
        refused(json!({"limits": {"a": {"service": {}}}, "rate_limit_service": {"cluster": "c"}})),
        "limits.a.service: needs a `key` in the limit: the service counts by key"
    );
}

#[test]
fn fallback_rates_belong_to_failure_mode_local() {
    let local = json!({"cluster": "c", "failure_mode": "local"});
    assert_eq!(
        refused(with(local.clone(), json!({}))),
        "limits.a.service.fallback_rates: expected at least one rate, as `rate_limit_service.failure_mode` is `local`"
    );
    assert_eq!(
        refused(with(json!({"cluster": "c"}), json!({"fallback_rates": [rate()]}))),
        "limits.a.service.fallback_rates: needs `rate_limit_service.failure_mode: local`"
    );
    assert!(
        refused(with(local, json!({"fallback_rates": [{}]})))
            .starts_with("limits.a.service.fallback_rates[0]: ")
    );
}
