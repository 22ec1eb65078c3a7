//! The adaptive concurrency limit and client throttling.

use crate::support::{after, fails, of_a, of_one, status, times};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{ClientView, Request, Upstream, on_both_hosts};

on_both_hosts! {
    fn throttling_rejects_a_share(host) {
        // With only failures, the probability is n / (n + 1) after n requests, at most 1.
        let config = json!({"admission_control": {"max_rejection_probability": 100, "sr_threshold": 100}});
        let outcome = host.run(&times(of_one(config).upstream(fails(200, &status(500))), 60));
        let failures = outcome.metrics[&of_a("failure")];
        assert!((1..30).contains(&failures), "{failures}");
        outcome.has_metric("circuit_breaker.denied.throttled", 60 - failures);
        let rejected = outcome.exchanges.iter().position(|exchange| exchange.details == "denied_by_admission_control");
        assert!(rejected.is_some());
    }

    fn the_limit_follows_the_latency(host) {
        let config = json!({"concurrency": {
            "concurrency_update_interval": "10ms",
            "min_rtt": {"request_count": 5, "min_concurrency": 4, "buffer": 100},
        }});
        let upstream = Upstream::answers("up", vec![after(Duration::from_millis(20), 200)]);
        let outcome = host.run(&times(of_one(config).upstream(upstream), 30));
        assert!(outcome.metrics["circuit_breaker.concurrency_limit.a"] > 8, "{:?}", outcome.metrics);
        let rtt = outcome.metrics["circuit_breaker.min_rtt_us.a"];
        assert!((18_000..60_000).contains(&rtt), "{rtt}");
    }
}

fn status_of(emulator: &Emulator, handle: StreamHandle) -> Option<u16> {
    emulator.exchange(handle).map(|exchange| match &exchange.client {
        ClientView::Response(response) => response.status,
        _ => 0,
    })
}

#[test]
fn limits_requests_in_flight_of_all_workers() {
    let config = json!({"concurrency": {"min_rtt": {"min_concurrency": 2, "request_count": 10}}});
    let upstream = Upstream::answers("up", vec![after(Duration::from_millis(500), 200)]);
    let scenario = of_one(config).upstream(upstream).settings(|settings| settings.workers = 2);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let admitted = [0, 1].map(|worker| emulator.request(worker, &Request::get("/")));
    let rejected = [0, 1].map(|worker| emulator.request(worker, &Request::get("/")));
    assert_eq!(rejected.map(|handle| status_of(&emulator, handle)), [Some(503); 2]);
    emulator.advance(Duration::from_millis(600));
    assert_eq!(admitted.map(|handle| status_of(&emulator, handle)), [Some(200); 2]);
    let next = emulator.request(1, &Request::get("/"));
    emulator.advance(Duration::from_millis(600));
    assert_eq!(status_of(&emulator, next), Some(200));
    assert_eq!(emulator.metric("circuit_breaker.denied.concurrency_limited"), Some(2));
}
