//! Header maps while the stream is paused, and after it continues.

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
    let case = |name: &str, title: &str| {
        Case::new(format!("headers/late/{name}"), title).request(get().header("x", "1").header("gone", "1"))
    };
    let stop_tick = [set_tick(0), set_context(Arg::Stream)];
    let cases = vec![
        case("tick-request", "the headers of a paused request can be changed in on_tick")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &every(REQUEST), &[continue_stream(0)]])),
        case(
            "tick-root",
            "on_tick runs in the root context, and can access a map only after it makes the stream effective",
        )
        .on("request_headers", [set_tick(20), PAUSE])
        .on(
            "tick",
            steps(&[&[set_tick(0)], &every(REQUEST), &[set_context(Arg::Stream), continue_stream(0)]]),
        ),
        case("tick-response", "the headers of a paused response can be changed in on_tick")
            .on("response_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &every(RESPONSE), &every(REQUEST), &[continue_stream(1)]])),
        case(
            "callout-request",
            "the headers of a paused request can be changed in the callback of a callout",
        )
        .on("request_headers", [call(), PAUSE])
        .on(
            "http_call_response",
            steps(&[&[set_context(Arg::Stream)], &every(REQUEST), &[continue_stream(0)]]),
        ),
        case(
            "callout-maps",
            "the maps of a callout response are accessible in the context of the stream and in the root context",
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
        case("after-continue", "the map of a request is inaccessible as soon as the request continues")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &[continue_stream(0)], &every(REQUEST)])),
        case(
            "response-after-continue",
            "the map of a response stays accessible after the response continues, but changes have no effect",
        )
        .on("response_headers", [set_tick(20), PAUSE])
        .on("tick", steps(&[&stop_tick, &[continue_stream(1)], &every(RESPONSE)])),
        case(
            "body-after-continue",
            "request headers are not accessible in on_request_body after on_request_headers has continued",
        )
        .on("request_body", every(REQUEST))
        .request(Request::post("/", "body").header("x", "1")),
        case("body-after-pause", "request headers are not accessible in on_request_body after a pause")
            .on("request_headers", [set_tick(20), PAUSE])
            .on("tick", steps(&[&stop_tick, &[continue_stream(0)]]))
            .on("request_body", every(REQUEST))
            .request(Request::post("/", "body").header("x", "1")),
        case(
            "response-body-after-pause",
            "changes of response headers have no effect in on_response_body after a pause",
        )
        .on("response_headers", [set_tick(20), PAUSE])
        .on("tick", steps(&[&stop_tick, &[continue_stream(1)]]))
        .on("response_body", every(RESPONSE)),
        case("in-the-response", "request headers are not accessible in on_response_headers")
            .on("response_headers", every(REQUEST)),
        case("in-the-request", "response headers are not accessible in on_request_headers")
            .on("request_headers", every(RESPONSE)),
        case("in-the-log", "on_log reads the final request and response headers")
            .on("request_headers", [replace(REQUEST, "x", "2")])
            .on("log", steps(&[&every(REQUEST), &every(RESPONSE)])),
        case("set-pairs-in-the-log", "on_log cannot replace a map")
            .on("log", [set_pairs(REQUEST, pairs(&[("x", "1")])), set_pairs(RESPONSE, "")]),
        case("done-and-delete", "no map is accessible after on_log")
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
        case("context-zero", "context 0 is the context of the callback")
            .on("request_headers", [set_context(Arg::Root), set_context(0), get_value(REQUEST, "x")]),
    ];
    cases.into_iter().map(Case::without_latency).collect()
}
