//! Headers, bodies, trailers and replies.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{
    ClientView, Filter, LogLevel, Request, Response, Scenario, Upstream, Wasm, on_both_hosts,
};

on_both_hosts! {
    fn edits_headers_as_bytes(host) {
        let request = request("edit").header("x-remove", "1").header("x-remove", "2").header("x-set", "old");
        let outcome = host.run(&with(json!({})).request(request));
        outcome.upstream(0).no_header("x-remove");
        let set: Vec<_> = outcome.exchanges[0].upstream[0].headers.get_all("x-set").collect();
        assert_eq!(set, [b"\xff".as_slice(), b"twice"]);
    }

    fn rejects_a_request_if_an_edit_would_split_the_message(host) {
        let outcome = host.run(&doing(&["split"]));
        outcome.has_statuses(&[500]).has_details(0, "tollgate_host_error");
        assert!(outcome.exchanges[0].upstream.is_empty());
    }

    fn replaces_a_body_that_arrives_in_parts(host) {
        let upper = Request::new("POST", "/").header("x-do", "upper").chunk("one ").chunk("two ").chunk("three");
        let outcome = host.run(&with(json!({})).request(upper));
        outcome.upstream(0).body("ONE TWO THREE!");
    }

    fn rejects_a_body_over_the_maximum_size(host) {
        let large = |size| Request::post("/", vec![b'a'; size]).header("x-do", "upper");
        let outcome = host.run(&with(json!({})).request(large(1024)).request(large(1025)));
        outcome.has_statuses(&[200, 413]).has_details(1, "over_the_cap");
        outcome.upstream(0).body([vec![b'A'; 1024], b"!".to_vec()].concat());
    }

    fn appends_to_a_response_body(host) {
        let outcome = host.run(&doing(&["suffix"]));
        outcome.client(0).start("200").body("ok and more");
    }

    fn parts_of_a_request_need_no_parsing(host) {
        let request = Request::get("/a/b?a=1&b=2&a=x%20y+z").header("x-do", "typed");
        let request = request.header("cookie", "id=1; other=2").header("cookie", "id=\"3\"");
        let outcome = host.run(&with(json!({})).request(request));
        outcome.upstream(0).header_that("x-parts", "method, scheme, host and path", |parts| {
            parts.starts_with("GET http ") && parts.ends_with(" /a/b") && !parts.contains(':')
        });
        outcome.upstream(0).header("x-values", "1|x y z").header("x-cookies", "1|3");
        outcome.upstream(0).header("x-loopback", "Some(true)");
    }

    fn a_trailer_does_not_let_a_held_body_pass_unchecked(host) {
        let post = |body: &str| Request::post("/", body).header("x-do", "upper").trailer("x-one", "1");
        let outcome = host.run(&with(json!({})).request(post("abc")).request(post(&"a".repeat(2000))));
        outcome.upstream(0).body("ABC!").trailer("x-one", "1");
        outcome.has_statuses(&[200, 413]).has_details(1, "over_the_cap");
    }

    fn a_filter_without_trailers_callback_sees_the_end_of_a_body(host) {
        let filter = Filter::new(Wasm::package("fixture-verify")).config(json!({}));
        let scenario = Scenario::new().filter(filter).request(Request::post("/", "no JSON").trailer("x-one", "1"));
        host.run(&scenario).has_statuses(&[400]).has_details(0, "bad_question");
    }

    fn sees_and_changes_trailers_of_both_directions(host) {
        let response = Response::new(200).chunk("a").chunk("b").trailer("x-secret", "1").trailer("x-open", "2");
        let post = Request::post("/", "body").trailer("x-one", "1").trailer("x-two", "2");
        let outcome = host.run(&with(json!({})).upstream(Upstream::replies("u", response)).request(post));
        outcome.upstream(0).body("body").trailer("x-trailers", "2").trailer("x-one", "1");
        outcome.client(0).body("ab").trailer("x-open", "2");
        let ClientView::Response(response) = &outcome.exchanges[0].client else { panic!("expected a response") };
        assert_eq!(response.trailers.get("x-secret"), None);
    }

    fn remembers_the_request_in_the_response(host) {
        let outcome = host.run(&doing(&["nothing special"]));
        outcome.client(0).header("x-did", "nothing special").header("x-status", "200");
    }

    fn replies_instead_of_the_upstream(host) {
        let outcome = host.run(&doing(&["reply"]));
        outcome.client(0).start("418").header("x-pot", "tea").header("content-type", "application/json")
            .body(r#"["short","stout"]"#)
            // The response callbacks of a filter also run for its own reply.
            .header("x-did", "reply");
        outcome.has_details(0, "teapot");
        assert!(outcome.exchanges[0].upstream.is_empty());
    }

    fn replies_to_grpc_clients_with_a_grpc_status(host) {
        let call = Request::post("/a.B/C", "").header("content-type", "application/grpc").header("x-do", "reply");
        let outcome = host.run(&with(json!({})).request(call));
        outcome.client(0).start("200").header("grpc-status", "9");
    }

    fn replaces_a_response(host) {
        let outcome = host.run(&doing(&["replace-response"]));
        outcome.has_statuses(&[502]).has_details(0, "replaced");
    }

    fn a_reply_without_content_sends_no_body(host) {
        let outcome = host.run(&doing(&["reply-without-content"]));
        outcome.client(0).start("304").no_header("content-length").body("");
    }

    fn resets_a_request_that_it_cannot_reject(host) {
        let outcome = host.run(&doing(&["bad-reply"]));
        assert_eq!(outcome.exchanges[0].client, ClientView::Reset);
        assert!(outcome.exchanges[0].upstream.is_empty());
        outcome.has_logged(LogLevel::Error, "cannot send the reply, resetting the stream");
    }

    fn rejects_a_pause_without_a_task(host) {
        let outcome = host.run(&doing(&["pause-without-task"]));
        outcome.has_statuses(&[500]).has_details(0, "tollgate_pause_without_task");
    }

    fn delays_either_direction(host) {
        let outcome = host.run(&doing(&["delay", "slow-response"]));
        outcome.upstream(0).header("x-waited", "true");
        outcome.client(1).start("200").header("x-held", "yes").body("ok");
    }

    fn runs_a_periodic_timer(host) {
        let scenario = with(json!({"tick_ms": 50})).settings(|s| s.linger = Duration::from_millis(400));
        let ticks = host.run(&scenario).metrics["everything.ticks"];
        // About eight times on the main thread and on the worker each. A loaded machine may be late.
        assert!((4..=20).contains(&ticks), "{ticks}");
    }
}
