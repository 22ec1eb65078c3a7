//! Callbacks that return 1, and how the connection continues after that.

use crate::both::{MS, Told, agree, apart, talks, tick, tick_after, told, unanswered, upstream};
use crate::call;
use tollgate_host_test::{Connection, Scenario, Script, TcpUpstream};

fn returning(callback: &str, value: u32) -> Told {
    Told::new("a").returns(callback, value)
}

/// A filter that pauses in a callback and continues in a tick.
fn resumed(callback: &str, after: u32) -> Told {
    let first = [
        call!("get_buffer_bytes", 2, 0, 99, _, _),
        call!("set_buffer_bytes", 2, 0, 1, "X"),
        call!("get_buffer_bytes", 3, 0, 99, _, _),
        call!("continue_stream", 2),
        call!("continue_stream", 3),
    ];
    Told::new("a").returning(callback, [tick_after(after)], 1).on("tick", tick(first))
}

/// The proxy reads nothing, so it does not notice that the client disconnects.
fn held() -> Scenario {
    returning("new_connection", 1).alone().connection(unanswered().send("one"))
}

agree! {
    a_held_new_connection_is_neither_read_nor_connected: held();
    the_upstream_of_a_held_connection_gets_nothing:
        held().tcp_upstream(upstream(Script::new().send("hello")));
    any_value_but_0_holds_a_new_connection:
        returning("new_connection", 7).alone().connection(unanswered().send("one"));
    a_held_connection_does_not_hinder_the_next: held().connection(unanswered());
    held_data_is_passed_again_with_more: returning("downstream_data", 1)
        .alone()
        .connection(apart(apart(unanswered(), "one"), "two"));
    held_data_is_passed_again_with_the_end: returning("downstream_data", 2)
        .alone()
        .connection(apart(unanswered(), "one").shut_down());
    held_upstream_data_is_passed_again_with_more: returning("upstream_data", 1)
        .alone()
        .tcp_upstream(upstream(apart(apart(Script::new(), "one"), "two")))
        .connection(unanswered());
    held_upstream_data_is_lost_when_the_client_ends: returning("upstream_data", 1)
        .alone()
        .tcp_upstream(upstream(apart(Script::new(), "one").shut_down()))
        .connection(Connection::new().wait(1_000 * MS).shut_down());
    a_tick_continues_a_new_connection: resumed("new_connection", 100).alone().connection(talks());
    /// The proxy reads everything that has arrived at once, as one piece.
    a_tick_continues_a_connection_with_unread_data: resumed("new_connection", 2_500)
        .alone()
        .connection(Connection::new().send("one").send("two").shut_down());
    a_tick_continues_data: resumed("downstream_data", 50).alone().connection(talks());
    held_upstream_data_continues_only_with_more_data: Told::new("a")
        .returning("upstream_data", [tick_after(100)], 1)
        .on("tick", tick([
            call!("get_buffer_bytes", 3, 0, 99, _, _),
            call!("set_buffer_bytes", 3, 0, 0, "x"),
            call!("continue_stream", 3),
        ]))
        .alone()
        .tcp_upstream(upstream(Script::new().send("one").wait(800 * MS).send("two")))
        .connection(Connection::new().patience(2_500 * MS));
    continuing_without_held_data_does_nothing: Told::new("a")
        .on("new_connection", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .on("downstream_data", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .on("upstream_data", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .alone()
        .connection(talks());
    continuing_within_the_pausing_callback: Told::new("a")
        .returning("downstream_data", [call!("continue_stream", 2)], 1)
        .alone()
        .connection(talks());
    /// Sets the tick in each callback, so the tick finds no held data. It continues with the data that was
    /// read.
    changing_a_buffer_between_callbacks: Told::new("a")
        .returning("downstream_data", [tick_after(50)], 1)
        .on("tick", tick([
            call!("continue_stream", 2),
            call!("set_buffer_bytes", 2, 0, 0, "<"),
        ]))
        .alone()
        .connection(talks());
}

agree! {
    held_data_over_the_limit_stops_reading: returning("downstream_data", 1)
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .connection(["one", "two", "three", "four"].into_iter().fold(unanswered(), apart));
    held_data_at_the_limit_does_not: returning("downstream_data", 1)
        .alone()
        .settings(|s| s.buffer_limit = 6)
        .connection(["one", "two", "three", "four"].into_iter().fold(unanswered(), apart));
    reading_continues_when_the_buffer_is_empty: resumed("downstream_data", 1_000)
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .connection(
            ["one", "two", "three"].into_iter().fold(Connection::new(), apart).receive(11).shut_down(),
        );
    held_upstream_data_over_the_limit_stops_reading: returning("upstream_data", 1)
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .tcp_upstream(upstream(["one", "two", "three", "four"].into_iter().fold(Script::new(), apart)))
        .connection(unanswered());
    a_piece_over_the_limit_passes_as_one: Told::new("a")
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .tcp_upstream(TcpUpstream::Echo)
        .connection(Connection::new().send("more than that").receive(14).shut_down());
}
