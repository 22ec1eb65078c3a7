//! Going on: from where, how often, and which way.

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

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("flow/resume/{name}"), says)
}

fn with(first: Step, rest: impl IntoIterator<Item = Step>) -> Vec<Step> {
    [first].into_iter().chain(rest).collect()
}

/// Each kind of callback of the root context that may let a stream go on.
fn from() -> Vec<Case> {
    let mut cases = Vec::new();
    for (way, kind, callback) in [("request", 0, "request_headers"), ("response", 1, "response_headers")] {
        let name = |what: &str| format!("flow/resume/from/{what}/{way}");
        let says = |what: &str| format!("a {way} that is held back goes on from {what}");
        let new = |what: &str, says: String| Case::new(name(what), says).shows(&["log"]);
        cases.push(
            new("tick", says("on_tick"))
                .on(callback, [set_tick(20), Step::Return(1)])
                .on("tick", with(set_tick(0), resume(kind))),
        );
        cases.push(
            new("http-call", says("on_http_call_response"))
                .on(callback, [call_other(&name("http-call")), Step::Return(1)])
                .on("http_call_response", resume(kind)),
        );
        let queue = format!("{way}s");
        cases.push(
            new("queue", says("on_queue_ready"))
                .on(callback, [register_queue(queue), enqueue(Arg::Kept(0), "item"), Step::Return(1)])
                .on("queue_ready", with(dequeue(Arg::Kept(0)), resume(kind))),
        );
        cases.push(
            new("grpc", says("on_grpc_receive"))
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
        case("twice-at-once", "to continue a request twice from a callout sends it once")
            .on("request_headers", [call("twice-at-once"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), continue_stream(0), continue_stream(0)]),
        case("response-twice-at-once", "to continue a response twice from a callout: what the client gets")
            .on("response_headers", [call("response-twice-at-once"), Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), continue_stream(1), continue_stream(1)]),
        case("not-held-back", "a request that is on its way already is not disturbed by continuing it")
            .on("request_headers", [call("not-held-back")])
            .on("http_call_response", resume(0))
            .answer("upstream", slow()),
        case("again", "to continue a request that has gone on before does nothing")
            .on("request_headers", [call("again"), call_to(REFUSES, "flow/resume/again"), Step::Return(1)])
            .on("http_call_response", resume(0))
            .answer("other", [late(ok(), SOON)])
            .answer("upstream", slow()),
        case(
            "other-way",
            "to continue the request lets a response that is held back not go on; to continue that does",
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
        case("types", "continue_stream takes 0 to 2, does not do 3, and refuses more")
            .on("request_headers", (2..6).chain([u32::MAX]).map(continue_stream).collect::<Vec<_>>()),
        case("root", "continue_stream answers a root context as it answers a stream's")
            .on("request_headers", [call("root"), Step::Return(1)])
            .on("http_call_response", (0..5).map(continue_stream).chain(resume(0)).collect::<Vec<_>>()),
        case("in-log", "a stream that is over is not continued")
            .on("log", [continue_stream(0), continue_stream(1)])
            .on("done", [continue_stream(0), continue_stream(1)])
            .on("delete", [continue_stream(0), continue_stream(1)]),
    ]
}

/// Continue from within the callback itself, and what it returns then.
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
                // What ends the response within its own callback takes Envoy down: see `EMULATOR_ONLY`. What is sent
                // twice behind the headers spoils the connection, and with it what comes next.
                let spoils = value == 0
                    && (callback.ends_with("trailers") || kind == 1 && callback.ends_with("headers"));
                if spoils || shape == "bare" && !callback.ends_with("headers") {
                    continue;
                }
                let name = format!("flow/resume/inside/{callback}/{shape}/{value}").replace('_', "-");
                let says = format!(
                    "on_{callback} continues its own way and returns {value}: what is sent how often ({shape})"
                );
                let mut case = Case::new(name, says).shows(callbacks);
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

/// What the filter itself sees of a message that it has let go on.
fn then() -> Vec<Case> {
    let call = |name: &str| call_other(&format!("flow/resume/{name}"));
    let soon = || [late(ok(), SOON)];
    vec![
        case(
            "headers-then-body",
            "after a request has gone on its headers are out of reach in the body's callbacks",
        )
        .request(long_request())
        .on("request_headers", [call("headers-then-body"), Step::Return(1)])
        .on("http_call_response", resume(0))
        .on("request_body", [get_pairs(REQUEST_HEADERS), replace(REQUEST_HEADERS, "x", "2"), request_body()])
        .on("request_trailers", [get_pairs(REQUEST_HEADERS), get_pairs(1)])
        .answer("other", soon()),
        case(
            "change-then-continue",
            "headers that are held back are changed by a callout's callback before they go on",
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
            "after a response has gone on its headers stay in reach, and changes are too late",
        )
        .on("response_headers", [call("response-headers-then-body"), Step::Return(1)])
        .on("http_call_response", resume(1))
        .on("response_body", [get_value(RESPONSE_HEADERS, ":status"), replace(RESPONSE_HEADERS, "x", "late")])
        .answer("other", soon()),
        case("body-then-headers", "a body that goes on is not given to its own filter again")
            .request(Request::post("/", "ab").chunk("c"))
            .on("request_body", [request_body(), at_end(), call("body-then-headers"), Step::Return(1)])
            .on("http_call_response", resume(0))
            .answer("other", soon()),
        case(
            "body-out-of-reach",
            "a body that is held back is in reach of a callout's callback, until it goes on",
        )
        .request(Request::post("/", "abc"))
        .on("request_body", [Step::OnlyRun(1), call("body-out-of-reach"), Step::Return(1)])
        .on(
            "http_call_response",
            [set_context(Arg::Stream), request_body(), continue_stream(0), request_body()],
        )
        .answer("other", soon()),
        case("upstream-slow", "a request may go on while its upstream takes its time")
            .request(get().header("x", "1"))
            .on("request_headers", [call("upstream-slow"), Step::Return(3)])
            .on("http_call_response", resume(0))
            .shows(&["response_headers", "log"])
            .answer("upstream", [late(ok(), SOON)]),
    ]
}
