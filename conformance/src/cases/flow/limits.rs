//! Bodies that are longer than the buffers for them.

use crate::case::Loaded;
use crate::cases::parts::{IMPATIENT, SOON, call_other, late, ok, reply, resume};
use crate::script::Step;
use crate::script::calls::buffer::{REQUEST_BODY, RESPONSE_BODY};
use crate::script::calls::{buffer_status, set_buffer};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// Of what may be held back.
const LIMIT: u32 = 1000;

pub(super) fn sheets() -> Vec<Sheet> {
    let small = |sheet: Sheet| {
        sheet.settings(|settings| {
            settings.buffer_limit = LIMIT;
            settings.client_patience = IMPATIENT;
        })
    };
    vec![
        small(Sheet::new("limits", both(false))),
        small(
            Sheet::new("limits, really stopped", both(true))
                .filters(vec![Loaded::new("probe").really_stops()]),
        ),
    ]
}

fn bytes(n: usize) -> Vec<u8> {
    vec![b'.'; n]
}

fn piece(n: usize) -> Request {
    Request::post("/", bytes(n))
}

/// Piece by piece, so that no single one is over the limit.
fn request(pieces: usize) -> Request {
    (0..pieces).fold(Request::new("POST", "/"), |request, _| request.chunk(bytes(400)))
}

fn response(pieces: usize) -> Response {
    (0..pieces).fold(Response::new(200), |response, _| response.chunk(bytes(400)))
}

fn both(really: bool) -> Vec<Case> {
    let flag = if really { "/really" } else { "" };
    let name = |name: &str| format!("flow/limits/{name}{flag}");
    let case = |name: &str, says: &str| {
        Case::new(format!("flow/limits/{name}{flag}"), says).shows(&["log", "done", "delete"])
    };
    let size = |buffer: u32, value: u32| [buffer_status(buffer), Step::Return(value)];
    let soon = || [late(ok(), SOON)];
    let headers = u32::from(really);
    vec![
        case("request-under", "a body up to the limit is held back and goes on")
            .request(request(2))
            .on("request_headers", [call_other(&name("request-under")), Step::Return(headers)])
            .on("request_body", size(REQUEST_BODY, 1))
            .on("http_call_response", resume(0))
            .answer("other", soon()),
        case("request-over", "a request's body over the limit is answered with 413")
            .request(request(4))
            .on("request_headers", [Step::Return(headers)])
            .on("request_body", size(REQUEST_BODY, 1))
            .shows(&["response_headers", "response_body"]),
        case("request-over-at-once", "the same for one piece that is over the limit")
            .request(piece(1500))
            .on("request_headers", [Step::Return(headers)])
            .on("request_body", [Step::Return(1)])
            .shows(&["response_headers", "response_body"]),
        case(
            "request-all-buffer",
            "headers answered with 3 hold back a body up to the limit, over it is 413",
        )
        .request(request(4))
        .on("request_headers", [Step::Return(3)])
        .shows(&["request_body", "response_headers", "response_body"]),
        case("request-passing", "a body that is not held back has no limit")
            .request(request(4))
            .on("request_body", size(REQUEST_BODY, 0)),
        case("request-grows", "a body that a filter makes longer than the limit goes on")
            .request(Request::post("/", "a"))
            .on(
                "request_body",
                [Step::OnlyRun(1), set_buffer(REQUEST_BODY, 0, 9, bytes(1500)), Step::Return(0)],
            )
            .on("request_headers", [crate::script::calls::remove(0, "content-length")]),
        case("response-under", "a response's body up to the limit is held back and goes on")
            .on("response_headers", [call_other(&name("response-under")), Step::Return(headers)])
            .on("response_body", size(RESPONSE_BODY, 1))
            .on("http_call_response", resume(1))
            .answer("upstream", [reply(response(2))])
            .answer("other", soon()),
        case(
            "response-over",
            "a response's body over the limit: 500 if its headers are held back, else the client is cut off",
        )
        .on("response_headers", [Step::Return(headers)])
        .on("response_body", size(RESPONSE_BODY, 1))
        .answer("upstream", [reply(response(4))]),
        case(
            "response-all-buffer",
            "headers answered with 3 hold back a response up to the limit; over it is 500",
        )
        .on("response_headers", [Step::Return(3)])
        .shows(&["response_body"])
        .answer("upstream", [reply(response(4))]),
        case("response-passing", "a response that is not held back has no limit")
            .on("response_body", [Step::OnlyRun(1), buffer_status(RESPONSE_BODY)])
            .answer("upstream", [reply(response(4))]),
    ]
}
