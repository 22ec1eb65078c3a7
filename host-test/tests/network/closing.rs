//! `proxy_close_stream` and `proxy_send_local_response` on connections.

use crate::both::{MS, Told, agree, talks, tick, tick_after, told, unanswered};
use crate::call;
use tollgate_host_test::{Connection, Scenario};

/// Closes the connection in a callback. Where it would be a race, the client sends nothing before the first
/// answer.
fn closing(callback: &str, kind: i32) -> Scenario {
    let client = if callback == "new_connection" { Connection::new() } else { talks() };
    let calls = told([call!("close_stream", kind), call!("log", 2, "and on")]);
    Told::new("a").on(callback, calls).alone().connection(client)
}

fn ticking(calls: impl IntoIterator<Item = crate::guest::Do>) -> Told {
    Told::new("a").on("new_connection", [tick_after(1_200)]).on("tick", tick(calls))
}

agree! {
    stream_2_in_new_connection: closing("new_connection", 2);
    stream_3_in_new_connection: closing("new_connection", 3);
    stream_2_in_downstream_data: closing("downstream_data", 2);
    stream_3_in_downstream_data: closing("downstream_data", 3);
    stream_2_in_upstream_data: closing("upstream_data", 2);
    stream_3_in_upstream_data: closing("upstream_data", 3);
    streams_of_requests: Told::new("a")
        .on("downstream_data", told([0, 1, 4].map(|kind: i32| call!("close_stream", kind))))
        .alone()
        .connection(talks());
    stream_2_in_downstream_connection_close: closing("downstream_connection_close", 2);
    stream_2_in_upstream_connection_close: closing("upstream_connection_close", 2);
    stream_2_in_done: closing("done", 2);
    stream_2_in_log: closing("log", 2);
    stream_2_in_delete: closing("delete", 2);
    twice_and_then_continue: Told::new("a")
        .returning(
            "downstream_data",
            [call!("close_stream", 2), call!("close_stream", 3), call!("continue_stream", 2)],
            1,
        )
        .alone()
        .connection(talks());
    from_a_tick: ticking([call!("close_stream", 2)])
        .alone()
        .connection(Connection::new().send("one").receive(3));
    /// The kernel resets a connection that is closed with unread bytes.
    from_a_tick_with_data_unread: ticking([call!("close_stream", 2)])
        .returning("new_connection", [tick_after(1_200)], 1)
        .alone()
        .connection(Connection::new().send("one"));
    from_a_tick_after_the_end: ticking([call!("close_stream", 2)])
        .alone()
        .settings(|s| s.linger = 2_500 * MS)
        .connection(Connection::new().shut_down());
    local_replies_have_no_effect: ["new_connection", "downstream_data", "upstream_data", "done", "log"]
        .into_iter()
        .fold(Told::new("a"), |told, callback| {
            told.on(callback, crate::both::told([call!("send_local_response", 403, "d", "body", "", (-1))]))
        })
        .alone()
        .connection(talks());
    a_local_reply_does_not_stop_the_data: Told::new("a")
        .returning("downstream_data", [call!("send_local_response", 403, "d", "body", "", (-1))], 1)
        .alone()
        .connection(unanswered().send("one"));
    on_done_cannot_delay_the_deletion: Told::new("a")
        .returning("done", told([call!("done")]), 0)
        .on("downstream_data", told([call!("done")]))
        .alone()
        .connection(talks());
}
