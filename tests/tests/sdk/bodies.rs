//! Bodies: read whole, in ranges and chunk by chunk; changed without a wrong `content-length`; and headers
//! that are held until the body is checked.

use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Effect, Emulator, Which};
use tollgate_host_test::{
    Answer, Filter, LogLevel, Outcome, Request, Response, Scenario, Upstream, Wasm, on_both_hosts,
};

/// The host's limit for a buffered body, as small as the tests need it.
const LIMIT: u32 = 1 << 20;

fn filter() -> Filter {
    let mut filter = Filter::new(Wasm::package("fixture-bodies")).config(json!({}));
    filter.allow_on_headers_stop_iteration = true;
    filter
}

fn with(request: Request, response: Response) -> Scenario {
    let answers = [200, 403]
        .map(|status| Answer::Reply { response: Response::new(status), after: Duration::from_millis(20) });
    Scenario::new()
        .filter(filter())
        .upstream(Upstream::replies("backend", response))
        .upstream(Upstream::answers("auth", answers.to_vec()))
        .settings(|settings| settings.buffer_limit = LIMIT)
        .request(request)
}

/// A request with a body of these pieces. Without pieces it has none.
fn sending(what: &str, pieces: &[&str]) -> Scenario {
    let request = Request::new("POST", "/").header("x-do", what);
    let request = pieces.iter().fold(request, |request, piece| request.chunk(piece));
    with(request, Response::new(200))
}

/// A response with this body and its `content-length`.
fn receiving(what: &str, body: &str) -> Scenario {
    with(Request::get("/").header("x-then", what), Response::new(200).chunk(body))
}

/// A body with a `content-length`.
fn sized(what: &str, body: &str) -> Scenario {
    let request = Request::post("/", body).header("x-do", what);
    with(request, Response::new(200))
}

fn nothing_reached_the_upstream(outcome: &Outcome) {
    assert!(outcome.exchanges[0].upstream.is_empty(), "{:?}", outcome.exchanges[0].upstream);
}

on_both_hosts! {
    fn the_upstream_receives_nothing_before_the_body_is_checked(host) {
        for (pieces, status, details) in [
            (&["a b", "ad b"][..], 403, "bad_body"),
            (&["bad"], 403, "bad_body"),
            (&["more than ", "sixteen bytes"], 413, "over_the_cap"),
        ] {
            let outcome = host.run(&sending("await whole", pieces));
            outcome.has_statuses(&[status]).has_details(0, details);
            nothing_reached_the_upstream(&outcome);
        }
    }

    fn headers_pass_with_the_body_that_was_checked(host) {
        let outcome = host.run(&sending("await whole", &["good", " body"]));
        outcome.upstream(0).body("good body").header("x-size", "9").header("x-end", "true");
    }

    fn a_message_without_a_body_is_checked_at_once(host) {
        let outcome = host.run(&sending("await whole", &[]));
        outcome.upstream(0).header("x-size", "0").header("x-end", "true");
        outcome.client(0).start("200");
    }

    fn trailers_end_a_body_that_headers_await(host) {
        for body in ["", "good body"] {
            let request = Request::new("POST", "/").header("x-do", "await whole").trailer("t", "1");
            let request = if body.is_empty() { request } else { request.chunk(body) };
            let outcome = host.run(&with(request, Response::new(200)));
            outcome.upstream(0).body(body).header("x-size", &body.len().to_string()).trailer("t", "1");
        }
    }

    fn held_headers_get_the_length_of_the_changed_body(host) {
        for (what, expected) in [("append", "body!"), ("prepend", "!body"), ("double", "bbooddyy")] {
            let outcome = host.run(&sized(&format!("await {what}"), "body"));
            outcome.client(0).start("200");
            outcome.upstream(0).body(expected).no_header("content-length");
        }
    }

    fn a_response_can_be_held_until_its_body_is_checked(host) {
        let outcome = host.run(&receiving("await whole", "a bad body"));
        outcome.has_statuses(&[403]).has_details(0, "bad_body");
        let outcome = host.run(&receiving("await double", "body"));
        outcome.client(0).start("200").body("bbooddyy").header("x-end", "true");
    }

    fn a_length_that_has_left_cannot_be_contradicted(host) {
        for what in ["append", "prepend", "replace", "double"] {
            let outcome = host.run(&sized(&format!("leave {what}"), "body"));
            assert!(outcome.statuses()[0] >= 500, "{what}: {outcome:?}");
            outcome.has_logged(LogLevel::Error, "the length of a body changed after its headers");
            // The response passes unchanged: its request was allowed.
            let outcome = host.run(&receiving(&format!("leave {what}"), "body"));
            outcome.client(0).start("200").body("body");
            outcome.has_logged(LogLevel::Error, "the length of a body changed after its headers");
        }
    }

    fn a_change_of_the_same_length_needs_no_permission(host) {
        host.run(&sized("leave upper", "body")).upstream(0).body("BODY").header("content-length", "4");
        host.run(&receiving("leave upper", "body")).client(0).body("BODY").header("content-length", "4");
    }

    fn a_permitted_change_may_have_any_length(host) {
        for (what, expected) in [
            ("append", "the body!"),
            ("replace", "other"),
            ("double", "tthhee  bbooddyy"),
            ("halve", "tebd"),
            ("range", "he body"),
        ] {
            host.run(&sized(&format!("change {what}"), "the body")).upstream(0).body(expected);
            host.run(&receiving(&format!("change {what}"), "the body")).client(0).body(expected);
        }
    }

    fn a_large_part_is_transformed_chunk_by_chunk(host) {
        let body: String = (0..100_000).map(|at| char::from(b'a' + (at % 26) as u8)).collect();
        let doubled: String = body.chars().flat_map(|letter| [letter, letter]).collect();
        host.run(&sized("await double", &body)).upstream(0).body(&doubled);
    }

    fn each_part_can_change_after_held_headers_lost_their_length(host) {
        let request = Request::new("POST", "/").header("x-do", "await double").header("content-length", "26");
        let request = request.chunk("more than sixteen bytes").chunk("two");
        let outcome = host.run(&with(request, Response::new(200)));
        outcome.client(0).start("200");
        outcome.upstream(0).body("mmoorree  tthhaann  ssiixxtteeeenn  bbyytteessttwwoo").no_header("content-length");
    }

    fn what_was_passed_on_is_never_complete(host) {
        let outcome = host.run(&sending("leave tolerant", &["more than sixteen bytes", "the rest"]));
        outcome.upstream(0).body("more than sixteen bytesthe rest");
    }

    fn a_body_waits_for_the_answer_of_a_service(host) {
        let scenario = sending("await ask", &["some ", "body"]);
        let second = scenario.requests[0].clone();
        let outcome = host.run(&scenario.request(second));
        outcome.has_statuses(&[200, 403]);
        outcome.upstream(0).body("some body").header("x-asked", "1");
        assert!(outcome.exchanges[1].upstream.is_empty(), "{outcome:?}");
    }

    fn warns_if_the_host_is_not_configured_to_pass_on_the_body(host) {
        let mut scenario = sending("await whole", &["good"]);
        scenario.filters[0].allow_on_headers_stop_iteration = false;
        let scenario = scenario.settings(|settings| settings.client_patience = Duration::from_millis(300));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[0]).has_logged(LogLevel::Warn, "`allow_on_headers_stop_iteration` is not set");
        nothing_reached_the_upstream(&outcome);
    }

    fn a_body_does_not_pass_a_filter_that_waits(host) {
        // Here the host would pass on the headers with the body.
        let scenario = sending("call leave", &["some ", "body"]);
        let second = scenario.requests[0].clone();
        let outcome = host.run(&scenario.request(second));
        outcome.has_statuses(&[200, 403]);
        outcome.upstream(0).body("some body").header("x-asked", "1");
        assert!(outcome.exchanges[1].upstream.is_empty(), "{outcome:?}");
    }
}

/// The loop over the chunks would not end.
#[test]
fn a_transform_of_bytes_that_the_host_lacks_is_an_error() {
    let scenario = sized("await double", "the body");
    let emulator =
        Emulator::builder(&scenario).fault("proxy_get_buffer_bytes", Which::All, Effect::Number(0));
    let mut emulator = emulator.start().expect("it loads");
    let handle = emulator.request(0, &scenario.requests[0]);
    emulator.finish_request(handle);
    assert_eq!(emulator.traps().len(), 0);
    let logs = emulator.drain().logs;
    assert!(logs.iter().any(|line| line.text.contains("get_buffer_bytes")), "{logs:?}");
}
