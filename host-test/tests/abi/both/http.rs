//! Requests, responses, local replies, failures.

use super::{agree, pairs};
use crate::call;
use crate::guest::{Do, Guest, wat};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Upstream};

fn get() -> Request {
    Request::get("/p?q")
}

fn nothing() -> Guest {
    Guest::new()
}

fn on(name: &str, calls: Vec<Do>) -> Guest {
    Guest::new().on(name, calls)
}

fn reply(status: i32, body: &str) -> Do {
    let headers = pairs(&[("x-reply", "1")]);
    call!("send_local_response", status, "why not", body, headers, (-1))
}

agree! {
    plain_get: nothing().scenario().request(get());
    post: nothing().scenario().request(Request::post("/", "hello"));
    chunked_post: nothing()
        .scenario()
        .request(Request::post("/", "a").chunk("b").header("x-1", "1"));
    request_trailers: nothing().scenario().request(Request::post("/", "a").trailer("t", "v"));
    empty_post: nothing().scenario().request(Request::new("POST", "/"));
    head: nothing().scenario().request(Request::new("HEAD", "/"));
    options: nothing()
        .scenario()
        .request(Request::new("OPTIONS", "/"))
        .request(Request::new("DELETE", "/"))
        .request(Request::new("PUT", "/"));
    hop_by_hop: nothing()
        .scenario()
        .request( get() .header("te", "trailers") .header("keep-alive", "1") .header("x-envoy-retry-on", "5xx") .header("x-envoy-internal", "true") .header("x-forwarded-for", "10.1.2.3") .header("user-agent", "u"), );
    duplicates: nothing()
        .scenario()
        .request( get() .header("a", "1") .header("A", "2") .header("content-type", "x") .header("content-type", "y") .header("cookie", "a") .header("cookie", "b") .header("e", "") .header("h", b"\xff"), );
    reply_in_request_headers: on("request_headers", vec![reply(403, "no")])
        .scenario()
        .request(get());
    reply_without_body: on("request_headers", vec![reply(403, "")]).scenario().request(get());
    reply_to_a_post: on("request_headers", vec![reply(403, "no")])
        .scenario()
        .request(Request::post("/", "abc"));
    reply_to_head: on("request_headers", vec![reply(403, "no")])
        .scenario()
        .request(Request::new("HEAD", "/"));
    reply_to_grpc: on("request_headers", vec![reply(403, "n%o")])
        .scenario()
        .request(Request::post("/", "x").header("content-type", "application/grpc"));
    two_replies: on( "request_headers", vec![reply(403, "no"), call!("send_local_response", 500, "second", "other", "", (-1))], )
        .scenario()
        .request(get());
    status_204_with_a_body: on("request_headers", vec![reply(204, "no")]).scenario().request(get());
    reply_in_response_headers: on("response_headers", vec![reply(403, "no")])
        .scenario()
        .request(get());
    reply_in_response_body: on("response_body", vec![reply(403, "no")]).scenario().request(get());
    reply_in_request_body: on("request_body", vec![reply(403, "no")])
        .scenario()
        .request(Request::post("/", "abc"));
    close: on("request_headers", vec![call!("close_stream", 0)]).scenario().request(get());
    close_response: on("response_headers", vec![call!("close_stream", 1)])
        .scenario()
        .request(get());
    trap: on("request_headers", vec![wat("unreachable")]).scenario().request(get()).request(get());
    trap_in_response_headers: on("response_headers", vec![wat("unreachable")])
        .scenario()
        .request(get())
        .request(get());
    trap_in_response_body: on("response_body", vec![wat("unreachable")])
        .scenario()
        .request(get())
        .request(get());
    trap_in_log: on("log", vec![wat("unreachable")]).scenario().request(get()).request(get());
    upstream_resets: nothing()
        .scenario()
        .upstream(Upstream::answers("u", vec![Answer::Reset]))
        .request(get());
    upstream_refuses: nothing()
        .scenario()
        .upstream(Upstream::answers("u", vec![Answer::Refuse]))
        .request(get());
    upstream_resets_midway: nothing()
        .scenario()
        .upstream(Upstream::answers( "u", vec![Answer::ResetMidResponse(Response::new(200).chunk("abcdef"))], ))
        .request(get());
    upstream_hangs: nothing()
        .scenario()
        .upstream(Upstream::answers("u", vec![Answer::Hang]))
        .request(get())
        .settings(|s| s.route_timeout = Duration::from_millis(300));
    statuses: nothing()
        .scenario()
        .upstream(Upstream::answers( "u", [204, 304, 404, 503] .map(|s| Answer::Reply { response: Response::new(s).header("x", "y"), after: Duration::ZERO, }) .into(), ))
        .request(get())
        .request(get())
        .request(get())
        .request(get());
    response_trailers: nothing()
        .scenario()
        .upstream(Upstream::replies( "u", Response::new(200).header("server", "s").chunk("a").chunk("b").trailer("t", "v"), ))
        .request(get());
    no_path: on("request_headers", vec![call!("remove_header_map_value", 0, ":path")])
        .scenario()
        .request(get());
    no_method: on("request_headers", vec![call!("remove_header_map_value", 0, ":method")])
        .scenario()
        .request(get());
    no_authority: on("request_headers", vec![call!("remove_header_map_value", 0, ":authority")])
        .scenario()
        .request(get());
    line_end_in_a_request_header: on("request_headers", vec![call!("add_header_map_value", 0, "x", "a\r\nb: c")])
        .scenario()
        .request(get());
    line_end_in_a_response_header: on("response_headers", vec![call!("add_header_map_value", 2, "x", "a\r\nb: c")])
        .scenario()
        .request(get());
    no_status: on("response_headers", vec![call!("remove_header_map_value", 2, ":status")])
        .scenario()
        .request(get());
    wiped_request: on("request_headers", vec![call!("set_header_map_pairs", 0, "")])
        .scenario()
        .request(get());
    longer_body: on("request_body", vec![call!("set_buffer_bytes", 0, 0, 0, "more")])
        .scenario()
        .request(Request::post("/", "abc"));
    retries: on("request_headers", vec![call!("add_header_map_value", 0, "x-envoy-retry-on", "5xx")])
        .scenario()
        .upstream(Upstream::answers( "u", [503, 200] .map(|s| Answer::Reply { response: Response::new(s), after: Duration::ZERO }) .into(), ))
        .request(get());
    continue_twice: Guest::new()
        .on("request_headers", vec![call!("continue_stream", 0)])
        .scenario()
        .request(get());
    added_trailers: on("request_body", vec![call!("add_header_map_value", 1, "t", "v")])
        .on("response_body", vec![call!("add_header_map_value", 3, "t", "v")])
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk("a").chunk("b")))
        .request(Request::post("/", "a").chunk("b"));
    response_too_large: Guest::new()
        .on_returning("response_body", vec![], 1)
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk(vec![b'x'; 5000])))
        .settings(|s| s.buffer_limit = 1024)
        .request(get());
    request_too_large: Guest::new()
        .on_returning("request_body", vec![], 1)
        .scenario()
        .settings(|s| s.buffer_limit = 1024)
        .request(Request::post("/", vec![b'x'; 5000]));
    long_header: nothing().scenario().request(get().header("long", vec![b'x'; 59_000]));
    too_long_header: nothing().scenario().request(get().header("long", vec![b'x'; 70_000]));
    continue_twice_on_the_response: on("response_headers", vec![call!("continue_stream", 1)])
        .scenario()
        .request(get());
    many_headers: crate::both::guests::chain()
        .request((0..110).fold(get(), |r, i| r.header(format!("h{i}"), "v")));
}
