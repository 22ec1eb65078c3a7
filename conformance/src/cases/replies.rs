//! Local replies: from where, with what, and who sees them.

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

/// The sheets.
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

fn case(name: &str, says: &str) -> Case {
    Case::new(format!("replies/{name}"), says)
}

/// Puts steps behind those that a callback has, or gives it these.
fn with(mut case: Case, callback: &'static str, steps: impl IntoIterator<Item = Step>) -> Case {
    match case.scripts.iter_mut().find(|(_, name, _)| *name == callback) {
        Some(own) => {
            own.2.extend(steps);
            case
        }
        None => case.on(callback, steps),
    }
}

/// In each callback, whatever that returns.
fn phases() -> Vec<Case> {
    let mut cases = Vec::new();
    // In those behind a stream's end it takes Envoy down: see `EMULATOR_ONLY`.
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
                let says = format!(
                    "a local reply in on_{callback}, which returns {value} (that does not matter): what is sent, and who sees it"
                );
                let mut new = case(&name, &says).shows(&CALLBACKS);
                if long {
                    new = new.request(long_request()).answer("upstream", [upstream_reply(long_response())]);
                }
                cases.push(with(new, callback, [answers(403, "no"), Step::Return(value)]));
            }
        }
    }
    cases
}

/// From callbacks that are not the stream's.
fn elsewhere() -> Vec<Case> {
    let mut cases = Vec::new();
    let act = |context: bool| {
        let reply = answers(403, "no");
        match context {
            true => vec![set_context(Arg::Stream), reply],
            // Nothing comes of it, so the stream goes on.
            false => [reply].into_iter().chain(resume(0)).collect(),
        }
    };
    for (with, context) in [("with", true), ("without", false)] {
        let new = |from: &str, says: &str| {
            let does = if context { "answers the stream" } else { "has no stream to answer" };
            case(
                &format!("from/{from}/{with}-context"),
                &format!("a local reply from {says} {with} the stream as the effective context {does}"),
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
    let held = |name: &str, says: &str, callback: &'static str, first: &'static str| {
        let trailers = callback.ends_with("trailers");
        let request = Request::post("/", "a").chunk("b");
        let response = Response::new(200).chunk("c").chunk("d");
        let (request, response) = match trailers {
            true => (request.trailer("t", "1"), response.trailer("t", "2")),
            false => (request, response),
        };
        let mut new = case(&format!("held/{name}"), says).request(request);
        new = new.answer("upstream", [upstream_reply(response)]).answer("other", [late(ok(), SOON)]);
        let call = call_other(&new.name);
        new.on(first, [call])
            .on(callback, [Step::Return(1)])
            .on("http_call_response", [set_context(Arg::Stream), answers(403, "no")])
            .shows(&CALLBACKS)
    };
    let (request, response) = ("request_headers", "response_headers");
    cases.extend([
        held("request-headers", "a request that is held back is answered", request, request),
        held("request-body", "a request whose body is held back is answered", "request_body", request),
        held(
            "request-trailers",
            "a request whose trailers are held back is answered",
            "request_trailers",
            request,
        ),
        held("response-headers", "a response that is held back is replaced", response, response),
        held("response-body", "a response whose body is held back is cut off", "response_body", response),
        held(
            "response-trailers",
            "a response whose trailers are held back is cut off",
            "response_trailers",
            response,
        ),
    ]);
    cases
}

/// Whatever may be in one.
fn contents() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [0, 99, 200, 204, 205, 299, 304, 404, 431, 503, 599, 600, 999, 9999, 65_535, u32::MAX] {
        let says = format!("a local reply with the status {status}, which nobody checks");
        cases.push(
            case(&format!("status/{status}"), &says)
                .on("request_headers", [answers(status, "body")])
                .on(
                    "response_headers",
                    [get_value(RESPONSE_HEADERS, ":status"), get_property("response\0code")],
                )
                .on("log", [get_property("response\0code")]),
        );
    }
    for status in [204, 304] {
        let says = format!("a local reply with the status {status} and no body");
        cases.push(
            case(&format!("status/{status}/bare"), &says)
                .on("request_headers", [answers(status, "")])
                .shows(&["response_headers", "response_body"]),
        );
    }
    let with_headers = |name: &str, says: &str, headers: Vec<u8>| {
        case(&format!("headers/{name}"), says)
            .on("request_headers", [reply(403, "", "no", headers, -1)])
            .on("response_headers", [get_pairs(RESPONSE_HEADERS)])
    };
    cases.extend([
        with_headers(
            "content-type",
            "a content type of its own is kept",
            pairs(&[("content-type", "text/html")]),
        ),
        with_headers("content-length", "a length of its own is replaced", pairs(&[("content-length", "99")])),
        with_headers("status", "a :status among the headers", pairs(&[(":status", "201")])),
        with_headers("pseudo", "pseudo headers of requests", pairs(&[(":path", "/x"), (":method", "PUT")])),
        with_headers("upper-case", "names are put in lower case", pairs(&[("X-Upper", "1")])),
        with_headers("repeated", "repeated headers", pairs(&[("x", "1"), ("y", "-"), ("x", "2")])),
        with_headers("crlf", "line ends in a value are written as they are", pairs(&[("x", "1\r\ny: 2")])),
        with_headers("empty-name", "a header without a name", pairs(&[("", "1")])),
        with_headers("empty-value", "a header without a value", pairs(&[("x", "")])),
        with_headers(
            "connection",
            "headers of the connection",
            pairs(&[("connection", "close"), ("keep-alive", "1")]),
        ),
        with_headers("server", "the server's own headers", pairs(&[("server", "me"), ("date", "today")])),
        with_headers("transfer-encoding", "an encoding", pairs(&[("transfer-encoding", "chunked")])),
        with_headers("bad-block", "a block that is none is dropped", vec![1, 0, 0, 0, 9]),
        with_headers("cut-block", "a block that is cut off is dropped", pairs(&[("x", "1")])[..10].to_vec()),
        with_headers("cookies", "cookies", pairs(&[("set-cookie", "a=1"), ("set-cookie", "b=2")])),
    ]);
    let details = [
        ("plain", "my_details"),
        ("spaces", "with spaces\tand\nmore"),
        ("empty", ""),
        ("utf-8", "\u{e4}"),
        ("braces", "a{b}|\"c\""),
    ];
    for (name, text) in details {
        let says = format!("details of a local reply: {}", text.escape_debug());
        cases.push(
            case(&format!("details/{name}"), &says)
                .on("request_headers", [reply(403, text, "no", "", -1)])
                .on("log", [get_property("response\0code_details")]),
        );
    }
    let bodies: [(&str, &[u8]); 4] =
        [("empty", b""), ("binary", b"\0\xff\r\n"), ("long", &[b'x'; 70_000]), ("text", b"sorry")];
    for (name, body) in bodies {
        for method in ["GET", "HEAD"] {
            let says = format!("a local reply to {method} with a body ({name})");
            cases.push(
                case(&format!("body/{name}/{}", method.to_lowercase()), &says)
                    .request(Request::new(method, "/"))
                    .on("request_headers", [reply(403, "", body, "", -1)])
                    .shows(&["response_headers", "response_body"]),
            );
        }
    }
    cases
}

/// With other calls beside it.
fn more() -> Vec<Case> {
    let long =
        |case: Case| case.request(long_request()).answer("upstream", [upstream_reply(long_response())]);
    vec![
        case("twice", "of two local replies in one callback the first is sent, with the details of the last")
            .on("request_headers", [reply(403, "first", "1", "", -1), reply(404, "last", "2", "", -1)])
            .shows(&["response_headers", "log"]),
        case("own-response", "a local reply in the callback about a local reply")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [get_pairs(RESPONSE_HEADERS), reply(404, "other", "else", "", -1)])
            .shows(&["response_body", "log"]),
        case("then-continue", "to continue behind a local reply does nothing")
            .on("request_headers", [answers(403, "no"), continue_stream(0), Step::Return(0)])
            .shows(&["log"]),
        case("then-close", "to close the stream behind a local reply")
            .on("request_headers", [answers(403, "no"), close_stream(0)])
            .shows(&["response_headers", "log"]),
        case("calls-behind", "calls behind a local reply work as before")
            .request(get().header("x", "1"))
            .on(
                "request_headers",
                [answers(403, "no"), get_value(REQUEST_HEADERS, "x"), add(REQUEST_HEADERS, "y", "1")],
            )
            .on("log", [get_value(REQUEST_HEADERS, "y")]),
        case("paused-response", "to hold back one's own local reply leaves the client without it")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [Step::Return(1)]),
        case("paused-response-resumed", "one's own local reply is held back and goes on")
            .on("request_headers", [answers(403, "no")])
            .on("response_headers", [call_other("replies/paused-response-resumed"), Step::Return(1)])
            .on("http_call_response", resume(1))
            .shows(&["response_body"]),
        case("changed-by-itself", "one's own response callbacks change a local reply")
            .on("request_headers", [answers(403, "no")])
            .on(
                "response_headers",
                [add(RESPONSE_HEADERS, "x", "1"), replace(RESPONSE_HEADERS, ":status", "418")],
            )
            .on("response_body", [set_buffer(1, 0, 99, "ok")]),
        long(case("body-then-next", "a local reply amid a request's body: what comes behind is dropped"))
            .on("request_body", [Step::OnlyRun(2), answers(403, "no")])
            .shows(&["request_headers", "request_trailers", "response_headers", "log"]),
        case("early-with-body", "a local reply to the headers of a request whose body is to come")
            .request(Request::post("/", vec![b'a'; 50_000]).chunk("b"))
            .on("request_headers", [answers(403, "no")])
            .shows(&["request_body", "response_headers", "log"]),
        case("response-replaced", "a response that is replaced loses its headers and its body")
            .answer("upstream", [upstream_reply(Response::new(200).header("x", "1").chunk("secret"))])
            .on("response_headers", [reply(403, "mine", "no", pairs(&[("y", "1")]), -1)])
            .on("log", [get_pairs(RESPONSE_HEADERS)]),
        long(case("really", "a local reply in the body of a response whose headers went on"))
            .on("response_body", [answers(403, "no")])
            .shows(&["response_trailers", "log"]),
    ]
}

/// What a reply's `grpc_status` does.
fn grpc() -> Vec<Case> {
    let mut cases = Vec::new();
    let types =
        [("grpc", "application/grpc"), ("grpc-proto", "application/grpc+proto"), ("http", "text/plain")];
    for (name, content_type) in types {
        let request = Request::post("/", "x").header("content-type", content_type).header("te", "trailers");
        for status in [-1, 0, 7, 16, 17, 99] {
            let says = format!("a local reply with grpc_status {status} to a request of type {content_type}");
            let label = if status < 0 { "none".to_owned() } else { status.to_string() };
            cases.push(
                case(&format!("grpc/{name}/{label}"), &says)
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
            let says = format!(
                "a local reply with the status {code} and no grpc_status to a request of type {content_type}"
            );
            cases.push(
                case(&format!("grpc/{name}/code/{code}"), &says)
                    .request(request.clone())
                    .on("request_headers", [reply(code, "", "", "", -1)]),
            );
        }
    }
    cases
}
