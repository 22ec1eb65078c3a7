//! What the proxy makes of headers it needs itself.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_value, remove, replace};
use tollgate_host_test::{Answer, Request, Response};

/// A header of a request, what it is set to (or nothing: removed), and what comes of it.
const REQUESTS: [(&str, Option<&str>, &str); 31] = [
    (":method", None, "is answered with 503"),
    (":path", None, "finds no route: 404"),
    (":authority", None, "goes on without Host"),
    (":scheme", None, "finds a route by x-forwarded-proto"),
    ("x-forwarded-proto", None, "finds no route: 404"),
    (":method", Some(""), "goes on without a method"),
    (":method", Some("post"), "goes on with the method as it is"),
    (":method", Some("M E"), "has its second word taken for the path by the upstream"),
    (":method", Some("CONNECT"), "is answered with 503: there is no `:protocol`"),
    (":method", Some("HEAD"), "is sent as HEAD, and the client of the GET gets no body"),
    (":path", Some(""), "finds no route: 404"),
    (":path", Some("*"), "finds no route: 404"),
    (":path", Some("relative"), "finds no route: 404"),
    (":path", Some("/other?q#f"), "goes on to the new path"),
    (":path", Some("//double/../up"), "goes on without being normalised"),
    (":path", Some("http://absolute.test/p"), "finds no route: 404"),
    (":authority", Some(""), "goes on with an empty Host"),
    (":authority", Some("other.test:81"), "goes on with the new Host"),
    (":scheme", Some("https"), "goes on: the scheme does not choose the route"),
    (":scheme", Some(""), "goes on: the scheme does not choose the route"),
    ("x-forwarded-proto", Some(""), "finds no route: 404"),
    ("x-forwarded-proto", Some("https"), "goes on"),
    ("x-forwarded-proto", Some("ftp"), "goes on"),
    ("content-length", Some("5"), "waits for a body that never comes, until the route's time is up"),
    ("transfer-encoding", Some("chunked"), "is never complete to the upstream: 504 when its time is up"),
    ("connection", Some("close"), "goes on with it"),
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
    (":status", Some("0"), "reaches the client as it is: nothing checks the range"),
    (":status", Some("-1"), "is no number: 502 to the client"),
    (":status", Some("99"), "reaches the client as it is: nothing checks the range"),
    (":status", Some("299"), "reaches the client as it is: nothing checks the range"),
    (":status", Some("600"), "reaches the client as it is: nothing checks the range"),
    (":status", Some("999"), "reaches the client as it is: nothing checks the range"),
    (":status", Some("1000"), "reaches the client as it is: nothing checks the range"),
    (":status", Some(" 200"), "is read as a number"),
    (":status", Some("200 OK"), "is no number: 502 to the client"),
    (":status", Some("204"), "is sent with the length of a body, which the client does not read"),
    (":status", Some("304"), "is sent with the length of a body, which the client does not read"),
    ("content-length", None, "is sent chunked"),
    ("content-length", Some("1"), "is sent with the wrong length"),
    ("date", Some("never"), "keeps the date of the filter"),
    ("date", None, "gets a date of the proxy"),
    ("server", None, "gets the name of the proxy"),
    ("x-envoy-upstream-service-time", Some("9"), "keeps what the filter says"),
    ("transfer-encoding", Some("gzip"), "loses it"),
];

/// Headers of the connection (RFC 9110 section 7.6.1), those that frame a message aside.
const HOP_BY_HOP: [&str; 6] = ["connection", "keep-alive", "proxy-connection", "te", "trailer", "upgrade"];

fn slug(name: &str, value: Option<&str>) -> String {
    let value = match value {
        None => "removed".to_owned(),
        Some("") => "emptied".to_owned(),
        Some(value) => {
            let words = value.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            words.fold("to".to_owned(), |slug, word| format!("{slug}-{}", word.to_ascii_lowercase()))
        }
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
            "hop-by-hop headers that a filter adds go on",
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
            "forwarding/head-to-get",
            "a HEAD that is sent as GET is answered without the body",
            [replace(REQUEST, ":method", "GET")],
        )
        .request(Request::new("HEAD", "/")),
        request(
            "forwarding/own-chunked",
            "a body that a filter calls chunked is so twice",
            [remove(REQUEST, "content-length"), add(REQUEST, "transfer-encoding", "chunked")],
        )
        .request(Request::post("/", "body")),
        request(
            "forwarding/trailers-with-length",
            "trailers behind a length get lost",
            [add(REQUEST, "content-length", "4")],
        )
        .request(Request::post("/", "body").trailer("t", "1")),
        response(
            "forwarding/hop-by-hop-response",
            "of a filter's hop-by-hop headers connection, proxy-connection and upgrade are taken away",
            HOP_BY_HOP.map(|name| add(RESPONSE, name, "x")),
        ),
        Case::new(
            "headers/forwarding/hop-by-hop-upstream",
            "an upstream's keep-alive is gone before the filters, its connection and upgrade behind them",
        )
        .on("response_headers", HOP_BY_HOP.map(|name| get_value(RESPONSE, name)))
        .answer(
            "upstream",
            [Answer::Reply {
                response: HOP_BY_HOP
                    .iter()
                    .fold(Response::new(200), |r, name| r.header(name, "x"))
                    .chunk("ok"),
                after: std::time::Duration::ZERO,
            }],
        ),
        Case::new(
            "headers/forwarding/hop-by-hop-client",
            "of a client's hop-by-hop headers only `trailer` comes to the filters",
        )
        .on("request_headers", HOP_BY_HOP.map(|name| get_value(REQUEST, name)))
        .request(HOP_BY_HOP.iter().fold(get(), |r, name| r.header(name, "x"))),
        request(
            "forwarding/length-removed",
            "a body without its length goes on chunked",
            [remove(REQUEST, "content-length")],
        )
        .request(Request::post("/", "body")),
    ]);
    cases
}
