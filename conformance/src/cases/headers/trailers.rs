//! Trailers: those that arrive, and those that a filter creates.

use crate::Case;
use crate::script::Step;
use crate::script::calls::map::{REQUEST_TRAILERS as REQUEST, RESPONSE_TRAILERS as RESPONSE};
use crate::script::calls::{add, get_pairs, get_size, get_value, pairs, remove, replace, set_pairs};
use tollgate_host_test::{Answer, Request, Response};

fn reply(response: Response) -> [Answer; 1] {
    [Answer::Reply { response, after: std::time::Duration::ZERO }]
}

pub fn cases() -> Vec<Case> {
    let with = || Request::post("/", "body").trailer("T", "1").trailer("u", "2").trailer("t", "3");
    let without = || Request::post("/", "body");
    let answer =
        || reply(Response::new(200).chunk("body").trailer("T", "1").trailer("u", "2").trailer("t", "3"));
    let plain = || reply(Response::new(200).chunk("body"));
    let on_request = |name: &str, title: &str, callback: &'static str, steps: Vec<Step>| {
        Case::new(format!("headers/trailers/{name}"), title).on(callback, steps)
    };
    let mut cases = Vec::new();
    for (way, map, callback) in
        [("request", REQUEST, "request_trailers"), ("response", RESPONSE, "response_trailers")]
    {
        let case = |name: &str, title: &str, steps: Vec<Step>| {
            let title = format!("{way} trailers {title}");
            let case = on_request(&format!("{way}/{name}"), &title, callback, steps);
            if map == REQUEST { case.request(with()) } else { case.answer("upstream", answer()) }
        };
        cases.extend([
            case("read", "are read like headers", vec![get_value(map, "T"), get_size(map), get_pairs(map)]),
            case(
                "add",
                "accept added values",
                vec![add(map, "New", "4"), add(map, "t", "5"), get_pairs(map)],
            ),
            case("replace", "can be replaced", vec![replace(map, "t", "6"), get_pairs(map)]),
            case("remove", "can be removed", vec![remove(map, "t"), get_pairs(map)]),
            case(
                "set",
                "can be replaced as a whole",
                vec![set_pairs(map, pairs(&[("v", "7")])), get_pairs(map)],
            ),
            case("wiped", "are not sent if they are emptied", vec![set_pairs(map, ""), get_pairs(map)]),
            case("pseudo", "accept a pseudo-header", vec![add(map, ":status", "1"), get_pairs(map)]),
        ]);
    }
    let body = |way: &str, name: &str, title: &str, map: u32, steps: Vec<Step>| {
        let callback = if map == REQUEST { "request_body" } else { "response_body" };
        on_request(&format!("{way}/{name}"), title, callback, steps)
    };
    cases.extend([
        body(
            "request",
            "made",
            "`add` creates request trailers in the last body callback",
            REQUEST,
            vec![Step::OnlyIf(1, 1), get_pairs(REQUEST), add(REQUEST, "made", "1"), get_pairs(REQUEST)],
        )
        .shows(&["request_trailers"])
        .request(without()),
        body(
            "request",
            "not-made",
            "request trailers cannot be created before the last body callback",
            REQUEST,
            vec![Step::OnlyIf(1, 0), add(REQUEST, "made", "1"), get_pairs(REQUEST), get_size(REQUEST)],
        )
        .request(without()),
        body(
            "request",
            "made-by-asking",
            "reading the size creates empty trailers",
            REQUEST,
            vec![Step::OnlyIf(1, 1), get_value(REQUEST, "x"), get_size(REQUEST), get_value(REQUEST, "x")],
        )
        .request(without()),
        body(
            "request",
            "made-twice",
            "trailers that a client sends cannot be created before they arrive",
            REQUEST,
            vec![add(REQUEST, "made", "1")],
        )
        .shows(&["request_trailers"])
        .request(with()),
        body(
            "response",
            "made",
            "`add` creates response trailers in the last body callback",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), get_pairs(RESPONSE), add(RESPONSE, "made", "1"), get_pairs(RESPONSE)],
        )
        .shows(&["response_trailers"])
        .answer("upstream", reply(Response::new(200).chunk("a").chunk("b"))),
        body(
            "response",
            "made-with-length",
            "a response with `content-length` does not carry created trailers",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), add(RESPONSE, "made", "1")],
        )
        .answer("upstream", plain()),
        body(
            "response",
            "made-by-removing",
            "`remove` creates empty trailers",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), remove(RESPONSE, "x"), get_size(RESPONSE)],
        )
        .answer("upstream", reply(Response::new(200).chunk("a").chunk("b"))),
        Case::new(
            "headers/trailers/request/from-headers",
            "request trailers cannot be created in on_request_headers",
        )
        .on("request_headers", [add(REQUEST, "made", "1"), get_pairs(REQUEST)]),
        Case::new(
            "headers/trailers/response/from-headers",
            "response trailers cannot be created in on_response_headers",
        )
        .on("response_headers", [add(RESPONSE, "made", "1"), get_pairs(RESPONSE)]),
    ]);
    cases
}
