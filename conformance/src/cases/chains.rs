//! Chains of filters: the order of their callbacks, and what one filter sees of another.

use crate::case::Loaded;
use crate::cases::parts::{
    CALLBACKS, IMPATIENT, answers, call_other, get, long_request, long_response, reply, request_body,
    response_body, resume,
};
use crate::script::Step;
use crate::script::calls::map::{REQUEST_HEADERS, RESPONSE_HEADERS, RESPONSE_TRAILERS};
use crate::script::calls::{
    add, close_stream, get_pairs, get_property, get_value, remove, replace, set_buffer, set_property,
};
use crate::{Case, Sheet};
use tollgate_host_test::{Request, Response};

/// Returns the sheets.
pub fn sheets() -> Vec<Sheet> {
    let loaded = |names: &[&'static str]| names.iter().map(|name| Loaded::new(name)).collect::<Vec<_>>();
    let apart = |names: &[&'static str]| {
        names.iter().map(|name| Loaded { vm_id: name, ..Loaded::new(name) }).collect::<Vec<_>>()
    };
    vec![
        Sheet::new("chain of two", two("two")).filters(loaded(&["a", "b"])),
        Sheet::new("chain of two VMs", two("apart")).filters(apart(&["a", "b"])),
        Sheet::new("chain of three", three())
            .filters(loaded(&["a", "b", "c"]))
            .settings(|s| s.client_patience = IMPATIENT),
    ]
}

/// Logs the name of the plugin in each callback.
fn named(case: Case, filters: usize) -> Case {
    (0..filters).fold(case, |case, filter| {
        CALLBACKS
            .into_iter()
            .fold(case, |case, callback| case.on_filter(filter, callback, [get_property("plugin_name")]))
    })
}

/// Appends steps to those of a filter's callback.
fn with(
    mut case: Case,
    filter: usize,
    callback: &'static str,
    steps: impl IntoIterator<Item = Step>,
) -> Case {
    let own = case.scripts.iter_mut().find(|(at, name, _)| *at == filter && *name == callback);
    own.expect("each callback logs the name of its plugin").2.extend(steps);
    case
}

fn long(case: Case) -> Case {
    case.request(long_request()).answer("upstream", [reply(long_response())])
}

fn two(kind: &str) -> Vec<Case> {
    let case = |name: &str, title: &str| named(Case::new(format!("chains/{kind}/{name}"), title), 2);
    let bare = |name: &str, title: &str| Case::new(format!("chains/{kind}/{name}"), title);
    let mut cases = vec![
        case("order", "requests pass the filters in order, responses in reverse order; on_log runs in order"),
        long(case(
            "order-long",
            "requests and responses with bodies and trailers pass the filters in the same orders",
        )),
    ];
    for filter in [0, 1] {
        let who = ["first", "second"][filter];
        cases.extend([
            with(
                case(
                    &format!("reply-by-{who}"),
                    &format!("the {who} filter rejects a request with a local reply"),
                ),
                filter,
                "request_headers",
                [answers(403, "no")],
            ),
            with(
                case(
                    &format!("reply-by-{who}-to-response"),
                    &format!("the {who} filter replaces a response with a local reply"),
                ),
                filter,
                "response_headers",
                [answers(403, "no")],
            ),
            with(
                case(&format!("close-by-{who}"), &format!("the {who} filter closes the stream")),
                filter,
                "request_headers",
                [close_stream(0)],
            ),
        ]);
    }
    cases.extend([
        bare("headers", "a filter sees the headers that the previous filter added, replaced or removed")
            .request(get().header("x", "1").header("y", "1"))
            .on_filter(0, "request_headers", [add(0, "added", "1"), replace(0, "x", "2"), remove(0, "y")])
            .on_filter(1, "request_headers", [get_pairs(REQUEST_HEADERS)])
            .on_filter(1, "response_headers", [add(RESPONSE_HEADERS, "by", "second")])
            .on_filter(0, "response_headers", [get_pairs(RESPONSE_HEADERS)]),
        bare("body", "a filter sees the body that the previous filter replaced")
            .request(Request::post("/", "abc"))
            .on_filter(0, "request_headers", [remove(0, "content-length")])
            .on_filter(0, "request_body", [Step::OnlyRun(1), set_buffer(0, 0, 99, "replaced")])
            .on_filter(1, "request_body", [request_body()])
            .on_filter(1, "response_headers", [remove(RESPONSE_HEADERS, "content-length")])
            .on_filter(1, "response_body", [Step::OnlyRun(1), set_buffer(1, 0, 99, "changed")])
            .on_filter(0, "response_body", [response_body()]),
        bare("body-held", "a filter receives a body that the previous filter buffered in one piece")
            .request(Request::post("/", "ab").chunk("c").chunk("d"))
            .on_filter(0, "request_body", [request_body(), Step::OnlyIf(1, 0), Step::Return(1)])
            .on_filter(1, "request_body", [request_body()]),
        bare("both-hold", "two filters can buffer a body until its end")
            .request(Request::post("/", "ab").chunk("c").chunk("d"))
            .on_filter(0, "request_body", [request_body(), Step::OnlyIf(1, 0), Step::Return(1)])
            .on_filter(1, "request_body", [request_body(), Step::OnlyIf(1, 0), Step::Return(1)]),
        bare("trailers", "a filter sees trailers that the previous filter created")
            .answer("upstream", [reply(Response::new(200).chunk("a").chunk("b"))])
            .on_filter(1, "response_body", [add(RESPONSE_TRAILERS, "t", "1")])
            .on_filter(1, "response_trailers", [get_pairs(RESPONSE_TRAILERS)])
            .on_filter(0, "response_body", [response_body()])
            .on_filter(0, "response_trailers", [get_pairs(RESPONSE_TRAILERS)]),
        bare("property", "a filter reads a property that another filter set, in both directions")
            .on_filter(0, "request_headers", [set_property("shared", "by the first")])
            .on_filter(1, "request_headers", [get_property("shared"), set_property("back", "by the second")])
            .on_filter(0, "response_headers", [get_property("back"), get_property("filter_state\0wasm.back")])
            .on_filter(1, "log", [get_property("shared")]),
        bare("maps", "the request headers are not accessible to a filter that has continued them, even while another filter pauses them")
            .on_filter(0, "response_headers", [get_value(REQUEST_HEADERS, ":path"), get_value(RESPONSE_HEADERS, ":status")])
            .on_filter(1, "response_headers", [get_value(REQUEST_HEADERS, ":path"), get_value(RESPONSE_HEADERS, ":status")])
            .on_filter(0, "response_body", [get_value(RESPONSE_HEADERS, ":status")]),
        bare("log", "in on_log each filter sees the changes of all filters")
            .on_filter(0, "request_headers", [add(0, "a", "1")])
            .on_filter(1, "request_headers", [add(0, "b", "1")])
            .on_filter(0, "response_headers", [add(2, "c", "1")])
            .on_filter(0, "log", [get_value(0, "b"), get_value(2, "c")])
            .on_filter(1, "log", [get_value(0, "a"), get_value(2, "c")]),
        bare("reply-changed", "a filter can change a local reply of a later filter")
            .on_filter(1, "request_headers", [answers(403, "no")])
            .on_filter(0, "response_headers", [replace(RESPONSE_HEADERS, ":status", "418"), add(RESPONSE_HEADERS, "x", "1")])
            .on_filter(0, "response_body", [response_body()]),
    ]);
    cases
}

fn three() -> Vec<Case> {
    let case = |name: &str, title: &str| named(Case::new(format!("chains/three/{name}"), title), 3);
    let call = |name: &str| call_other(&format!("chains/three/{name}"));
    vec![
        long(case("order", "three filters run in order")),
        with(case("reply-in-the-middle", "the second of three filters rejects a request with a local reply"), 1, "request_headers", [answers(403, "no")]),
        with(case("reply-to-response", "the second of three filters replaces a response with a local reply"), 1, "response_headers", [answers(403, "no")]),
        with(
            long(case("hold-request", "the second of three filters pauses a request: the first sees the whole request before the third sees any")),
            1,
            "request_headers",
            [call("hold-request"), Step::Return(1)],
        )
        .on_filter(1, "http_call_response", resume(0))
        .answer("other", [crate::cases::parts::late(crate::cases::parts::ok(), crate::cases::parts::SOON)]),
        with(
            long(case("hold-response", "the second of three filters pauses a response: the third sees the whole response before the first sees any")),
            1,
            "response_headers",
            [call("hold-response"), Step::Return(1)],
        )
        .on_filter(1, "http_call_response", resume(1))
        .answer("other", [crate::cases::parts::late(crate::cases::parts::ok(), crate::cases::parts::SOON)]),
        with(
            with(
                case("reply-to-reply", "the first filter replaces a local reply of the third"),
                2,
                "request_headers",
                [answers(403, "no")],
            ),
            0,
            "response_headers",
            [answers(500, "other")],
        ),
        with(case("never-goes-on", "the second of three filters pauses a request forever"), 1, "request_headers", [Step::Return(1)]),
    ]
}
