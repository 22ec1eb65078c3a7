//! Faults on the inbound side of a service, and a caller with our retry filter or our circuit breaker: two
//! Envoys. Unlike a fault in a route of Istio, such a fault leaves the policy of the caller in force.

use crate::live::{Client, address, envoy, filter, statistic, with_filters};
use crate::support::rule;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::Process;

/// A service that aborts requests, with these limits and these fields of the rule.
fn service(mut limits: Value, mut fields: Value) -> Process {
    fields["abort"]["http_status"] = 503.into();
    limits["rules"] = json!([rule("r", fields)]);
    envoy(limits, 2)
}

/// A caller of the service whose filter has this configuration.
fn caller(package: &str, config: Value, service: &Process) -> Process {
    with_filters(vec![filter(package, config)], Some(address(service)), 1)
}

/// Retries in the router, and retries by the filter.
fn retries(number: u32) -> [Value; 2] {
    let steered = json!({"rules": [{"retry_on": "5xx", "num_retries": number}]});
    let replay = json!({
        "num_retries": number, "retriable_status_codes": [503],
        "retry_back_off": {"base_interval": "1ms", "max_interval": "2ms"},
    });
    [steered, json!({"rules": [{"num_retries": 0, "safe": {"methods": ["GET"]}, "replay": replay}]})]
}

/// The first two attempts fail. A caller that retries twice succeeds with the third one.
#[test]
fn retries_of_a_caller_follow_its_policy() {
    tollgate_host_test::on_envoy(|| {
        for (number, status) in [(2, 200), (1, 503)] {
            for config in retries(number) {
                let limits = json!({"max_faults_per_client": {"faults": 2, "per": "1h"}});
                let service = service(limits, json!({"abort": {"percentage": 100}}));
                let caller = caller("tollgate-retry", config.clone(), &service);
                let mut client = Client::new(address(&caller));
                assert_eq!(client.ask("/"), status, "{config}");
                assert_eq!(statistic(&service, "fault.aborts_injected"), 2, "{config}");
                let passed = statistic(&service, "fault.client_overflow");
                assert_eq!(passed, u64::from(status == 200), "{config}");
            }
        }
    });
}

/// Out of 200 requests with two retries, half fail by a draw of their ids, and an eighth by random draws.
#[test]
fn retries_of_a_request_meet_the_same_fault() {
    const REQUESTS: usize = 200;
    tollgate_host_test::on_envoy(|| {
        for (by, p) in [("request_id", 0.5), ("random", 0.125)] {
            let service = service(json!({}), json!({"draw": {"by": by}, "abort": {"percentage": 50}}));
            let [_, mut replay] = retries(2);
            replay["retry_budget"] = json!({"budget_percent": 100, "min_retries_per_second": 1_000});
            let caller = caller("tollgate-retry", replay, &service);
            let mut client = Client::new(address(&caller));
            let failed = (0..REQUESTS).filter(|_| client.ask("/") == 503).count();
            let (mean, deviation) = (p * REQUESTS as f64, (p * (1.0 - p) * REQUESTS as f64).sqrt());
            assert!((failed as f64 - mean).abs() <= 5.0 * deviation, "{by}: {failed}");
            let aborts = statistic(&service, "fault.aborts_injected");
            assert_eq!(aborts == 3 * failed as u64, by == "request_id", "{by}: {failed} of {aborts}");
        }
    });
}

/// Five faults open the breaker of the caller, which spares the service until a probe succeeds.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn a_breaker_of_a_caller_opens() {
    tollgate_host_test::on_envoy(|| {
        let limits = json!({"max_faults_per_client": {"faults": 5, "per": "1h"}});
        let service = service(limits, json!({"abort": {"percentage": 100}}));
        let breaker = json!({"consecutive_failures": 5, "open": {"duration": "1s", "jitter": 0}});
        let config = json!({"breakers": {"service": breaker}});
        let caller = caller("tollgate-circuit-breaker", config, &service);
        let mut client = Client::new(address(&caller));
        assert!((0..20).all(|_| client.ask("/") == 503));
        assert_eq!(statistic(&service, "fault.aborts_injected"), 5);
        assert_eq!(statistic(&service, "fault.client_overflow"), 0, "no request passed");
        let end = Instant::now() + Duration::from_secs(10);
        while client.ask("/") != 200 {
            assert!(Instant::now() < end, "the breaker stays open");
            std::thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(statistic(&service, "fault.aborts_injected"), 5);
    });
}
