//! Local replies in filter chains, and requests that do not reach the filters.

use super::guests::CALLBACKS;
use super::{agree, pairs};
use crate::call;
use crate::guest::{Do, Guest};
use tollgate_host_test::{Answer, Request, Response, Scenario, Upstream};

/// Logs its callbacks, and what it can read in them.
fn teller(who: &str) -> Guest {
    CALLBACKS.iter().fold(Guest::new(), |guest, name| {
        let text = format!("{who} {name}");
        let text = text.as_str();
        let mut calls: Vec<Do> = vec![call!("log", 2, text)];
        let look = super::guests::told(vec![
            call!("get_header_map_value", 2, ":status", _, _),
            call!("get_property", "response\0code", _, _),
            call!("get_property", "response\0code_details", _, _),
            call!("get_property", "response\0flags", _, _),
        ]);
        if matches!(*name, "response_headers" | "response_body" | "log") {
            calls.extend(look);
        }
        guest.on(name, calls)
    })
}

/// Three filters. The second one sends a local reply in a callback.
fn replies_in(name: &str) -> Scenario {
    let text = format!("b {name}");
    let text = text.as_str();
    let headers = pairs(&[("x-reply", "1")]);
    let replies = [call!("log", 2, text), call!("send_local_response", 403, "mine", "no", headers, (-1))];
    Scenario::new()
        .filter(teller("a").filter().named("a"))
        .filter(teller("b").on(name, replies).filter().named("b"))
        .filter(teller("c").filter().named("c"))
        .upstream(Upstream::replies("u", Response::new(200).chunk("12").chunk("34").trailer("t", "v")))
        .request(Request::post("/", "ab").chunk("cd").trailer("t", "v"))
}

fn chain() -> Scenario {
    Scenario::new().filter(teller("a").filter().named("a")).filter(teller("b").filter().named("b"))
}

fn get() -> Request {
    Request::get("/")
}

agree! {
    in_request_headers: replies_in("request_headers");
    in_request_body: replies_in("request_body");
    in_request_trailers: replies_in("request_trailers");
    in_response_headers: replies_in("response_headers");
    of_the_router_refused: chain().upstream(Upstream::answers("u", vec![Answer::Refuse])).request(get());
    of_the_router_reset: chain().upstream(Upstream::answers("u", vec![Answer::Reset])).request(get());
    upgrade: chain().request(get().header("connection", "upgrade").header("upgrade", "websocket"));
    connection_without_upgrade: chain().request(get().header("connection", "upgrade"));
    expect_continue: chain().request(Request::post("/", "abc").header("expect", "100-continue"));
    expect_something: chain().request(Request::post("/", "abc").header("expect", "miracles"));
    absolute_form: chain().request(Request::get("http://other.test:81/p?q"));
    absolute_form_without_path: chain().request(Request::get("http://other.test"));
    asterisk_form: chain().request(Request::new("OPTIONS", "*"));
    fragment: chain().request(Request::get("/a#b"));
    path_is_not_normalised: chain().request(Request::get("/a/./b/../c//d/%2e%2e/%2F\\e"));
    empty_values_and_underscores: chain().request(get().header("x_under_score", "1").header("empty", ""));
    te: chain().request(get().header("te", "gzip, trailers")).request(get().header("te", "gzip"));
    method_unknown: chain().request(Request::new("BREW", "/"));
    no_host: chain().request(get().authority(""));
    odd_host: chain().request(get().authority("a b"));
    spaces_in_the_path: chain().request(Request::get("/a b"));
    content_length_twice: chain()
        .request(Request::post("/", "abc").header("content-length", "3").header("content-length", "3"));
    content_length_nonsense: chain().request(Request::post("/", "abc").header("content-length", "x"));
    content_length_and_chunks: chain().request(
        Request::post("/", "abc").header("content-length", "3").header("transfer-encoding", "chunked"),
    );
    transfer_encoding_unknown: chain().request(Request::post("/", "abc").header("transfer-encoding", "gzip"));
    bad_header_name: chain().request(get().header("a b", "c"));
    nul_in_a_value: chain().request(get().header("a", b"b\0c"));
    head_with_length: chain()
        .upstream(Upstream::replies("u", Response::new(200).header("content-length", "10")))
        .request(Request::new("HEAD", "/"));
    not_modified: chain()
        .upstream(Upstream::replies("u", Response::new(304).header("content-length", "10").header("etag", "x")))
        .request(get());
    no_content: chain().upstream(Upstream::replies("u", Response::new(204))).request(get());
    control_characters_in_values: chain().request(get().header("a", b"b\x01c")).request(get().header("a", b"b\x7fc"));
    tab_in_a_value: chain().request(get().header("a", b"b\tc"));
    long_path: chain().request(Request::get(&format!("/{}", "p".repeat(70_000))));
    host_twice: chain().request(get().header("host", "other.test"));
    connect: chain().request(Request::new("CONNECT", "a.test:80"));
    trace: chain().request(Request::new("TRACE", "/"));
}
