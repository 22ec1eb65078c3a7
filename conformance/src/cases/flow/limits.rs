//! Bodies that exceed the buffer limit.

use crate::case::Loaded;
use crate::cases::parts::{IMPATIENT, SOON, call_other, late, ok, reply, resume};
use crate::script::Step;
use crate::script::calls::buffer::{REQUEST_BODY, RESPONSE_BODY};
use crate::script::calls::{buffer_status, set_buffer};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// Limit of a buffer, in bytes.
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
            Sheet::new("limits, headers stopped", both(true))
                .filters(vec![Loaded::new("probe").with_headers_stop_iteration()]),
        ),
    ]
}

fn bytes(n: usize) -> Vec<u8> {
    vec![b'.'; n]
}

fn piece(n: usize) -> Request {
    Request::post("/", bytes(n))
}

/// Sends the body in pieces, so that no single piece exceeds the limit.
fn request(pieces: usize) -> Request {
    (0..pieces).fold(Request::new("POST", "/"), |request, _| request.chunk(bytes(400)))
}

fn response(pieces: usize) -> Response {
    (0..pieces).fold(Response::new(200), |response, _| response.chunk(bytes(400)))
}

fn both(really: bool) -> Vec<Case> {
    let flag = if really { "/really" } else { "" };
    let name = |name: &str| format!("flow/limits/{name}{flag}");
    let setting = if really { ", with `allow_on_headers_stop_iteration`" } else { "" };
    let case = |name: &str, title: &str| {
        Case::new(format!("flow/limits/{name}{flag}"), format!("{title}{setting}"))
            .shows(&["log", "done", "delete"])
    };
    let size = |buffer: u32, value: u32| [buffer_status(buffer), Step::Return(value)];
    let soon = || [late(ok(), SOON)];
    let headers = u32::from(really);
    vec![
        case("request-under", "a request body within the limit is buffered and continues")
            .request(request(2))
            .on("request_headers", [call_other(&name("request-under")), Step::Return(headers)])
            .on("request_body", size(REQUEST_BODY, 1))
            .on("http_call_response", resume(0))
            .answer("other", soon()),
        case("request-over", "a buffered request body over the limit is rejected with 413")
            .request(request(4))
            .on("request_headers", [Step::Return(headers)])
            .on("request_body", size(REQUEST_BODY, 1))
            .shows(&["response_headers", "response_body"]),
        case("request-over-at-once", "a buffered request body over the limit in one piece is rejected with 413")
            .request(piece(1500))
            .on("request_headers", [Step::Return(headers)])
            .on("request_body", [Step::Return(1)])
            .shows(&["response_headers", "response_body"]),
        case(
            "request-all-buffer",
            "returning 3 from on_request_headers buffers a body up to the limit, and rejects a longer one with 413",
        )
        .request(request(4))
        .on("request_headers", [Step::Return(3)])
        .shows(&["request_body", "response_headers", "response_body"]),
        case("request-passing", "a request body that is not buffered has no limit")
            .request(request(4))
            .on("request_body", size(REQUEST_BODY, 0)),
        case("request-grows", "a request body that a filter lengthens beyond the limit continues")
            .request(Request::post("/", "a"))
            .on(
                "request_body",
                [Step::OnlyRun(1), set_buffer(REQUEST_BODY, 0, 9, bytes(1500)), Step::Return(0)],
            )
            .on("request_headers", [crate::script::calls::remove(0, "content-length")]),
        case("response-under", "a response body within the limit is buffered and continues")
            .on("response_headers", [call_other(&name("response-under")), Step::Return(headers)])
            .on("response_body", size(RESPONSE_BODY, 1))
            .on("http_call_response", resume(1))
            .answer("upstream", [reply(response(2))])
            .answer("other", soon()),
        case(
            "response-over",
            "a buffered response body over the limit becomes 500 while its headers are paused; otherwise the client's connection is reset",
        )
        .on("response_headers", [Step::Return(headers)])
        .on("response_body", size(RESPONSE_BODY, 1))
        .answer("upstream", [reply(response(4))]),
        case(
            "response-all-buffer",
            "returning 3 from on_response_headers buffers a body up to the limit, and replaces a longer one with 500",
        )
        .on("response_headers", [Step::Return(3)])
        .shows(&["response_body"])
        .answer("upstream", [reply(response(4))]),
        case("response-passing", "a response body that is not buffered has no limit")
            .on("response_body", [Step::OnlyRun(1), buffer_status(RESPONSE_BODY)])
            .answer("upstream", [reply(response(4))]),
    ]
}
