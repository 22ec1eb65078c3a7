//! Continuing a stream: from which callback, how often, and in which direction.

use crate::cases::grpc::target;
use crate::cases::parts::{
    CALLBACKS, IMPATIENT, LATER, SOON, at_end, call_other, call_to, get, late, long_request, long_response,
    ok, reply, request_body, response_body, resume,
};
use crate::run::{GRPC, REFUSES};
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS};
use crate::script::calls::{
    continue_stream, dequeue, enqueue, get_pairs, get_value, grpc_call, register_queue, replace, set_context,
    set_tick,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::Request;

pub(super) fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("resume from", from()),
        Sheet::new("resume how often", often()),
        Sheet::new("resume and continue", twice()).settings(|settings| settings.client_patience = IMPATIENT),
        Sheet::new("resume what then", then()),
    ]
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("flow/resume/{name}"), title)
}

fn with(first: Step, rest: impl IntoIterator<Item = Step>) -> Vec<Step> {
    [first].into_iter().chain(rest).collect()
}

/// Each kind of root context callback that can continue a stream.
fn from() -> Vec<Case> {
    let mut cases = Vec::new();
    for (way, kind, callback) in [("request", 0, "request_headers"), ("response", 1, "response_headers")] {
        let name = |what: &str| format!("flow/resume/from/{what}/{way}");
        let title = |what: &str| format!("a paused {way} can be continued from {what}");
        let new = |what: &str, title: String| Case::new(name(what), title).shows(&["log"]);
        cases.push(
            new("tick", title("on_tick"))
                .on(callback, [set_tick(20), Step::Return(1)])
                .on("tick", with(set_tick(0), resume(kind))),
        );
        cases.push(
            new("http-call", title("on_http_call_response"))
                .on(callback, [call_other(&name("http-call")), Step::Return(1)])
                .on("http_call_response", resume(kind)),
        );
        let queue = format!("{way}s");
        cases.push(
            new("queue", title("on_queue_ready"))
                .on(callback, [register_queue(queue), enqueue(Arg::Kept(0), "item"), Step::Return(1)])
                .on("queue_ready", with(dequeue(Arg::Kept(0)), resume(kind))),
        );
        cases.push(
            new("grpc", title("on_grpc_receive"))
                .on(
                    callback,
                    [grpc_call(target(GRPC), name("grpc"), "m", "", "hello", 5000), Step::Return(1)],
                )
                .on("grpc_receive", resume(kind)),
        );
    }
    cases
}

fn often() -> Vec<Case> {
    let slow = || [late(ok(), LATER)];
    let call = |name: &str| call_other(&format!("flow/resume/{name}"));
    vec![
        case("twice-at-once", "continuing a request twice in one callback sends it once")
            .on("request_headers", [call("twice-at-once"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), continue_stream(0), continue_stream(0)]),
        case("response-twice-at-once", "continuing a response twice in one callback sends it once")
            .on("response_headers", [call("response-twice-at-once"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), continue_stream(1), continue_stream(1)]),
        case("not-held-back", "continuing a request that is not paused does nothing")
            .on("request_headers", [call("not-held-back")])
            .on("http_call_response", resume(0))
            .answer("upstream", slow()),
        case("again", "continuing a request a second time does nothing")
            .on("request_headers", [call("again"), call_to(REFUSES, "flow/resume/again"), Step::Return(1)])
            .on("http_call_response", resume(0))
            .answer("other", [late(ok(), SOON)])
            .answer("upstream", slow()),
        case(
            "other-way",
            "a paused response is not continued by continuing the request, only by continuing the response",
        )
        .on("response_headers", [call("other-way"), Step::Return(1)])
        .on(
            "http_call_response",
            [
                set_context(Arg::Stream),
                continue_stream(0),
                get_value(RESPONSE_HEADERS, ":status"),
                continue_stream(1),
            ],
        ),
        case(
            "types",
            "continue_stream accepts types 0 to 2, returns Unimplemented for 3 and BadArgument for others",
        )
        .on("request_headers", (2..6).chain([u32::MAX]).map(continue_stream).collect::<Vec<_>>()),
        case("root", "continue_stream returns the same statuses in a root context")
            .on("request_headers", [call("root"), Step::Return(1)])
            .on("http_call_response", (0..5).map(continue_stream).chain(resume(0)).collect::<Vec<_>>()),
        case("in-log", "continuing a stream in on_log, on_done or on_delete does nothing")
            .on("log", [continue_stream(0), continue_stream(1)])
            .on("done", [continue_stream(0), continue_stream(1)])
            .on("delete", [continue_stream(0), continue_stream(1)]),
    ]
}

/// A callback that continues its own stream, with each value that it can return.
fn twice() -> Vec<Case> {
    let mut cases = Vec::new();
    let callbacks = &CALLBACKS[..6];
    for (i, callback) in callbacks.iter().enumerate() {
        let kind = u32::from(i >= 3);
        for value in [0, 1, 3, 4] {
            let body = callback.ends_with("body");
            if callback.ends_with("trailers") && value > 1 {
                continue;
            }
            for shape in ["bare", "long"] {
                // A response that ends within its own callback crashes Envoy: see `EMULATOR_ONLY`. Data that
                // is sent twice after the headers corrupts the connection, and with it the next case.
                let spoils = value == 0
                    && (callback.ends_with("trailers") || kind == 1 && callback.ends_with("headers"));
                if spoils || shape == "bare" && !callback.ends_with("headers") {
                    continue;
                }
                let name = format!("flow/resume/inside/{callback}/{shape}/{value}").replace('_', "-");
                let title = format!("on_{callback} continues its own stream and returns {value} ({shape})");
                let mut case = Case::new(name, title).shows(callbacks);
                let own = case.scripts.iter_mut().find(|(_, name, _)| name == callback).unwrap();
                if body {
                    own.2.push(if kind == 0 { request_body() } else { response_body() });
                }
                own.2.extend([continue_stream(kind), Step::Return(value)]);
                if shape == "long" {
                    case = case.request(long_request()).answer("upstream", [reply(long_response())]);
                } else {
                    case = case.answer("upstream", [reply(tollgate_host_test::Response::new(200))]);
                }
                cases.push(case);
            }
        }
    }
    cases
}

/// Access of a filter to a message that it has continued.
fn then() -> Vec<Case> {
    let call = |name: &str| call_other(&format!("flow/resume/{name}"));
    let soon = || [late(ok(), SOON)];
    vec![
        case(
            "headers-then-body",
            "after a request has continued, its headers are not accessible in the body callbacks",
        )
        .request(long_request())
        .on("request_headers", [call("headers-then-body"), Step::Return(1)])
        .on("http_call_response", resume(0))
        .on("request_body", [get_pairs(REQUEST_HEADERS), replace(REQUEST_HEADERS, "x", "2"), request_body()])
        .on("request_trailers", [get_pairs(REQUEST_HEADERS), get_pairs(1)])
        .answer("other", soon()),
        case(
            "change-then-continue",
            "paused headers can be changed in the callback of a callout before they continue",
        )
        .on("request_headers", [call("change-then-continue"), Step::Return(1)])
        .on(
            "http_call_response",
            [
                set_context(Arg::Stream),
                replace(REQUEST_HEADERS, "x", "late"),
                continue_stream(0),
                replace(REQUEST_HEADERS, "y", "too late"),
            ],
        )
        .answer("other", soon()),
        case(
            "response-headers-then-body",
            "after a response has continued, its headers stay accessible, but changes have no effect",
        )
        .on("response_headers", [call("response-headers-then-body"), Step::Return(1)])
        .on("http_call_response", resume(1))
        .on("response_body", [get_value(RESPONSE_HEADERS, ":status"), replace(RESPONSE_HEADERS, "x", "late")])
        .answer("other", soon()),
        case("body-then-headers", "a continued body is not passed to its own filter again")
            .request(Request::post("/", "ab").chunk("c"))
            .on("request_body", [request_body(), at_end(), call("body-then-headers"), Step::Return(1)])
            .on("http_call_response", resume(0))
            .answer("other", soon()),
        case(
            "body-out-of-reach",
            "a paused body is accessible in the callback of a callout until it continues",
        )
        .request(Request::post("/", "abc"))
        .on("request_body", [Step::OnlyRun(1), call("body-out-of-reach"), Step::Return(1)])
        .on(
            "http_call_response",
            [set_context(Arg::Stream), request_body(), continue_stream(0), request_body()],
        )
        .answer("other", soon()),
        case("upstream-slow", "a request can be continued while its upstream is slow")
            .request(get().header("x", "1"))
            .on("request_headers", [call("upstream-slow"), Step::Return(3)])
            .on("http_call_response", resume(0))
            .shows(&["response_headers", "log"])
            .answer("upstream", [late(ok(), SOON)]),
    ]
}
