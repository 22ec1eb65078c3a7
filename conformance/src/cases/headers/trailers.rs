//! Trailers: those that came, and those that a filter makes.

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
    let on_request = |name: &str, says: &str, callback: &'static str, steps: Vec<Step>| {
        Case::new(format!("headers/trailers/{name}"), says).on(callback, steps)
    };
    let mut cases = Vec::new();
    for (way, map, callback) in
        [("request", REQUEST, "request_trailers"), ("response", RESPONSE, "response_trailers")]
    {
        let case = |name: &str, says: &str, steps: Vec<Step>| {
            let says = format!("{way} trailers: {says}");
            let case = on_request(&format!("{way}/{name}"), &says, callback, steps);
            if map == REQUEST { case.request(with()) } else { case.answer("upstream", answer()) }
        };
        cases.extend([
            case("read", "are read as headers are", vec![get_value(map, "T"), get_size(map), get_pairs(map)]),
            case("add", "can be added to", vec![add(map, "New", "4"), add(map, "t", "5"), get_pairs(map)]),
            case("replace", "can be replaced", vec![replace(map, "t", "6"), get_pairs(map)]),
            case("remove", "can be removed", vec![remove(map, "t"), get_pairs(map)]),
            case("set", "can be set as a whole", vec![set_pairs(map, pairs(&[("v", "7")])), get_pairs(map)]),
            case("wiped", "go out as none when they are wiped", vec![set_pairs(map, ""), get_pairs(map)]),
            case("pseudo", "may get a pseudo-header", vec![add(map, ":status", "1"), get_pairs(map)]),
        ]);
    }
    let body = |way: &str, name: &str, says: &str, map: u32, steps: Vec<Step>| {
        let callback = if map == REQUEST { "request_body" } else { "response_body" };
        on_request(&format!("{way}/{name}"), says, callback, steps)
    };
    cases.extend([
        body(
            "request",
            "made",
            "the last body callback of a request makes trailers by adding to them",
            REQUEST,
            vec![Step::OnlyIf(1, 1), get_pairs(REQUEST), add(REQUEST, "made", "1"), get_pairs(REQUEST)],
        )
        .shows(&["request_trailers"])
        .request(without()),
        body(
            "request",
            "not-made",
            "before the last body callback there is no map to add to",
            REQUEST,
            vec![Step::OnlyIf(1, 0), add(REQUEST, "made", "1"), get_pairs(REQUEST), get_size(REQUEST)],
        )
        .request(without()),
        body(
            "request",
            "made-by-asking",
            "asking for the size makes trailers too, empty ones",
            REQUEST,
            vec![Step::OnlyIf(1, 1), get_value(REQUEST, "x"), get_size(REQUEST), get_value(REQUEST, "x")],
        )
        .request(without()),
        body(
            "request",
            "made-twice",
            "trailers that come cannot be made before they do",
            REQUEST,
            vec![add(REQUEST, "made", "1")],
        )
        .shows(&["request_trailers"])
        .request(with()),
        body(
            "response",
            "made",
            "the last body callback of a response makes trailers by adding to them",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), get_pairs(RESPONSE), add(RESPONSE, "made", "1"), get_pairs(RESPONSE)],
        )
        .shows(&["response_trailers"])
        .answer("upstream", reply(Response::new(200).chunk("a").chunk("b"))),
        body(
            "response",
            "made-with-length",
            "a response with a length cannot carry the trailers that are made",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), add(RESPONSE, "made", "1")],
        )
        .answer("upstream", plain()),
        body(
            "response",
            "made-by-removing",
            "removing makes trailers too, empty ones",
            RESPONSE,
            vec![Step::OnlyIf(1, 1), remove(RESPONSE, "x"), get_size(RESPONSE)],
        )
        .answer("upstream", reply(Response::new(200).chunk("a").chunk("b"))),
        Case::new(
            "headers/trailers/request/from-headers",
            "in the headers callback there are no trailers to make",
        )
        .on("request_headers", [add(REQUEST, "made", "1"), get_pairs(REQUEST)]),
        Case::new("headers/trailers/response/from-headers", "nor in that of the response")
            .on("response_headers", [add(RESPONSE, "made", "1"), get_pairs(RESPONSE)]),
    ]);
    cases
}
