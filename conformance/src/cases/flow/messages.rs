//! Messages that Envoy rejects or changes before or after the filters: targets, schemes, headers of
//! upstreams, and local replies of unusual kinds.

use crate::cases::parts::{ALL, IMPATIENT, answers, at_end, get, ok, reply as upstream_reply, response_body};
use crate::script::Step;
use crate::script::calls::map::{REQUEST_HEADERS, REQUEST_TRAILERS, RESPONSE_HEADERS};
use crate::script::calls::{
    add, get_buffer, get_pairs, get_property, get_size, get_value, pairs, remove, reply,
};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    let impatient = |sheet: Sheet| sheet.settings(|settings| settings.client_patience = IMPATIENT);
    vec![
        Sheet::new("targets", targets()),
        Sheet::new("schemes", schemes()),
        impatient(Sheet::new("bad requests", bad_requests())),
        impatient(Sheet::new("bad responses", bad_responses())),
        impatient(Sheet::new("unusual replies", replies())),
        Sheet::new("after a reply", after()),
    ]
}

fn targets() -> Vec<Case> {
    let list = [
        ("space", "/a b"),
        ("tab", "/a\tb"),
        ("control", "/a\u{1}b"),
        ("delete", "/a\u{7f}b"),
        ("not-ascii", "/\u{e4}"),
        ("fragment", "/a#b"),
        ("query-fragment", "/?a#b"),
        ("backslash", "/a\\b"),
        ("quote", "/a\"b"),
        ("braces", "/{a}|^`<>"),
        ("dots", "/../a/./b"),
        ("slashes", "//a///b"),
        ("percent", "/%"),
        ("encoded-nul", "/%00"),
        ("encoded-slash", "/a%2fb%5c"),
        ("colon", "/a:b;c=d@e"),
        ("query-space", "/?a b"),
        ("query-not-ascii", "/?\u{e4}"),
        ("query-question", "/?a?b"),
    ];
    let case = |(name, path): (&str, &str)| {
        Case::new(
            format!("flow/target/{name}"),
            format!("a request for a path with {}", name.replace('-', " ")),
        )
        .request(Request::get(path))
        .shows(&["request_headers", "log"])
    };
    list.into_iter().map(case).collect()
}

fn schemes() -> Vec<Case> {
    let list = [
        ("http", "http"),
        ("https", "https"),
        ("upper-case", "HTTPS"),
        ("other", "ftp"),
        ("empty", ""),
        ("list", "https,http"),
        ("websocket", "wss"),
    ];
    let case = |(name, value): (&str, &str)| {
        Case::new(format!("flow/scheme/{name}"), format!("the scheme with `x-forwarded-proto: {value}`"))
            .request(get().header("x-forwarded-proto", value))
            .on("request_headers", [get_value(REQUEST_HEADERS, ":scheme"), get_property("request\0scheme")])
            .shows(&["log"])
    };
    list.into_iter().map(case).collect()
}

fn bad_requests() -> Vec<Case> {
    let post = || Request::post("/", "ok");
    let list = [
        ("value-with-nul", get().header("x", "a\0b")),
        ("value-with-return", get().header("x", "a\rb")),
        ("value-with-delete", get().header("x", "a\u{7f}b")),
        ("folded", get().header("x", "a\r\n b")),
        ("empty-name", get().header("", "1")),
        ("name-with-space", get().header("a b", "1")),
        ("length-twice", post().header("content-length", "2").header("content-length", "2")),
        ("length-with-plus", post().header("content-length", "+2")),
        ("length-empty", post().header("content-length", "")),
        ("length-with-zero", post().header("content-length", "02")),
        ("length-and-chunks", post().header("content-length", "2").header("transfer-encoding", "chunked")),
        ("upper-case-encoding", post().header("transfer-encoding", "CHUNKED")),
        ("encoding-list", post().header("transfer-encoding", "gzip, chunked")),
        (
            "encoding-twice",
            post().header("transfer-encoding", "chunked").header("transfer-encoding", "chunked"),
        ),
        ("encoding-identity", post().header("transfer-encoding", "identity")),
        ("get-with-encoding", Request::get("/").chunk("ok").header("transfer-encoding", "chunked")),
        ("authority-empty", get().authority("")),
        ("authority-space", get().authority("a b")),
        ("authority-user", get().authority("user@host")),
        ("authority-path", get().authority("host/path")),
    ];
    let case = |(name, request): (&str, Request)| {
        Case::new(
            format!("flow/bad-request/{name}"),
            format!("a request of a client: {}", name.replace('-', " ")),
        )
        .request(request)
        .on("request_headers", [get_pairs(REQUEST_HEADERS)])
        .shows(&["request_body", "log"])
    };
    list.into_iter().map(case).collect()
}

/// Responses that a codec must reject, wait for, or cut: by a name.
pub(in crate::cases) fn odd_responses() -> Vec<(&'static str, Response)> {
    vec![
        ("name-with-space", ok().header("a b", "1")),
        ("empty-name", ok().header("", "1")),
        ("name-not-ascii", ok().header("\u{e4}", "1")),
        ("value-with-nul", ok().header("x", "a\0b")),
        ("value-with-return", ok().header("x", "a\rb")),
        ("value-with-delete", ok().header("x", "a\u{7f}b")),
        ("value-with-control", ok().header("x", "a\u{1}b")),
        ("folded", ok().header("x", "a\r\n b")),
        ("length-not-a-number", ok().header("content-length", "x")),
        ("length-negative", ok().header("content-length", "-1")),
        ("length-twice", ok().header("content-length", "2").header("content-length", "2")),
        ("length-differs", ok().header("content-length", "2").header("content-length", "3")),
        ("length-and-chunks", ok().header("content-length", "2").header("transfer-encoding", "chunked")),
        ("other-encoding", ok().header("transfer-encoding", "gzip")),
        ("length-with-204", Response::new(204).header("content-length", "3")),
        ("length-with-304", Response::new(304).header("content-length", "3")),
        ("chunks-with-204", Response::new(204).header("transfer-encoding", "chunked")),
        ("status-99", Response { status: 99, ..ok() }),
        ("status-600", Response { status: 600, ..ok() }),
        ("status-1000", Response { status: 1000, ..ok() }),
        ("status-100", Response { status: 100, ..ok() }),
        ("status-101", Response { status: 101, ..ok() }),
        ("status-103", Response { status: 103, ..ok() }),
        ("many-headers", (0..101).fold(ok(), |response, i| response.header(format!("h-{i}"), "v"))),
        ("large-header", ok().header("x", vec![b'x'; 61_500])),
    ]
}

fn bad_responses() -> Vec<Case> {
    let case = |(name, response): (&str, Response)| {
        Case::new(
            format!("flow/bad-response/{name}"),
            format!("a response of an upstream: {}", name.replace('-', " ")),
        )
        .answer("upstream", [upstream_reply(response)])
        .on("response_headers", [get_pairs(RESPONSE_HEADERS)])
        .on("response_body", [response_body()])
        .shows(&["log"])
    };
    odd_responses().into_iter().map(case).collect()
}

fn replies() -> Vec<Case> {
    let mut cases = Vec::new();
    for status in [100, 101, 102, 103, 199, 204, 205, 304, 600, 999, 1000] {
        for (shape, body) in [("bare", ""), ("body", "text")] {
            for (method, request) in [("get", get()), ("post", Request::post("/", "hello"))] {
                cases.push(
                    Case::new(
                        format!("flow/reply/{status}/{shape}/{method}"),
                        format!("a local reply with status {status} to {method}, {shape}"),
                    )
                    .request(request)
                    .on("request_headers", [reply(status, "", body, "", -1)])
                    .shows(&["response_headers", "response_body", "log"]),
                );
            }
        }
    }
    for (name, headers) in [
        ("content-type", pairs(&[("content-type", "a/b")])),
        ("content-length", pairs(&[("content-length", "9")])),
        ("encoding", pairs(&[("transfer-encoding", "chunked")])),
        ("connection", pairs(&[("connection", "close")])),
    ] {
        for (shape, body) in [("bare", ""), ("body", "text")] {
            cases.push(
                Case::new(
                    format!("flow/reply/{name}/{shape}"),
                    format!("a local reply with its own {name}, {shape}"),
                )
                .on("request_headers", [reply(403, "", body, headers.clone(), -1)])
                .on("response_headers", [get_pairs(RESPONSE_HEADERS)]),
            );
        }
    }
    cases
}

/// Cases about the data that `on_log` and `on_done` can access after a local reply of the same filter.
fn after() -> Vec<Case> {
    let look = || {
        vec![
            get_pairs(REQUEST_HEADERS),
            get_size(REQUEST_HEADERS),
            add(REQUEST_HEADERS, "y", "1"),
            remove(REQUEST_HEADERS, "y"),
            get_pairs(RESPONSE_HEADERS),
            get_size(RESPONSE_HEADERS),
            add(RESPONSE_HEADERS, "y", "1"),
            get_size(REQUEST_TRAILERS),
            get_buffer(0u32, 0, ALL),
            get_buffer(1u32, 0, ALL),
            get_property("response\0headers\0x"),
            get_property("request\0headers\0x"),
            get_property("response\0code"),
            get_property("response\0size"),
        ]
    };
    let case = |name: &str, title: &str| {
        Case::new(format!("flow/after/{name}"), title)
            .request(Request::post("/", "hello").header("x", "1"))
            .answer("upstream", [upstream_reply(Response::new(200).header("x", "2").chunk("there"))])
            .on("log", look())
            .on("done", look())
    };
    let no = || answers(403, "no");
    vec![
        case("nothing", "what on_log and on_done can access after an exchange that passed"),
        case("request-headers", "what they can access after a reply in on_request_headers")
            .on("request_headers", [no()]),
        case("request-body", "what they can access after a reply in on_request_body")
            .on("request_body", [no()]),
        case("request-body-end", "what they can access after a reply at the end of the request")
            .on("request_body", [at_end(), no()]),
        case("request-body-buffered", "what they can access after a reply with the buffered body")
            .on("request_body", [Step::OnlyIf(1, 0), Step::Return(1)]),
        case("response-headers", "what they can access after a reply in on_response_headers")
            .on("response_headers", [no()]),
        case("response-body", "what they can access after a reply in on_response_body")
            .on("response_body", [no()]),
    ]
}
