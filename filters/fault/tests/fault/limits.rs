//! Limits: active faults, faults of a client, expiry and schedule.

use crate::support::{counter, get, rule, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::Interleaved;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{Request, on_both_hosts};

on_both_hosts! {
    fn a_client_gets_a_maximum_of_faults(host) {
        let config = json!({
            "max_faults_per_client": {"faults": 2, "per": "1h", "header": "x-user"},
            "rules": [rule("r", json!({"abort": {"percentage": 100, "http_status": 503}}))],
        });
        let of = |user: &str| Request::get("/").header("x-user", user);
        let scenario = with(config).request(of("ann")).request(of("ann")).request(of("ann")).request(of("bob"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[503, 503, 200, 503]).has_metric(&counter("client_overflow"), 1);
    }

    fn faults_end_with_the_expiry_and_the_schedule(host) {
        for (limit, status) in [
            (json!({"expires_at": "2096-01-01T00:00:00Z"}), 503),
            (json!({"expires_at": "2020-01-01T00:00:00Z"}), 200),
            (json!({"schedule": [{"from": "00:00", "until": "24:00"}]}), 503),
            (json!({"enabled": false}), 200),
            (json!({"max_active_faults": 0}), 200),
        ] {
            let mut config = json!({"rules": [rule("r", json!({"abort": {"percentage": 100, "http_status": 503}}))]});
            for (name, value) in limit.as_object().unwrap() {
                config[name] = value.clone();
            }
            host.run(&get(with(config), &["/"])).has_statuses(&[status]);
        }
    }
}

fn active(emulator: &Emulator) -> Option<u64> {
    emulator.metric("fault.active_faults")
}

/// A fault is active during its delay, and not for the rest of its stream.
#[test]
fn active_faults_have_a_maximum_over_all_workers() {
    let config = json!({"max_active_faults": 3, "rules": [rule("r", json!({"delay": {"percentage": 100, "fixed": "1s"}}))]});
    let mut emulator = Emulator::new(&with(config).settings(|settings| settings.workers = 2)).unwrap();
    let handles: Vec<StreamHandle> = (0..6).map(|n| emulator.request(n % 2, &Request::get("/"))).collect();
    assert_eq!((active(&emulator), emulator.metric("fault.faults_overflow")), (Some(3), Some(3)));
    emulator.hang_up(handles[0]);
    assert_eq!(active(&emulator), Some(2));
    let more = emulator.request(1, &Request::get("/"));
    assert_eq!((active(&emulator), emulator.metric("fault.faults_overflow")), (Some(3), Some(3)));
    emulator.advance(Duration::from_millis(1_001));
    assert_eq!(active(&emulator), Some(0));
    for handle in handles.into_iter().skip(1).chain([more]) {
        emulator.finish_request(handle);
    }
    assert_eq!(emulator.traps().len(), 0);
}

/// Each order of the host calls of two workers admits exactly the maximum.
#[test]
fn no_order_of_workers_exceeds_the_maximum() {
    let config = json!({"max_active_faults": 1, "rules": [rule("r", json!({"delay": {"percentage": 100, "fixed": "1s"}}))]});
    let scenario = with(config).settings(|settings| settings.workers = 2);
    let all = (0..2)
        .fold(Interleaved::new(&scenario).at_most(1_000), |all, worker| all.send(worker, Request::get("/")));
    let report = all
        .exhaustive(|end| {
            let count = |event: &str| end.emulator.metric(&counter(event));
            assert_eq!((count("delays_injected"), count("faults_overflow")), (Some(1), Some(1)));
            assert_eq!((active(&end.emulator), end.emulator.traps().len()), (Some(0), 0));
        })
        .unwrap();
    assert!(report.schedules.len() >= 5, "{}", report.schedules.len());
}
