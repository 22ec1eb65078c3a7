//! Reading one value.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::get_value;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use tollgate_host_test::{Answer, Response};

/// Names whose values Envoy joins, and one that it keeps apart.
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
    ("te", "becomes a single `trailers`"),
    ("user-agent", "is joined"),
    ("via", "is joined"),
    ("x-forwarded-for", "is joined"),
    ("x-request-id", "is joined"),
];

pub fn cases() -> Vec<Case> {
    let x = || get_value(REQUEST, "x");
    let mut cases = vec![
        request("get-one", "returns the value as it was sent", [x()]).request(get().header("x", "a b")),
        request("get-first-of-many", "returns the first of several values, and does not join them", [x()])
            .request(get().header("x", "1").header("x", "2")),
        request("get-missing", "returns NotFound for a missing header", [x()]),
        request("get-empty", "returns Ok and a null pointer for an empty value", [x()])
            .request(get().header("x", "")),
        request(
            "get-any-case",
            "compares names case-insensitively, in the request and in the call",
            [get_value(REQUEST, "X-Mixed"), get_value(REQUEST, "x-mixed"), get_value(REQUEST, "X-MIXED")],
        )
        .request(get().header("X-Mixed", "Kept As It Is")),
        request("get-no-name", "returns NotFound for an empty name", [get_value(REQUEST, "")]),
        request("get-name-with-nul", "compares the whole name, including NULs", [get_value(REQUEST, "x\0y")])
            .request(get().header("x", "1")),
        request(
            "get-padded-name",
            "does not match a name with a space before or after it",
            [get_value(REQUEST, " x"), get_value(REQUEST, "x "), get_value(REQUEST, "x:")],
        )
        .request(get().header("x", "1")),
        request(
            "get-padded-value",
            "returns a value without the spaces around it, and keeps spaces within it",
            [x()],
        )
        .request(get().header("x", "  a  b  ")),
        request(
            "get-host",
            "reads `:authority` under the name `host` too",
            [get_value(REQUEST, "host"), get_value(REQUEST, "Host"), get_value(REQUEST, ":authority")],
        ),
        request(
            "get-pseudo",
            "returns the pseudo-headers of a request",
            [
                get_value(REQUEST, ":method"),
                get_value(REQUEST, ":path"),
                get_value(REQUEST, ":scheme"),
                get_value(REQUEST, ":status"),
                get_value(REQUEST, ":protocol"),
            ],
        )
        .request(tollgate_host_test::Request::new("OPTIONS", "/?q=1")),
        request("get-non-utf8", "returns a value that is not UTF-8", [x()])
            .request(get().header("x", b"\xff\xfe\x80")),
        request("get-tab", "keeps a tab within a value", [x()]).request(get().header("x", b"a\tb")),
        request("get-huge", "returns a 20 kB value whole", [x()])
            .request(get().header("x", "v".repeat(20_000))),
        request(
            "get-added-by-proxy",
            "returns headers that the connection manager adds",
            [
                get_value(REQUEST, "x-forwarded-proto"),
                get_value(REQUEST, "x-request-id"),
                get_value(REQUEST, "x-forwarded-for"),
                get_value(REQUEST, "x-envoy-internal"),
            ],
        ),
        request(
            "get-taken-by-proxy",
            "does not return control headers of a client: Envoy removes them before the filters",
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
            "returns `:status` of a response, and no other pseudo-header",
            [get_value(RESPONSE, ":status"), get_value(RESPONSE, ":path"), get_value(RESPONSE, "host")],
        )
        .answer("upstream", [reply(Response::new(418))]),
        response(
            "get-response-first",
            "returns the first of several values of a response",
            [get_value(RESPONSE, "set-cookie"), get_value(RESPONSE, "Set-Cookie")],
        )
        .answer(
            "upstream",
            [reply(Response::new(200).header("set-cookie", "a=1").header("Set-Cookie", "b=2"))],
        ),
        response(
            "get-response-non-utf8",
            "returns a response value that is not UTF-8",
            [get_value(RESPONSE, "x")],
        )
        .answer("upstream", [reply(Response::new(200).header("x", b"\xff\xfe"))]),
        response(
            "get-response-added",
            "does not return headers that the proxy adds to a response after the filters",
            [get_value(RESPONSE, "server"), get_value(RESPONSE, "date")],
        ),
    ];
    for (name, how) in REPEATED {
        let title = format!("a client's `{name}` header that is sent twice {how}");
        let sent = get().header(name, "trailers").header(name, "trailers");
        cases.push(
            request(
                &format!("get-repeated/{name}"),
                &title,
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
