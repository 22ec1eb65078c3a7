//! What the proxy makes of headers it needs itself.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, remove, replace};
use tollgate_host_test::Request;

/// A header of a request, what it is set to (or nothing: removed), and what comes of it.
const REQUESTS: [(&str, Option<&str>, &str); 31] = [
    (":method", None, "is answered with 503"),
    (":path", None, "finds no route: 404"),
    (":authority", None, "goes on without Host"),
    (":scheme", None, "finds a route by x-forwarded-proto"),
    ("x-forwarded-proto", None, "finds no route: 404"),
    (":method", Some(""), "is answered with 503"),
    (":method", Some("post"), "goes on with the method as it is"),
    (":method", Some("M E"), "goes on with the method as it is"),
    (":method", Some("CONNECT"), "finds no route"),
    (":method", Some("HEAD"), "is sent as HEAD, and its answer is read as one to HEAD"),
    (":path", Some(""), "finds no route: 404"),
    (":path", Some("*"), "finds no route: 404"),
    (":path", Some("relative"), "finds no route: 404"),
    (":path", Some("/other?q#f"), "goes on to the new path"),
    (":path", Some("//double/../up"), "goes on without being normalised"),
    (":path", Some("http://absolute.test/p"), "finds no route: 404"),
    (":authority", Some(""), "goes on with an empty Host"),
    (":authority", Some("other.test:81"), "goes on with the new Host"),
    (":scheme", Some("https"), "goes on"),
    (":scheme", Some(""), "goes on"),
    ("x-forwarded-proto", Some(""), "finds no route: 404"),
    ("x-forwarded-proto", Some("https"), "goes on"),
    ("x-forwarded-proto", Some("ftp"), "goes on"),
    ("content-length", Some("5"), "waits for a body that never comes, until the route's time is up"),
    ("transfer-encoding", Some("chunked"), "goes on chunked"),
    ("connection", Some("close"), "goes on without it"),
    ("upgrade", Some("websocket"), "goes on with it"),
    ("te", Some("trailers"), "goes on with it"),
    ("expect", Some("100-continue"), "goes on with it"),
    (
        "x-envoy-upstream-rq-timeout-ms",
        Some("9000"),
        "has its time set by it, and the upstream does not see it",
    ),
    ("x-envoy-expected-rq-timeout-ms", Some("1"), "has it overwritten by the router"),
];

/// The same of a response.
const RESPONSES: [(&str, Option<&str>, &str); 21] = [
    (":status", None, "is a 502 to the client"),
    (":status", Some(""), "is a 502 to the client"),
    (":status", Some("abc"), "is a 502 to the client"),
    (":status", Some("0"), "reaches the client as it is"),
    (":status", Some("-1"), "is no number"),
    (":status", Some("99"), "reaches the client as it is"),
    (":status", Some("299"), "reaches the client as it is"),
    (":status", Some("600"), "reaches the client as it is"),
    (":status", Some("999"), "reaches the client as it is"),
    (":status", Some("1000"), "reaches the client as it is"),
    (":status", Some(" 200"), "is read as a number"),
    (":status", Some("200 OK"), "is no number"),
    (":status", Some("204"), "is sent with the body's length, and the body"),
    (":status", Some("304"), "is sent with the body's length, and the body"),
    ("content-length", None, "is sent chunked"),
    ("content-length", Some("1"), "is sent with the wrong length"),
    ("date", Some("never"), "keeps the date of the filter"),
    ("date", None, "gets a date of the proxy"),
    ("server", None, "gets the name of the proxy"),
    ("x-envoy-upstream-service-time", Some("9"), "keeps what the filter says"),
    ("transfer-encoding", Some("gzip"), "loses it"),
];

fn slug(name: &str, value: Option<&str>) -> String {
    let fits = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let value = match value {
        None => "removed".to_owned(),
        Some("") => "emptied".to_owned(),
        Some(value) => format!("to-{}", value.chars().map(fits).collect::<String>()),
    };
    format!("{}/{value}", name.trim_start_matches(':'))
}

pub fn cases() -> Vec<Case> {
    let what = |value: Option<&str>| value.map_or("removed".to_owned(), |value| format!("`{value}`"));
    let mut cases = Vec::new();
    for (name, value, comes) in REQUESTS {
        let says = format!("a request with {name} {} {comes}", what(value));
        let step = value.map_or_else(|| remove(REQUEST, name), |value| replace(REQUEST, name, value));
        cases.push(request(&format!("forwarding/request/{}", slug(name, value)), &says, [step]));
    }
    for (name, value, comes) in RESPONSES {
        let says = format!("a response with {name} {} {comes}", what(value));
        let step = value.map_or_else(|| remove(RESPONSE, name), |value| replace(RESPONSE, name, value));
        cases.push(response(&format!("forwarding/response/{}", slug(name, value)), &says, [step]));
    }
    cases.extend([
        request(
            "forwarding/hop-by-hop",
            "hop-by-hop headers that a filter adds",
            [
                add(REQUEST, "keep-alive", "timeout=1"),
                add(REQUEST, "proxy-connection", "close"),
                add(REQUEST, "trailer", "x"),
            ],
        ),
        request(
            "forwarding/reserved",
            "x-envoy headers of no meaning go on",
            [
                add(REQUEST, "x-envoy-attempt-count", "7"),
                add(REQUEST, "x-envoy-original-path", "/o"),
                add(REQUEST, "x-envoy-internal", "true"),
                add(REQUEST, "x-envoy-nothing", "1"),
            ],
        ),
        request(
            "forwarding/second-host",
            "a Host that is added is joined to the one there was",
            [add(REQUEST, ":authority", "b.test")],
        )
        .request(get().authority("a.test")),
        request(
            "forwarding/second-method",
            "a method that is added is joined to the one there was",
            [add(REQUEST, ":method", "PUT")],
        ),
        request(
            "forwarding/second-path",
            "a path that is added is joined to the one there was",
            [add(REQUEST, ":path", "/b")],
        ),
        response(
            "forwarding/second-status",
            "a status that is added is joined, and is no number",
            [add(RESPONSE, ":status", "200")],
        ),
        request(
            "forwarding/method-of-post",
            "a body goes on under any method",
            [replace(REQUEST, ":method", "GET")],
        )
        .request(Request::post("/", "body")),
        request(
            "forwarding/length-removed",
            "a body without its length goes on chunked",
            [remove(REQUEST, "content-length")],
        )
        .request(Request::post("/", "body")),
    ]);
    cases
}
