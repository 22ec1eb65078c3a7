//! The same traffic through Envoy's own filters and through this one, each in an Envoy.
//!
//! Both filters are random or depend on latencies, so the results are compared with a stated bound.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use crate::load::{Answer, Client, Upstream, breaker, envoy};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::bootstrap::INGRESS;

fn native(name: &str, config: Value) -> Value {
    json!({"name": name, "typed_config": config})
}

/// Sends requests to an upstream, one after another. Returns the share that reached it.
fn admitted_share(filter: Value, answer: Answer, count: usize) -> f64 {
    let upstream = Upstream::new(answer);
    let envoy = envoy(vec![filter], 1, upstream.address);
    let mut client = Client::new(envoy.listener(INGRESS));
    for _ in 0..count {
        client.ask();
    }
    upstream.received() as f64 / count as f64
}

/// If all requests fail, the maximum of the probability decides: 30 % of the requests pass. If half of them
/// fail, the formula does: in the long run, `0.5 / 0.95 = 52.6 %` pass.
///
/// With 2,000 requests, the standard deviation of each share is at most 1.12 %. The bound is 4 standard
/// deviations of the difference of two shares.
#[test]
fn throttles_as_admission_control() {
    const TYPE: &str =
        "type.googleapis.com/envoy.extensions.filters.http.admission_control.v3.AdmissionControl";
    const BOUND: f64 = 4.0 * 0.0112 * std::f64::consts::SQRT_2;
    for (answer, expected) in [(Answer::Status(500, Duration::ZERO), 0.3), (Answer::Alternating, 0.526)] {
        let theirs = native(
            "envoy.filters.http.admission_control",
            json!({
                "@type": TYPE, "success_criteria": {"http_criteria": {"http_success_status": [{"start": 100, "end": 500}]}},
                "sampling_window": "30s", "sr_threshold": {"default_value": {"value": 95}, "runtime_key": "a"},
                "aggression": {"default_value": 1.0, "runtime_key": "b"},
                "max_rejection_probability": {"default_value": {"value": 70}, "runtime_key": "c"},
            }),
        );
        let ours = breaker(&json!({"admission_control": {"max_rejection_probability": 70}}));
        let [theirs, ours] = [theirs, ours].map(|filter| admitted_share(filter, answer, 2000));
        println!("admitted: {theirs} by admission control, {ours} by this filter");
        assert!((theirs - ours).abs() < BOUND, "{theirs}, {ours}");
        assert!((ours - expected).abs() < BOUND, "{ours}, expected {expected}");
    }
}

/// Sends requests of 24 clients for a time. Returns how many passed, and how many were rejected.
fn concurrent(filter: Value, time: Duration) -> (usize, usize) {
    let upstream = Upstream::new(Answer::Status(500, Duration::from_millis(5)));
    let envoy = envoy(vec![filter], 2, upstream.address);
    let address = envoy.listener(INGRESS);
    let until = Instant::now() + time;
    let counts = std::thread::scope(|scope| {
        let clients = [(); 24].map(|()| {
            scope.spawn(|| {
                let mut client = Client::new(address);
                let (mut passed, mut rejected) = (0, 0);
                while Instant::now() < until {
                    match client.ask() {
                        500 => passed += 1,
                        503 => {
                            rejected += 1;
                            std::thread::sleep(Duration::from_millis(5));
                        }
                        other => panic!("{other}"),
                    }
                }
                (passed, rejected)
            })
        });
        clients.map(|client| client.join().unwrap())
    });
    counts.iter().fold((0, 0), |(a, b), (c, d)| (a + c, b + d))
}

/// Both limits begin with the minimum of 3 requests in flight, of which 24 clients ask for more. The upstream
/// takes 5 ms. With a fixed round-trip time of 1 ms, both limits stay there: the throughput of 3 slots is
/// equal, up to 35 % on a busy machine. With 100 ms, both limits grow above 24 within a few intervals: less
/// than a fifth of the requests is rejected.
#[test]
fn limits_as_adaptive_concurrency() {
    const TYPE: &str =
        "type.googleapis.com/envoy.extensions.filters.http.adaptive_concurrency.v3.AdaptiveConcurrency";
    let both = |fixed: &str| {
        let theirs = native(
            "envoy.filters.http.adaptive_concurrency",
            json!({
                "@type": TYPE, "gradient_controller_config": {
                    "sample_aggregate_percentile": {"value": 50},
                    "concurrency_limit_params": {"concurrency_update_interval": "0.1s", "max_concurrency_limit": 100},
                    "min_rtt_calc_params": {"fixed_value": fixed, "min_concurrency": 3, "buffer": {"value": 25}},
                },
            }),
        );
        let ours = breaker(&json!({
            "failures": {"statuses": []},
            "concurrency": {"max_concurrency_limit": 100, "min_rtt": {"fixed_value": fixed}},
        }));
        let counts = [theirs, ours].map(|filter| concurrent(filter, Duration::from_millis(1500)));
        println!(
            "passed and rejected with {fixed}: {:?} by Envoy, {:?} by this filter",
            counts[0], counts[1]
        );
        counts
    };
    let tight = both("0.001s");
    assert!(tight.iter().all(|(_, rejected)| *rejected > 100), "{tight:?}");
    let ratio = tight[1].0 as f64 / tight[0].0 as f64;
    assert!((0.65..1.54).contains(&ratio), "{tight:?}");
    let loose = both("0.1s");
    assert!(loose.iter().all(|(passed, rejected)| *passed > 4 * rejected), "{loose:?}");
}
