//! Maps when the stream is held, and after it goes on.

use super::get;
use crate::Case;
use crate::script::calls::map::{CALL_HEADERS, REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{
    add, continue_stream, get_pairs, get_size, get_value, http_call, pairs, remove, replace, set_context,
    set_pairs, set_tick,
};
use crate::script::{Arg, Step};
use tollgate_host_test::Request;

const PAUSE: Step = Step::Return(1);

fn every(map: u32) -> Vec<Step> {
    vec![
        get_value(map, "x"),
        get_size(map),
        add(map, "added", "late"),
        replace(map, "x", "late"),
        remove(map, "gone"),
        get_pairs(map),
    ]
}

fn call() -> Step {
    http_call("other", pairs(&[(":method", "GET"), (":path", "/late"), (":authority", "o")]), "", "", 1000)
}

fn steps(parts: &[&[Step]]) -> Vec<Step> {
    parts.concat()
}

pub fn cases() -> Vec<Case> {
    let case = |name: &str, says: &str| {
        Case::new(format!("headers/late/{name}"), says).request(get().header("x", "1").header("gone", "1"))
    };
    let stop_tick = [set_tick(0), set_context(Arg::Stream)];
    let cases = vec![
        case("tick-request", "the headers of a request that is held can be changed from a tick")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &every(REQUEST), &[continue_stream(0)]])),
        case(
            "tick-root",
            "a tick is in the root context: no map is in reach until it takes that of the stream",
        )
        .on("request_headers", [set_tick(20), PAUSE])
        .on(
            "tick",
            steps(&[&[set_tick(0)], &every(REQUEST), &[set_context(Arg::Stream), continue_stream(0)]]),
        ),
        case("tick-response", "the headers of a response that is held can be changed from a tick")
            .on("response_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &every(RESPONSE), &every(REQUEST), &[continue_stream(1)]])),
        case(
            "callout-request",
            "the headers of a request that is held can be changed from the answer to a callout",
        )
        .on("request_headers", [call(), PAUSE])
        .on(
            "http_call_response",
            steps(&[&[set_context(Arg::Stream)], &every(REQUEST), &[continue_stream(0)]]),
        ),
        case(
            "callout-maps",
            "the maps of a callout are in reach in both contexts, its stream's or the root's",
        )
        .on("request_headers", [call(), PAUSE])
        .on(
            "http_call_response",
            [
                get_value(CALL_HEADERS, ":status"),
                set_context(Arg::Stream),
                get_value(CALL_HEADERS, ":status"),
                continue_stream(0),
            ],
        ),
        case("after-continue", "from the moment the request goes on its map is out of reach")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &[continue_stream(0)], &every(REQUEST)])),
        case(
            "response-after-continue",
            "the map of a response stays in reach when it goes on, and it is too late to write",
        )
        .on("response_headers", [set_tick(20), PAUSE])
        .on("tick", steps(&[&stop_tick, &[continue_stream(1)], &every(RESPONSE)])),
        case(
            "body-after-continue",
            "in the body callbacks after the headers went on the map is out of reach",
        )
        .on("request_body", every(REQUEST))
        .request(Request::post("/", "body").header("x", "1")),
        case("body-after-pause", "in the body callbacks after a pause has ended the map is out of reach")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &[continue_stream(0)]]))
            .on("request_body", every(REQUEST))
            .request(Request::post("/", "body").header("x", "1")),
        case(
            "response-body-after-pause",
            "in the body callbacks after a pause of the response writes are too late",
        )
        .on("response_headers", [set_tick(20), PAUSE])
        .on("tick", steps(&[&stop_tick, &[continue_stream(1)]]))
        .on("response_body", every(RESPONSE)),
        case("in-the-response", "the headers of the request are out of reach in the response")
            .on("response_headers", every(REQUEST)),
        case("in-the-request", "the headers of the response are out of reach in the request")
            .on("request_headers", every(RESPONSE)),
        case("in-the-log", "the log reads the headers of both ways, as they were last")
            .on("request_headers", [replace(REQUEST, "x", "2")])
            .on("log", steps(&[&every(REQUEST), &every(RESPONSE)])),
        case("set-pairs-in-the-log", "the log cannot replace a map")
            .on("log", [set_pairs(REQUEST, pairs(&[("x", "1")])), set_pairs(RESPONSE, "")]),
        case("done-and-delete", "after the log no map is in reach")
            .on("done", every(REQUEST))
            .on("delete", every(REQUEST)),
        case("other-stream", "a root context has no maps").on(
            "request_headers",
            [
                set_context(Arg::Root),
                get_value(REQUEST, "x"),
                get_pairs(REQUEST),
                add(REQUEST, "x", "1"),
                set_context(Arg::Stream),
                get_value(REQUEST, "x"),
            ],
        ),
        case("context-zero", "the context 0 stands for the one of the callback")
            .on("request_headers", [set_context(Arg::Root), set_context(0), get_value(REQUEST, "x")]),
    ];
    cases.into_iter().map(Case::without_latency).collect()
}
