//! Filters in one module give the same result as the same filters apart: a body that one holds and another
//! changes, replies, delays and callouts of each, in the request and in the response.

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{
    Answer, ClientView, Filter, Host, LogLevel, Outcome, Request, Response, Scenario, Upstream, Wasm,
    on_both_hosts,
};

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The letters of the fixture for each filter, and the exchange.
#[derive(Clone, Debug)]
struct Case {
    letters: [String; 3],
    request: Vec<&'static str>,
    request_trailer: bool,
    response: Vec<&'static str>,
    response_trailer: bool,
}

impl Case {
    /// A case with a body of two pieces and trailers in both directions.
    fn of(letters: [&str; 3]) -> Self {
        Self {
            letters: letters.map(str::to_owned),
            request: vec!["one ", "two"],
            request_trailer: true,
            response: vec!["three ", "four"],
            response_trailer: true,
        }
    }

    /// The same without trailers. A comparison in Envoy needs this if a filter waits while a body arrives:
    /// apart, Envoy may then deliver the trailers twice to the next filter.
    fn without_trailers(letters: [&str; 3]) -> Self {
        Self { request_trailer: false, response_trailer: false, ..Self::of(letters) }
    }

    fn scenario(&self, mut filters: Vec<Filter>) -> Scenario {
        // The host then passes on bodies whose headers are held, as `AwaitBody` needs.
        let stops = self.letters.iter().any(|letters| letters.contains('b'));
        filters.iter_mut().for_each(|filter| filter.allow_on_headers_stop_iteration = stops);
        let mut request = Request::new("POST", "/");
        for (name, letters) in NAMES.iter().zip(&self.letters) {
            request = request.header(format!("x-{name}"), letters);
        }
        request = self.request.iter().fold(request, |request, piece| request.chunk(piece));
        let mut response = Response::new(200).header("x-trail", "upstream");
        response = self.response.iter().fold(response, |response, piece| response.chunk(piece));
        if self.request_trailer {
            request = request.trailer("x-end", "1");
        }
        if self.response_trailer {
            response = response.trailer("x-end", "1");
        }
        let answer = Answer::Reply { response: Response::new(200), after: Duration::from_millis(2) };
        filters
            .into_iter()
            .fold(Scenario::new(), Scenario::filter)
            .upstream(Upstream::replies("backend", response))
            .upstream(Upstream::answers("auth", vec![answer; 12]))
            .request(request)
    }

    fn apart(&self) -> Scenario {
        let filter = |name| Filter::new(Wasm::package("fixture-script")).config(json!({"name": name}));
        self.scenario(NAMES.map(filter).into())
    }

    fn in_one_module(&self) -> Scenario {
        self.scenario(vec![chain(json!({"a": {"name": "a"}, "b": {"name": "b"}, "c": {"name": "c"}}))])
    }
}

fn chain(config: Value) -> Filter {
    let filters = ["a=fixture-script", "b=fixture-script", "c=fixture-script"];
    Filter::new(Wasm::chain("script-chain", &filters)).config(config)
}

type Fields = Vec<(Vec<u8>, Vec<u8>)>;

/// The observations of peers and operators. The order in which filters log the end of a stream is not part of
/// it. The sizes of the pieces of a body are not either: while a filter of a module holds headers, the host
/// delivers no body to the module, so the filters before it receive the body in fewer pieces, or not at all
/// if the filter then replies.
#[derive(Debug, PartialEq)]
struct Observed {
    client: ClientView,
    details: String,
    /// Headers, body and trailers of each complete request.
    upstream: Vec<(Fields, Vec<u8>, Fields)>,
    logs: Vec<String>,
}

fn observed(outcome: &Outcome) -> Observed {
    let exchange = &outcome.exchanges[0];
    let client = match &exchange.client {
        ClientView::Response(response) => {
            let mut response = response.clone();
            for name in ["date", "x-envoy-upstream-service-time"] {
                response.headers.remove(name);
            }
            ClientView::Response(response)
        }
        other => other.clone(),
    };
    let own =
        |name: &[u8]| name.starts_with(b"x-") && !name.starts_with(b"x-envoy") && name != b"x-request-id";
    let fields = |headers: &tollgate_host_test::Headers| {
        headers.0.iter().filter(|(name, _)| own(name)).map(|(n, v)| (n.to_vec(), v.to_vec())).collect()
    };
    let upstream = exchange.upstream.iter().filter(|request| request.ended);
    let upstream = upstream.map(|r| (fields(&r.headers), r.body.clone(), fields(&r.trailers))).collect();
    let lines = outcome.logs.iter().filter(|line| line.level >= LogLevel::Warn);
    let replied = !exchange.details.starts_with("via_upstream");
    let mut logs: Vec<_> = lines.map(|line| without_sizes(&line.text, replied)).collect();
    logs.sort();
    Observed { client, details: exchange.details.clone(), upstream, logs }
}

/// Leaves out the pieces of bodies, and after a reply also their ends.
fn without_sizes(line: &str, replied: bool) -> String {
    let words = line.split(' ').filter_map(|word| match word.split_once(':') {
        Some((phase, size)) if phase.parse::<u8>().is_ok() => {
            (size.ends_with('.') && !replied).then(|| format!("{phase}."))
        }
        _ if replied && word.starts_with(['2', '5']) => None,
        _ => Some(word.to_owned()),
    });
    words.collect::<Vec<_>>().join(" ")
}

#[track_caller]
fn is_the_same(host: Host, case: &Case) {
    let apart = observed(&host.run(&case.apart()));
    let together = observed(&host.run(&case.in_one_module()));
    assert_eq!(together, apart, "{case:?}");
}

on_both_hosts! {
    fn a_later_filter_sees_the_edits_of_an_earlier_one(host) {
        is_the_same(host, &Case::of(["e..e..", "m..m..", "e..x.."]));
    }

    fn a_filter_that_waits_resumes_into_the_next(host) {
        for letters in [["d..d..", "c..c..", "e..e.."], ["c..d..", "c..c..", "d..d.."]] {
            is_the_same(host, &Case::without_trailers(letters));
        }
    }

    fn a_reply_ends_the_request_for_the_later_filters(host) {
        for letters in [["e..e..", "r.....", "e..e.."], ["r..r..", "", ""]] {
            is_the_same(host, &Case::of(letters));
        }
        // Without a body, of which Envoy may deliver more or less before the reply.
        let late = Case::without_trailers(["d..e..", "e..e..", "l..e.."]);
        is_the_same(host, &Case { request: vec![], ..late });
    }

    fn a_reply_in_the_response_replaces_it(host) {
        is_the_same(host, &Case::of(["...e..", "...r..", "...e.."]));
        is_the_same(host, &Case::without_trailers(["...l..", "...e..", "...e.."]));
    }

    fn a_body_that_one_filter_holds_reaches_the_next_whole(host) {
        for letters in [[".h..h.", ".a..a.", ".w..w."], [".w..w.", ".w..w.", ".u..u."]] {
            is_the_same(host, &Case::of(letters));
        }
    }

    fn a_filter_between_two_that_hold_receives_each_part_once(host) {
        // Apart, `b` would receive the trailers twice on Envoy.
        let outcome = host.run(&Case::of(["..d...", "d.....", ""]).in_one_module());
        outcome.client(0).start("200");
        let received = outcome.logs.iter().find(|line| line.text.starts_with("b:")).map(|line| &*line.text);
        assert_eq!(received.map(|text| text.matches(" 2").count()), Some(1), "{received:?}");
    }

    fn a_reply_to_a_body_after_held_headers_resets_the_stream(host) {
        let outcome = host.run(&Case::of(["", "...d..", "....r."]).in_one_module());
        assert_eq!(outcome.exchanges[0].client, ClientView::Reset);
    }

    /// No filter waits for a callout here, as a comparison with trailers needs.
    fn headers_are_held_until_a_filter_has_seen_the_body(host) {
        for letters in [
            ["e..e..", "bh.bh.", "e..e.."],
            ["bh.e..", "e..bh.", "bh...."],
            ["b.....", "..e...", "...b.."],
            ["e.....", "br....", "e....."],
            ["e..e..", "bl....", "e..br."],
        ] {
            is_the_same(host, &Case::of(letters));
            is_the_same(host, &Case { request: vec![], response: vec![], ..Case::of(letters) });
        }
    }

    fn a_filter_awaits_the_body_after_a_task_of_another(host) {
        for letters in [["d.....", "bh....", "e....."], ["c.....", "e.....", "bw...."]] {
            is_the_same(host, &Case::without_trailers(letters));
        }
    }

    fn a_body_does_not_pass_headers_that_a_task_holds(host) {
        // A later filter awaits the body, so the host passes it on meanwhile.
        let outcome = host.run(&Case::of(["l.....", "b.....", ""]).in_one_module());
        outcome.has_statuses(&[418]);
        assert!(outcome.exchanges[0].upstream.is_empty(), "{outcome:?}");
    }

    /// The task of the second filter ends first. It must not release the body that the first one holds.
    /// (Apart, it does.)
    fn a_later_filter_does_not_release_what_an_earlier_one_holds(host) {
        let case = Case::without_trailers(["dl....", "d.....", "......"]);
        let outcome = host.run(&case.in_one_module());
        outcome.has_statuses(&[418]);
        assert!(outcome.exchanges[0].upstream.iter().all(|request| !request.ended), "{outcome:?}");
    }

    /// The second filter edits the headers that it held for the body, after the first read of them.
    fn a_later_filter_sees_edits_of_held_headers(host) {
        let letters = ["e.....", "bt.bt.", "e..e.."].map(str::to_owned);
        let none = || Vec::new();
        let case = Case { letters, request: none(), request_trailer: false, response: none(), response_trailer: false };
        is_the_same(host, &case);
        let outcome = host.run(&case.in_one_module());
        outcome.upstream(0).header("x-trail", "bc");
    }

    fn a_held_empty_body_ends_without_trailers(host) {
        let letters = ["......", "...bd.", "......"].map(str::to_owned);
        let none = || Vec::new();
        is_the_same(host, &Case { letters, request: none(), request_trailer: false, response: none(), response_trailer: true });
    }

    fn a_pause_without_a_task_is_rejected(host) {
        is_the_same(host, &Case::of(["e..e..", "p.....", ""]));
    }
}

/// Only in the emulator: in Envoy, the body may come after the delay. `allow_on_headers_stop_iteration` is
/// set because another filter awaits a body.
#[test]
fn a_body_does_not_overtake_the_headers() {
    let case = Case::without_trailers(["...bh.", "dc....", "r....."]);
    is_the_same(Host::Emulator, &case);
    // Nor does the second filter begin the callout of its body callback after the reply of the third.
    let outcome = Host::Emulator.run(&case.in_one_module());
    assert_eq!(outcome.callouts.get("auth").map_or(0, Vec::len), 0);
}

/// Letters for the six callbacks of a filter.
fn letters() -> impl Strategy<Value = String> {
    let headers = || prop::sample::select(b"....emxdclrpbb".as_slice());
    let body = || prop::sample::select(b"...hhwwuadcr".as_slice());
    let trailers = || prop::sample::select(b"....emxd".as_slice());
    (headers(), body(), trailers(), headers(), body(), trailers())
        .prop_map(|(a, b, c, d, e, f)| String::from_utf8_lossy(&[a, b, c, d, e, f]).into_owned())
}

fn cases() -> impl Strategy<Value = Case> {
    let pieces = || prop::collection::vec(prop::sample::select(vec!["one ", "two", "the third piece"]), 0..4);
    let letters = (letters(), letters(), letters());
    let parts = (letters, pieces(), any::<bool>(), pieces(), any::<bool>());
    parts.prop_map(|(letters, request, request_trailer, response, response_trailer)| {
        let mut letters = <[String; 3]>::from(letters);
        avoid_shared_buffer(&mut letters, 0);
        avoid_shared_buffer(&mut letters, 3);
        // Apart, the host may pass on the trailers before the filters that wait for headers receive them.
        let mixes = |at: usize| {
            let has = |some: &[u8]| letters.iter().any(|own| some.contains(&own.as_bytes()[at]));
            has(b"b") && has(b"dcl")
        };
        let (request_trailer, response_trailer) =
            (request_trailer && !mixes(0), response_trailer && !mixes(3));
        Case { letters, request, request_trailer, response, response_trailer }
    })
}

/// Removes what filters in one module cannot do as they do it apart.
///
/// Envoy has one buffer for all filters of a direction. If one filter holds a part while another holds a
/// later or an earlier one, the first that resumes takes the body of both, and filters between them miss it
/// or receive the trailers twice. A module has no such fault, so the chains apart must not have it either: if
/// a filter holds more than headers, it is the only one that waits in this direction.
///
/// While a filter of a module holds headers, the filters before it receive no body. So they reply to a body
/// later than they do apart, after the headers have been sent: no filter replies to a body if one holds
/// headers.
fn avoid_shared_buffer(letters: &mut [String; 3], headers: usize) {
    let waits = |letter: u8| b"bdclhw".contains(&letter);
    let (all, parts) = (headers..headers + 3, headers + 1..headers + 3);
    let in_parts = |own: &String| own.bytes().take(parts.end).skip(parts.start).any(waits);
    let remove = |own: &mut String, unwanted: &dyn Fn(usize, u8) -> bool| {
        *own = own.bytes().enumerate().map(|(at, c)| if unwanted(at, c) { '.' } else { c.into() }).collect();
    };
    if let Some(only) = letters.iter().position(in_parts) {
        for (_, own) in letters.iter_mut().enumerate().filter(|(filter, _)| *filter != only) {
            remove(own, &|at, letter| all.contains(&at) && waits(letter));
        }
    }
    if letters.iter().any(|own| own.as_bytes().get(headers).is_some_and(|letter| waits(*letter))) {
        for own in letters {
            remove(own, &|at, letter| parts.contains(&at) && b"rlp".contains(&letter));
        }
    }
}

#[test]
fn generated_chains_act_as_the_filters_apart() {
    let compare = |case: Case| -> TestCaseResult {
        let apart = observed(&Host::Emulator.run(&case.apart()));
        let together = observed(&Host::Emulator.run(&case.in_one_module()));
        prop_assert_eq!(together, apart);
        Ok(())
    };
    let config = ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() };
    let mut runner = proptest::test_runner::TestRunner::new(config);
    runner.run(&cases(), compare).unwrap();
}

#[test]
fn a_configuration_has_a_block_for_each_filter() {
    let refusal = |config: Value| {
        let scenario = Scenario::new().filter(chain(config)).request(Request::get("/"));
        let refused = Host::Emulator.try_run(&scenario).expect_err("rejected");
        refused.logs.last().map(|line| line.text.clone()).unwrap_or_default()
    };
    let block = json!({"name": "x"});
    for (config, expected) in [
        (json!([]), "configuration rejected: invalid type: array, expected an object with `a`, `b`, `c`"),
        (
            json!({"a": block, "b": block}),
            "configuration rejected: missing field `c`; `null` leaves the filter out",
        ),
        (
            json!({"a": block, "b": block, "c": block, "d": block}),
            "configuration rejected: d: unknown filter `d`, expected `a`, `b`, `c`",
        ),
        (
            json!({"a": block, "b": {"nam": "x"}, "c": block}),
            "configuration rejected: b.nam: unknown field `nam`, expected `name`",
        ),
    ] {
        assert_eq!(refusal(config), expected);
    }
}

#[test]
fn null_leaves_a_filter_out() {
    let config = json!({"a": {"name": "a"}, "b": null, "c": {"name": "c"}});
    let case = Case::of(["e.....", "r.....", "e....."]);
    let outcome = Host::Emulator.run(&case.scenario(vec![chain(config)]));
    outcome.client(0).start("200");
    outcome.upstream(0).header("x-trail", "ac");
}
