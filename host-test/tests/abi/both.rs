//! The emulator against a real Envoy: the same scenario on both, and nothing may differ but time.

use crate::call;
use crate::guest::{Guest, wat};
use std::time::Duration;
use tollgate_host_test::{Answer, ClientView, Host, Outcome, Request, Response, Scenario, Upstream};

/// What is not the same in two runs of one host either.
fn settle(mut outcome: Outcome) -> Outcome {
    let latency = |headers: &mut tollgate_host_test::Headers| {
        for (name, value) in &mut headers.0 {
            let timings = [&b"x-envoy-upstream-service-time"[..], b"x-envoy-expected-rq-timeout-ms"];
            if timings.contains(&name.as_slice()) && value != b"15000" {
                *value = b"N".to_vec();
            }
        }
    };
    for exchange in &mut outcome.exchanges {
        if let ClientView::Response(response) = &mut exchange.client {
            latency(&mut response.headers);
        }
        exchange.upstream.iter_mut().for_each(|request| latency(&mut request.headers));
    }
    for line in &mut outcome.logs {
        for (before, length) in [("x-envoy-upstream-service-time\\00", 1), ("\\00date\\00", 29)] {
            if let Some(at) = line.text.find(before) {
                let at = at + before.len();
                line.text.replace_range(at..at + length, "N");
            }
        }
    }
    outcome.trace.clear();
    outcome
}

fn check(name: &str, scenario: Scenario) -> Option<String> {
    let scenario = scenario.settings(|s| s.generate_request_id = false);
    let emulated = tollgate_host_test::emulator::run(&scenario).unwrap();
    let trace = emulated.trace.join("\n");
    let emulated = format!("{:#?}", settle(emulated));
    let real = format!("{:#?}", settle(Host::Envoy.run(&scenario)));
    (emulated != real)
        .then(|| format!("== {name}\n-- emulator\n{emulated}\n-- envoy\n{real}\n-- trace\n{trace}\n"))
}

/// Requests to a filter's callbacks, each of them with a case.
fn cases() -> Vec<(&'static str, Scenario)> {
    let get = || Request::get("/p?q");
    let nothing = Guest::new();
    let reply = |status: i32, body: &str| {
        let headers = pairs(&[("x-reply", "1")]);
        call!("send_local_response", status, "why not", body, headers, (-1))
    };
    let on = |name: &str, calls: Vec<crate::guest::Do>| Guest::new().on(name, calls);
    vec![
        ("plain get", nothing.scenario().request(get())),
        ("post", nothing.scenario().request(Request::post("/", "hello"))),
        ("chunked post", nothing.scenario().request(Request::post("/", "a").chunk("b").header("x-1", "1"))),
        ("request trailers", nothing.scenario().request(Request::post("/", "a").trailer("t", "v"))),
        ("empty post", nothing.scenario().request(Request::new("POST", "/"))),
        ("head", nothing.scenario().request(Request::new("HEAD", "/"))),
        (
            "options",
            nothing
                .scenario()
                .request(Request::new("OPTIONS", "/"))
                .request(Request::new("DELETE", "/"))
                .request(Request::new("PUT", "/")),
        ),
        (
            "hop by hop",
            nothing.scenario().request(
                get()
                    .header("te", "trailers")
                    .header("keep-alive", "1")
                    .header("x-envoy-retry-on", "5xx")
                    .header("x-envoy-internal", "true")
                    .header("x-forwarded-for", "10.1.2.3")
                    .header("user-agent", "u"),
            ),
        ),
        (
            "duplicates",
            nothing.scenario().request(
                get()
                    .header("a", "1")
                    .header("A", "2")
                    .header("content-type", "x")
                    .header("content-type", "y")
                    .header("cookie", "a")
                    .header("cookie", "b")
                    .header("e", "")
                    .header("h", b"\xff"),
            ),
        ),
        ("reply in request headers", on("request_headers", vec![reply(403, "no")]).scenario().request(get())),
        ("reply without body", on("request_headers", vec![reply(403, "")]).scenario().request(get())),
        (
            "reply to a post",
            on("request_headers", vec![reply(403, "no")]).scenario().request(Request::post("/", "abc")),
        ),
        (
            "reply to head",
            on("request_headers", vec![reply(403, "no")]).scenario().request(Request::new("HEAD", "/")),
        ),
        (
            "reply to grpc",
            on("request_headers", vec![reply(403, "n%o")])
                .scenario()
                .request(Request::post("/", "x").header("content-type", "application/grpc")),
        ),
        (
            "two replies",
            on(
                "request_headers",
                vec![reply(403, "no"), call!("send_local_response", 500, "second", "other", "", (-1))],
            )
            .scenario()
            .request(get()),
        ),
        ("204 with a body", on("request_headers", vec![reply(204, "no")]).scenario().request(get())),
        (
            "reply in response headers",
            on("response_headers", vec![reply(403, "no")]).scenario().request(get()),
        ),
        ("reply in response body", on("response_body", vec![reply(403, "no")]).scenario().request(get())),
        (
            "reply in request body",
            on("request_body", vec![reply(403, "no")]).scenario().request(Request::post("/", "abc")),
        ),
        ("close", on("request_headers", vec![call!("close_stream", 0)]).scenario().request(get())),
        ("close response", on("response_headers", vec![call!("close_stream", 1)]).scenario().request(get())),
        ("trap", on("request_headers", vec![wat("unreachable")]).scenario().request(get()).request(get())),
        (
            "trap in response headers",
            on("response_headers", vec![wat("unreachable")]).scenario().request(get()).request(get()),
        ),
        (
            "trap in response body",
            on("response_body", vec![wat("unreachable")]).scenario().request(get()).request(get()),
        ),
        ("trap in log", on("log", vec![wat("unreachable")]).scenario().request(get()).request(get())),
        (
            "upstream resets",
            nothing.scenario().upstream(Upstream::answers("u", vec![Answer::Reset])).request(get()),
        ),
        (
            "upstream refuses",
            nothing.scenario().upstream(Upstream::answers("u", vec![Answer::Refuse])).request(get()),
        ),
        (
            "upstream resets midway",
            nothing
                .scenario()
                .upstream(Upstream::answers(
                    "u",
                    vec![Answer::ResetMidResponse(Response::new(200).chunk("abcdef"))],
                ))
                .request(get()),
        ),
        (
            "upstream hangs",
            nothing
                .scenario()
                .upstream(Upstream::answers("u", vec![Answer::Hang]))
                .request(get())
                .settings(|s| s.route_timeout = Duration::from_millis(300)),
        ),
        (
            "statuses",
            nothing
                .scenario()
                .upstream(Upstream::answers(
                    "u",
                    [204, 304, 404, 503]
                        .map(|s| Answer::Reply {
                            response: Response::new(s).header("x", "y"),
                            after: Duration::ZERO,
                        })
                        .into(),
                ))
                .request(get())
                .request(get())
                .request(get())
                .request(get()),
        ),
        (
            "response trailers",
            nothing
                .scenario()
                .upstream(Upstream::replies(
                    "u",
                    Response::new(200).header("server", "s").chunk("a").chunk("b").trailer("t", "v"),
                ))
                .request(get()),
        ),
        (
            "no path",
            on("request_headers", vec![call!("remove_header_map_value", 0, ":path")])
                .scenario()
                .request(get()),
        ),
        (
            "no method",
            on("request_headers", vec![call!("remove_header_map_value", 0, ":method")])
                .scenario()
                .request(get()),
        ),
        (
            "no authority",
            on("request_headers", vec![call!("remove_header_map_value", 0, ":authority")])
                .scenario()
                .request(get()),
        ),
        (
            "line end in a request header",
            on("request_headers", vec![call!("add_header_map_value", 0, "x", "a\r\nb: c")])
                .scenario()
                .request(get()),
        ),
        (
            "line end in a response header",
            on("response_headers", vec![call!("add_header_map_value", 2, "x", "a\r\nb: c")])
                .scenario()
                .request(get()),
        ),
        (
            "no status",
            on("response_headers", vec![call!("remove_header_map_value", 2, ":status")])
                .scenario()
                .request(get()),
        ),
        (
            "wiped request",
            on("request_headers", vec![call!("set_header_map_pairs", 0, "")]).scenario().request(get()),
        ),
        (
            "longer body",
            on("request_body", vec![call!("set_buffer_bytes", 0, 0, 0, "more")])
                .scenario()
                .request(Request::post("/", "abc")),
        ),
        (
            "retries",
            on("request_headers", vec![call!("add_header_map_value", 0, "x-envoy-retry-on", "5xx")])
                .scenario()
                .upstream(Upstream::answers(
                    "u",
                    [503, 200]
                        .map(|s| Answer::Reply { response: Response::new(s), after: Duration::ZERO })
                        .into(),
                ))
                .request(get()),
        ),
        (
            "continue twice",
            Guest::new().on("request_headers", vec![call!("continue_stream", 0)]).scenario().request(get()),
        ),
        (
            "added trailers",
            on("request_body", vec![call!("add_header_map_value", 1, "t", "v")])
                .on("response_body", vec![call!("add_header_map_value", 3, "t", "v")])
                .scenario()
                .upstream(Upstream::replies("u", Response::new(200).chunk("a").chunk("b")))
                .request(Request::post("/", "a").chunk("b")),
        ),
        (
            "all maps in all phases",
            all_maps()
                .scenario()
                .upstream(Upstream::replies("u", Response::new(200).chunk("a").chunk("b").trailer("t", "v")))
                .request(Request::post("/", "a").chunk("b").trailer("rt", "1")),
        ),
        (
            "properties",
            properties().scenario().request(
                Request::post("/a/b?c=d", "xyz")
                    .header("user-agent", "ua")
                    .header("referer", "r")
                    .header("x", "1")
                    .header("x", "2"),
            ),
        ),
        (
            "buffers",
            buffers()
                .scenario()
                .upstream(Upstream::replies("u", Response::new(200).chunk("0123456789")))
                .request(Request::post("/", "abcdef")),
        ),
        (
            "callout",
            callout(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::replies("other", Response::new(201).header("x", "y").chunk("body")))
                .request(get()),
        ),
        (
            "callout reset",
            callout(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::answers("other", vec![Answer::Reset]))
                .request(get()),
        ),
        (
            "callout refused",
            callout(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::answers("other", vec![Answer::Refuse]))
                .request(get()),
        ),
        (
            "callout reset midway",
            callout(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::answers(
                    "other",
                    vec![Answer::ResetMidResponse(Response::new(200).chunk("abcdef"))],
                ))
                .request(get()),
        ),
        (
            "callout timeout",
            callout(200)
                .scenario()
                .upstream(first())
                .upstream(Upstream::answers("other", vec![Answer::Hang]))
                .request(get()),
        ),
        ("callout unknown", callout(1000).scenario().upstream(first()).request(get())),
        (
            "grpc call",
            grpc(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![grpc_answer(0)]))
                .request(get()),
        ),
        (
            "grpc call fails",
            grpc(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![grpc_answer(7)]))
                .request(get()),
        ),
        (
            "grpc call times out",
            grpc(200)
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![Answer::Hang]))
                .request(get()),
        ),
        (
            "grpc call reset",
            grpc(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![Answer::Reset]))
                .request(get()),
        ),
        (
            "grpc call refused",
            grpc(1000)
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![Answer::Refuse]))
                .request(get()),
        ),
        ("grpc call unknown", grpc(1000).scenario().upstream(first()).request(get())),
        (
            "grpc stream",
            grpc_stream()
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![grpc_answer(0)]))
                .request(get()),
        ),
        (
            "grpc stream fails",
            grpc_stream()
                .scenario()
                .upstream(first())
                .upstream(Upstream::grpc("other", vec![grpc_answer(5)]))
                .request(get()),
        ),
        ("state", state().scenario().request(get()).request(get())),
        ("chain", chain().request(Request::post("/", "abc"))),
        ("chain with a reply", replying_chain().request(get())),
        ("held until tick", held().request(get())),
        (
            "response too large",
            Guest::new()
                .on_returning("response_body", vec![], 1)
                .scenario()
                .upstream(Upstream::replies("u", Response::new(200).chunk(vec![b'x'; 5000])))
                .settings(|s| s.buffer_limit = 1024)
                .request(get()),
        ),
        (
            "request too large",
            Guest::new()
                .on_returning("request_body", vec![], 1)
                .scenario()
                .settings(|s| s.buffer_limit = 1024)
                .request(Request::post("/", vec![b'x'; 5000])),
        ),
    ]
}

fn first() -> Upstream {
    Upstream::replies("u", Response::new(200).chunk("ok"))
}

fn grpc_answer(status: u32) -> Answer {
    Answer::Grpc {
        initial_metadata: tollgate_host_test::Headers(vec![(b"im".to_vec(), b"1".to_vec())]),
        messages: if status == 0 { vec![b"answer".to_vec()] } else { vec![] },
        status,
        message: if status == 0 { vec![] } else { b"no way".to_vec() },
        after: Duration::ZERO,
    }
}

/// Every map, read and written, in every callback of a stream.
fn all_maps() -> Guest {
    let names = [
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
    names.iter().fold(Guest::new(), |guest, name| {
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

fn properties() -> Guest {
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

fn buffers() -> Guest {
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

/// Calls out from the request, and tells what came.
fn callout(timeout: i32) -> Guest {
    let headers = pairs(&[(":method", "GET"), (":path", "/c"), (":authority", "a"), ("x", "1")]);
    let come = told(vec![
        call!("get_header_map_pairs", 6, _, _),
        call!("get_header_map_pairs", 7, _, _),
        call!("get_buffer_bytes", 4, 0, 1000, _, _),
        call!("get_status", _, _, _),
        call!("get_header_map_value", 6, ":status", _, _),
        call!("set_effective_context", 2),
        call!("continue_stream", 0),
    ]);
    let call = call!("http_call", "other", headers, "", "", timeout, _);
    Guest::new().on_returning("request_headers", told(vec![call]), 1).on("http_call_response", come)
}

const OTHER: &[u8] = b"\x0a\x07\x0a\x05other";

fn grpc_callbacks(guest: Guest) -> Guest {
    let come = || {
        told(vec![
            call!("get_header_map_pairs", 4, _, _),
            call!("get_header_map_pairs", 5, _, _),
            call!("get_buffer_bytes", 5, 0, 1000, _, _),
            call!("get_status", _, _, _),
        ])
    };
    let names = ["grpc_receive_initial_metadata", "grpc_receive", "grpc_receive_trailing_metadata"];
    let guest = names.iter().fold(guest, |guest, name| guest.on(name, come()));
    let mut last = come();
    last.extend([call!("set_effective_context", 2), call!("continue_stream", 0)]);
    guest.on("grpc_close", last)
}

fn grpc(timeout: i32) -> Guest {
    let metadata = pairs(&[("m", "1")]);
    let call = call!("grpc_call", OTHER, "svc", "Method", metadata, "ask", timeout, _);
    let guest = grpc_callbacks(Guest::new()).on_returning("request_headers", told(vec![call]), 1);
    let done = vec![call!("get_buffer_bytes", 5, 0, 1000, _, _), call!("get_status", _, _, _)];
    let mut done = told(done);
    done.extend([call!("set_effective_context", 2), call!("continue_stream", 0)]);
    guest.on("grpc_receive", done)
}

fn grpc_stream() -> Guest {
    let metadata = pairs(&[("m", "1")]);
    let calls = vec![
        call!("grpc_stream", OTHER, "svc", "Method", metadata, _),
        call!("grpc_send", 6, "one", 0),
        call!("grpc_send", 6, "two", 1),
        call!("grpc_send", 5, "two", 1),
        call!("grpc_send", 10, "two", 1),
        call!("grpc_cancel", 7),
    ];
    grpc_callbacks(Guest::new()).on_returning("request_headers", told(calls), 1)
}

/// Shared data, queues, metrics.
fn state() -> Guest {
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

/// Two filters that tell what they are called for.
fn chain() -> Scenario {
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

fn replying_chain() -> Scenario {
    let mut scenario = chain();
    let reply = Guest::new()
        .on("request_headers", [call!("send_local_response", 401, "", "x", "", (-1))])
        .on("log", [call!("log", 2, "reply log")]);
    scenario.filters.insert(1, reply.filter().named("reply"));
    scenario
}

fn held() -> Scenario {
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

/// The calls, each with its answer and what it gave logged: Envoy has no trace to compare.
fn told(calls: Vec<crate::guest::Do>) -> Vec<crate::guest::Do> {
    calls.into_iter().map(crate::guest::told).collect()
}

/// Pairs, serialised.
fn pairs(list: &[(&str, &str)]) -> Vec<u8> {
    let owned: Vec<_> = list.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&owned)
}

#[test]
fn both_hosts_agree() {
    // One Envoy at a time would take a minute.
    let only = std::env::var("CASE").unwrap_or_default();
    let differing: Vec<_> = cases()
        .into_iter()
        .filter(|(name, _)| name.contains(&only))
        .filter_map(|(name, s)| check(name, s))
        .collect();
    assert!(differing.is_empty(), "{}", differing.concat());
}
