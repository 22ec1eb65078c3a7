//! The emulator against a real Envoy: the same scenario on both, and nothing may differ but time.

use crate::call;
use crate::guest::{Guest, wat};
use std::time::Duration;
use tollgate_host_test::{Answer, ClientView, Host, Outcome, Request, Response, Scenario, Upstream};

/// What is not the same in two runs of one host either.
fn settle(mut outcome: Outcome) -> Outcome {
    let latency = |headers: &mut tollgate_host_test::Headers| {
        for (name, value) in &mut headers.0 {
            if name == b"x-envoy-upstream-service-time" {
                *value = b"N".to_vec();
            }
        }
    };
    for exchange in &mut outcome.exchanges {
        if let ClientView::Response(response) = &mut exchange.client {
            latency(&mut response.headers);
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

/// Pairs, serialised.
fn pairs(list: &[(&str, &str)]) -> Vec<u8> {
    let owned: Vec<_> = list.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&owned)
}

#[test]
fn both_hosts_agree() {
    let only = std::env::var("CASE").unwrap_or_default();
    let differing: Vec<_> = cases()
        .into_iter()
        .filter(|(name, _)| name.contains(&only))
        .filter_map(|(name, s)| check(name, s))
        .collect();
    assert!(differing.is_empty(), "{}", differing.concat());
}
