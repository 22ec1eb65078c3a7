//! Trailers that a filter gives to a message that had none.

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
        let case = |name: &str, says: &str| {
            Case::new(format!("flow/trailers/{way}/{name}"), format!("{way}: {says}"))
        };
        let whole = |case: Case| match way {
            "request" => case.request(Request::post("/", "abc")),
            _ => case.answer("upstream", [reply(Response::new(200).chunk("ab").chunk("c"))]),
        };
        let shown = |case: Case| case.on(trailers, [get_pairs(map)]);
        cases.extend([
            shown(whole(case(
                "at-the-end",
                "trailers can be added in each callback of the body once it ends",
            )))
            .on(body, [add(map, "t", "1"), get_pairs(map)]),
            shown(whole(case("empty", "to set no trailers creates them nonetheless")))
                .on(body, [Step::OnlyIf(1, 1), set_pairs(map, ""), get_pairs(map)]),
            shown(whole(case("set", "trailers are created by setting them all")))
                .on(body, [Step::OnlyIf(1, 1), set_pairs(map, pairs(&[("a", "1"), ("b", "2")]))]),
            shown(whole(case("in-headers", "there are no trailers while there are but headers")))
                .on(headers, [add(map, "t", "1"), get_value(map, "t"), get_pairs(map)]),
            shown(whole(case(
                "held-back",
                "trailers are created behind a body that is held back, and end it",
            )))
            .on(body, [add(map, "t", "1"), Step::OnlyIf(1, 0), Step::Return(1)]),
        ]);
    }
    cases.push(
        Case::new("flow/trailers/bare", "a request without a body has no trailers either")
            .request(get())
            .on("request_headers", [add(REQUEST_TRAILERS, "t", "1"), add(RESPONSE_TRAILERS, "t", "1")]),
    );
    cases
}
