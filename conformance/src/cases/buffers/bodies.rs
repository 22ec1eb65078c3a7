//! Bodies as they come, grow and go on.

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
        case("request/pieces", "each callback sees its own piece, and the last one, without bytes, the end")
            .on("request_body", [request_all()])
            .request(pieces()),
        case("response/pieces", "each callback sees its own piece of a response")
            .on("response_body", [response_all()])
            .answer("upstream", answer()),
        case("request/held", "what is held grows, and each callback sees all of it")
            .on("request_body", [request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("response/held", "what is held of a response grows, and each callback sees all of it")
            .on("response_body", [response_all(), Step::OnlyIf(1, 0), HOLD])
            .answer("upstream", answer()),
        case("request/held-and-edited", "what was written while it was held is there when more comes")
            .on("request_body", [set_buffer(REQUEST, 0, 1, "<"), request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/held-and-dropped", "what is dropped at each piece leaves nothing at the end")
            .on("request_body", [set_buffer(REQUEST, 0, ALL, ""), request_all(), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/replaced-at-the-end", "a body that was held can be replaced as a whole")
            .on("request_body", [Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/edited-piece", "a piece that goes on goes on as it was written")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, ALL, 0, "|")])
            .request(pieces()),
        case("response/edited-piece", "a piece of a response goes on as it was written")
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, ALL, 0, "|")])
            .answer("upstream", answer()),
        case("request/added-at-the-end", "bytes can be put behind the last piece, which is empty")
            .on("request_body", [Step::OnlyIf(1, 1), set_buffer(REQUEST, 0, 0, " end"), request_all()])
            .request(pieces()),
        case("response/added-at-the-end", "bytes can be put behind the last piece of a response")
            .on("response_body", [Step::OnlyIf(1, 1), set_buffer(RESPONSE, 0, 0, " end"), response_all()])
            .answer("upstream", answer()),
        case("request/dropped-by-return", "StopIterationNoBuffer drops the piece")
            .on("request_body", [request_all(), Step::OnlyIf(1, 0), Step::Return(3)])
            .request(pieces()),
        case("request/both-in-turn", "pieces are held for a time and then go on together")
            .on("request_body", [request_all(), Step::OnlyIf(0, 3), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        case("request/none", "a request without a body has no body callback")
            .shows(&["request_headers", "request_body"]),
        case("request/empty", "a body of no bytes has no callback")
            .shows(&["request_headers", "request_body"])
            .request(Request::new("POST", "/").header("content-length", "0")),
        case("response/none", "a response without a body has no body callback")
            .shows(&["response_headers", "response_body"])
            .answer("upstream", reply(Response::new(204))),
        case("request/large", "a body of 100 kB is held and read whole")
            .on("request_body", [Step::OnlyIf(1, 1), length(REQUEST)])
            .on("request_headers", [remove(0, "x")])
            .request(Request::post("/", "v".repeat(100_000))),
        case("request/binary", "a body may be any bytes")
            .on("request_body", [request_all()])
            .request(Request::post("/", b"\0\xff\r\n\x80")),
        case("request/in-the-response", "the request body is out of reach in the callbacks of the response")
            .on("response_headers", [buffer_status(REQUEST), request_all(), set_buffer(REQUEST, 0, 0, "x")])
            .request(pieces()),
        case("request/from-a-tick", "a body that is held can be read and written from a tick")
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
        case("response/from-a-tick", "a body of a response that is held can be read and written from a tick")
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
        case("callout/ranges", "the body of a callout's answer is read as others are, and cannot be written")
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
        case("callout/empty", "the body of an answer without one is there, and empty")
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

/// Nothing mends the length.
pub fn wrong_lengths() -> Vec<Case> {
    vec![
        case("length/request-cut", "a request body that is cut keeps its length: the upstream waits, 504")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/request-removed", "a request without its length may get another body")
            .on("request_headers", [remove(0, "content-length")])
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/request-set", "a request with the right length may get another body")
            .on("request_headers", [remove(0, "content-length"), add(0, "content-length", "2")])
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, ALL, "hi")])
            .request(Request::post("/", "hello")),
        case("length/response-longer", "a response body that grows is cut at its length by who reads it")
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, ALL, 0, " and more")])
            .answer("upstream", reply(Response::new(200).chunk("hello"))),
        case("length/response-set", "a response with the right length may get another body")
            .on("response_headers", [remove(2, "content-length"), add(2, "content-length", "2")])
            .on("response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, 0, ALL, "hi")])
            .answer("upstream", reply(Response::new(200).chunk("hello"))),
    ]
}

/// What the filter before has made of it.
pub fn chain() -> Vec<Case> {
    let first_last = |name: &str, says: &str| case(&format!("chain/{name}"), says);
    vec![
        first_last("request", "the second filter sees the request body that the first has written")
            .on("request_body", [Step::OnlyIf(1, 0), set_buffer(REQUEST, 0, 0, "1st ")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        first_last("response", "the first filter sees the response body that the second has written")
            .on_filter(1, "response_body", [Step::OnlyIf(1, 0), set_buffer(RESPONSE, 0, 0, "2nd ")])
            .on("response_body", [get_buffer(RESPONSE, 0, ALL)])
            .answer("upstream", reply(Response::new(200).chunk("one").chunk("two"))),
        first_last("held", "what the first filter held comes to the second in one piece")
            .on("request_body", [Step::OnlyIf(1, 0), HOLD])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        first_last("both-hold", "both filters may hold it, one after the other")
            .on("request_body", [get_buffer(REQUEST, 0, ALL), Step::OnlyIf(1, 0), HOLD])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL), Step::OnlyIf(1, 0), HOLD])
            .request(pieces()),
        first_last("dropped", "a body that the first filter drops comes to the second as none")
            .on("request_body", [set_buffer(REQUEST, 0, ALL, "")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
        first_last("made", "bytes that the first filter puts behind the end come to the second with it")
            .on("request_body", [Step::OnlyIf(1, 1), set_buffer(REQUEST, 0, 0, "end")])
            .on_filter(1, "request_body", [get_buffer(REQUEST, 0, ALL)])
            .request(pieces()),
    ]
}
