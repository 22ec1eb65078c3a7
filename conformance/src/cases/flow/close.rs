//! `proxy_close_stream`, and the order of callbacks.

use crate::cases::parts::{
    CALLBACKS, answers, call_other, get, long_request, long_response, ok, reply, resume,
};
use crate::script::calls::{close_stream, continue_stream, get_value, set_context, set_tick};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    let created = Case::new(
        "flow/order/all",
        "the callbacks of a stream are on_context_create, those of the request, those of the response, on_log, on_done and on_delete",
    )
    .alone()
    .shows(&[&["context_create"], &CALLBACKS[..]].concat());
    let passing = Case::new("flow/order/passing", "requests of every shape pass").requests([
        get(),
        Request::post("/", "a"),
        Request::new("HEAD", "/"),
        long_request(),
    ]);
    vec![
        Sheet::new("close", close()),
        Sheet::new("close from elsewhere", elsewhere()),
        Sheet::new("order", order()),
        Sheet::new("order with creation", vec![created, passing]),
    ]
}

fn close() -> Vec<Case> {
    let mut cases = Vec::new();
    // Closing a stream in its last callback, or later, crashes Envoy: see `EMULATOR_ONLY`.
    for callback in &CALLBACKS[..5] {
        for kind in [0, 1] {
            let what = ["request", "response"][kind as usize];
            let name = format!("flow/close/{callback}/{what}").replace('_', "-");
            let title = format!(
                "close_stream of the {what} in on_{callback} resets the client's connection unless the response is complete"
            );
            let case = Case::new(name, title).shows(&CALLBACKS);
            let case = case.request(long_request()).answer("upstream", [reply(long_response())]);
            cases.push(adding(case, callback, [close_stream(kind)]));
        }
    }
    let others = [2, 3, 4, u32::MAX].map(close_stream);
    cases.push(
        Case::new(
            "flow/close/others",
            "close_stream ignores the types of TCP connections in an HTTP filter, and rejects unknown types",
        )
        .on("request_headers", others),
    );
    cases.push(
        Case::new("flow/close/goes-on", "a closed stream stays accessible until the callback returns")
            .on("request_headers", [close_stream(0), get_value(0, ":path")])
            .shows(&["log", "done", "delete"]),
    );
    cases
}

/// Appends steps to those of a callback.
fn adding(mut case: Case, callback: &str, steps: impl IntoIterator<Item = Step>) -> Case {
    let own =
        case.scripts.iter_mut().find(|(_, name, _)| *name == callback).expect("the case logs this callback");
    own.2.extend(steps);
    case
}

fn elsewhere() -> Vec<Case> {
    let case =
        |name: &str, title: &str| Case::new(format!("flow/close/{name}"), title).shows(&["log", "delete"]);
    vec![
        case("reply-without-details", "closing a local reply keeps its details, also if they are empty")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [close_stream(1)]),
        case("from-callout", "a paused request can be closed from the callback of a callout")
            .on("request_headers", [call_other("flow/close/from-callout"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), close_stream(0)]),
        case("from-callout-response", "a paused response can be closed from the callback of a callout")
            .on("response_headers", [call_other("flow/close/from-callout-response"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), close_stream(1)]),
        case("from-tick", "a paused request can be closed from on_tick")
            .on("request_headers", [set_tick(20), Step::Return(1)])
            .on("tick", [set_tick(0), set_context(Arg::Stream), close_stream(1)]),
        case("from-root", "close_stream does nothing in a root context")
            .on("request_headers", [call_other("flow/close/from-root"), Step::Return(1)])
            .on(
                "http_call_response",
                [close_stream(0), close_stream(1), close_stream(2), close_stream(4)]
                    .into_iter()
                    .chain(resume(0))
                    .collect::<Vec<_>>(),
            ),
        case("then-continue", "continuing a closed stream does nothing")
            .on("request_headers", [call_other("flow/close/then-continue"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), close_stream(0), continue_stream(0)]),
    ]
}

/// The callbacks of each kind of message, and their end-of-stream arguments.
fn order() -> Vec<Case> {
    let empty = || Request::new("POST", "/").header("content-length", "0");
    let messages = [
        ("get", get(), ok()),
        ("head", Request::new("HEAD", "/"), ok()),
        ("post", Request::post("/", "abc"), Response::new(204)),
        ("post-empty", empty(), Response::new(200)),
        ("chunked", Request::post("/", "ab").chunk("c"), Response::new(200).chunk("ab").chunk("c")),
        ("trailers", long_request(), long_response()),
        ("only-trailers", Request::new("POST", "/").trailer("t", "1"), Response::new(200).trailer("t", "1")),
        ("not-modified", get(), Response::new(304).header("etag", "x")),
        ("error", get(), Response::new(500).chunk("no")),
        ("large", Request::post("/", vec![b'a'; 100_000]), ok()),
    ];
    let mut cases = Vec::new();
    for (name, request, response) in messages {
        let title = format!("each headers and body callback reports whether the message ends ({name})");
        cases.push(
            Case::new(format!("flow/order/{name}"), title)
                .shows(if name == "large" {
                    &["request_headers", "log", "done", "delete"]
                } else {
                    &CALLBACKS
                })
                .request(request)
                .answer("upstream", [reply(response)]),
        );
    }
    cases
}
