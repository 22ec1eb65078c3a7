//! Body callbacks, and the position of replaced header fields.

use super::agree;
use super::guests::told;
use crate::call;
use crate::guest::Guest;
use tollgate_host_test::{Request, Response, Upstream};

/// Logs its callbacks, to show which ones an empty body causes.
fn sees_bodies() -> Guest {
    ["request_headers", "request_body", "response_headers", "response_body"].iter().fold(
        Guest::new(),
        |guest, name| {
            guest.on(name, told(vec![call!("log", 2, (*name)), call!("get_header_map_pairs", 0, _, _)]))
        },
    )
}

/// Replaces existing fields: an ordinary one, one that Envoy stores inline, one with two values, and a
/// pseudo-header.
fn replaces() -> Guest {
    let replaced = ["x-one", "user-agent", "x-two", ":path"].into_iter().flat_map(|name| {
        [call!("replace_header_map_value", 0, name, "/new"), call!("get_header_map_pairs", 0, _, _)]
    });
    Guest::new().on("request_headers", told(replaced.collect()))
}

agree! {
    an_empty_body_has_no_callback: sees_bodies()
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk("")))
        .request(Request::post("/", ""));
    empty_pieces_are_not_seen: sees_bodies()
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk("").chunk("")))
        .request(Request::post("/", "").chunk(""));
    a_replaced_field_comes_last: replaces()
        .scenario()
        .request(Request::get("/p?q").header("x-one", "1").header("user-agent", "a").header("x-two", "1").header("x-two", "2").header("x-three", "3"));
}
