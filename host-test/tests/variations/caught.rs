//! Each mistake is found, cut down to what shows it, told, and replayed.

use crate::modules;
use std::time::Duration;
use tollgate_host_test::emulator;
use tollgate_host_test::variations::{Change, Difference, Failure, Kind, Variation, Variations};
use tollgate_host_test::{Answer, Connection, Filter, Request, Response, Scenario, Upstream};

/// The least variation that tells, whose text has these parts and which does the same when it is replayed.
#[track_caller]
fn caught(scenario: &Scenario, parts: &[&str]) -> Difference {
    let outcome = emulator::run(scenario).expect("it loads");
    assert!(
        outcome.statuses().iter().all(|status| *status == 200),
        "as it is, nothing is wrong: {outcome:?}"
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
        other => panic!("a mistake was not found: {other:?}"),
    }
}

fn with(filter: Filter) -> Scenario {
    Scenario::new().filter(filter)
}

fn tagged(path: &str, tag: &str) -> Request {
    Request::get(path).header("x-tag", tag)
}

#[test]
fn a_chunk_taken_for_the_body() {
    let chunked = Request::new("POST", "/").chunk("one piece").trailer("t", "1");
    let found = caught(
        &with(modules::takes_a_chunk_for_the_body()).request(chunked),
        &["request 0: its body is cut at [", "the upstream's body", "as it is: Xne pieceX"],
    );
    let [Change::RequestCuts { request: 0, cuts }] = found.variation.changes.as_slice() else {
        panic!("{found}");
    };
    assert_eq!(cuts.len(), 1, "one cut is enough: {found}");
}

/// The mistake is one in Envoy too, and is cut down there to the same.
#[test]
fn a_field_that_is_taken_by_its_place_in_envoy() {
    let request = Request::get("/").header("a", "1").header("bbb", "2");
    let scenario = with(modules::takes_the_last_field()).request(request);
    let found = differing(Variations::of(&scenario).seed(1).check_on_envoy());
    let expected = Change::RequestHeaderFirst { request: 0, name: "bbb".into() };
    assert_eq!(found.variation, Variation::new([expected]));
    assert_eq!(differing(Variations::of(&scenario).replay(&found.variation)).differs, found.differs);
}

#[test]
fn chunks_that_are_counted() {
    let response = Response::new(200).chunk("one").chunk("two").trailer("t", "1");
    let scenario = with(modules::counts_chunks())
        .upstream(Upstream::replies("upstream", response))
        .request(Request::get("/"));
    let found =
        caught(&scenario, &["answer 0, of `upstream`: its body is cut at", "client's trailer `x-tag`"]);
    // Two chunks in the scenario: no cut is the least that differs.
    assert_eq!(found.variation, Variation::new([Change::ResponseCuts { answer: 0, cuts: Vec::new() }]));
}

#[test]
fn a_stream_that_is_leaked_when_it_is_given_up() {
    let found = caught(
        &with(modules::leaks_on_cancel()).request(Request::get("/")),
        &["the client hangs up after 0 events, and sends it again", "as it is: 200", "varied:   503"],
    );
    assert_eq!(found.variation, Variation::new([Change::HangUp { request: 0, after: 0 }]));
}

#[test]
fn a_stream_that_is_kept_in_a_global() {
    let scenario =
        with(modules::keeps_a_stream_in_a_global()).request(tagged("/1", "1")).request(tagged("/2", "2"));
    let found =
        caught(&scenario, &["request 1: begins 0 events after request 0 has", "the client's header `x-tag`"]);
    assert_eq!(found.variation, Variation::new([Change::Overlap { request: 0, events: 0 }]));
}

#[test]
fn requests_that_are_counted_on_one_worker() {
    let scenario = with(modules::counts_on_a_worker()).request(Request::get("/")).request(Request::get("/"));
    // A response that is given up counts too, which is another matter.
    let variations = Variations::of(&scenario).without(Kind::HangUps).without(Kind::UpstreamResets);
    let found = differing(variations.check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::Worker { worker: 1, .. }]), "{found}");
}

#[test]
fn a_field_that_is_taken_by_its_place() {
    let request = Request::get("/").header("a", "1").header("bbb", "2");
    let found = caught(&with(modules::takes_the_last_field()).request(request), &["`bbb` comes first"]);
    let expected = Change::RequestHeaderFirst { request: 0, name: "bbb".into() };
    assert_eq!(found.variation, Variation::new([expected]));
}

#[test]
fn an_answer_that_is_taken_by_its_time() {
    let tagged = |tag: &str, after| Answer::Reply {
        response: Response::new(200).header("x-tag", tag),
        after: Duration::from_millis(after),
    };
    let scenario = with(modules::takes_the_last_answer_for_the_second())
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::answers("first", vec![tagged("1", 5)]))
        .upstream(Upstream::answers("second", vec![tagged("2", 8)]))
        .request(Request::get("/"));
    // When a request is given up between the two answers, counting them goes wrong as well.
    let variations = Variations::of(&scenario).without(Kind::HangUps).without(Kind::UpstreamResets);
    let found = differing(variations.check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::Latency { .. }]), "{found}");
    assert!(found.to_string().contains("the upstream's header `x-tag`"), "{found}");
    // And with them, it is found the shorter way.
    let found = differing(Variations::of(&scenario).check());
    assert!(matches!(found.variation.changes.as_slice(), [Change::HangUp { .. }]), "{found}");
}

#[test]
fn a_callout_that_nobody_ends() {
    let scenario = with(modules::leaves_a_grpc_stream_open())
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::grpc("first", vec![Answer::Hang]))
        .request(Request::get("/"));
    caught(&scenario, &["left behind: callouts", "as it is: 0", "varied:   1", "Change::HangUp"]);
}

#[test]
fn a_trap_that_only_a_lost_client_leads_to() {
    let scenario = with(modules::traps_without_a_response()).request(Request::get("/"));
    caught(&scenario, &["TRAPS", "as it is: (not there)", "varied:   proxy_on_log: ", "unreachable"]);
}

#[test]
fn a_piece_of_a_connection_taken_for_all() {
    let scenario = Scenario::new()
        .network_filter(modules::takes_a_piece_for_all())
        .connection(Connection::new().send("to be continued").shut_down());
    let parts = ["what is sent over TCP as `to be continued` is cut at [", "what the upstream got", "Xto be"];
    let found = caught(&scenario, &parts);
    assert!(
        matches!(found.variation.changes.as_slice(), [Change::SendCuts { send: 0, cuts }] if cuts.len() == 1)
    );
}
