//! Whole proxies: chains, holds and replies that one module alone does not make.

use super::guests::told;
use super::pairs;
use crate::call;
use crate::guest::{Guest, wat};
use tollgate_host_test::{FailurePolicy, Request, Response, Scenario, Upstream};

/// Two filters that tell what they are called for.
pub fn chain() -> Scenario {
    let names = [
        "context_create",
        "request_headers",
        "request_body",
        "response_headers",
        "response_body",
        "log",
        "done",
        "delete",
    ];
    let teller = |who: &str| {
        names.iter().fold(Guest::new(), |guest, name| {
            let text = format!("{who} {name}");
            let text = text.as_str();
            guest.on(name, [call!("log", 2, text)])
        })
    };
    Scenario::new().filter(teller("a").filter().named("a")).filter(teller("b").filter().named("b"))
}

pub fn replying_chain() -> Scenario {
    let mut scenario = chain();
    let reply = Guest::new()
        .on("request_headers", [call!("send_local_response", 401, "", "x", "", (-1))])
        .on("log", [call!("log", 2, "reply log")]);
    scenario.filters.insert(1, reply.filter().named("reply"));
    scenario
}

pub fn held() -> Scenario {
    Guest::new()
        .on("configure", [call!("set_tick_period_milliseconds", 20)])
        .on_returning("request_headers", [], 1)
        .on(
            "tick",
            [
                call!("set_effective_context", 2),
                call!("continue_stream", 0),
                call!("add_header_map_value", 0, "late", "1"),
            ],
        )
        .scenario()
}

pub fn first_named(name: &str) -> Upstream {
    Upstream::replies(name, Response::new(200).chunk("ok"))
}

/// Adds a header while the body has not ended. Behind that a change may or may not come in time.
fn first_piece(map: i32) -> Vec<crate::guest::Do> {
    let mut calls = vec![wat("(if (local.get 2) (then (return (i32.const 0))))")];
    calls.extend(told(vec![call!("add_header_map_value", map, "late", "1")]));
    calls
}

/// Stops at headers alone, as only a setting allows, and changes them once the body is complete.
pub fn stops_headers() -> Scenario {
    let guest = Guest::new()
        .on_returning("request_headers", [], 1)
        .on("request_body", first_piece(0))
        .on_returning("response_headers", [], 1)
        .on("response_body", first_piece(2));
    let mut scenario = guest.scenario();
    scenario.filters[0].allow_on_headers_stop_iteration = true;
    scenario
}

fn call_out() -> Vec<crate::guest::Do> {
    let headers = pairs(&[(":method", "GET"), (":path", "/c"), (":authority", "a")]);
    told(vec![call!("http_call", "other", headers, "", "", 1000, _)])
}

fn reply_to_stream() -> Vec<crate::guest::Do> {
    told(vec![
        call!("send_local_response", 418, "nobody", "x", "", (-1)),
        call!("set_effective_context", 2),
        call!("send_local_response", 419, "teapot", "tea", "", (-1)),
    ])
}

pub fn replies_from_callout() -> Scenario {
    Guest::new()
        .on_returning("request_headers", call_out(), 1)
        .on("http_call_response", reply_to_stream())
        .on("response_headers", told(vec![call!("get_header_map_value", 2, ":status", _, _)]))
        .scenario()
}

pub fn replies_while_response_is_held() -> Scenario {
    Guest::new()
        .on_returning("response_headers", call_out(), 1)
        .on("http_call_response", reply_to_stream())
        .on("response_body", told(vec![call!("get_buffer_bytes", 1, 0, 100, _, _)]))
        .scenario()
}

/// Returns "buffer" until the end of the body, and looks at what has come.
pub fn holds_bodies() -> Scenario {
    let body = |buffer: i32| {
        let mut calls = told(vec![call!("get_buffer_bytes", buffer, 0, 100, _, _)]);
        calls.push(wat("(if (i32.eqz (local.get 2)) (then (return (i32.const 1))))"));
        calls
    };
    let trailers = || told(vec![call!("get_buffer_bytes", 0, 0, 100, _, _)]);
    Guest::new()
        .on("request_body", body(0))
        .on("response_body", body(1))
        .on("request_trailers", trailers())
        .scenario()
}

pub fn holds_trailers() -> Scenario {
    Guest::new()
        .on("configure", [call!("set_tick_period_milliseconds", 20)])
        .on_returning("request_trailers", told(vec![call!("get_header_map_value", 1, "t", _, _)]), 1)
        .on("tick", [call!("set_effective_context", 2), call!("continue_stream", 0)])
        .scenario()
}

pub fn foreign() -> Scenario {
    let expression = "request.path == '/p?q'";
    let token = &[1u8, 0, 0, 0][..];
    Guest::new()
        .on(
            "request_headers",
            told(vec![
                call!("call_foreign_function", "expr_create", expression, _, _),
                call!("call_foreign_function", "expr_create", "1 +", _, _),
                call!("call_foreign_function", "expr_evaluate", token, _, _),
                call!("call_foreign_function", "expr_evaluate", "\u{9}\0\0\0", _, _),
                call!("call_foreign_function", "clear_route_cache", "", _, _),
                call!("call_foreign_function", "uncompress", "junk", _, _),
                call!("call_foreign_function", "verify_signature", "junk", _, _),
                call!(
                    "call_foreign_function",
                    "set_envoy_filter_state",
                    "\n\u{c}envoy.string\u{12}\u{1}v",
                    _,
                    _
                ),
                call!("get_property", "filter_state\0envoy.string", _, _),
                call!("call_foreign_function", "nope", "", _, _),
            ]),
        )
        .scenario()
}

/// Returns a value from one callback, tells what every callback of a body is given, and goes on with each tick.
pub fn returns(name: &str, value: u32) -> Scenario {
    let look = |name: &str| match name {
        "request_body" => told(vec![call!("get_buffer_bytes", 0, 0, 100, _, _)]),
        "response_body" => told(vec![call!("get_buffer_bytes", 1, 0, 100, _, _)]),
        "request_trailers" => told(vec![call!("get_header_map_value", 1, "t", _, _)]),
        "response_trailers" => told(vec![call!("get_header_map_value", 3, "t", _, _)]),
        _ => told(vec![call!("get_header_map_value", 0, ":path", _, _)]),
    };
    // To go on with a response that has not begun would end Envoy.
    let way = i32::from(name.starts_with("response"));
    let goes_on = [call!("set_effective_context", 2), call!("continue_stream", way)];
    let others = [
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
    ];
    let guest = others.iter().fold(Guest::new(), |guest, other| guest.on(other, look(other)));
    let guest = guest
        .on_returning(name, look(name), value)
        .on("configure", [call!("set_tick_period_milliseconds", 60)])
        .on("tick", goes_on);
    let response = Response::new(200).chunk("1234").trailer("t", "r");
    guest
        .scenario()
        .upstream(Upstream::replies("u", response))
        .request(Request::post("/", "abcd").trailer("t", "q"))
}

/// Traps in its second stream, with a policy.
pub fn traps(policy: FailurePolicy) -> Scenario {
    let trap = wat("(if (i32.eq (local.get 0) (i32.const 3)) (then unreachable))");
    let mut scenario = Guest::new().on("request_headers", [trap]).scenario();
    scenario.filters[0].failure_policy = policy;
    (0..4).fold(scenario, |scenario, _| scenario.request(Request::get("/")))
}
