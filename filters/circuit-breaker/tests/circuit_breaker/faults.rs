//! Failures of the host.

use crate::support::{fails, of_a, of_one, status, three, with};
use serde_json::{Value, json};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Emulator, StreamHandle, Which};
use tollgate_host_test::{ClientView, Request, Scenario};

fn finish(emulator: &mut Emulator, handle: StreamHandle) -> (u16, String) {
    let exchange = emulator.finish_request(handle);
    match exchange.client {
        ClientView::Response(response) => (response.status, exchange.details),
        other => panic!("{other:?}"),
    }
}

fn faulty(config: Value, call: &str) -> Emulator {
    let scenario: Scenario = with(config).upstream(fails(0, &status(500)));
    // The filter reads and writes its seed when it is configured.
    Emulator::new(&scenario).unwrap().fault(call, Which::All, Effect::Answer(Status::InternalFailure))
}

#[test]
fn a_failure_of_shared_data_allows_by_default() {
    let mut emulator = faulty(json!({"breakers": {"a": three()}}), "proxy_get_shared_data");
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(finish(&mut emulator, handle).0, 200);
    assert_eq!(emulator.metric("circuit_breaker.failure_mode_allowed"), Some(1));
    assert_eq!(emulator.metric(&of_a("error")), Some(1));
}

#[test]
fn a_failure_of_shared_data_denies_if_configured() {
    let config = json!({"breakers": {"a": three()}, "on_error": "deny", "status_on_error": 500});
    let mut emulator = faulty(config, "proxy_get_shared_data");
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(finish(&mut emulator, handle), (500, "circuit_breaker_shared_state".into()));
    assert_eq!(emulator.metric("circuit_breaker.denied.shared_state"), Some(1));
}

#[test]
fn without_a_clock_requests_pass() {
    let mut emulator = faulty(json!({"breakers": {"a": three()}}), "proxy_get_current_time_nanoseconds");
    let handle = emulator.request(0, &Request::get("/"));
    assert_eq!(finish(&mut emulator, handle).0, 200);
    assert_eq!(emulator.metric("circuit_breaker.failure_mode_allowed"), Some(1));
}

/// A worker that dies during a probe does not keep the breaker half-open forever.
#[test]
fn the_probes_of_a_dead_worker_expire() {
    use std::time::Duration;
    let config = json!({
        "consecutive_failures": 1, "open": {"duration": "1s", "jitter": 0, "growth": 1},
        "half_open": {"probes": 1, "max_duration": "5s"},
    });
    let scenario =
        of_one(config).upstream(fails(1, &status(500)).on("/hang", vec![tollgate_host_test::Answer::Hang]));
    let scenario = scenario.settings(|settings| {
        settings.workers = 2;
        settings.route_timeout = Duration::ZERO;
        settings.client_patience = Duration::from_secs(1000);
    });
    let mut emulator = Emulator::new(&scenario).unwrap();
    let first = emulator.request(1, &Request::get("/"));
    assert_eq!(finish(&mut emulator, first).0, 500);
    emulator.advance(Duration::from_secs(1));
    let _probe = emulator.request(0, &Request::get("/hang"));
    let mut after = |time: Duration| {
        emulator.advance(time);
        let handle = emulator.request(1, &Request::get("/"));
        finish(&mut emulator, handle)
    };
    assert_eq!(after(Duration::from_secs(4)).1, "circuit_breaker_half_open");
    assert_eq!(after(Duration::from_secs(1)).1, "circuit_breaker_open");
    assert_eq!(after(Duration::from_secs(1)).0, 200);
}
