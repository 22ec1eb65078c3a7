//! No status that a host returns traps the VM. Runs in the emulator only: a real Envoy cannot inject these
//! statuses.

use crate::support::{request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{AbiVersion, Effect, Emulator, Which, host_calls};
use tollgate_host_test::{Answer, Headers, Request, Response, Scenario, Upstream};

/// A scenario that uses every feature of the filter, with every kind of message.
fn everything() -> Scenario {
    let reply = Answer::Reply { response: Response::new(200).chunk("yes"), after: Duration::from_millis(5) };
    let grpc = Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: vec![b"answer".to_vec()],
        status: 0,
        message: Vec::new(),
        after: Duration::ZERO,
    };
    let backend = Response::new(200).chunk("a").chunk("b").trailer("x-secret", "1");
    let doing = [
        "edit",
        "split",
        "properties",
        "attributes",
        "state",
        "shared",
        "page",
        "in-flight",
        "in-flight-held",
        "in-flight-replied",
        "path",
        "queue",
        "gauge",
        "foreign",
        "random",
        "reply",
        "bad-reply",
        "pause-without-task",
        "http",
        "http-unknown",
        "grpc",
        "grpc-unknown",
        "stream",
        "delay",
        "suffix",
        "slow-response",
        "replace-response",
    ];
    let scenario = with(json!({"tick_ms": 50}))
        .upstream(Upstream::replies("backend", backend))
        .upstream(Upstream::answers("auth", vec![reply]))
        .upstream(Upstream::grpc("grpc", vec![grpc]))
        .settings(|settings| settings.linger = Duration::from_millis(200));
    let scenario = doing.iter().fold(scenario, |scenario, what| scenario.request(request(what)));
    scenario.request(Request::post("/", "body").header("x-do", "upper").trailer("x-one", "1"))
}

/// Runs the scenario with one fault. Rejecting the configuration because of the fault is a valid result.
fn survives(scenario: &Scenario, call: &str, status: Status, which: Which) {
    let Ok(mut emulator) = Emulator::builder(scenario).fault(call, which, Effect::Answer(status)).start()
    else {
        return;
    };
    for request in &scenario.requests {
        let handle = emulator.request(0, request);
        emulator.finish_request(handle);
    }
    emulator.advance(Duration::from_millis(200));
    assert!(emulator.traps().is_empty(), "trap after {call} returned {status:?}: {:#?}", emulator.traps());
}

#[test]
fn no_status_of_any_host_call_traps() {
    let scenario = everything();
    for call in host_calls(AbiVersion::V0_2_1) {
        for status in Status::ALL {
            if status != Status::Ok {
                survives(&scenario, call, status, Which::All);
            }
        }
    }
}

#[test]
fn succeeds_without_faults() {
    let outcome = Emulator::new(&everything()).expect("the filter loads").run();
    let statuses = outcome.statuses();
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 20, "{statuses:?}");
}
