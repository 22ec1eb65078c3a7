//! Adding, replacing and removing.

use super::{get, request, response};
use crate::Case;
use crate::script::calls::map::{REQUEST_HEADERS as REQUEST, RESPONSE_HEADERS as RESPONSE};
use crate::script::calls::{add, get_pairs, get_value, remove, replace};
use tollgate_host_test::{Answer, Response};

pub fn cases() -> Vec<Case> {
    let many = || get().header("a", "1").header("x", "2").header("b", "3").header("x", "4").header("c", "5");
    let show = || get_pairs(REQUEST);
    let mut cases = vec![
        request("add-new", "add puts a new header last", [add(REQUEST, "x", "1"), show()])
            .request(get().header("a", "1")),
        request(
            "add-again",
            "add keeps what is there, and puts the new value last",
            [add(REQUEST, "x", "9"), show()],
        )
        .request(many()),
        request(
            "add-lowers-name",
            "add lowers the name, not the value",
            [add(REQUEST, "X-Mixed", "Value"), show()],
        ),
        request(
            "add-empty-value",
            "add takes an empty value",
            [add(REQUEST, "x", ""), show(), get_value(REQUEST, "x")],
        ),
        request(
            "add-same-twice",
            "the same value added twice is there twice",
            [add(REQUEST, "x", "1"), add(REQUEST, "x", "1"), show()],
        ),
        request(
            "add-joins-inline",
            "what there can be only one of is joined by a comma",
            [add(REQUEST, "via", "1"), add(REQUEST, "via", "2"), add(REQUEST, "VIA", "3"), show()],
        ),
        request(
            "add-joins-empty",
            "joining to an empty value or joining an empty one adds no comma",
            [add(REQUEST, "via", ""), add(REQUEST, "via", "1"), add(REQUEST, "via", ""), show()],
        ),
        request(
            "add-cookie",
            "cookies are kept apart",
            [add(REQUEST, "cookie", "a=1"), add(REQUEST, "cookie", "b=2"), show()],
        ),
        request(
            "add-pseudo-late",
            "a pseudo-header that is added goes behind the other ones",
            [add(REQUEST, ":x", "1"), show()],
        ),
        request(
            "replace-moves",
            "replace takes all values and puts the new one last",
            [replace(REQUEST, "x", "9"), show()],
        )
        .request(many()),
        request("replace-adds", "replace adds what is not there", [replace(REQUEST, "x", "1"), show()])
            .request(get().header("a", "1")),
        request("replace-any-case", "replace finds a name in any case", [replace(REQUEST, "X", "9"), show()])
            .request(get().header("x", "1").header("y", "2")),
        request("replace-empty", "replace takes an empty value", [replace(REQUEST, "x", ""), show()])
            .request(get().header("x", "1")),
        request(
            "replace-inline",
            "a joined header that is replaced goes to the end as well",
            [replace(REQUEST, "user-agent", "new"), show()],
        )
        .request(get().header("user-agent", "old").header("z", "1")),
        request(
            "replace-pseudo",
            "a pseudo-header that is replaced goes behind the other ones",
            [replace(REQUEST, ":method", "PUT"), show()],
        ),
        request(
            "replace-twice",
            "the last of two wins",
            [replace(REQUEST, "x", "1"), replace(REQUEST, "x", "2"), show()],
        ),
        request(
            "remove-all-copies",
            "remove takes every value",
            [remove(REQUEST, "x"), get_value(REQUEST, "x"), show()],
        )
        .request(many()),
        request("remove-missing", "removing what is not there is Ok", [remove(REQUEST, "x"), show()]),
        request("remove-any-case", "remove finds a name in any case", [remove(REQUEST, "X"), show()])
            .request(get().header("x", "1")),
        request(
            "remove-no-name",
            "removing the empty name is Ok, and removes nothing",
            [remove(REQUEST, ""), show()],
        ),
        request(
            "remove-then-add",
            "what is removed and added again is last",
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
            "adding `host` adds to `:authority`",
            [add(REQUEST, "Host", "other.test"), show()],
        ),
        request(
            "host-alias-remove",
            "removing `host` removes `:authority`",
            [remove(REQUEST, "host"), show()],
        ),
        request(
            "content-length-added",
            "a second content-length joins the first, and the request goes on so",
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
            "what is added to a response is last, and reaches the client",
            [add(RESPONSE, "X", "9")],
        )
        .answer("upstream", answer()),
        response("response-replace", "what is replaced in a response is last", [replace(RESPONSE, "x", "9")])
            .answer("upstream", answer()),
        response("response-remove", "remove takes every value of a response", [remove(RESPONSE, "x")])
            .answer("upstream", answer()),
        response(
            "response-set-cookie",
            "set-cookie is kept apart",
            [
                add(RESPONSE, "set-cookie", "a=1"),
                add(RESPONSE, "set-cookie", "b=2"),
                get_value(RESPONSE, "set-cookie"),
            ],
        ),
        response(
            "response-content-type",
            "a second content-type joins the first",
            [
                add(RESPONSE, "content-type", "text/plain"),
                add(RESPONSE, "content-type", "text/html"),
                get_value(RESPONSE, "content-type"),
            ],
        ),
        response(
            "response-server",
            "a `server` header of a filter is overwritten by the proxy",
            [replace(RESPONSE, "server", "mine"), get_value(RESPONSE, "server")],
        ),
        response(
            "response-host",
            "a response has `host` under its own name",
            [add(RESPONSE, "host", "h"), get_value(RESPONSE, ":authority")],
        ),
        response(
            "response-pseudo",
            "a pseudo-header that is added to a response is not sent",
            [add(RESPONSE, ":path", "/p"), get_value(RESPONSE, ":path")],
        ),
        response(
            "response-connection",
            "a `connection` header of a filter is taken away by the proxy, and keep-alive is not",
            [replace(RESPONSE, "connection", "x"), replace(RESPONSE, "keep-alive", "timeout=1")],
        ),
        Case::new("headers/request-then-response", "each way has its own map")
            .on("request_headers", [add(REQUEST, "x", "request"), add(RESPONSE, "x", "nowhere")])
            .on(
                "response_headers",
                [get_value(RESPONSE, "x"), add(RESPONSE, "x", "response"), show()][..2].to_vec(),
            ),
    ]
}
