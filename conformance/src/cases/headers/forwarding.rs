//! Headers that the proxy itself uses, removes or writes.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_value, remove, replace};
use tollgate_host_test::{Answer, Request, Response};

/// A request header, its new value (or nothing: removed), and the outcome.
const REQUESTS: [(&str, Option<&str>, &str); 31] = [
    (":method", None, "is rejected with 503"),
    (":path", None, "matches no route: 404"),
    (":authority", None, "continues without `Host`"),
    (":scheme", None, "is routed by `x-forwarded-proto`"),
    ("x-forwarded-proto", None, "matches no route: 404"),
    (":method", Some(""), "continues without a method"),
    (":method", Some("post"), "continues with the method unchanged"),
    (":method", Some("M E"), "reaches an upstream that reads the second word as the path"),
    (":method", Some("CONNECT"), "is rejected with 503: `:protocol` is missing"),
    (":method", Some("HEAD"), "is sent as HEAD, and the client of the GET gets no body"),
    (":path", Some(""), "matches no route: 404"),
    (":path", Some("*"), "matches no route: 404"),
    (":path", Some("relative"), "matches no route: 404"),
    (":path", Some("/other?q#f"), "continues with the new path"),
    (":path", Some("//double/../up"), "continues, and the path is not normalized"),
    (":path", Some("http://absolute.test/p"), "matches no route: 404"),
    (":authority", Some(""), "continues with an empty `Host`"),
    (":authority", Some("other.test:81"), "continues with the new `Host`"),
    (":scheme", Some("https"), "continues: the scheme does not select the route"),
    (":scheme", Some(""), "continues: the scheme does not select the route"),
    ("x-forwarded-proto", Some(""), "matches no route: 404"),
    ("x-forwarded-proto", Some("https"), "continues"),
    ("x-forwarded-proto", Some("ftp"), "continues"),
    ("content-length", Some("5"), "waits for a missing body until the route timeout"),
    ("transfer-encoding", Some("chunked"), "never ends for the upstream: 504 after the route timeout"),
    ("connection", Some("close"), "continues with that header"),
    ("upgrade", Some("websocket"), "continues with that header"),
    ("te", Some("trailers"), "continues with that header"),
    ("expect", Some("100-continue"), "continues with that header"),
    (
        "x-envoy-upstream-rq-timeout-ms",
        Some("9000"),
        "gets that timeout, and the upstream does not see the header",
    ),
    ("x-envoy-expected-rq-timeout-ms", Some("1"), "continues with the value that the router writes"),
];

/// The same for a response.
const RESPONSES: [(&str, Option<&str>, &str); 21] = [
    (":status", None, "becomes a 502"),
    (":status", Some(""), "becomes a 502"),
    (":status", Some("abc"), "becomes a 502"),
    (":status", Some("0"), "reaches the client unchanged: the range is not checked"),
    (":status", Some("-1"), "is not a number and becomes a 502"),
    (":status", Some("99"), "reaches the client unchanged: the range is not checked"),
    (":status", Some("299"), "reaches the client unchanged: the range is not checked"),
    (":status", Some("600"), "reaches the client unchanged: the range is not checked"),
    (":status", Some("999"), "reaches the client unchanged: the range is not checked"),
    (":status", Some("1000"), "reaches the client unchanged: the range is not checked"),
    (":status", Some(" 200"), "and a leading space is read as a number"),
    (":status", Some("200 OK"), "is not a number and becomes a 502"),
    (":status", Some("204"), "is sent with the length of a body that the client does not read"),
    (":status", Some("304"), "is sent with the length of a body that the client does not read"),
    ("content-length", None, "is sent chunked"),
    ("content-length", Some("1"), "is sent with the wrong length"),
    ("date", Some("never"), "keeps the date from the filter"),
    ("date", None, "gets a date from the proxy"),
    ("server", None, "gets the proxy's server name"),
    ("x-envoy-upstream-service-time", Some("9"), "keeps the value from the filter"),
    ("transfer-encoding", Some("gzip"), "loses the header"),
];

/// Hop-by-hop headers (RFC 9110 section 7.6.1) that do not frame a message.
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
    let with = |name: &str, value: Option<&str>| match value {
        None => format!("without `{name}`"),
        Some("") => format!("with an empty `{name}`"),
        Some(value) => format!("with `{name}: {value}`"),
    };
    let mut cases = Vec::new();
    for (name, value, comes) in REQUESTS {
        let title = format!("a request {} {comes}", with(name, value));
        let step = value.map_or_else(|| remove(REQUEST, name), |value| replace(REQUEST, name, value));
        cases.push(request(&format!("forwarding/request/{}", slug(name, value)), &title, [step]));
    }
    for (name, value, comes) in RESPONSES {
        let title = format!("a response {} {comes}", with(name, value));
        let step = value.map_or_else(|| remove(RESPONSE, name), |value| replace(RESPONSE, name, value));
        cases.push(response(&format!("forwarding/response/{}", slug(name, value)), &title, [step]));
    }
    cases.extend([
        request(
            "forwarding/hop-by-hop",
            "hop-by-hop headers that a filter adds to a request are forwarded",
            [
                add(REQUEST, "keep-alive", "timeout=1"),
                add(REQUEST, "proxy-connection", "close"),
                add(REQUEST, "trailer", "x"),
            ],
        ),
        request(
            "forwarding/reserved",
            "`x-envoy-*` headers without a meaning for the router are forwarded",
            [
                add(REQUEST, "x-envoy-attempt-count", "7"),
                add(REQUEST, "x-envoy-original-path", "/o"),
                add(REQUEST, "x-envoy-nothing", "1"),
            ],
        ),
        request(
            "forwarding/second-host",
            "an added `:authority` is appended to the existing one",
            [add(REQUEST, ":authority", "b.test")],
        )
        .request(get().authority("a.test")),
        request(
            "forwarding/second-method",
            "an added `:method` is appended to the existing one",
            [add(REQUEST, ":method", "PUT")],
        ),
        request(
            "forwarding/second-path",
            "an added `:path` is appended to the existing one",
            [add(REQUEST, ":path", "/b")],
        ),
        response(
            "forwarding/second-status",
            "an added `:status` is appended to the existing one, which is then not a number",
            [add(RESPONSE, ":status", "200")],
        ),
        request(
            "forwarding/method-of-post",
            "a body is forwarded with any method",
            [replace(REQUEST, ":method", "GET")],
        )
        .request(Request::post("/", "body")),
        request(
            "forwarding/head-to-get",
            "a HEAD request that is sent as GET gets a response without a body",
            [replace(REQUEST, ":method", "GET")],
        )
        .request(Request::new("HEAD", "/")),
        request(
            "forwarding/own-chunked",
            "a body is encoded twice if a filter adds `transfer-encoding: chunked`",
            [remove(REQUEST, "content-length"), add(REQUEST, "transfer-encoding", "chunked")],
        )
        .request(Request::post("/", "body")),
        request(
            "forwarding/trailers-with-length",
            "trailers are lost if the request has a `content-length`",
            [add(REQUEST, "content-length", "4")],
        )
        .request(Request::post("/", "body").trailer("t", "1")),
        response(
            "forwarding/hop-by-hop-response",
            "the proxy removes `connection`, `proxy-connection` and `upgrade` that a filter adds to a response",
            HOP_BY_HOP.map(|name| add(RESPONSE, name, "x")),
        ),
        Case::new(
            "headers/forwarding/hop-by-hop-upstream",
            "the proxy removes `keep-alive` of an upstream before the filters, `connection` and `upgrade` after them",
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
            "of a client's hop-by-hop headers, only `trailer` reaches the filters",
        )
        .on("request_headers", HOP_BY_HOP.map(|name| get_value(REQUEST, name)))
        .request(HOP_BY_HOP.iter().fold(get(), |r, name| r.header(name, "x"))),
        request(
            "forwarding/length-removed",
            "a body without `content-length` is forwarded chunked",
            [remove(REQUEST, "content-length")],
        )
        .request(Request::post("/", "body")),
    ]);
    cases
}
