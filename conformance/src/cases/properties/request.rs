//! `request`.

use super::Told::{Length, Value};
use super::everywhere;
use crate::Case;
use crate::script::calls::map::REQUEST_HEADERS;
use crate::script::calls::{add, get_property, remove, replace};
use tollgate_host_test::Request;

const WITH_HEADERS: &str = "while the request's headers are in reach, and in the log";

pub fn cases() -> Vec<Case> {
    let of_headers = [
        ("path", "the path with its query"),
        ("url_path", "the path without its query"),
        ("query", "the query without its mark"),
        ("host", "the authority"),
        ("scheme", "the scheme"),
        ("method", "the method"),
        ("referer", "the header of this name"),
        ("useragent", "the header user-agent"),
        ("headers.x", "all values of a header, with commas"),
        ("headers.X-MIXED", "a header by its name in any case"),
        ("headers.:path", "a pseudo-header"),
        ("headers.host", "the authority, by its other name"),
    ];
    let mut cases: Vec<Case> = of_headers
        .into_iter()
        .map(|(path, is)| {
            everywhere("request", &format!("request.{path}"), Value, &format!("is {is}, {WITH_HEADERS}"))
        })
        .collect();
    let of = |path: &str, told, says: &str| everywhere("request", &format!("request.{path}"), told, says);
    cases.extend([
        of("id", Value, "is not there without a request id"),
        of("headers.missing", Value, "is not found"),
        of("headers.x.y", Value, "is not found: a header has no parts"),
        of("headers", Length, "is a map of the headers; out of their reach it is empty"),
        of("time", Length, "is a time, in every phase"),
        of("duration", Length, "is there in the log alone"),
        of("protocol", Value, "is the version of HTTP, in every phase"),
        of("size", Value, "is the content-length, or the bytes of body that came"),
        of("total_size", Value, "is the body that came and the headers in reach"),
        of("headers_bytes", Value, "is the size of the headers in reach, and else 0"),
        of("", Value, "is the group still: a NUL at the end begins no segment"),
        of("nosuch", Value, "is not found"),
        of("path.x", Value, "is the path still: what follows a text is not looked at"),
        of("time.x", Length, "is the time still"),
        everywhere("request", "request", Value, "is there and has no bytes: SerializationFailure"),
    ]);
    let case = |name: &str, says: &str, paths: &[&'static str]| {
        Case::new(format!("properties/request/{name}"), says)
            .on("request_headers", paths.iter().map(|path| get_property(path.replace('.', "\0"))))
            .on("log", paths.iter().map(|path| get_property(path.replace('.', "\0"))))
    };
    cases.extend([
        case(
            "no-query",
            "a path without a query has an empty one",
            &["request.query", "request.url_path", "request.path"],
        ),
        case(
            "empty-query",
            "a path that ends in its mark has an empty query",
            &["request.query", "request.url_path"],
        )
        .request(Request::get("/?")),
        case(
            "fragment",
            "a path with a fragment is refused before the filters: 400",
            &["request.query", "request.url_path", "request.path"],
        )
        .request(Request::get("/?a#b")),
        case("two-marks", "the query begins at the first mark", &["request.query", "request.url_path"])
            .request(Request::get("/?a?b")),
        case(
            "no-agent",
            "headers that are not there are not found",
            &["request.useragent", "request.referer"],
        ),
        case("size-of-get", "a request without a body has size 0", &["request.size", "request.total_size"]),
        case(
            "size-of-length",
            "content-length counts before the body comes",
            &["request.size", "request.total_size"],
        )
        .request(Request::post("/", "body")),
        case("id-given", "a request id that the client gives is there", &["request.id"])
            .request(Request::get("/").header("x-request-id", "mine")),
        case("empty-header", "an empty header is an empty text", &["request.headers.e"])
            .request(Request::get("/").header("e", "")),
        case("binary-header", "a header need not be UTF-8", &["request.headers.b"])
            .request(Request::get("/").header("b", b"\xff\xfe")),
    ]);
    cases.extend([
        Case::new("properties/request/follows-edits", "the properties follow the edits of the headers").on(
            "request_headers",
            [
                replace(REQUEST_HEADERS, ":path", "/new?q"),
                get_property("request\0path"),
                get_property("request\0query"),
                replace(REQUEST_HEADERS, ":method", "PUT"),
                get_property("request\0method"),
                add(REQUEST_HEADERS, "x", "1"),
                add(REQUEST_HEADERS, "x", "2"),
                get_property("request\0headers\0x"),
                remove(REQUEST_HEADERS, ":authority"),
                get_property("request\0host"),
                get_property("request\0headers_bytes"),
            ],
        ),
        Case::new("properties/request/log-follows-edits", "the log sees the headers as they were forwarded")
            .on("request_headers", [replace(REQUEST_HEADERS, ":path", "/new")])
            .on("log", [get_property("request\0path"), get_property("request\0headers_bytes")]),
    ]);
    cases
}
