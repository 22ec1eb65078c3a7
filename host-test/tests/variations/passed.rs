//! Correct filters pass, and the report says what was tried.

use crate::modules;
use tollgate_host_test::variations::{Change, Failure, Kind, Variation, Variations};
use tollgate_host_test::{
    Answer, Connection, Filter, Request, Response, Scenario, Script, TcpUpstream, Upstream, Wasm,
};

fn exchange() -> Scenario {
    let response =
        Response::new(200).header("a", "1").header("b", "2").chunk("one").chunk("two").trailer("t", "1");
    Scenario::new()
        .filter(modules::keeps_a_stream_by_its_context())
        .upstream(Upstream::replies("upstream", response))
        .request(Request::post("/1", "a body").header("x-tag", "1").header("x-other", "1"))
        .request(Request::post("/2", "in two").chunk(" pieces").header("x-tag", "2"))
}

#[test]
fn a_correct_filter_passes() {
    let report = Variations::of(&exchange()).seed(3).runs(100).check().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((report.drawn, report.left_out.as_slice()), (100, [].as_slice()));
    // Client and upstream each abort both requests before every piece of the body and of the response.
    assert!(report.cuts >= 2 * 2 * 6 && report.overlaps >= 6, "{report:?}");
}

#[test]
fn a_scenario_without_filters_passes() {
    let scenario = Scenario { filters: Vec::new(), ..exchange() };
    Variations::of(&scenario).runs(100).check().unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn excluded_kinds_are_not_tried() {
    let scenario = Scenario::new()
        .filter(modules::leaks_on_cancel())
        .request(Request::get("/"))
        .request(Request::get("/"));
    let variations = Variations::of(&scenario);
    assert!(matches!(variations.check(), Err(Failure::Differs(_))));
    let without = [Kind::HangUps, Kind::UpstreamResets, Kind::Overlaps];
    let variations = without.into_iter().fold(variations, Variations::without);
    let report = variations.check().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(report.cuts, 0);
}

#[test]
fn ignored_values_may_differ() {
    let request = Request::get("/").header("a", "1").header("bbb", "2");
    let scenario = Scenario::new().filter(modules::takes_the_last_field()).request(request);
    let variations = Variations::of(&scenario).ignoring_header("X-Tag");
    variations.check().unwrap_or_else(|why| panic!("{why}"));
}

#[test]
fn several_answers_exclude_overlaps_and_aborts() {
    let answers = [200, 201]
        .map(|status| Answer::Reply { response: Response::new(status), after: std::time::Duration::ZERO });
    let scenario = Scenario::new()
        .upstream(Upstream::answers("upstream", answers.to_vec()))
        .request(Request::get("/"))
        .request(Request::get("/"));
    let report = Variations::of(&scenario).check().unwrap_or_else(|why| panic!("{why}"));
    let left_out: Vec<_> = report.left_out.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(left_out, [Kind::Overlaps, Kind::HangUps, Kind::UpstreamResets]);
}

#[test]
fn a_filter_that_does_not_load_is_refused() {
    let scenario = Scenario::new().filter(Filter::new(Wasm::wat("(module)"))).request(Request::get("/"));
    assert!(matches!(Variations::of(&scenario).check(), Err(Failure::Refused(_))));
}

#[test]
fn variations_keep_the_framing() {
    // A body with a length keeps it. A chunked body stays chunked, also in one piece.
    for cuts in [Vec::new(), vec![1], vec![1, 2, 3], vec![0, 3, 99]] {
        for request in 0..2 {
            let variation = Variation::new([Change::RequestCuts { request, cuts: cuts.clone() }]);
            Variations::of(&exchange()).replay(&variation).unwrap_or_else(|why| panic!("{why}"));
        }
        let variation = Variation::new([Change::ResponseCuts { answer: 0, cuts }]);
        Variations::of(&exchange()).replay(&variation).unwrap_or_else(|why| panic!("{why}"));
    }
}

/// Envoy accepts the framing of all variations, and they change nothing there either.
#[test]
fn data_variations_pass_on_a_real_envoy() {
    let report = Variations::of(&exchange()).runs(6).check_on_envoy().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((report.drawn, report.cuts), (6, 0));
    let left_out: Vec<_> = report.left_out.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(left_out, [Kind::Pauses, Kind::Workers, Kind::Overlaps, Kind::HangUps, Kind::UpstreamResets]);
}

#[test]
fn an_empty_scenario_has_no_variations() {
    let report = Variations::of(&Scenario::new()).check().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((report.drawn, report.cuts), (0, 0));
}

#[test]
fn a_correct_network_filter_passes() {
    let upstream = Script::new().send("hello").receive(6).send("and good bye");
    let scenario = Scenario::new()
        .network_filter(modules::begins_each_connection())
        .tcp_upstream(TcpUpstream::Script(upstream))
        .connection(Connection::new().receive(5).send("one").send("two").shut_down())
        .connection(Connection::new().send("another one").shut_down());
    let variations = Variations::of(&scenario);
    let report = variations.check().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!((report.drawn, report.cuts), (64, 0));
    let report = variations.runs(3).check_on_envoy().unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(report.drawn, 3);
}
