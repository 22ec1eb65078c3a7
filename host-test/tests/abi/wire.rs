//! The bytes that peers read, and loops that take no time in Envoy.

use crate::call;
use crate::guest::{Do, Guest, wat};
use std::time::Duration;
use tollgate_host_test::emulator::{self, Emulator};
use tollgate_host_test::{Answer, ClientView, Outcome, Request, Response, Upstream};

/// Continues the callback only with (1) or before (0) the end of the stream, otherwise returns 0.
fn only(end: u32) -> Do {
    wat(&format!("(if (i32.ne (local.get 2) (i32.const {end})) (then (return (i32.const 0))))"))
}

fn reply() -> Do {
    call!("send_local_response", 403, "no", "no", "", (-1))
}

/// Sends two requests. The second one uses the connection of the first.
fn second(guest: &Guest, request: Request) -> Outcome {
    let scenario = guest.scenario().request(Request::get("/first")).request(request);
    emulator::run(&scenario.request(Request::get("/third"))).unwrap()
}

#[test]
fn a_request_rejected_at_its_end_has_left() {
    let guest = Guest::new().on("request_body", [only(1), reply()]);
    let outcome = second(&guest, Request::post("/", "hello"));
    outcome.has_statuses(&[200, 403, 200]);
    let sent = &outcome.exchanges[1].upstream;
    assert_eq!((sent.len(), sent[0].ended, sent[0].body.as_slice()), (1, true, b"hello".as_slice()));
    let pieces = second(&guest, Request::post("/", "one").chunk("two"));
    let sent = &pieces.exchanges[1].upstream;
    assert_eq!((sent.len(), sent[0].ended, sent[0].body.as_slice()), (1, false, b"onetwo".as_slice()));
}

#[test]
fn the_upstream_sees_nothing_before_there_is_a_connection() {
    let guest = Guest::new().on("request_body", [reply()]);
    let one = |request| emulator::run(&guest.scenario().request(request)).unwrap();
    assert!(one(Request::post("/", "hello")).exchanges[0].upstream.is_empty());
    // The proxy connects while the client sends the next piece.
    let guest = Guest::new().on("request_body", [only(1), reply()]);
    let sent = emulator::run(&guest.scenario().request(Request::post("/", "a").chunk("b"))).unwrap();
    assert_eq!(sent.exchanges[0].upstream.len(), 1);
}

#[test]
fn an_answer_is_used_up_by_a_request_that_is_rejected_later() {
    let answers = ["one", "two", "three"]
        .map(|body| Answer::Reply { response: Response::new(200).chunk(body), after: Duration::ZERO });
    let guest = Guest::new().on("request_body", [reply()]);
    let scenario = guest.scenario().upstream(Upstream::answers("up", answers.to_vec()));
    let scenario =
        scenario.request(Request::get("/")).request(Request::post("/", "a")).request(Request::get("/"));
    let outcome = emulator::run(&scenario).unwrap();
    outcome.client(0).body("one");
    outcome.client(2).body("three");
}

#[test]
fn a_message_whose_end_is_held_ends_by_its_length() {
    let hold = |callback: &str| Guest::new().on_returning(callback, [only(1)], 1);
    second(&hold("request_body"), Request::post("/", "hello")).has_statuses(&[200, 200, 200]);
    let chunked = second(&hold("request_body"), Request::post("/", "a").chunk("b"));
    assert_eq!(chunked.exchanges[1].client, ClientView::Hang);
    let response = second(&hold("response_body"), Request::get("/"));
    response.has_statuses(&[200, 200, 200]).client(1).body("ok");
    response.has_details(1, "downstream_remote_disconnect");
}

#[test]
fn a_body_longer_than_its_length_begins_the_next_request() {
    let longer =
        |text: &str| Guest::new().on("request_body", [only(0), call!("set_buffer_bytes", 0, 0, 99, text)]);
    let outcome = second(&longer("helloWORLD"), Request::post("/", "hello"));
    assert_eq!(outcome.exchanges[1].upstream[0].body, b"hello");
    assert_eq!(outcome.exchanges[2].upstream[0].method, "WORLDGET");
    let whole = "helloGET /evil HTTP/1.1\r\nhost: a\r\n\r\n";
    let outcome = second(&longer(whole), Request::post("/", "hello"));
    let paths: Vec<_> = outcome.exchanges[1].upstream.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/", "/evil"]);
    outcome.has_statuses(&[200, 200, 200]);
}

#[test]
fn a_client_that_announces_more_than_it_sends_gets_no_answer() {
    let outcome = second(&Guest::new(), Request::post("/", "hello").header("content-length", "9"));
    assert_eq!(outcome.exchanges[1].client, ClientView::Hang);
    let outcome = second(&Guest::new(), Request::post("/", "hello").header("content-length", "3"));
    assert_eq!(outcome.exchanges[1].upstream[0].body, b"hel");
}

#[test]
fn a_body_in_one_segment_comes_before_a_callout_and_a_refusal() {
    let headers = tollgate_host_test::emulator::state::pairs::encode(
        &[(":method", "GET"), (":path", "/"), (":authority", "a")].map(|(k, v)| (k.into(), v.into())),
    );
    let guest = Guest::new()
        .on("request_headers", [call!("http_call", "other", headers, "", "", 0, _)])
        .on("request_body", [call!("log", 2, "body")])
        .on("http_call_response", [call!("log", 2, "callout")])
        .on("response_headers", [call!("log", 2, "response")]);
    let lines = |upstream: Upstream, other: Upstream| -> Vec<String> {
        let scenario =
            guest.scenario().upstream(upstream).upstream(other).request(Request::post("/", "hello"));
        let logs = emulator::run(&scenario).unwrap().logs;
        logs.into_iter().map(|line| line.text).collect()
    };
    let ok = |name: &str| Upstream::replies(name, Response::new(200));
    assert_eq!(lines(ok("up"), ok("other"))[..3], ["body", "body", "callout"]);
    let refused = lines(Upstream::answers("up", vec![Answer::Refuse]), ok("other"));
    assert_eq!(refused[..2], ["body", "body"], "{refused:?}");
}

#[test]
fn a_cluster_without_endpoints_has_no_healthy_upstream() {
    let scenario = Guest::new().scenario().upstream(Upstream::empty("up")).request(Request::post("/", "a"));
    let outcome = emulator::run(&scenario).unwrap();
    outcome.has_statuses(&[503]).has_details(0, "no_healthy_upstream");
    assert_eq!((outcome.exchanges[0].flags.as_str(), outcome.exchanges[0].upstream.len()), ("UH", 0));
}

#[test]
fn loops_of_callouts_and_queues_take_time() {
    let headers = || {
        tollgate_host_test::emulator::state::pairs::encode(
            &[(":method", "GET"), (":path", "/"), (":authority", "a")].map(|(k, v)| (k.into(), v.into())),
        )
    };
    let call = || call!("http_call", "other", (headers()), "", "", 300, _);
    let guest = Guest::new().on("request_headers", [call()]).on("http_call_response", [call()]);
    let other = Upstream::replies("other", Response::new(200));
    let scenario = guest.scenario().upstream(Upstream::replies("up", Response::new(200))).upstream(other);
    emulator::run(&scenario.clone().request(Request::get("/"))).unwrap().has_statuses(&[200]);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    let calls = emulator.received("other").len();
    emulator.advance(Duration::from_millis(100));
    let later = emulator.received("other").len();
    assert!((50..=101).contains(&(later - calls)), "{calls} and {later} callouts");
    let guest = Guest::new()
        .on(
            "request_headers",
            [call!("register_shared_queue", "q", _), call!("enqueue_shared_queue", 1, "x")],
        )
        .on("queue_ready", [call!("dequeue_shared_queue", 1, _, _), call!("enqueue_shared_queue", 1, "x")]);
    emulator::run(&guest.scenario().request(Request::get("/"))).unwrap().has_statuses(&[200]);
}
