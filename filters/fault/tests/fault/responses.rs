//! Faults of responses: the upstream has done its work.

use crate::support::{counter, with_rule};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Answer, ClientView, Host, Request, Response, Scenario, Upstream, on_both_hosts};

fn with_response(fault: Value) -> Scenario {
    let mut fault = fault;
    fault["percentage"] = 100.into();
    with_rule(json!({ "response": fault }))
}

fn answering(scenario: Scenario, response: Response) -> Scenario {
    scenario.upstream(Upstream::replies("shop", response)).request(Request::get("/"))
}

fn hello() -> Response {
    Response::new(200).header("etag", "a").header("content-type", "text/plain").chunk("hello world")
}

on_both_hosts! {
    fn replaces_a_response(host) {
        let replace = json!({"replace": {"http_status": 503, "body": "lost", "headers": [{"name": "x-a", "value": "1"}]}});
        let outcome = host.run(&answering(with_response(replace), hello()));
        outcome.client(0).start("503").body("lost").header("x-a", "1").header("x-tollgate-fault", "r;response");
        outcome.client(0).no_header("etag");
        outcome.has_details(0, "fault_filter_response").has_metric(&counter("responses_injected"), 1);
        assert_eq!(outcome.exchanges[0].upstream.len(), 1, "the upstream did the work");
    }

    fn replaces_a_response_after_a_delay(host) {
        let replace = json!({"delay": {"fixed": "30ms"}, "replace": {"http_status": 502}});
        let outcome = host.run(&answering(with_response(replace), hello()));
        outcome.client(0).start("502").header("x-tollgate-fault", "r;response");
    }

    fn delays_a_response(host) {
        let outcome = host.run(&answering(with_response(json!({"delay": {"fixed": "30ms"}})), hello()));
        outcome.client(0).start("200").body("hello world").header("x-tollgate-fault", "r;response");
    }

    /// A response that the proxy itself sends has no fault.
    fn a_response_without_an_upstream_is_left_alone(host) {
        let replace = json!({"replace": {"http_status": 502}});
        let scenario = with_response(replace).upstream(Upstream::answers("shop", vec![Answer::Refuse]));
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.client(0).start("503");
        outcome.has_metric(&counter("responses_injected"), 0);
    }

    fn edits_the_headers(host) {
        let edits = json!({"remove_headers": ["etag"], "set_headers": [{"name": "content-type", "value": "text/html"}]});
        let outcome = host.run(&answering(with_response(edits), hello()));
        outcome.client(0).start("200").no_header("etag").headers("content-type", &["text/html"]).body("hello world");
    }

    fn truncates_the_body(host) {
        for response in [hello(), Response::new(200).chunk("hel").chunk("lo").chunk(" world").trailer("x-end", "1")] {
            let outcome = host.run(&answering(with_response(json!({"truncate_after": 4})), response));
            outcome.client(0).start("200").body("hell").no_header("content-length");
        }
    }

    fn corrupts_the_body(host) {
        let body = vec![0; 2_000];
        let scenario = answering(with_response(json!({"corrupt": 10})), Response::new(200).chunk(&body));
        let outcome = host.run(&scenario);
        outcome.client(0).start("200").header("content-length", "2000");
        let ClientView::Response(response) = &outcome.exchanges[0].client else { panic!("no response") };
        let changed = response.body().iter().filter(|byte| **byte != 0).count();
        // Five standard deviations: 200 +- 67.
        assert!(changed.abs_diff(200) < 67 && response.body().len() == 2_000, "{changed}");
    }

    fn resets_within_the_body(host) {
        let response = Response::new(200).chunk("hel").chunk("lo").chunk(" world");
        let outcome = host.run(&answering(with_response(json!({"reset_after": 2})), response));
        assert_eq!(outcome.exchanges[0].client, ClientView::Reset);
    }

    fn a_slow_response_arrives_whole(host) {
        let scenario = with_response(json!({"bytes_per_second": 100_000}));
        let body = vec![b'x'; 5_000];
        let response = Response::new(200).chunk(&body[..2_000]).chunk(&body[2_000..]).trailer("x-end", "1");
        let outcome = host.run(&answering(scenario, response));
        outcome.client(0).start("200").body(&body);
        outcome.has_metric(&counter("response_rl_injected"), 1).has_metric(&counter("responses_injected"), 0);
        outcome.has_metric("fault.active_faults", 0);
    }

    /// A body of three times the buffer of the host. With `Pause`, it would be cut off.
    fn a_slow_response_can_exceed_the_buffer(host) {
        let body = vec![b'x'; 200_000];
        let scenario = answering(with_response(json!({"bytes_per_second": 1_000_000})), Response::new(200).chunk(&body));
        let outcome = host.run(&scenario.settings(|settings| settings.buffer_limit = 65_536));
        outcome.client(0).start("200").body(&body);
    }
}

/// The last byte arrives when the whole body has taken its time.
#[test]
fn a_slow_response_takes_its_time() {
    let body = vec![b'x'; 30_000];
    let response = Response::new(200).chunk(&body[..10_000]).chunk(&body[10_000..]);
    let scenario = answering(with_response(json!({"bytes_per_second": 10_000})), response);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let start = emulator.now();
    let handle = emulator.request(0, &scenario.requests[0]);
    emulator.finish_request(handle);
    assert_eq!(emulator.now() - start, Duration::from_secs(3));
}

#[test]
#[allow(clippy::disallowed_methods, reason = "a real Envoy has a real clock")]
fn envoy_sends_a_slow_response_in_its_time() {
    tollgate_host_test::on_envoy(|| {
        let body = vec![b'x'; 600_000];
        let run = |rate: u64| {
            let scenario = answering(
                with_response(json!({ "bytes_per_second": rate })),
                Response::new(200).chunk(&body),
            );
            let scenario = scenario.settings(|settings| settings.buffer_limit = 65_536);
            let start = Instant::now();
            Host::Envoy.run(&scenario).client(0).start("200").body(&body);
            start.elapsed()
        };
        // Both runs start and stop an Envoy.
        let (fast, slow) = (run(1_000_000_000), run(300_000));
        let added = slow.saturating_sub(fast);
        assert!(
            added > Duration::from_millis(1_500) && added < Duration::from_millis(3_500),
            "{fast:?} {slow:?}"
        );
    });
}
