//! The `request` attributes.

use super::Logged::{Length, Value};
use super::everywhere;
use crate::Case;
use crate::script::calls::map::REQUEST_HEADERS;
use crate::script::calls::{add, get_property, remove, replace};
use tollgate_host_test::Request;

const WITH_HEADERS: &str = "while the request headers are accessible, and in on_log";

pub fn cases() -> Vec<Case> {
    let of_headers = [
        ("path", "the path with its query"),
        ("url_path", "the path without its query"),
        ("query", "the query without the `?`"),
        ("host", "the authority"),
        ("scheme", "the scheme"),
        ("method", "the method"),
        ("referer", "the header of this name"),
        ("useragent", "the header `user-agent`"),
        ("headers.x", "all values of a header, joined by commas"),
        ("headers.X-MIXED", "a header, whose name is compared case-insensitively"),
        ("headers.:path", "a pseudo-header"),
        ("headers.host", "the authority, under its other name"),
    ];
    let mut cases: Vec<Case> = of_headers
        .into_iter()
        .map(|(path, is)| {
            everywhere("request", &format!("request.{path}"), Value, &format!("is {is}, {WITH_HEADERS}"))
        })
        .collect();
    let of =
        |path: &str, logged, title: &str| everywhere("request", &format!("request.{path}"), logged, title);
    cases.extend([
        of("id", Value, "is not found without a request id"),
        of("headers.missing", Value, "is not found"),
        of("headers.x.y", Value, "is not found: a header has no fields"),
        of("headers", Length, "is a map of the headers, or empty while they are not accessible"),
        of("time", Length, "is a time, in every callback"),
        of("duration", Length, "is available only in on_log"),
        of("protocol", Value, "is the HTTP version, in every callback"),
        of("size", Value, "is the `content-length`, or the number of body bytes received"),
        of("total_size", Value, "is the size of the received body and the accessible headers"),
        of("headers_bytes", Value, "is the size of the accessible headers, otherwise 0"),
        of("", Value, "is the group itself: a trailing NUL starts no segment"),
        of("nosuch", Value, "is not found"),
        of("path.x", Value, "is the path itself: segments after a string are ignored"),
        of("time.x", Length, "is the time itself"),
        everywhere("request", "request", Value, "exists but returns SerializationFailure"),
    ]);
    let case = |name: &str, title: &str, paths: &[&'static str]| {
        Case::new(format!("properties/request/{name}"), title)
            .on("request_headers", paths.iter().map(|path| get_property(path.replace('.', "\0"))))
            .on("log", paths.iter().map(|path| get_property(path.replace('.', "\0"))))
    };
    cases.extend([
        case(
            "no-query",
            "a path without a query has an empty query",
            &["request.query", "request.url_path", "request.path"],
        ),
        case(
            "empty-query",
            "a path that ends with `?` has an empty query",
            &["request.query", "request.url_path"],
        )
        .request(Request::get("/?")),
        case(
            "fragment",
            "a path with a fragment is rejected before the filters: 400",
            &["request.query", "request.url_path", "request.path"],
        )
        .request(Request::get("/?a#b")),
        case("two-marks", "the query starts at the first `?`", &["request.query", "request.url_path"])
            .request(Request::get("/?a?b")),
        case("no-agent", "missing headers are not found", &["request.useragent", "request.referer"]),
        case("size-of-get", "a request without a body has size 0", &["request.size", "request.total_size"]),
        case(
            "size-of-length",
            "`content-length` is the size before the body arrives",
            &["request.size", "request.total_size"],
        )
        .request(Request::post("/", "body")),
        case("id-given", "a request id from the client is available", &["request.id"])
            .request(Request::get("/").header("x-request-id", "mine")),
        case("empty-header", "an empty header is an empty string", &["request.headers.e"])
            .request(Request::get("/").header("e", "")),
        case("binary-header", "a header may contain bytes that are not UTF-8", &["request.headers.b"])
            .request(Request::get("/").header("b", b"\xff\xfe")),
    ]);
    cases.extend([
        Case::new("properties/request/follows-edits", "the properties reflect edits of the headers").on(
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
        Case::new(
            "properties/request/log-follows-edits",
            "in on_log the properties reflect the forwarded headers",
        )
        .on("request_headers", [replace(REQUEST_HEADERS, ":path", "/new")])
        .on("log", [get_property("request\0path"), get_property("request\0headers_bytes")]),
    ]);
    cases
}
