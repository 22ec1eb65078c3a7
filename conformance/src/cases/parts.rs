//! Parts that many cases share.

use crate::run::OTHER;
use crate::script::Step;
use crate::script::calls::buffer::{REQUEST_BODY, RESPONSE_BODY};
use crate::script::calls::{continue_stream, get_buffer, http_call, pairs, set_context};
use crate::script::{Arg, calls};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response};

/// Long enough for a whole message to arrive: its pieces are at most 300 ms apart on a busy machine.
pub const SOON: Duration = Duration::from_millis(350);
/// Longer than [`SOON`].
pub const LATER: Duration = Duration::from_millis(600);
/// Time after which a client gives up, in sheets with cases that never get a response.
pub const IMPATIENT: Duration = Duration::from_millis(900);
/// Length for reading a whole buffer.
pub const ALL: u32 = u32::MAX;
/// The callbacks of a message, and the callbacks after it.
pub const CALLBACKS: [&str; 9] = [
    "request_headers",
    "request_body",
    "request_trailers",
    "response_headers",
    "response_body",
    "response_trailers",
    "log",
    "done",
    "delete",
];

/// A `GET` request.
pub fn get() -> Request {
    Request::get("/")
}

/// Replies at once.
pub fn reply(response: Response) -> Answer {
    Answer::Reply { response, after: Duration::ZERO }
}

/// Replies after a delay.
pub fn late(response: Response, after: Duration) -> Answer {
    Answer::Reply { response, after }
}

/// Status 200 and a body in one piece.
pub fn ok() -> Response {
    Response::new(200).chunk("ok")
}

/// A request with a body in two pieces and trailers.
pub fn long_request() -> Request {
    Request::post("/", "a").chunk("b").header("x", "1").trailer("t", "1")
}

/// A response with a body in two pieces and trailers.
pub fn long_response() -> Response {
    Response::new(200).header("x", "1").chunk("c").chunk("d").trailer("t", "2")
}

/// Headers of a callout to the path of a case.
pub fn call_headers(case: &str) -> Vec<u8> {
    let path = format!("/{case}");
    pairs(&[(":method", "GET"), (":path", &path), (":authority", "callout")])
}

/// A callout of a case to the upstream `other`.
pub fn call_other(case: &str) -> Step {
    call_to(OTHER, case)
}

/// A callout of a case to any cluster.
pub fn call_to(cluster: &str, case: &str) -> Step {
    http_call(cluster, call_headers(case), "", "", 5000)
}

/// Continues the last stream from a callback of the root context.
pub fn resume(way: u32) -> [Step; 2] {
    [set_context(Arg::Stream), continue_stream(way)]
}

/// Reads the accessible request body.
pub fn request_body() -> Step {
    get_buffer(REQUEST_BODY, 0, ALL)
}

/// Reads the accessible response body.
pub fn response_body() -> Step {
    get_buffer(RESPONSE_BODY, 0, ALL)
}

/// Continues the script only in the last callback of a body.
pub fn at_end() -> Step {
    Step::OnlyIf(1, 1)
}

/// A local reply with a status and a body.
pub fn answers(status: u32, body: &str) -> Step {
    calls::reply(status, "", body, "", -1)
}
