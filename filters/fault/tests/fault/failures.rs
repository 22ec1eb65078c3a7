//! Failures of the host, only on the emulator. A request for which the filter cannot decide gets no fault.

use crate::support::{counter, rule, with};
use serde_json::{Value, json};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Emulator, Which};
use tollgate_host_test::{LogLevel, Outcome, Request, Response, Upstream};

fn failing(config: Value, call: &str) -> Outcome {
    let scenario = with(config).upstream(Upstream::replies("shop", Response::new(200).chunk("hello")));
    let emulator = Emulator::new(&scenario.request(Request::get("/"))).unwrap();
    emulator.fault(call, Which::All, Effect::Answer(Status::InternalFailure)).run()
}

fn abort(mut fields: Value) -> Value {
    fields["abort"] = json!({"percentage": 100, "http_status": 503});
    json!({"rules": [rule("r", fields)]})
}

#[test]
fn a_failed_host_call_injects_nothing() {
    let limited = |limit: &str, value: Value| {
        let mut config = abort(json!({}));
        config[limit] = value;
        config
    };
    for (config, call) in [
        (abort(json!({})), "proxy_get_header_map_pairs"),
        (abort(json!({})), "proxy_get_current_time_nanoseconds"),
        (abort(json!({"upstream_clusters": [{"exact": "shop"}]})), "proxy_get_property"),
        (abort(json!({"draw": {"by": "client_address"}})), "proxy_get_property"),
        (abort(json!({"source": {"namespaces": ["a"]}})), "proxy_get_property"),
        (limited("max_faults_per_client", json!({"faults": 1, "per": "1s"})), "proxy_set_shared_data"),
    ] {
        let outcome = failing(config, call);
        outcome.client(0).start("200").body("hello").no_header("x-tollgate-fault");
        outcome.has_metric(&counter("host_error"), 1).has_metric(&counter("aborts_injected"), 0);
        outcome.has_metric("fault.active_faults", 0);
    }
}

#[test]
fn a_timer_that_cannot_be_set_delays_nothing() {
    let config = json!({"max_active_faults": 1, "rules": [rule("r", json!({"delay": {"percentage": 100, "fixed": "1s"}}))]});
    let outcome = failing(config, "proxy_set_tick_period_milliseconds");
    outcome.client(0).start("200").body("hello");
    outcome.has_metric("fault.active_faults", 0).has_metric(&counter("host_error"), 1);
}

#[test]
fn a_filter_state_that_cannot_be_set_changes_no_fault() {
    let outcome = failing(abort(json!({})), "proxy_set_property");
    outcome.client(0).start("503");
    outcome.has_logged(LogLevel::Warn, "cannot set the filter state `fault.injected`");
}

#[test]
fn a_reply_that_cannot_be_sent_resets_the_stream() {
    let outcome = failing(abort(json!({})), "proxy_send_local_response");
    assert_eq!(outcome.exchanges[0].client, tollgate_host_test::ClientView::Reset);
}

#[test]
fn runtime_keys_are_reported() {
    let config = json!({"envoy": {
        "abort": {"http_status": 503, "percentage": {"numerator": 100}}, "abort_percent_runtime": "a",
    }});
    let scenario = with(config).request(Request::get("/"));
    let outcome = Emulator::new(&scenario).unwrap().run();
    outcome
        .has_statuses(&[503])
        .has_logged(LogLevel::Warn, "`envoy`: runtime keys have no effect, use `control`");
}
