//! Trailers that a filter adds to a message without trailers.

use crate::cases::parts::{get, reply};
use crate::script::Step;
use crate::script::calls::map::{REQUEST_TRAILERS, RESPONSE_TRAILERS};
use crate::script::calls::{add, get_pairs, get_value, pairs, set_pairs};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![Sheet::new("trailers created", cases())]
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let ways = [
        ("request", REQUEST_TRAILERS, ["request_headers", "request_body", "request_trailers"]),
        ("response", RESPONSE_TRAILERS, ["response_headers", "response_body", "response_trailers"]),
    ];
    for (way, map, [headers, body, trailers]) in ways {
        let case = |name: &str, title: &str| {
            Case::new(format!("flow/trailers/{way}/{name}"), format!("{title} ({way})"))
        };
        let whole = |case: Case| match way {
            "request" => case.request(Request::post("/", "abc")),
            _ => case.answer("upstream", [reply(Response::new(200).chunk("ab").chunk("c"))]),
        };
        let shown = |case: Case| case.on(trailers, [get_pairs(map)]);
        cases.extend([
            shown(whole(case(
                "at-the-end",
                "trailers can be added in each body callback that ends the body",
            )))
            .on(body, [add(map, "t", "1"), get_pairs(map)]),
            shown(whole(case("empty", "setting an empty list of trailers creates empty trailers")))
                .on(body, [Step::OnlyIf(1, 1), set_pairs(map, ""), get_pairs(map)]),
            shown(whole(case("set", "setting all trailers creates them")))
                .on(body, [Step::OnlyIf(1, 1), set_pairs(map, pairs(&[("a", "1"), ("b", "2")]))]),
            shown(whole(case("in-headers", "trailers cannot be added in the headers callback")))
                .on(headers, [add(map, "t", "1"), get_value(map, "t"), get_pairs(map)]),
            shown(whole(case(
                "held-back",
                "trailers that are created while the body is buffered end the body",
            )))
            .on(body, [add(map, "t", "1"), Step::OnlyIf(1, 0), Step::Return(1)]),
        ]);
    }
    cases.push(
        Case::new("flow/trailers/bare", "a request without a body cannot get trailers")
            .request(get())
            .on("request_headers", [add(REQUEST_TRAILERS, "t", "1"), add(RESPONSE_TRAILERS, "t", "1")]),
    );
    cases
}
