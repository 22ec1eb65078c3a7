//! Reading one value.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::get_value;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use tollgate_host_test::{Answer, Response};

/// Names that Envoy joins into one entry, and one that it keeps apart.
const REPEATED: [(&str, &str); 14] = [
    ("accept", "is joined"),
    ("accept-encoding", "is joined"),
    ("authorization", "is joined"),
    ("cache-control", "is joined"),
    ("connection", "is joined"),
    ("content-type", "is joined"),
    ("cookie", "is kept apart"),
    ("expect", "is joined"),
    ("referer", "is joined"),
    ("te", "is `trailers` once"),
    ("user-agent", "is joined"),
    ("via", "is joined"),
    ("x-forwarded-for", "is joined"),
    ("x-request-id", "is joined"),
];

pub fn cases() -> Vec<Case> {
    let x = || get_value(REQUEST, "x");
    let mut cases = vec![
        request("get-one", "the value is given as it was sent", [x()]).request(get().header("x", "a b")),
        request("get-first-of-many", "the first of several values is given, and not joined", [x()])
            .request(get().header("x", "1").header("x", "2")),
        request("get-missing", "a header that is not there is NotFound", [x()]),
        request("get-empty", "a value that is empty is Ok with a null pointer", [x()])
            .request(get().header("x", "")),
        request(
            "get-any-case",
            "names have no case, in the request and in the call",
            [get_value(REQUEST, "X-Mixed"), get_value(REQUEST, "x-mixed"), get_value(REQUEST, "X-MIXED")],
        )
        .request(get().header("X-Mixed", "Kept As It Is")),
        request("get-no-name", "an empty name is found nowhere", [get_value(REQUEST, "")]),
        request("get-name-with-nul", "a name is compared whole, NUL included", [get_value(REQUEST, "x\0y")])
            .request(get().header("x", "1")),
        request(
            "get-padded-name",
            "a name with a space around it is another",
            [get_value(REQUEST, " x"), get_value(REQUEST, "x "), get_value(REQUEST, "x:")],
        )
        .request(get().header("x", "1")),
        request("get-padded-value", "spaces around a value are gone, those within stay", [x()])
            .request(get().header("x", "  a  b  ")),
        request(
            "get-host",
            "`host` is another name of `:authority`",
            [get_value(REQUEST, "host"), get_value(REQUEST, "Host"), get_value(REQUEST, ":authority")],
        ),
        request(
            "get-pseudo",
            "the pseudo-headers of a request are among its headers",
            [
                get_value(REQUEST, ":method"),
                get_value(REQUEST, ":path"),
                get_value(REQUEST, ":scheme"),
                get_value(REQUEST, ":status"),
                get_value(REQUEST, ":protocol"),
            ],
        )
        .request(tollgate_host_test::Request::new("OPTIONS", "/?q=1")),
        request("get-non-utf8", "a value need not be UTF-8", [x()])
            .request(get().header("x", b"\xff\xfe\x80")),
        request("get-tab", "a tab within a value is kept", [x()]).request(get().header("x", b"a\tb")),
        request("get-huge", "a value of 20 kB is given whole", [x()])
            .request(get().header("x", "v".repeat(20_000))),
        request(
            "get-added-by-proxy",
            "what the connection manager adds is there",
            [
                get_value(REQUEST, "x-forwarded-proto"),
                get_value(REQUEST, "x-request-id"),
                get_value(REQUEST, "x-forwarded-for"),
                get_value(REQUEST, "x-envoy-internal"),
            ],
        ),
        request(
            "get-taken-by-proxy",
            "control headers of a client are gone before the filters",
            [
                get_value(REQUEST, "x-envoy-retry-on"),
                get_value(REQUEST, "x-envoy-max-retries"),
                get_value(REQUEST, "x-envoy-upstream-rq-timeout-ms"),
                get_value(REQUEST, "x-envoy-internal"),
                get_value(REQUEST, "x-envoy-decorator-operation"),
                get_value(REQUEST, "x-envoy-original-path"),
            ],
        )
        .request(
            get()
                .header("x-envoy-retry-on", "5xx")
                .header("x-envoy-max-retries", "3")
                .header("x-envoy-upstream-rq-timeout-ms", "5")
                .header("x-envoy-internal", "true")
                .header("x-envoy-decorator-operation", "op")
                .header("x-envoy-original-path", "/p"),
        ),
        response(
            "get-status",
            "`:status` is a header of a response, and its other pseudo-headers are not",
            [get_value(RESPONSE, ":status"), get_value(RESPONSE, ":path"), get_value(RESPONSE, "host")],
        )
        .answer("upstream", [reply(Response::new(418))]),
        response(
            "get-response-first",
            "the first of several values of a response is given",
            [get_value(RESPONSE, "set-cookie"), get_value(RESPONSE, "Set-Cookie")],
        )
        .answer(
            "upstream",
            [reply(Response::new(200).header("set-cookie", "a=1").header("Set-Cookie", "b=2"))],
        ),
        response(
            "get-response-non-utf8",
            "a value of a response need not be UTF-8",
            [get_value(RESPONSE, "x")],
        )
        .answer("upstream", [reply(Response::new(200).header("x", b"\xff\xfe"))]),
        response(
            "get-response-added",
            "what the proxy adds on the way out is not there yet",
            [get_value(RESPONSE, "server"), get_value(RESPONSE, "date")],
        ),
    ];
    for (name, how) in REPEATED {
        let says = format!("`{name}` sent twice {how}");
        let sent = get().header(name, "trailers").header(name, "trailers");
        cases.push(
            request(
                &format!("get-repeated/{name}"),
                &says,
                [
                    get_value(REQUEST, name),
                    crate::script::calls::get_size(REQUEST),
                    crate::script::calls::get_pairs(REQUEST),
                ],
            )
            .request(sent),
        );
    }
    cases
}

fn reply(response: Response) -> Answer {
    Answer::Reply { response, after: std::time::Duration::ZERO }
}
