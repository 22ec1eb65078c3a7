//! HTTP requests and responses of every kind, as filters see them.

use crate::cases::parts::{get, ok, reply};
use crate::script::calls::get_pairs;
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("requests as seen", requests()), Sheet::new("responses as seen", responses())]
}

fn requests() -> Vec<Case> {
    let many = || (0..80).fold(get(), |request, i| request.header(format!("h-{i}"), "v"));
    let list = [
        ("head", Request::new("HEAD", "/")),
        ("options", Request::new("OPTIONS", "/")),
        ("delete", Request::new("DELETE", "/")),
        ("put", Request::new("PUT", "/").chunk("x")),
        ("own-method", Request::new("BREW", "/")),
        ("query", Request::get("/?a=1&b=%20&c")),
        ("empty-query", Request::get("/?")),
        ("many-headers", many()),
        ("too-many-headers", (0..101).fold(get(), |request, i| request.header(format!("h-{i}"), "v"))),
        ("large-header", get().header("x", vec![b'x'; 20_000])),
        ("too-large-header", get().header("x", vec![b'x'; 61_500])),
        ("cookies", get().header("cookie", "a=1").header("cookie", "b=2; c=3")),
        ("te-trailers", get().header("te", "trailers")),
        ("te-others", get().header("te", "gzip")),
        ("te-both", get().header("te", "trailers, gzip;q=0.5")),
        ("connection", get().header("connection", "close, x-mine").header("x-mine", "1")),
        ("keep-alive", get().header("connection", "keep-alive").header("keep-alive", "timeout=5")),
        ("forwarded", get().header("x-forwarded-for", "192.0.2.1").header("x-forwarded-proto", "https")),
        ("request-id", get().header("x-request-id", "mine")),
        ("upper-case", get().header("X-Mixed-Case", "Value")),
        ("repeated", get().header("x", "1").header("y", "-").header("X", "2")),
        ("spaces", get().header("x", "  a  b  ")),
        ("empty-value", get().header("x", "")),
        ("not-ascii", get().header("x", b"\xc3\xa9\xff")),
        ("underscore", get().header("a_b", "1")),
        ("internal", get().header("x-envoy-retry-on", "5xx").header("x-envoy-internal", "true")),
        ("port", get().authority("tollgate.test:8080")),
        ("length-zero", Request::new("POST", "/").header("content-length", "0")),
        ("bare-post", Request::new("POST", "/")),
        ("get-with-body", Request::new("GET", "/").chunk("abc")),
        ("chunked-empty", Request::new("POST", "/").chunk("").chunk("")),
        ("accept", get().header("accept", "text/html").header("accept", "*/*")),
        ("expect", Request::post("/", "abc").header("expect", "100-continue")),
        ("content-type", Request::post("/", "{}").header("content-type", "application/json")),
        ("grpc", Request::post("/", "").header("content-type", "application/grpc").header("te", "trailers")),
        ("user-agent", get().header("user-agent", "probe/1").header("referer", "http://a/")),
    ];
    let mut cases = Vec::new();
    for (name, request) in list {
        cases.push(
            Case::new(
                format!("flow/shape/request/{name}"),
                format!("a request as a filter and the upstream see it: {}", name.replace('-', " ")),
            )
            .request(request)
            .on("request_headers", [get_pairs(REQUEST_HEADERS)])
            .shows(&["request_body", "request_trailers", "log"]),
        );
    }
    cases
}

fn responses() -> Vec<Case> {
    let list = [
        ("created", Response::new(201).header("location", "/x").chunk("made")),
        ("no-content", Response::new(204)),
        ("not-modified", Response::new(304).header("etag", "\"1\"")),
        ("redirect", Response::new(302).header("location", "/elsewhere")),
        ("odd-status", Response::new(299).chunk("odd")),
        ("server-error", Response::new(503).chunk("no")),
        ("cookies", Response::new(200).header("set-cookie", "a=1").header("set-cookie", "b=2").chunk("ok")),
        ("connection", ok().header("connection", "close")),
        ("server", ok().header("server", "mine")),
        ("date", ok().header("date", "yesterday")),
        ("via", ok().header("via", "1.1 a").header("x-envoy-upstream-service-time", "9")),
        ("empty-chunked", Response::new(200).chunk("").chunk("")),
        ("trailers", Response::new(200).chunk("a").trailer("t", "1").trailer("t", "2")),
        ("repeated", ok().header("x", "1").header("y", "-").header("x", "2")),
        ("not-ascii", ok().header("x", b"\xc3\xa9\xff")),
        ("empty", Response::new(200)),
    ];
    let mut cases = Vec::new();
    for (name, response) in list {
        for (method, request) in [("get", get()), ("head", Request::new("HEAD", "/"))] {
            cases.push(
                Case::new(
                    format!("flow/shape/response/{name}/{method}"),
                    format!(
                        "a response to {method} as a filter and the client see it: {}",
                        name.replace('-', " ")
                    ),
                )
                .request(request)
                .answer("upstream", [reply(response.clone())])
                .on("response_headers", [get_pairs(RESPONSE_HEADERS)])
                .shows(&["response_body", "response_trailers", "log"]),
            );
        }
    }
    cases
}
