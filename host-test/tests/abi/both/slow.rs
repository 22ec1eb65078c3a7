//! Clients and upstreams that pause, clients that disconnect, and requests at the same time.

use super::{agree, callers, guests};
use crate::call;
use crate::guest::Guest;
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Scenario, Upstream};

const SHORT: Duration = Duration::from_millis(60);
const LONG: Duration = Duration::from_secs(60);

/// A filter that logs the parts of a request and of its response.
fn looks() -> Scenario {
    let headers = ["request_headers", "request_trailers", "response_headers", "response_trailers"];
    let map = |at: &str| {
        let kind = if at.starts_with("response") { 2 } else { 0 };
        call!("get_header_map_size", kind, _)
    };
    let guest =
        headers.iter().fold(Guest::new(), |guest, name| guest.on(name, guests::told(vec![map(name)])));
    ["request_body", "response_body"]
        .into_iter()
        .zip([0, 1])
        .fold(guest, |guest, (name, buffer)| {
            guest.on(name, guests::told(vec![call!("get_buffer_bytes", buffer, 0, 100, _, _)]))
        })
        .scenario()
}

fn post() -> Request {
    Request::new("POST", "/")
}

fn answers(response: Response) -> Scenario {
    looks().upstream(Upstream::replies("u", response))
}

fn over_http2(response: Response) -> Scenario {
    let upstream = Upstream::grpc("u", Upstream::replies("u", response).answers);
    looks().upstream(upstream)
}

fn calls(timeout: i32, response: Response) -> Scenario {
    let other = Upstream::replies("other", response);
    callers::callout(timeout).scenario().upstream(guests::first()).upstream(other).request(Request::get("/"))
}

fn together() -> Scenario {
    let wait = Duration::from_millis(600);
    let answer = Answer::Reply { response: Response::new(200), after: wait };
    let named = |id: &str| Request::get(&format!("/{id}")).header("x-request-id", id);
    let requests = [named("a"), named("b").concurrent().after(SHORT), named("c").concurrent().after(SHORT)];
    let scenario = looks().upstream(Upstream::answers("u", vec![answer]));
    requests.into_iter().fold(scenario, Scenario::request)
}

agree! {
    request_in_slow_pieces:
        looks().request(post().wait(SHORT).chunk("ab").wait(SHORT).chunk("cd").wait(SHORT).chunk(""));
    request_of_known_length: looks()
        .request(post().header("content-length", "4").wait(SHORT).chunk("ab").wait(SHORT).chunk("cd"));
    request_with_late_trailers:
        looks().request(post().chunk("ab").wait(SHORT).chunk("").trailer("t", "v"));
    response_in_slow_pieces:
        answers(Response::new(200).wait(SHORT).chunk("ab").wait(SHORT).chunk("cd").wait(SHORT).chunk(""))
            .request(Request::get("/"));
    response_of_known_length:
        answers(Response::new(200).header("content-length", "4").wait(SHORT).chunk("ab").wait(SHORT).chunk("cd"))
            .request(Request::get("/"));
    response_with_late_trailers:
        answers(Response::new(200).chunk("ab").wait(SHORT).chunk("").trailer("t", "v"))
            .request(Request::get("/"));
    response_in_slow_pieces_over_http2:
        over_http2(Response::new(200).wait(SHORT).chunk("ab").wait(SHORT).chunk("cd"))
            .request(Request::get("/"));
    client_disconnects_before_the_body:
        looks().request(post().wait(LONG).chunk("ab").disconnect_after(Duration::from_secs(1)));
    client_disconnects_in_the_body:
        looks().request(post().chunk("ab").wait(LONG).chunk("cd").disconnect_after(Duration::from_secs(1)));
    client_disconnects_in_the_response:
        answers(Response::new(200).chunk("ab").wait(LONG).chunk("cd"))
            .request(Request::get("/").disconnect_after(Duration::from_secs(1)));
    client_disconnects_after_the_response:
        looks().request(Request::get("/").disconnect_after(Duration::from_secs(5)));
    requests_at_the_same_time: together();
    callout_with_a_slow_response:
        calls(10_000, Response::new(200).wait(SHORT).chunk("a").wait(SHORT).chunk("b"));
    callout_times_out_before_the_body: calls(300, Response::new(200).wait(LONG).chunk("a"));
    callout_times_out_in_the_body: calls(300, Response::new(200).chunk("a").wait(LONG).chunk("b"));
}
