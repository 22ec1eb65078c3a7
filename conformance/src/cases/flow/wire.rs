//! The bytes that the peers read: messages that a filter ends or holds when a part of them has left, and
//! lengths that do not fit.

use crate::case::Loaded;
use crate::cases::parts::{
    ALL, IMPATIENT, SOON, answers, at_end, call_other, get, late, ok, reply, request_body, response_body,
    resume,
};
use crate::run::{EMPTY, REFUSES};
use crate::script::Step;
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS};
use crate::script::calls::{buffer_status, get_pairs, remove, set_buffer};
use crate::{Case, Sheet};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Route, VirtualHost};

pub(super) fn sheets() -> Vec<Sheet> {
    let impatient = |sheet: Sheet| sheet.settings(|settings| settings.client_patience = IMPATIENT);
    let to = |cluster: &str| {
        let hosts = vec![VirtualHost::new("any", &["*"]).route(Route::to("/", cluster))];
        move |settings: &mut tollgate_host_test::Settings| settings.virtual_hosts = hosts
    };
    let stops = || vec![Loaded::new("probe").with_headers_stop_iteration()];
    vec![
        impatient(Sheet::new("requests that end early", requests())),
        impatient(Sheet::new("responses that end early", responses())),
        impatient(Sheet::new("lengths", lengths())),
        impatient(Sheet::new("the first request", vec![first()])),
        impatient(Sheet::new("a reply that is held", vec![reply_held()])),
        impatient(Sheet::new("headers held for the body", held()).filters(stops()))
            .settings(|settings| settings.buffer_limit = 1000),
        Sheet::new("a cluster that refuses", unreachable("refused")).settings(to(REFUSES)),
        Sheet::new("a cluster without endpoints", unreachable("empty")).settings(to(EMPTY)),
    ]
}

fn case(name: &str, title: &str) -> Case {
    Case::new(format!("flow/wire/{name}"), title).shows(&["log"])
}

/// The second request uses the connection of the first one.
fn twice(case: Case, request: Request) -> Case {
    case.requests([get(), request, get()])
}

fn requests() -> Vec<Case> {
    let post = || Request::post("/", "hello");
    let pieces = || Request::post("/", "one").chunk("two");
    vec![
        twice(
            case("blocked-at-end", "a request that is rejected at its end has reached the upstream"),
            post(),
        )
        .on("request_body", [at_end(), answers(403, "no")]),
        twice(
            case(
                "blocked-in-body",
                "a request that is rejected with its body has reached the upstream with its headers",
            ),
            post(),
        )
        .on("request_body", [answers(403, "no")]),
        twice(
            case(
                "blocked-in-pieces",
                "a request in pieces that is rejected at its end has reached the upstream but for its end",
            ),
            pieces(),
        )
        .on("request_body", [at_end(), answers(403, "no")]),
        case(
            "blocked-buffered",
            "a request that is buffered and rejected has reached the upstream with its headers",
        )
        .requests([pieces(), get()])
        .on("request_body", [Step::OnlyIf(1, 0), Step::Return(1)])
        .on("request_body", []),
        twice(
            case(
                "blocked-in-trailers",
                "a request that is rejected with its trailers has reached the upstream with its body",
            ),
            pieces().trailer("t", "1"),
        )
        .on("request_trailers", [answers(403, "no")]),
        twice(
            case("closed-at-end", "a request whose stream is closed at its end has reached the upstream"),
            post(),
        )
        .on("request_body", [at_end(), crate::script::calls::close_stream(0u32)]),
        twice(
            case(
                "end-held",
                "a request whose end is held is answered: its length tells the upstream its end",
            ),
            post(),
        )
        .on("request_body", [at_end(), Step::Return(1)]),
        twice(case("end-held-chunked", "a chunked request whose end is held is not answered"), pieces())
            .on("request_body", [at_end(), Step::Return(1)]),
        twice(
            case(
                "end-dropped",
                "a request whose end is dropped is answered: its length tells the upstream its end",
            ),
            post(),
        )
        .on("request_body", [at_end(), Step::Return(3)]),
        case(
            "callout-after-segment",
            "a body that arrives with the headers is read before a callout is answered",
        )
        .request(post())
        .on("request_headers", [call_other("flow/wire/callout-after-segment"), Step::Return(1)])
        .on("request_body", [request_body()])
        .on("http_call_response", resume(0)),
        case(
            "callout-passed-segment",
            "a callout that pauses nothing is answered after the body of the same segment",
        )
        .request(post())
        .answer("upstream", [late(ok(), SOON)])
        .on("request_headers", [call_other("flow/wire/callout-passed-segment")])
        .on("request_body", [request_body()])
        .shows(&["http_call_response"]),
    ]
}

fn first() -> Case {
    case(
        "first-blocked",
        "of a request that is rejected before there is a connection, the upstream sees nothing",
    )
    .request(Request::post("/", "hello"))
    .on("request_body", [at_end(), answers(403, "no")])
}

fn responses() -> Vec<Case> {
    let secret = || [reply(Response::new(200).chunk("secret"))];
    let pieces = || [reply(Response::new(200).chunk("sec").chunk("ret"))];
    vec![
        case("response-blocked-at-end", "a response that is replaced at its end has reached the client")
            .answer("upstream", secret())
            .on("response_body", [at_end(), answers(418, "no")]),
        case("response-blocked-chunked", "a chunked response that is replaced at its end is cut off")
            .answer("upstream", pieces())
            .on("response_body", [at_end(), answers(418, "no")]),
        case("response-end-held", "a response whose end is held has reached the client by its length")
            .answer("upstream", secret())
            .on("response_body", [at_end(), Step::Return(1)]),
        case("response-end-held-chunked", "a chunked response whose end is held does not end for the client")
            .answer("upstream", pieces())
            .on("response_body", [at_end(), Step::Return(1)]),
        case(
            "response-end-held-callout",
            "the client of a response whose end is held has gone before a callout is answered",
        )
        .answer("upstream", secret())
        .answer("other", [late(ok(), SOON)])
        .on("response_body", [at_end(), call_other("flow/wire/response-end-held-callout"), Step::Return(1)])
        .on("http_call_response", resume(1)),
        case("reset-amid", "of a response that breaks off, the filter receives what was sent")
            .answer("upstream", [Answer::ResetMidResponse(Response::new(200).chunk("partial"))])
            .on("response_body", [response_body()]),
        case("reset-amid-chunks", "of a chunked response that breaks off, the filter receives what was sent")
            .answer("upstream", [Answer::ResetMidResponse(Response::new(200).chunk("one").chunk("two"))])
            .on("response_body", [response_body()]),
        case("reset-amid-held", "a response that breaks off while its headers are held becomes 502")
            .answer("upstream", [Answer::ResetMidResponse(Response::new(200).chunk("partial"))])
            .on("response_headers", [Step::Return(1)]),
        case("reset-amid-bodiless", "a response without a body cannot break off in it")
            .answer("upstream", [Answer::ResetMidResponse(Response::new(304).chunk("a"))])
            .shows(&["response_headers", "response_body"]),
        case("reset-before-bodiless", "an upstream may close before a response without a body")
            .answer("upstream", [Answer::ResetMidResponse(Response::new(304).chunk("a").chunk("b"))])
            .shows(&["response_headers", "response_body"]),
    ]
}

fn lengths() -> Vec<Case> {
    let post = || Request::post("/", "hello");
    let longer = |text: &'static str| [Step::OnlyIf(1, 0), set_buffer(0, 0, ALL, text)];
    let smuggled = "helloGET /smuggled HTTP/1.1\r\nhost: evil\r\n\r\n";
    vec![
        twice(
            case(
                "body-longer",
                "the rest of a body that is longer than its length is the start of the next request",
            ),
            post(),
        )
        .on("request_body", longer("helloWORLD")),
        twice(
            case("body-longer-whole", "a whole request after the length of a body reaches the upstream"),
            post(),
        )
        .on("request_body", longer(smuggled)),
        twice(
            case(
                "body-shorter",
                "a body that is shorter than its length takes its rest from the next request",
            ),
            post(),
        )
        .on("request_body", longer("hel")),
        twice(
            case("length-removed", "a body without a length is sent in chunks, whatever its length becomes"),
            post(),
        )
        .on("request_headers", [remove(REQUEST_HEADERS, "content-length")])
        .on("request_body", longer("helloWORLD")),
        case(
            "response-longer",
            "the client does not read the rest of a response that is longer than its length",
        )
        .answer("upstream", [reply(ok())])
        .on("response_body", [Step::OnlyIf(1, 0), set_buffer(1, 0, ALL, "okLONG")]),
        case(
            "response-shorter",
            "the client waits for the rest of a response that is shorter than its length",
        )
        .answer("upstream", [reply(ok())])
        .on("response_body", [Step::OnlyIf(1, 0), set_buffer(1, 0, ALL, "o")]),
        case("client-shorter", "a client that announces more than it sends leaves the request incomplete")
            .request(post().header("content-length", "9"))
            .on("request_body", [request_body()]),
        case("client-pieces", "a body with a length may arrive in pieces")
            .request(Request::new("POST", "/").header("content-length", "6").chunk("one").chunk("two"))
            .on("request_body", [request_body()]),
        case("upstream-longer", "what an upstream sends after the length of its body is not a part of it")
            .requests([get(), get()])
            .answer("upstream", [reply(Response::new(200).header("content-length", "3").chunk("hello"))])
            .on("response_body", [response_body()]),
        twice(
            case(
                "longer-then-blocked",
                "a request that is rejected with its body has not reached an upstream that sent too much before",
            ),
            Request::post("/", "hello"),
        )
        .answer("upstream", [reply(Response::new(200).header("content-length", "3").chunk("hello"))])
        .on("request_body", [answers(403, "no")]),
        case(
            "upstream-shorter",
            "an upstream that announces more than it sends leaves the response incomplete",
        )
        .answer("upstream", [reply(Response::new(200).header("content-length", "9").chunk("hello"))])
        .on("response_body", [response_body()]),
        case("early-response", "the upstream may answer before the filter has passed the end of the request")
            .request(Request::post("/", "hello"))
            .answer("upstream", [late(ok(), Duration::from_millis(30))])
            .on("request_body", [at_end(), call_other("flow/wire/early-response"), Step::Return(1)])
            .answer("other", [late(ok(), SOON)])
            .on("http_call_response", resume(0))
            .shows(&["response_headers", "response_body"]),
    ]
}

/// The router gives up a request that a filter answers, before it has a connection for it.
fn reply_held() -> Case {
    case(
        "reply-held",
        "a first request that is rejected has not reached the upstream, also while the reply is held",
    )
    .request(Request::post("/", "hello"))
    .on("request_body", [answers(403, "no")])
    .on("response_body", [Step::Return(1)])
}

fn held() -> Vec<Case> {
    let body = |n: usize, byte: u8| vec![byte; n];
    vec![
        twice(
            case("held-for-body", "headers that are held for the body reach no one if the body is rejected"),
            Request::post("/", "hello"),
        )
        .on("request_headers", [Step::OnlyIf(2, 0), Step::Return(1)])
        .on("request_body", [Step::OnlyIf(1, 1), answers(403, "no")])
        .on("response_headers", []),
        case("held-then-passed", "a body that passes takes held headers along, and is not buffered")
            .request(Request::post("/", body(2000, b'a')))
            .answer("upstream", [reply(Response::new(200).chunk(body(3000, b'z')))])
            .on("request_headers", [Step::Return(1)])
            .on("response_headers", [Step::Return(1)])
            .on("request_body", [buffer_status(0)])
            .on("response_body", [buffer_status(1)]),
        case(
            "held-then-buffered",
            "a body that is buffered while the headers are held may not exceed the limit",
        )
        .request(Request::post("/", body(2000, b'a')))
        .on("request_headers", [Step::Return(1)])
        .on("request_body", [buffer_status(0), Step::Return(1)]),
        case("held-response-rejected", "a response whose headers are held can be replaced at its end")
            .answer("upstream", [reply(Response::new(200).chunk("secret"))])
            .on("response_headers", [Step::Return(1)])
            .on("response_body", [Step::OnlyIf(1, 0), Step::Return(1)])
            .on("log", [get_pairs(RESPONSE_HEADERS)]),
    ]
}

fn unreachable(name: &str) -> Vec<Case> {
    let case = |shape: &str, request: Request| {
        let case =
            self::case(&format!("{name}/{shape}"), &format!("a cluster that is {name} answers {shape}"));
        case.request(request).on("request_body", [request_body()]).shows(&[
            "request_headers",
            "request_trailers",
            "response_headers",
            "response_body",
        ])
    };
    vec![
        case("get", get()),
        case("post", Request::post("/", "hello")),
        case("head", Request::new("HEAD", "/")),
        case("grpc", Request::post("/", "hello").header("content-type", "application/grpc")),
    ]
}
