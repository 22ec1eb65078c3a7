//! Modules that make many host calls, and log their results.

use super::pairs;
use crate::call;
use crate::guest::{Guest, wat};
use std::time::Duration;
use tollgate_host_test::{Answer, FailurePolicy, Request, Response, Scenario, Upstream};

pub fn first() -> Upstream {
    Upstream::replies("u", Response::new(200).chunk("ok"))
}

pub fn grpc_answer(status: u32) -> Answer {
    Answer::Grpc {
        initial_metadata: tollgate_host_test::Headers(vec![(b"im".to_vec(), b"1".to_vec())]),
        messages: if status == 0 { vec![b"answer".to_vec()] } else { vec![] },
        status,
        message: if status == 0 { vec![] } else { b"no way".to_vec() },
        after: Duration::ZERO,
    }
}

/// The callbacks of a stream.
pub const CALLBACKS: [&str; 10] = [
    "context_create",
    "request_headers",
    "request_body",
    "request_trailers",
    "response_headers",
    "response_body",
    "response_trailers",
    "log",
    "done",
    "delete",
];

/// Every map, read and written, in every callback of a stream.
pub fn all_maps() -> Guest {
    CALLBACKS.iter().fold(Guest::new(), |guest, name| {
        let calls = (0..9).flat_map(|map: i32| {
            [
                call!("get_header_map_value", map, "x-absent", _, _),
                call!("get_header_map_pairs", map, _, _),
                call!("get_header_map_size", map, _),
                call!("remove_header_map_value", map, "x-absent"),
                call!("replace_header_map_value", map, "x-put", "1"),
            ]
        });
        let buffers = (0..10).flat_map(|buffer: i32| {
            [
                call!("get_buffer_bytes", buffer, 0, (-1), _, _),
                call!("get_buffer_status", buffer, _, _),
                call!("set_buffer_bytes", buffer, 1, 1, ""),
            ]
        });
        guest.on(name, told(calls.chain(buffers).collect()))
    })
}

pub fn properties() -> Guest {
    let paths: Vec<String> = [
        "request",
        "request.path",
        "request.url_path",
        "request.host",
        "request.scheme",
        "request.method",
        "request.referer",
        "request.useragent",
        "request.id",
        "request.protocol",
        "request.query",
        "request.headers.x",
        "request.headers.X",
        "request.headers.nope",
        "request.size",
        "request.total_size",
        "request.nope",
        "response",
        "response.code",
        "response.flags",
        "response.grpc_status",
        "response.size",
        "response.code_details",
        "response.trailers",
        "response.headers.x",
        "connection",
        "connection.mtls",
        "connection.requested_server_name",
        "connection.tls_version",
        "connection.subject_peer_certificate",
        "connection.termination_details",
        "upstream.tls_version",
        "upstream.transport_failure_reason",
        "upstream.request_attempt_count",
        "upstream",
        "xds.cluster_name",
        "xds.route_name",
        "xds.virtual_host_name",
        "xds.listener_direction",
        "xds.filter_chain_name",
        "xds.cluster_metadata",
        "xds.route_metadata",
        "xds.listener_metadata",
        "xds.virtual_host_metadata",
        "xds.upstream_host_metadata",
        "metadata",
        "metadata.filter_metadata",
        "metadata.filter_metadata.x",
        "filter_state",
        "filter_state.wasm.mine",
        "filter_state.nope",
        "plugin_name",
        "plugin_root_id",
        "plugin_vm_id",
        "node",
        "cluster_name",
        "route_name",
        "nope",
        "",
        "mine",
        "source",
        "destination",
        "xds",
    ]
    .iter()
    .map(|p| p.replace("filter_state.wasm.mine", "filter_state\0wasm.mine"))
    .map(|p| if p.contains('\0') { p } else { p.replace('.', "\0") })
    .collect();
    let names = ["request_headers", "request_body", "response_headers", "response_body", "log", "configure"];
    names.iter().fold(Guest::new(), |guest, name| {
        let set = call!("set_property", "mine", "value");
        let gets = paths.iter().map(|path| {
            let path = path.as_str();
            call!("get_property", path, _, _)
        });
        guest.on(name, told(std::iter::once(set).chain(gets).collect()))
    })
}

pub fn buffers() -> Guest {
    let edits = |buffer: i32| {
        told(vec![
            call!("get_buffer_bytes", buffer, 0, 3, _, _),
            call!("get_buffer_bytes", buffer, 2, 100, _, _),
            call!("get_buffer_bytes", buffer, 100, 1, _, _),
            call!("get_buffer_bytes", buffer, (-1), (-1), _, _),
            call!("set_buffer_bytes", buffer, 0, 0, "<"),
            call!("set_buffer_bytes", buffer, 1, 1, "?"),
            call!("set_buffer_bytes", buffer, 100, 0, ">"),
            call!("set_buffer_bytes", buffer, 0, 2, "A"),
            call!("get_buffer_bytes", buffer, 0, 100, _, _),
            call!("get_buffer_status", buffer, _, _),
        ])
    };
    Guest::new()
        .on("request_headers", [call!("remove_header_map_value", 0, "content-length")])
        .on("response_headers", [call!("remove_header_map_value", 2, "content-length")])
        .on("request_body", edits(0))
        .on("response_body", edits(1))
}

/// Shared data, queues, metrics.
pub fn state() -> Guest {
    Guest::new().on(
        "request_headers",
        told(vec![
            call!("get_shared_data", "absent", _, _, _),
            call!("set_shared_data", "absent2", "v", 5),
            call!("set_shared_data", "k", "v", 0),
            call!("set_shared_data", "k", "v", 99999),
            call!("get_shared_data", "absent2", _, _, _),
            call!("resolve_shared_queue", "", "q", _),
            call!("dequeue_shared_queue", 77, _, _),
            call!("enqueue_shared_queue", 77, "x"),
            call!("define_metric", 0, "c", _),
            call!("define_metric", 1, "g", _),
            call!("define_metric", 2, "h", _),
            call!("define_metric", 3, "n", _),
            call!("increment_metric", 4, 2i64),
            call!("increment_metric", 4, (-2i64)),
            call!("increment_metric", 5, 7i64),
            call!("increment_metric", 5, (-2i64)),
            call!("increment_metric", 6, 7i64),
            call!("increment_metric", 7, 7i64),
            call!("increment_metric", 400, 7i64),
            call!("record_metric", 4, 3i64),
            call!("record_metric", 6, 3i64),
            call!("record_metric", 7, 3i64),
            call!("get_metric", 4, _),
            call!("get_metric", 6, _),
            call!("get_metric", 7, _),
            call!("set_effective_context", 12345),
            call!("continue_stream", 2),
            call!("continue_stream", 3),
            call!("continue_stream", 4),
            call!("close_stream", 4),
            call!("done"),
            call!("log", 6, "x"),
            call!("log", 0, "x"),
            call!("call_foreign_function", "nope", "", _, _),
        ]),
    )
}

/// Two filters that log their callbacks.
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

/// Adds a header before the end of the body. After it, whether a change is in time depends on a race.
fn first_piece(map: i32) -> Vec<crate::guest::Do> {
    let mut calls = vec![wat("(if (local.get 2) (then (return (i32.const 0))))")];
    calls.extend(told(vec![call!("add_header_map_value", map, "late", "1")]));
    calls
}

/// Returns `StopIteration` for headers, which needs a setting, and changes them in the body callbacks.
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

/// Buffers the body until its end, and logs what has arrived.
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

/// Returns a value from one callback, logs what every callback can read, and then continues the stream on
/// each tick.
pub fn returns(name: &str, value: u32) -> Scenario {
    let look = |name: &str| match name {
        "request_body" => told(vec![call!("get_buffer_bytes", 0, 0, 100, _, _)]),
        "response_body" => told(vec![call!("get_buffer_bytes", 1, 0, 100, _, _)]),
        "request_trailers" => told(vec![call!("get_header_map_value", 1, "t", _, _)]),
        "response_trailers" => told(vec![call!("get_header_map_value", 3, "t", _, _)]),
        _ => told(vec![call!("get_header_map_value", 0, ":path", _, _)]),
    };
    let way = i32::from(name.starts_with("response"));
    let continues = [call!("set_effective_context", 2), call!("continue_stream", way)];
    // Ticks begin with the callback: to continue a response that has not begun crashes Envoy.
    let begins = told(vec![call!("set_tick_period_milliseconds", 60)]);
    let others = [
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
    ];
    let guest = others.iter().fold(Guest::new(), |guest, other| guest.on(other, look(other)));
    let guest = guest.on_returning(name, [look(name), begins].concat(), value).on("tick", continues);
    let response = Response::new(200).chunk("1234").trailer("t", "r");
    guest
        .scenario()
        .upstream(Upstream::replies("u", response))
        .request(Request::post("/", "abcd").trailer("t", "q"))
}

/// Traps in its second stream, with this failure policy.
pub fn traps(policy: FailurePolicy) -> Scenario {
    let trap = wat("(if (i32.eq (local.get 0) (i32.const 3)) (then unreachable))");
    let mut scenario = Guest::new().on("request_headers", [trap]).scenario();
    scenario.filters[0].failure_policy = policy;
    (0..4).fold(scenario, |scenario, _| scenario.request(Request::get("/")))
}

/// Makes each call log its status and its results, because Envoy has no trace.
pub fn told(calls: Vec<crate::guest::Do>) -> Vec<crate::guest::Do> {
    calls.into_iter().map(crate::guest::told).collect()
}
