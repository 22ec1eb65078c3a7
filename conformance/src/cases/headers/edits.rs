//! Adding, replacing and removing headers.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_pairs, get_value, remove, replace};
use tollgate_host_test::{Answer, Response};

pub fn cases() -> Vec<Case> {
    let many = || get().header("a", "1").header("x", "2").header("b", "3").header("x", "4").header("c", "5");
    let show = || get_pairs(REQUEST);
    let mut cases = vec![
        request("add-new", "`add` puts a new header last", [add(REQUEST, "x", "1"), show()])
            .request(get().header("a", "1")),
        request(
            "add-again",
            "`add` keeps existing values and puts the new value last",
            [add(REQUEST, "x", "9"), show()],
        )
        .request(many()),
        request(
            "add-lowers-name",
            "`add` converts the name to lower case, and not the value",
            [add(REQUEST, "X-Mixed", "Value"), show()],
        ),
        request(
            "add-empty-value",
            "`add` accepts an empty value",
            [add(REQUEST, "x", ""), show(), get_value(REQUEST, "x")],
        ),
        request(
            "add-same-twice",
            "`add` keeps two equal values",
            [add(REQUEST, "x", "1"), add(REQUEST, "x", "1"), show()],
        ),
        request(
            "add-joins-inline",
            "`add` appends to the value of an inline header, with a comma",
            [add(REQUEST, "via", "1"), add(REQUEST, "via", "2"), add(REQUEST, "VIA", "3"), show()],
        ),
        request(
            "add-joins-empty",
            "`add` writes no comma if one of the values is empty",
            [add(REQUEST, "via", ""), add(REQUEST, "via", "1"), add(REQUEST, "via", ""), show()],
        ),
        request(
            "add-cookie",
            "`add` keeps cookies apart",
            [add(REQUEST, "cookie", "a=1"), add(REQUEST, "cookie", "b=2"), show()],
        ),
        request(
            "add-pseudo-late",
            "`add` puts a new pseudo-header after the others",
            [add(REQUEST, ":x", "1"), show()],
        ),
        request(
            "replace-moves",
            "`replace` removes all values and puts the new value last",
            [replace(REQUEST, "x", "9"), show()],
        )
        .request(many()),
        request("replace-adds", "`replace` adds a missing header", [replace(REQUEST, "x", "1"), show()])
            .request(get().header("a", "1")),
        request(
            "replace-any-case",
            "`replace` compares names case-insensitively",
            [replace(REQUEST, "X", "9"), show()],
        )
        .request(get().header("x", "1").header("y", "2")),
        request("replace-empty", "`replace` accepts an empty value", [replace(REQUEST, "x", ""), show()])
            .request(get().header("x", "1")),
        request(
            "replace-inline",
            "`replace` moves an inline header to the end",
            [replace(REQUEST, "user-agent", "new"), show()],
        )
        .request(get().header("user-agent", "old").header("z", "1")),
        request(
            "replace-pseudo",
            "`replace` moves a pseudo-header after the others",
            [replace(REQUEST, ":method", "PUT"), show()],
        ),
        request(
            "replace-twice",
            "the last of two `replace` calls wins",
            [replace(REQUEST, "x", "1"), replace(REQUEST, "x", "2"), show()],
        ),
        request(
            "remove-all-copies",
            "`remove` removes every value",
            [remove(REQUEST, "x"), get_value(REQUEST, "x"), show()],
        )
        .request(many()),
        request("remove-missing", "removing a missing header returns Ok", [remove(REQUEST, "x"), show()]),
        request(
            "remove-any-case",
            "`remove` compares names case-insensitively",
            [remove(REQUEST, "X"), show()],
        )
        .request(get().header("x", "1")),
        request(
            "remove-no-name",
            "removing an empty name returns Ok and removes nothing",
            [remove(REQUEST, ""), show()],
        ),
        request(
            "remove-then-add",
            "a header that is removed and added again comes last",
            [remove(REQUEST, "x"), add(REQUEST, "x", "9"), show()],
        )
        .request(many()),
        request(
            "host-alias-replace",
            "replacing `host` replaces `:authority`",
            [replace(REQUEST, "host", "other.test"), show()],
        ),
        request(
            "host-alias-add",
            "adding `host` appends to `:authority`",
            [add(REQUEST, "Host", "other.test"), show()],
        ),
        request(
            "host-alias-remove",
            "removing `host` removes `:authority`",
            [remove(REQUEST, "host"), show()],
        ),
        request(
            "content-length-added",
            "adding `content-length` appends to the first value, and the request continues with it",
            [add(REQUEST, "content-length", "0"), add(REQUEST, "content-length", "0"), show()],
        ),
    ];
    cases.extend(responses());
    cases
}

fn responses() -> Vec<Case> {
    let show = || get_pairs(RESPONSE);
    let answer = || {
        let response = Response::new(200).header("a", "1").header("x", "2").header("b", "3").header("x", "4");
        [Answer::Reply { response: response.chunk("ok"), after: std::time::Duration::ZERO }]
    };
    vec![
        response(
            "response-add",
            "a header added to a response comes last and reaches the client",
            [add(RESPONSE, "X", "9")],
        )
        .answer("upstream", answer()),
        response(
            "response-replace",
            "a replaced header of a response comes last",
            [replace(RESPONSE, "x", "9")],
        )
        .answer("upstream", answer()),
        response("response-remove", "`remove` removes every value from a response", [remove(RESPONSE, "x")])
            .answer("upstream", answer()),
        response(
            "response-set-cookie",
            "`add` keeps `set-cookie` values apart",
            [
                add(RESPONSE, "set-cookie", "a=1"),
                add(RESPONSE, "set-cookie", "b=2"),
                get_value(RESPONSE, "set-cookie"),
            ],
        ),
        response(
            "response-content-type",
            "`add` appends to `content-type`, with a comma",
            [
                add(RESPONSE, "content-type", "text/plain"),
                add(RESPONSE, "content-type", "text/html"),
                get_value(RESPONSE, "content-type"),
            ],
        ),
        response(
            "response-server",
            "the proxy overwrites a `server` header from a filter",
            [replace(RESPONSE, "server", "mine"), get_value(RESPONSE, "server")],
        ),
        response(
            "response-host",
            "in a response, `host` is an ordinary name",
            [add(RESPONSE, "host", "h"), get_value(RESPONSE, ":authority")],
        ),
        response(
            "response-pseudo",
            "a pseudo-header added to a response is not sent",
            [add(RESPONSE, ":path", "/p"), get_value(RESPONSE, ":path")],
        ),
        response(
            "response-connection",
            "the proxy removes a `connection` header from a filter, and not `keep-alive`",
            [replace(RESPONSE, "connection", "x"), replace(RESPONSE, "keep-alive", "timeout=1")],
        ),
        Case::new("headers/request-then-response", "the request and the response have separate maps")
            .on("request_headers", [add(REQUEST, "x", "request"), add(RESPONSE, "x", "nowhere")])
            .on(
                "response_headers",
                [get_value(RESPONSE, "x"), add(RESPONSE, "x", "response"), show()][..2].to_vec(),
            ),
    ]
}
