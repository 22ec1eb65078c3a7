//! Bodies: how they arrive, grow and continue.

use super::case;
use crate::Case;
use crate::script::Step;
use crate::script::calls::buffer::{CALL_BODY, REQUEST_BODY as REQUEST, RESPONSE_BODY as RESPONSE};
use crate::script::calls::{
    add, buffer_status, continue_stream, get_buffer, http_call, pairs, remove, set_buffer, set_context,
    set_tick,
};
use crate::script::{Arg, calls::call};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response};

const ALL: u32 = u32::MAX;
const HOLD: Step = Step::Return(1);

fn reply(response: Response) -> [Answer; 1] {
    [Answer::Reply { response, after: Duration::ZERO }]
}

fn pieces() -> Request {
    Request::post("/", "one").chunk("two").chunk("three")
}

fn callout() -> Step {
    http_call("other", pairs(&[(":method", "GET"), (":path", "/"), (":authority", "o")]), "", "", 1000)
}

pub fn cases() -> Vec<Case> {
    let answer = || reply(Response::new(200).chunk("one").chunk("two").chunk("three"));
    let request_all = || get_buffer(REQUEST, 0, ALL);
    let response_all = || get_buffer(RESPONSE, 0, ALL);
    let length = |buffer: u32| {
        call("proxy_get_buffer_bytes", [buffer.into(), 0u32.into(), ALL.into(), Arg::OutLength])
    };
    vec![
        case(
            "request/pieces",
            "each callback sees its own piece; the last callback has no bytes and marks the end",
        )
        .on("request_body", [request_all()])
        .request(pieces()),
        case("response/pieces", "each callback sees its own piece of a response")
            .on("response_body", [response_all()])
            .answer("upstream", answer()),
        case("request/held", "each callback sees the request body that is buffered so far")
            .on("request_body", [request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("response/held", "each callback sees the response body that is buffered so far")
            .on("response_body", [response_all(), Step::OnlyIf(1, 0), HOLD])
            .answer("upstream", answer()),
        case("request/held-and-edited", "an edit of a buffered body is kept when more data arrives")
            .on("request_body", [set_buffer(REQUEST, 0, 1, "<"), request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/held-and-dropped", "a body that is emptied at each piece is empty at the end")
            .on("request_body", [set_buffer(REQUEST, 0, ALL, ""), request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/replaced-at-the-end", "a buffered body can be replaced as a whole")
            .on("request_body", [Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/edited-piece", "an edited piece of a request body is forwarded with its edits")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, ALL, 0, "|")])
            .request(pieces()),
        case("response/edited-piece", "an edited piece of a response body is forwarded with its edits")
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, ALL, 0, "|")])
            .answer("upstream", answer()),
        case("request/added-at-the-end", "bytes can be appended in the last, empty piece of a request body")
            .on("request_body", [Step::OnlyIf(1, 1), set_buffer(REQUEST, 0, 0, " end"), request_all()])
            .request(pieces()),
        case("response/added-at-the-end", "bytes can be appended in the last piece of a response body")
            .on("response_body", [Step::OnlyIf(1, 1), set_buffer(RESPONSE, 0, 0, " end"), response_all()])
            .answer("upstream", answer()),
        case("request/dropped-by-return", "StopIterationNoBuffer drops the piece")
            .on("request_body", [request_all(), Step::OnlyIf(1, 0), Step::Return(3)])
            .request(pieces()),
        case("request/both-in-turn", "pieces are buffered for a while, then forwarded together")
            .on("request_body", [request_all(), Step::OnlyIf(0, 3), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/none", "a request without a body has no body callback")
            .shows(&["request_headers", "request_body"]),
        case("request/empty", "an empty request body has no body callback")
            .shows(&["request_headers", "request_body"])
            .request(Request::new("POST", "/").header("content-length", "0")),
        case("response/none", "a response without a body has no body callback")
            .shows(&["response_headers", "response_body"])
            .answer("upstream", reply(Response::new(204))),
        case("request/large", "a body of 100 kB can be buffered and read whole")
            .on("request_body", [Step::OnlyIf(1, 1), length(REQUEST)])
            .on("request_headers", [remove(0, "x")])
            .request(Request::post("/", "v".repeat(100_000))),
        case("request/binary", "a body may contain any bytes")
            .on("request_body", [request_all()])
            .request(Request::post("/", b"\0\xff\r\n\x80")),
        case("request/in-the-response", "the request body is not accessible in response callbacks")
            .on("response_headers", [buffer_status(REQUEST), request_all(), set_buffer(REQUEST, 0, 0, "x")])
            .request(pieces()),
        case("request/from-a-tick", "a buffered request body can be read and written from on_tick")
            .on("request_headers", [remove(0, "content-length")])
            .on("request_body", [set_tick(20), HOLD])
            .on(
                "tick",
                [
                    set_tick(0),
                    set_context(Arg::Stream),
                    buffer_status(REQUEST),
                    request_all(),
                    set_buffer(REQUEST, 0, ALL, "from a tick"),
                    continue_stream(0),
                ],
            )
            .request(Request::post("/", "hello")),
        case("response/from-a-tick", "a buffered response body can be read and written from on_tick")
            .on("response_headers", [remove(2, "content-length")])
            .on("response_body", [set_tick(20), HOLD])
            .on(
                "tick",
                [
                    set_tick(0),
                    set_context(Arg::Stream),
                    buffer_status(RESPONSE),
                    response_all(),
                    set_buffer(RESPONSE, 0, ALL, "from a tick"),
                    continue_stream(1),
                ],
            )
            .answer("upstream", reply(Response::new(200).chunk("hello"))),
        case("callout/ranges", "the body of a callout response is read like other bodies, and is read-only")
            .on("request_headers", [callout(), Step::Return(1)])
            .on(
                "http_call_response",
                [
                    buffer_status(CALL_BODY),
                    get_buffer(CALL_BODY, 0, ALL),
                    get_buffer(CALL_BODY, 1, 2),
                    get_buffer(CALL_BODY, 9, 2),
                    set_buffer(CALL_BODY, 0, 0, "x"),
                    get_buffer(CALL_BODY, 0, ALL),
                    set_context(Arg::Stream),
                    get_buffer(CALL_BODY, 0, ALL),
                    continue_stream(0),
                ],
            )
            .answer("other", reply(Response::new(200).chunk("answer"))),
        case("callout/empty", "a callout response without a body has an accessible, empty body")
            .on("request_headers", [callout(), Step::Return(1)])
            .on(
                "http_call_response",
                [
                    buffer_status(CALL_BODY),
                    get_buffer(CALL_BODY, 0, ALL),
                    set_context(Arg::Stream),
                    continue_stream(0),
                ],
            )
            .answer("other", reply(Response::new(204))),
    ]
}

/// Cases in which nothing corrects `content-length`.
pub fn wrong_lengths() -> Vec<Case> {
    vec![
        case("length/request-cut", "shortening a request body does not change `content-length`: the upstream waits, and the client gets 504")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/request-removed", "the body of a request can be replaced after `content-length` is removed")
            .on("request_headers", [remove(0, "content-length")])
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/request-set", "the body of a request can be replaced after `content-length` is corrected")
            .on("request_headers", [remove(0, "content-length"), add(0, "content-length", "2")])
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/response-longer", "lengthening a response body does not change `content-length`: the client reads only that many bytes")
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, ALL, 0, " and more")])
            .answer("upstream", reply(Response::new(200).chunk("hello"))),
        case("length/response-set", "the body of a response can be replaced after `content-length` is corrected")
            .on("response_headers", [remove(2, "content-length"), add(2, "content-length", "2")])
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, 0, ALL, "hi")])
            .answer("upstream", reply(Response::new(200).chunk("hello"))),
    ]
}

/// Bodies after the previous filter has changed them.
pub fn chain() -> Vec<Case> {
    let chain_case = |name: &str, title: &str| case(&format!("chain/{name}"), title);
    vec![
        chain_case("request", "the second filter sees the request body as the first one wrote it")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, 0, "1st ")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        chain_case("response", "the first filter sees the response body as the second one wrote it")
            .on_filter(1, "response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, 0, 0, "2nd ")])
            .on("response_body", [get_buffer(RESPONSE, 0, ALL)])
            .answer("upstream", reply(Response::new(200).chunk("one").chunk("two"))),
        chain_case("held", "the second filter receives a body that the first one buffered in one piece")
            .on("request_body", [Step::OnlyIf(1, 0), HOLD])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        chain_case("both-hold", "two filters can buffer the same body, one after the other")
            .on("request_body", [get_buffer(REQUEST, 0, ALL), Step::OnlyIf(1, 0), HOLD])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        chain_case("dropped", "the second filter receives no body when the first one drops it")
            .on("request_body", [set_buffer(REQUEST, 0, ALL, "")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        chain_case("made", "the second filter receives bytes that the first one appends in the last piece")
            .on("request_body", [Step::OnlyIf(1, 1), set_buffer(REQUEST, 0, 0, "end")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
    ]
}
