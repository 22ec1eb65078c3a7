//! Checks that each bug is found, reduced, reported and replayed.

use crate::modules;
use std::time::Duration;
use tollgate_host_test::emulator;
use tollgate_host_test::variations::{Change, Difference, Failure, Kind, Variation, Variations};
use tollgate_host_test::{Answer, Connection, Filter, Request, Response, Scenario, Upstream};

/// Returns the smallest variation that shows the bug. Checks that its report has these parts, and that a
/// replay gives the same differences.
#[track_caller]
fn caught(scenario: &Scenario, parts: &[&str]) -> Difference {
    let outcome = emulator::run(scenario).expect("it loads");
    assert!(
        outcome.statuses().iter().all(|status| *status == 200),
        "the unchanged scenario must pass: {outcome:?}"
    );
    let variations = Variations::of(scenario).seed(1);
    let difference = differing(variations.check());
    let report = difference.to_string();
    for part in parts {
        assert!(report.contains(part), "`{part}` is not in\n{report}");
    }
    let again = differing(variations.replay(&difference.variation));
    assert_eq!(again.differs, difference.differs);
    difference
}

#[track_caller]
fn differing<T: std::fmt::Debug>(result: Result<T, Failure>) -> Difference {
    match result {
        Err(Failure::Differs(difference)) => *difference,
        other => panic!("the bug was not found: {other:?}"),
    }
}

fn with(filter: Filter) -> Scenario {
    Scenario::new().filter(filter)
}

fn tagged(path: &str, tag: &str) -> Request {
    Request::get(path).header("x-tag", tag)
}

#[test]
fn finds_a_filter_that_takes_a_chunk_for_the_body() {
    let chunked = Request::new("POST", "/").chunk("one piece").trailer("t", "1");
    let found = caught(
        &with(modules::takes_a_chunk_for_the_body()).request(chunked),
        &["request 0: the body is split at [", "the upstream's body", "original: Xne pieceX"],
    );
    let [Change::RequestCuts { request: 0, cuts }] = found.variation.changes.as_slice() else {
        panic!("{found}");
    };
    assert_eq!(cuts.len(), 1, "one cut is enough: {found}");
}

/// On Envoy, the bug is found too, and reduced to the same variation.
#[test]
fn finds_a_filter_that_depends_on_field_order_on_envoy() {
    let request = Request::get("/").header("a", "1").header("bbb", "2");
    let scenario = with(modules::takes_the_last_field()).request(request);
    let found = differing(Variations::of(&scenario).seed(1).check_on_envoy());
    let expected = Change::RequestHeaderFirst { request: 0, name: "bbb".into() };
    assert_eq!(found.variation, Variation::new([expected]));
    assert_eq!(differing(Variations::of(&scenario).replay(&found.variation)).differs, found.differs);
}

#[test]
fn finds_a_filter_that_counts_chunks() {
    let response = Response::new(200).chunk("one").chunk("two").trailer("t", "1");
    let scenario = with(modules::counts_chunks())
        .upstream(Upstream::replies("upstream", response))
        .request(Request::get("/"));
    let found =
        caught(&scenario, &["answer 0 (of `upstream`): the body is split at", "client's trailer `x-tag`"]);
    // The scenario has two chunks: a body in one piece is the smallest difference.
    assert_eq!(found.variation, Variation::new([Change::ResponseCuts { answer: 0, cuts: Vec::new() }]));
}

#[test]
fn finds_a_filter_that_leaks_aborted_streams() {
    let found = caught(
        &with(modules::leaks_on_cancel()).request(Request::get("/")),
        &["the client disconnects after 0 events and sends it again", "original: 200", "varied:   503"],
    );
    assert_eq!(found.variation, Variation::new([Change::HangUp { request: 0, after: 0 }]));
}

#[test]
fn finds_a_filter_that_keeps_a_stream_in_a_global() {
    let scenario =
        with(modules::keeps_a_stream_in_a_global()).request(tagged("/1", "1")).request(tagged("/2", "2"));
    let found =
        caught(&scenario, &["request 1: begins 0 events after request 0", "the client's header `x-tag`"]);
    assert_eq!(found.variation, Variation::new([Change::Overlap { request: 0, events: 0 }]));
}

#[test]
fn finds_a_filter_that_counts_requests_per_worker() {
    let scenario = with(modules::counts_on_a_worker()).request(Request::get("/")).request(Request::get("/"));
    // The filter also counts aborted responses, which would be another difference.
    let variations = Variations::of(&scenario).without(Kind::HangUps).without(Kind::UpstreamResets);
    let found = differing(variations.check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::Worker { worker: 1, .. }]), "{found}");
}

#[test]
fn finds_a_filter_that_depends_on_field_order() {
    let request = Request::get("/").header("a", "1").header("bbb", "2");
    let found = caught(&with(modules::takes_the_last_field()).request(request), &["`bbb` comes first"]);
    let expected = Change::RequestHeaderFirst { request: 0, name: "bbb".into() };
    assert_eq!(found.variation, Variation::new([expected]));
}

#[test]
fn finds_a_filter_that_depends_on_callout_order() {
    let tagged = |tag: &str, after| Answer::Reply {
        response: Response::new(200).header("x-tag", tag),
        after: Duration::from_millis(after),
    };
    let scenario = with(modules::takes_the_last_answer_for_the_second())
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::answers("first", vec![tagged("1", 5)]))
        .upstream(Upstream::answers("second", vec![tagged("2", 8)]))
        .request(Request::get("/"));
    // Aborting a request between the two answers makes the filter miscount them, which is another difference.
    let variations = Variations::of(&scenario).without(Kind::HangUps).without(Kind::UpstreamResets);
    let found = differing(variations.check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::Latency { .. }]), "{found}");
    assert!(found.to_string().contains("the upstream's header `x-tag`"), "{found}");
    // With these kinds, the check finds the smaller difference.
    let found = differing(Variations::of(&scenario).check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::HangUp { .. }]), "{found}");
}

#[test]
fn finds_a_filter_that_leaks_a_callout() {
    let scenario = with(modules::leaves_a_grpc_stream_open())
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::grpc("first", vec![Answer::Hang]))
        .request(Request::get("/"));
    caught(&scenario, &["leaked callouts", "original: 0", "varied:   1", "Change::HangUp"]);
}

#[test]
fn finds_a_trap_after_a_client_disconnects() {
    let scenario = with(modules::traps_without_a_response()).request(Request::get("/"));
    caught(&scenario, &["TRAPS", "original: (absent)", "varied:   proxy_on_log: ", "unreachable"]);
}

#[test]
fn finds_a_filter_that_takes_a_piece_for_all_data() {
    let scenario = Scenario::new()
        .network_filter(modules::takes_a_piece_for_all())
        .connection(Connection::new().send("to be continued").shut_down());
    let parts = [
        "the bytes `to be continued` on a TCP connection are split at [",
        "received by the upstream",
        "Xto be",
    ];
    let found = caught(&scenario, &parts);
    assert!(
        matches!(found.variation.changes.as_slice(), [Change::SendCuts { send: 0, cuts }] if cuts.len() == 1)
    );
}
