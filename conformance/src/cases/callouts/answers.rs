//! Responses to callouts.

use crate::cases::flow::odd_responses;
use crate::cases::parts::{ALL, SOON, call_to, get, late, ok, reply, resume};
use crate::run::{OTHER, REFUSES};
use crate::script::calls::buffer::CALL_BODY;
use crate::script::calls::map::{CALL_HEADERS, CALL_TRAILERS};
use crate::script::calls::{
    add, get_buffer, get_pairs, get_size, get_status, get_value, http_call, pairs, remove, replace,
    set_buffer, set_context,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::{Answer, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("callouts answered", answered()),
        Sheet::new("callouts read", read()),
        Sheet::new("callouts retried", retried()),
        Sheet::new("callouts with odd answers", odd()),
    ]
}

fn all() -> Vec<Step> {
    let mut steps =
        vec![get_pairs(CALL_HEADERS), get_buffer(CALL_BODY, 0, ALL), get_pairs(CALL_TRAILERS), get_status()];
    steps.extend(resume(0));
    steps
}

fn calls(cluster: &str, name: &str, timeout: u32) -> Step {
    http_call(cluster, crate::cases::parts::call_headers(name), "", "", timeout)
}

fn answered() -> Vec<Case> {
    let mut list = vec![
        ("ok", "delivers a response with a body", reply(ok())),
        ("bare", "delivers a response without a body", reply(Response::new(200))),
        ("no-content", "delivers a response with status 204", reply(Response::new(204))),
        (
            "not-modified",
            "delivers a response with status 304",
            reply(Response::new(304).header("etag", "x")),
        ),
        (
            "redirect",
            "delivers a response with status 302 and does not follow the redirect",
            reply(Response::new(302).header("location", "/")),
        ),
        ("not-found", "delivers a response with status 404", reply(Response::new(404).chunk("no"))),
        ("error", "delivers a response with status 500", reply(Response::new(500).chunk("no"))),
        ("unavailable", "delivers a response with status 503", reply(Response::new(503).chunk("no"))),
        ("odd", "delivers a response with status 299", reply(Response::new(299))),
        (
            "pieces",
            "delivers a response that arrives in pieces as one body",
            reply(Response::new(200).chunk("a").chunk("b").chunk("c")),
        ),
        (
            "trailers",
            "delivers a response with trailers",
            reply(Response::new(200).chunk("a").trailer("t", "1").trailer("t", "2")),
        ),
        (
            "only-trailers",
            "delivers a response with trailers and no body",
            reply(Response::new(200).trailer("t", "1")),
        ),
        (
            "repeated",
            "delivers a response with repeated headers",
            reply(ok().header("x", "1").header("y", "").header("x", "2")),
        ),
        ("large", "delivers a response of 2 MB", reply(Response::new(200).chunk(vec![b'.'; 2_000_000]))),
        ("reset", "delivers status 503 when the connection closes before the response", Answer::Reset),
        (
            "reset-amid",
            "calls back without headers and with a reset status when the connection closes in the middle of a response",
            Answer::ResetMidResponse(Response::new(200).chunk("abcdef")),
        ),
        (
            "reset-amid-chunks",
            "calls back without headers and with a reset status when the connection closes in the middle of a chunked response",
            Answer::ResetMidResponse(Response::new(200).chunk("abc").chunk("def")),
        ),
    ];
    let mut cases = Vec::new();
    for (name, title, answer) in list.drain(..) {
        let name = format!("callouts/answered/{name}");
        let mut steps = all();
        if name.ends_with("large") {
            steps.remove(1);
        }
        cases.push(
            Case::new(&name, title)
                .on("request_headers", [calls(OTHER, &name, 5000), Step::Return(1)])
                .on("http_call_response", steps)
                .answer("other", [answer]),
        );
    }
    let timed = |name: &str, title: &str, answer: Answer, timeout: u32| {
        let name = format!("callouts/answered/{name}");
        Case::new(&name, title)
            .on("request_headers", [calls(OTHER, &name, timeout), Step::Return(1)])
            .on("http_call_response", all())
            .answer("other", [answer])
    };
    cases.push(timed(
        "timeout",
        "delivers status 504 when no response arrives before the timeout",
        Answer::Hang,
        50,
    ));
    cases.push(timed(
        "late",
        "delivers status 504 when the response arrives after the timeout",
        late(ok(), SOON),
        20,
    ));
    cases.push(timed("no-timeout", "waits forever with a timeout of 0", late(ok(), SOON), 0));
    let name = "callouts/answered/refused";
    cases.push(
        Case::new(name, "delivers status 503 when the connection is refused")
            .on("request_headers", [call_to(REFUSES, name), Step::Return(1)])
            .on("http_call_response", all()),
    );
    cases
}

/// Answers that are not as long as they say, or that the codec rejects or waits for.
fn odd() -> Vec<Case> {
    let framed = [
        ("longer", Response::new(200).header("content-length", "3").chunk("hello")),
        ("shorter", Response::new(200).header("content-length", "9").chunk("hello")),
        ("204-with-body", Response::new(204).chunk("hello")),
        ("304-with-body", Response::new(304).chunk("hello")),
        ("length-with-trailers", ok().header("content-length", "2").trailer("t", "1")),
        ("closed", ok().header("connection", "close")),
        ("closed-by-proxy-connection", ok().header("proxy-connection", "close")),
    ];
    let case = |(name, response): (&str, Response)| {
        let title = format!("an answer to a callout: {}", name.replace('-', " "));
        let name = format!("callouts/odd/{name}");
        Case::new(&name, title)
            .on("request_headers", [calls(OTHER, &name, 300), Step::Return(1)])
            .on("http_call_response", all())
            .answer("other", [reply(response)])
    };
    framed.into_iter().chain(odd_responses()).map(case).collect()
}

/// Where a callout response can be read.
fn read() -> Vec<Case> {
    let maps = || {
        [
            get_pairs(CALL_HEADERS),
            get_value(CALL_HEADERS, ":status"),
            get_buffer(CALL_BODY, 0, ALL),
            get_status(),
        ]
    };
    let answer = || [reply(Response::new(200).header("x", "1").chunk("abcdef").trailer("t", "1"))];
    let case = |name: &str, title: &str| {
        let name = format!("callouts/read/{name}");
        let call = calls(OTHER, &name, 5000);
        Case::new(name, title).on("request_headers", [call, Step::Return(1)]).answer("other", answer())
    };
    let then = |steps: Vec<Step>| steps.into_iter().chain(resume(0)).collect::<Vec<_>>();
    vec![
        case("outside", "a callout response is not accessible after its callback")
            .on("http_call_response", resume(0))
            .on("response_headers", maps())
            .on("log", maps()),
        case("from-stream", "a callout response is accessible with a stream as the effective context")
            .on("http_call_response", then([&[set_context(Arg::Stream)][..], &maps()].concat())),
        case("one-header", "single headers and trailers of a callout response can be read").on(
            "http_call_response",
            then(vec![
                get_value(CALL_HEADERS, "X"),
                get_value(CALL_HEADERS, "missing"),
                get_value(CALL_TRAILERS, "t"),
                get_size(CALL_HEADERS),
                get_size(CALL_TRAILERS),
            ]),
        ),
        case("changes", "a callout response cannot be changed").on(
            "http_call_response",
            then(vec![
                add(CALL_HEADERS, "y", "1"),
                replace(CALL_HEADERS, "x", "2"),
                remove(CALL_HEADERS, "x"),
                add(CALL_TRAILERS, "y", "1"),
                set_buffer(CALL_BODY, 0, 1, "z"),
                get_pairs(CALL_HEADERS),
                get_buffer(CALL_BODY, 0, ALL),
            ]),
        ),
        case("parts", "parts of the body of a callout response can be read").on(
            "http_call_response",
            then(
                [(0, 2), (2, 2), (4, 99), (6, 1), (99, 1), (0, 0)]
                    .map(|(from, n)| get_buffer(CALL_BODY, from, n))
                    .to_vec(),
            ),
        ),
        case(
            "stream-maps",
            "the headers of a stream are accessible only while the stream is the effective context",
        )
        .on(
            "http_call_response",
            then(vec![
                get_value(0, ":method"),
                set_context(Arg::Stream),
                get_value(0, ":method"),
                set_context(0),
                get_value(0, ":method"),
            ]),
        ),
    ]
}

/// Retries that the headers of the callout request.
fn retried() -> Vec<Case> {
    let case = |name: &str, title: &str, more: &[(&str, &str)], answers: Vec<Answer>| {
        let name = format!("callouts/retried/{name}");
        let path = format!("/{name}");
        let least = [(":method", "GET"), (":path", path.as_str()), (":authority", "callout")];
        let call = http_call(OTHER, pairs(&[&least[..], more].concat()), "", "", 5000);
        Case::new(name, title)
            .request(get())
            .on("request_headers", [call, Step::Return(1)])
            .on("http_call_response", all())
            .answer("other", answers)
    };
    let error = || reply(Response::new(503).chunk("no"));
    let on = ("x-envoy-retry-on", "5xx");
    vec![
        case("once", "`x-envoy-retry-on` retries a failed callout", &[on], vec![error(), reply(ok())]),
        case("in-vain", "a callout is retried once by default", &[on], vec![error(), error(), reply(ok())]),
        case(
            "often",
            "`x-envoy-max-retries` sets the number of retries",
            &[on, ("x-envoy-max-retries", "3")],
            vec![error(), error(), reply(ok())],
        ),
        case(
            "reset",
            "a callout is retried when the connection closes",
            &[on],
            vec![Answer::Reset, reply(ok())],
        ),
        case(
            "other-cause",
            "a callout is not retried for a cause that `x-envoy-retry-on` does not name",
            &[("x-envoy-retry-on", "connect-failure")],
            vec![error(), reply(ok())],
        ),
    ]
}
