//! Other host calls of a connection's context: callouts, ticks, contexts, metrics, shared data.

use crate::both::{Told, agree, talks, tick, tick_after, told};
use crate::call;
use crate::guest::Do;
use std::time::Duration;
use tollgate_host_test::{Answer, Connection, Response, Upstream};

fn request() -> Vec<u8> {
    let pairs = [(":method", "GET"), (":path", "/"), (":authority", "a")];
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&pairs)
}

fn dispatch(cluster: &str, timeout: i32) -> Do {
    call!("http_call", cluster, (request()), "", "", timeout, _)
}

/// A filter that pauses in a callback, calls a service, and continues after its answer.
fn asking(callback: &str) -> Told {
    let answered = [
        call!("get_property", "connection_id", _, _),
        call!("get_header_map_value", 6, ":status", _, _),
        call!("get_buffer_bytes", 4, 0, 99, _, _),
        call!("set_effective_context", 2),
        call!("get_property", "connection_id", _, _),
        call!("get_buffer_bytes", 2, 0, 99, _, _),
        call!("continue_stream", 2),
        call!("set_effective_context", 77),
    ];
    Told::new("a")
        .returning(callback, told([dispatch("u", 1000), dispatch("nope", 1000)]), 1)
        .on("http_call_response", told(answered))
}

fn answers() -> Upstream {
    Upstream::replies("u", Response::new(200).chunk("yes"))
}

agree! {
    a_callout_holds_a_new_connection:
        asking("new_connection").alone().upstream(answers()).connection(talks());
    a_callout_holds_data: asking("downstream_data").alone().upstream(answers()).connection(talks());
    a_callout_that_fails: asking("new_connection")
        .returning("new_connection", told([dispatch("u", 150)]), 1)
        .alone()
        .upstream(Upstream::answers("u", vec![Answer::Hang]))
        .connection(talks());
    the_answer_closes_the_connection: Told::new("a")
        .returning("new_connection", told([dispatch("u", 1000)]), 1)
        .on("http_call_response", told([call!("set_effective_context", 2), call!("close_stream", 2)]))
        .alone()
        .upstream(answers())
        .connection(Connection::new());
    the_answer_arrives_after_the_end: Told::new("a")
        .on("new_connection", told([dispatch("u", 1000)]))
        .on("http_call_response", told([call!("set_effective_context", 2), call!("continue_stream", 2)]))
        .alone()
        .upstream(Upstream::answers("u", vec![Answer::Reply {
            response: Response::new(200),
            after: Duration::from_millis(1_200),
        }]))
        .settings(|s| s.linger = Duration::from_millis(2_500))
        .connection(Connection::new().shut_down());
    a_tick_between_callbacks_has_no_buffer: Told::new("a")
        .on("new_connection", [tick_after(1_000)])
        .on("tick", tick([
            call!("get_property", "connection_id", _, _),
            call!("set_buffer_bytes", 2, 0, 0, "x"),
            call!("set_buffer_bytes", 3, 0, 0, "x"),
            call!("continue_stream", 2),
        ]))
        .alone()
        .connection(Connection::new().send("one").receive(3).wait(Duration::from_millis(2_000)).shut_down());
    contexts_of_other_connections: Told::new("a")
        .on("downstream_data", told([
            call!("set_effective_context", 1),
            call!("get_property", "connection_id", _, _),
            call!("get_buffer_bytes", 2, 0, 9, _, _),
            call!("continue_stream", 2),
            call!("close_stream", 2),
            call!("set_effective_context", 0),
            call!("get_buffer_bytes", 2, 0, 9, _, _),
            call!("set_effective_context", 3),
            call!("get_status", _, _, _),
        ]))
        .alone()
        .connection(talks());
    counters_and_shared_data: Told::new("a")
        .on("new_connection", told([
            call!("define_metric", 0, "connections", _),
            call!("increment_metric", 4, 1i64),
            call!("set_shared_data", "k", "v", 0),
            call!("get_shared_data", "k", _, _, _),
        ]))
        .alone()
        .connection(talks())
        .connection(talks());
}
