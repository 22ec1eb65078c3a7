//! The filters must give the same result for a request regardless of how its data is split, the order and
//! concurrency of requests, and disconnects of the client or the upstream.

use serde_json::json;
use std::time::Duration;
use tollgate_host_test::variations::{Failure, Kind, Report, Variations};
use tollgate_host_test::{Answer, Filter, Headers, Request, Response, Scenario, Upstream, Wasm};

#[track_caller]
fn passes(variations: &Variations) -> Report {
    match variations.check() {
        Ok(report) => report,
        Err(Failure::Refused(refused)) => panic!("{refused}\n{:#?}", refused.logs),
        Err(difference) => panic!("{difference}"),
    }
}

fn backend() -> Upstream {
    let response = Response::new(200)
        .header("x-a", "1")
        .header("x-b", "2")
        .chunk("one ")
        .chunk("two")
        .trailer("x-open", "1");
    Upstream::replies("backend", response)
}

#[test]
fn hello_is_consistent_under_variations() {
    let filter = Filter::new(Wasm::package("tollgate-example-hello"));
    let scenario = Scenario::new()
        .filter(filter.config(json!({"header": "x-team", "allowed": ["blue", "red"]})))
        .upstream(backend())
        .request(Request::post("/", "a body").header("x-other", "1").header("x-team", "blue"))
        .request(Request::get("/").header("x-team", "green"))
        .request(Request::new("POST", "/").chunk("in two ").chunk("pieces").header("x-team", "red"));
    let report = passes(&Variations::of(&scenario).seed(1).runs(100));
    assert!(report.left_out.is_empty() && report.cuts >= 20 && report.overlaps >= 6, "{report:?}");
}

#[test]
fn telemetry_headers_is_consistent_under_variations() {
    let config = json!({
        "request_id": {"header": "x-req", "preserve_external_request_id": true, "always_set_in_response": true},
        "trace_context": {},
        "server_timing": {"traceparent": true},
    });
    let scenario = Scenario::new()
        .filter(Filter::new(Wasm::package("tollgate-telemetry-headers")).config(config))
        .upstream(backend())
        .request(Request::post("/one", "a body").header("x-req", "not valid at all").header("x-a", "1"))
        .request(
            Request::get("/two")
                .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        )
        .request(Request::new("POST", "/three").chunk("in two ").chunk("pieces").trailer("t", "1"));
    let variations = Variations::of(&scenario)
        .seed(2)
        .runs(100)
        .ignoring_header("x-req")
        .ignoring_header("traceparent")
        .ignoring_header("server-timing");
    let report = passes(&variations);
    assert!(report.left_out.is_empty() && report.cuts >= 20 && report.overlaps >= 6, "{report:?}");
}

/// Uses a filter that uses all of the SDK, with a request for each feature that does not depend on the order
/// of requests.
#[test]
fn everything_is_consistent_under_variations() {
    let reply = Answer::Reply { response: Response::new(200).chunk("yes"), after: Duration::from_millis(5) };
    let grpc = Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: vec![b"answer".to_vec()],
        status: 0,
        message: Vec::new(),
        after: Duration::from_millis(3),
    };
    let doing = [
        "edit",
        "properties",
        "state",
        "reply",
        "http",
        "grpc",
        "delay",
        "suffix",
        "slow-response",
        "replace-response",
    ];
    let scenario = Scenario::new()
        .filter(Filter::new(Wasm::package("fixture-everything")).config(json!({"tick_ms": 5000})))
        .upstream(backend())
        .upstream(Upstream::answers("auth", vec![reply]))
        .upstream(Upstream::grpc("grpc", vec![grpc]))
        .request(Request::post("/", "shouted body").header("x-do", "upper").trailer("x-one", "1"));
    let scenario = doing.iter().fold(scenario, |scenario, what| {
        scenario.request(Request::get("/").header("x-y", "1").header("x-do", what))
    });
    let report = passes(&Variations::of(&scenario).seed(3).runs(60));
    assert!(report.left_out.is_empty() && report.cuts >= 80 && report.overlaps >= 40, "{report:?}");
}

/// The check finds a filter whose result depends on the order of requests.
#[test]
fn a_shared_count_reveals_cancelled_requests() {
    let request = || Request::get("/").header("x-do", "shared");
    let scenario = Scenario::new()
        .filter(Filter::new(Wasm::package("fixture-everything")).config(json!({})))
        .request(request())
        .request(request());
    let variations = Variations::of(&scenario);
    let why = variations.check().map(|_| ()).expect_err("a shared count must differ").to_string();
    assert!(why.contains("the upstream's header `x-count`") && why.contains("Change::HangUp"), "{why}");
    let without = [Kind::HangUps, Kind::UpstreamResets];
    passes(&without.into_iter().fold(variations, Variations::without));
}
