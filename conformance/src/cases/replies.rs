//! Local replies: from which callback, with which contents, and who sees them.

use crate::cases::parts::{
    CALLBACKS, IMPATIENT, SOON, answers, call_other, get, late, long_request, long_response, ok,
    reply as upstream_reply, resume,
};
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS};
use crate::script::calls::{
    add, close_stream, continue_stream, enqueue, get_pairs, get_property, get_value, pairs, register_queue,
    replace, reply, set_buffer, set_context, set_tick,
};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let impatient = |sheet: Sheet| sheet.settings(|settings| settings.client_patience = IMPATIENT);
    vec![
        impatient(Sheet::new("replies in each phase", phases())),
        impatient(Sheet::new("replies from elsewhere", elsewhere())),
        impatient(Sheet::new("replies with anything", contents())),
        impatient(Sheet::new("replies and more", more())),
        Sheet::new("replies to grpc", grpc()),
    ]
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("replies/{name}"), title)
}

/// Appends steps to a callback.
fn with(mut case: Case, callback: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    match case.scripts.iter_mut().find(|(_, name, _)| *name == callback) {
        Some(own) => {
            own.2.extend(steps);
            case
        }
        None => case.on(callback, steps),
    }
}

/// Local replies in each callback, for each return value.
fn phases() -> Vec<Case> {
    let mut cases = Vec::new();
    // A local reply after the end of a stream crashes Envoy: see `EMULATOR_ONLY`.
    for callback in &CALLBACKS[..6] {
        for (shape, long) in [("get", false), ("long", true)] {
            if !long
                && (callback.ends_with("body") && callback.starts_with("request")
                    || callback.ends_with("trailers"))
            {
                continue;
            }
            for value in [0, 1] {
                let name = format!("in/{callback}/{shape}/{value}").replace('_', "-");
                let title = format!(
                    "a local reply in on_{callback} does not depend on the return value ({value}, {shape})"
                );
                let mut new = case(&name, &title).shows(&CALLBACKS);
                if long {
                    new = new.request(long_request()).answer("upstream", [upstream_reply(long_response())]);
                }
                cases.push(with(new, callback, [answers(403, "no"), Step::Return(value)]));
            }
        }
    }
    cases
}

/// Local replies from callbacks that are not about a stream.
fn elsewhere() -> Vec<Case> {
    let mut cases = Vec::new();
    let act = |context: bool| {
        let reply = answers(403, "no");
        match context {
            true => vec![set_context(Arg::Stream), reply],
            // The local reply has no effect, so the stream is continued.
            false => [reply].into_iter().chain(resume(0)).collect(),
        }
    };
    for (with, context) in [("with", true), ("without", false)] {
        let new = |from: &str, title: &str| {
            let does = if context { "answers the stream" } else { "has no effect" };
            case(
                &format!("from/{from}/{with}-context"),
                &format!("a local reply from {title} {with} the stream as the effective context {does}"),
            )
            .shows(&["response_headers", "log"])
        };
        cases.push(
            new("tick", "on_tick")
                .on("request_headers", [set_tick(20), Step::Return(1)])
                .on("tick", [set_tick(0)].into_iter().chain(act(context))),
        );
        let key = format!("replies/from/callout/{with}-context");
        cases.push(
            new("callout", "on_http_call_response")
                .on("request_headers", [call_other(&key), Step::Return(1)])
                .on("http_call_response", act(context)),
        );
        cases.push(
            new("queue", "on_queue_ready")
                .on(
                    "request_headers",
                    [register_queue("replies"), enqueue(Arg::Kept(0), "x"), Step::Return(1)],
                )
                .on("queue_ready", act(context)),
        );
    }
    let held = |name: &str, title: &str, callback: &'static str, first: &'static str| {
        let trailers = callback.ends_with("trailers");
        let request = Request::post("/", "a").chunk("b");
        let response = Response::new(200).chunk("c").chunk("d");
        let (request, response) = match trailers {
            true => (request.trailer("t", "1"), response.trailer("t", "2")),
            false => (request, response),
        };
        let mut new = case(&format!("held/{name}"), title).request(request);
        new = new.answer("upstream", [upstream_reply(response)]).answer("other", [late(ok(), SOON)]);
        let call = call_other(&new.name);
        new.on(first, [call])
            .on(callback, [Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), answers(403, "no")])
            .shows(&CALLBACKS)
    };
    let (request, response) = ("request_headers", "response_headers");
    cases.extend([
        held("request-headers", "a local reply answers a paused request", request, request),
        held("request-body", "a local reply answers a request whose body is paused", "request_body", request),
        held(
            "request-trailers",
            "a local reply answers a request whose trailers are paused",
            "request_trailers",
            request,
        ),
        held("response-headers", "a local reply replaces a paused response", response, response),
        held(
            "response-body",
            "a local reply resets a response whose body is paused",
            "response_body",
            response,
        ),
        held(
            "response-trailers",
            "a local reply resets a response whose trailers are paused",
            "response_trailers",
            response,
        ),
    ]);
    cases
}

/// Contents of local replies.
fn contents() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [0, 99, 200, 204, 205, 299, 304, 404, 431, 503, 599, 600, 999, 9999, 65_535, u32::MAX] {
        let title = format!("a local reply accepts the status {status} without a check");
        cases.push(
            case(&format!("status/{status}"), &title)
                .on("request_headers", [answers(status, "body")])
                .on(
                    "response_headers",
                    [get_value(RESPONSE_HEADERS, ":status"), get_property("response\0code")],
                )
                .on("log", [get_property("response\0code")]),
        );
    }
    for status in [204, 304] {
        let title = format!("a local reply with the status {status} and no body");
        cases.push(
            case(&format!("status/{status}/bare"), &title)
                .on("request_headers", [answers(status, "")])
                .shows(&["response_headers", "response_body"]),
        );
    }
    let with_headers = |name: &str, title: &str, headers: Vec<u8>| {
        case(&format!("headers/{name}"), title)
            .on("request_headers", [reply(403, "", "no", headers, -1)])
            .on("response_headers", [get_pairs(RESPONSE_HEADERS)])
    };
    cases.extend([
        with_headers(
            "content-type",
            "a local reply keeps its own `content-type`",
            pairs(&[("content-type", "text/html")]),
        ),
        with_headers(
            "content-length",
            "a local reply gets the right `content-length`",
            pairs(&[("content-length", "99")]),
        ),
        with_headers("status", "a `:status` among the headers is ignored", pairs(&[(":status", "201")])),
        with_headers(
            "pseudo",
            "a local reply accepts the pseudo-headers of requests",
            pairs(&[(":path", "/x"), (":method", "PUT")]),
        ),
        with_headers("upper-case", "header names are converted to lower case", pairs(&[("X-Upper", "1")])),
        with_headers(
            "repeated",
            "a local reply accepts repeated headers",
            pairs(&[("x", "1"), ("y", "-"), ("x", "2")]),
        ),
        with_headers("crlf", "line breaks in a value are written unchanged", pairs(&[("x", "1\r\ny: 2")])),
        with_headers("empty-name", "a local reply accepts a header without a name", pairs(&[("", "1")])),
        with_headers("empty-value", "a local reply accepts a header without a value", pairs(&[("x", "")])),
        with_headers(
            "connection",
            "a local reply accepts hop-by-hop headers",
            pairs(&[("connection", "close"), ("keep-alive", "1")]),
        ),
        with_headers(
            "server",
            "a local reply accepts `server` and `date`",
            pairs(&[("server", "me"), ("date", "today")]),
        ),
        with_headers(
            "transfer-encoding",
            "a local reply accepts `transfer-encoding`",
            pairs(&[("transfer-encoding", "chunked")]),
        ),
        with_headers("bad-block", "a malformed header block is ignored", vec![1, 0, 0, 0, 9]),
        with_headers("cut-block", "a truncated header block is ignored", pairs(&[("x", "1")])[..10].to_vec()),
        with_headers(
            "cookies",
            "a local reply accepts repeated `set-cookie` headers",
            pairs(&[("set-cookie", "a=1"), ("set-cookie", "b=2")]),
        ),
    ]);
    let details = [
        ("plain", "my_details"),
        ("spaces", "with spaces\tand\nmore"),
        ("empty", ""),
        ("utf-8", "\u{e4}"),
        ("braces", "a{b}|\"c\""),
    ];
    for (name, text) in details {
        let title = match text {
            "" => "a local reply accepts empty details".to_owned(),
            _ => format!(
                "a local reply accepts the details `{}`, with whitespace replaced by `_`",
                text.escape_debug()
            ),
        };
        cases.push(
            case(&format!("details/{name}"), &title)
                .on("request_headers", [reply(403, text, "no", "", -1)])
                .on("log", [get_property("response\0code_details")]),
        );
    }
    let bodies: [(&str, &[u8]); 4] =
        [("empty", b""), ("binary", b"\0\xff\r\n"), ("long", &[b'x'; 70_000]), ("text", b"sorry")];
    for (name, body) in bodies {
        for method in ["GET", "HEAD"] {
            let title = match method {
                "HEAD" => format!("a local reply to HEAD sends no body ({name})"),
                _ => format!("a local reply to GET sends its body ({name})"),
            };
            cases.push(
                case(&format!("body/{name}/{}", method.to_lowercase()), &title)
                    .request(Request::new(method, "/"))
                    .on("request_headers", [reply(403, "", body, "", -1)])
                    .shows(&["response_headers", "response_body"]),
            );
        }
    }
    cases
}

/// Local replies combined with other calls.
fn more() -> Vec<Case> {
    let long =
        |case: Case| case.request(long_request()).answer("upstream", [upstream_reply(long_response())]);
    vec![
        case("twice", "the first of two local replies in one callback is sent, with the details of the last")
            .on("request_headers", [reply(403, "first", "1", "", -1), reply(404, "last", "2", "", -1)])
            .shows(&["response_headers", "log"]),
        case("own-response", "a local reply in on_response_headers replaces an earlier local reply")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [get_pairs(RESPONSE_HEADERS), reply(404, "other", "else", "", -1)])
            .shows(&["response_body", "log"]),
        case("then-continue", "continuing the stream after a local reply does nothing")
            .on("request_headers", [answers(403, "no"), continue_stream(0), Step::Return(0)])
            .shows(&["log"]),
        case("then-close", "close_stream after a local reply in the same callback closes the stream")
            .on("request_headers", [answers(403, "no"), close_stream(0)])
            .shows(&["response_headers", "log"]),
        case("calls-behind", "calls after a local reply work as before")
            .request(get().header("x", "1"))
            .on(
                "request_headers",
                [answers(403, "no"), get_value(REQUEST_HEADERS, "x"), add(REQUEST_HEADERS, "y", "1")],
            )
            .on("log", [get_value(REQUEST_HEADERS, "y")]),
        case(
            "paused-response",
            "a filter that pauses its own local reply leaves the client without a response",
        )
        .on("request_headers", [answers(403, "no")])
        .on("response_headers", [Step::Return(1)]),
        case("paused-response-resumed", "a filter can pause and continue its own local reply")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [call_other("replies/paused-response-resumed"), Step::Return(1)])
            .on("http_call_response", resume(1))
            .shows(&["response_body"]),
        case("changed-by-itself", "a filter can change its own local reply in the response callbacks")
            .on("request_headers", [answers(403, "no")])
            .on(
                "response_headers",
                [add(RESPONSE_HEADERS, "x", "1"), replace(RESPONSE_HEADERS, ":status", "418")],
            )
            .on("response_body", [set_buffer(1, 0, 99, "ok")]),
        long(case(
            "body-then-next",
            "after a local reply in the middle of a request body, the rest of the body is dropped",
        ))
        .on("request_body", [Step::OnlyRun(2), answers(403, "no")])
        .shows(&["request_headers", "request_trailers", "response_headers", "log"]),
        case("early-with-body", "a local reply can answer the headers of a request before its body arrives")
            .request(Request::post("/", vec![b'a'; 50_000]).chunk("b"))
            .on("request_headers", [answers(403, "no")])
            .shows(&["request_body", "response_headers", "log"]),
        case("response-replaced", "a replaced response loses its headers and its body")
            .answer("upstream", [upstream_reply(Response::new(200).header("x", "1").chunk("secret"))])
            .on("response_headers", [reply(403, "mine", "no", pairs(&[("y", "1")]), -1)])
            .on("log", [get_pairs(RESPONSE_HEADERS)]),
        long(case(
            "really",
            "a local reply in on_response_body after the headers were sent resets the stream",
        ))
        .on("response_body", [answers(403, "no")])
        .shows(&["response_trailers", "log"]),
    ]
}

/// The effect of `grpc_status` in a local reply.
fn grpc() -> Vec<Case> {
    let mut cases = Vec::new();
    let types =
        [("grpc", "application/grpc"), ("grpc-proto", "application/grpc+proto"), ("http", "text/plain")];
    for (name, content_type) in types {
        let request = Request::post("/", "x").header("content-type", content_type).header("te", "trailers");
        for status in [-1, 0, 7, 16, 17, 99] {
            let title =
                format!("a local reply with grpc_status {status} to a request of type {content_type}");
            let label = if status < 0 { "none".to_owned() } else { status.to_string() };
            cases.push(
                case(&format!("grpc/{name}/{label}"), &title)
                    .request(request.clone())
                    .on("request_headers", [reply(403, "", "no 100%\n", pairs(&[("x", "1")]), status)])
                    .on("response_headers", [get_pairs(RESPONSE_HEADERS)])
                    .shows(&["response_body", "response_trailers"]),
            );
        }
        if name == "http" {
            continue;
        }
        for code in [200, 400, 401, 403, 404, 429, 500, 502, 503, 504] {
            let title = format!(
                "a local reply with status {code} and no grpc_status to a request of type {content_type}"
            );
            cases.push(
                case(&format!("grpc/{name}/code/{code}"), &title)
                    .request(request.clone())
                    .on("request_headers", [reply(code, "", "", "", -1)]),
            );
        }
    }
    cases
}
