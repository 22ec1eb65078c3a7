//! Results of host calls: maps, buffers, properties, callouts, state, chains.

use super::agree;
use super::callers;
use super::guests;
use tollgate_host_test::{Answer, Request, Response, Upstream};

fn get() -> Request {
    Request::get("/p?q")
}

agree! {
    all_maps_in_all_phases: guests::all_maps()
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk("a").chunk("b").trailer("t", "v")))
        .request(Request::post("/", "a").chunk("b").trailer("rt", "1"));
    properties: guests::properties()
        .scenario()
        .request( Request::post("/a/b?c=d", "xyz") .header("user-agent", "ua") .header("referer", "r") .header("x", "1") .header("x", "2"), );
    buffers: guests::buffers()
        .scenario()
        .upstream(Upstream::replies("u", Response::new(200).chunk("0123456789")))
        .request(Request::post("/", "abcdef"));
    callout: callers::callout(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::replies("other", Response::new(201).header("x", "y").chunk("body")))
        .request(get());
    callout_reset: callers::callout(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::answers("other", vec![Answer::Reset]))
        .request(get());
    callout_refused: callers::callout(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::answers("other", vec![Answer::Refuse]))
        .request(get());
    callout_reset_midway: callers::callout(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::answers( "other", vec![Answer::ResetMidResponse(Response::new(200).chunk("abcdef"))], ))
        .request(get());
    callout_timeout: callers::callout(200)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::answers("other", vec![Answer::Hang]))
        .request(get());
    callout_unknown: callers::callout(1000).scenario().upstream(guests::first()).request(get());
    grpc_call: callers::grpc(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![guests::grpc_answer(0)]))
        .request(get());
    grpc_call_fails: callers::grpc(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![guests::grpc_answer(7)]))
        .request(get());
    grpc_call_times_out: callers::grpc(200)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![Answer::Hang]))
        .request(get());
    grpc_call_reset: callers::grpc(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![Answer::Reset]))
        .request(get());
    grpc_call_refused: callers::grpc(1000)
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![Answer::Refuse]))
        .request(get());
    grpc_call_unknown: callers::grpc(1000).scenario().upstream(guests::first()).request(get());
    grpc_stream: callers::grpc_stream()
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![guests::grpc_answer(0)]))
        .request(get());
    grpc_stream_fails: callers::grpc_stream()
        .scenario()
        .upstream(guests::first())
        .upstream(Upstream::grpc("other", vec![guests::grpc_answer(5)]))
        .request(get());
    state: guests::state().scenario().request(get()).request(get());
    chain: guests::chain().request(Request::post("/", "abc"));
    chain_with_a_reply: guests::replying_chain().request(get());
    held_until_tick: guests::held().request(get());
    stopped_headers_are_writable_in_the_body: guests::stops_headers()
        .request(Request::post("/", "abc"));
    reply_from_a_callout: guests::replies_from_callout()
        .upstream(guests::first())
        .upstream(guests::first_named("other"))
        .request(get());
    reply_in_place_of_a_held_response: guests::replies_while_response_is_held()
        .upstream(guests::first())
        .upstream(guests::first_named("other"))
        .request(get());
    body_in_pieces_is_held_and_grows: guests::holds_bodies()
        .upstream(Upstream::replies("u", Response::new(200).chunk("12345")))
        .request(Request::post("/", "abc").trailer("t", "1"));
    trailers_pause_and_continue: guests::holds_trailers()
        .request(Request::post("/", "abc").trailer("t", "1"));
    foreign_functions: guests::foreign().request(get());
}
