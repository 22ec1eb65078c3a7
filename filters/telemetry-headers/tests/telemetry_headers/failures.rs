//! Failures of the host: the request continues, and the filter counts the failure. Emulator only, because a
//! real Envoy cannot be made to fail.

use crate::hostile::everything;
use crate::support::{counter, with};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{AbiVersion, Effect, Emulator, Which, host_calls};
use tollgate_host_test::{Outcome, Request};

/// Sends one request while every host call of this name returns this status. Faults begin after the filter is
/// configured.
fn while_failing(call: &str, status: Status) -> Outcome {
    let scenario = with(everything()).request(Request::get("/").header("x-in", "a"));
    let emulator = Emulator::new(&scenario).expect("it loads");
    emulator.fault(call, Which::All, Effect::Answer(status)).run()
}

#[test]
fn a_request_continues_for_any_status_of_any_host_call() {
    for call in host_calls(AbiVersion::V0_2_1) {
        for status in Status::ALL {
            while_failing(call, status).client(0).start("200").body("ok");
        }
    }
}

#[test]
fn counts_errors_of_reading_and_writing_headers() {
    for call in ["proxy_get_header_map_pairs", "proxy_replace_header_map_value"] {
        let outcome = while_failing(call, Status::InternalFailure);
        assert!(outcome.metrics[&counter("host_error")] > 0, "{call}");
        outcome.upstream(0).no_header("x-request-id");
    }
}

#[test]
fn generates_nothing_without_random_bytes() {
    let outcome = while_failing("random_get", Status::InternalFailure);
    outcome.upstream(0).no_header("x-request-id").no_header("traceparent").header("x-copy", "a");
    outcome.has_metric(&counter("random_unavailable"), 1).has_metric(&counter("host_error"), 0);
}
