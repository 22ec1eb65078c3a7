//! What it comes to when a callback returns 1, and how it goes on from there.

use crate::both::{MS, Told, agree, apart, in_vain, talks, tick, tick_after, told, upstream};
use crate::call;
use tollgate_host_test::{Connection, Scenario, Script, TcpUpstream};

fn returning(callback: &str, value: u32) -> Told {
    Told::new("a").returns(callback, value)
}

/// A filter that stops in a callback and goes on when a tick says so.
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

/// Nothing is read, so nothing is known of the client, not even that it went.
fn held() -> Scenario {
    returning("new_connection", 1).alone().connection(in_vain().send("one"))
}

agree! {
    a_new_connection_that_is_held_is_neither_read_nor_connected: held();
    the_upstream_of_a_held_connection_hears_nothing:
        held().tcp_upstream(upstream(Script::new().send("hello")));
    any_value_but_0_holds_a_new_connection:
        returning("new_connection", 7).alone().connection(in_vain().send("one"));
    a_held_connection_does_not_hinder_the_next: held().connection(in_vain());
    data_that_is_held_comes_again_with_more: returning("downstream_data", 1)
        .alone()
        .connection(apart(apart(in_vain(), "one"), "two"));
    data_that_is_held_comes_again_with_the_end: returning("downstream_data", 2)
        .alone()
        .connection(apart(in_vain(), "one").shut_down());
    data_of_the_upstream_that_is_held_comes_again_with_more: returning("upstream_data", 1)
        .alone()
        .tcp_upstream(upstream(apart(apart(Script::new(), "one"), "two")))
        .connection(in_vain());
    data_of_the_upstream_that_is_held_is_lost_when_the_client_ends: returning("upstream_data", 1)
        .alone()
        .tcp_upstream(upstream(apart(Script::new(), "one").shut_down()))
        .connection(Connection::new().wait(1_000 * MS).shut_down());
    a_tick_goes_on_with_a_new_connection: resumed("new_connection", 100).alone().connection(talks());
    /// All that has gathered is read at once, and counts as one piece.
    a_tick_goes_on_with_a_connection_whose_client_was_busy: resumed("new_connection", 2_500)
        .alone()
        .connection(Connection::new().send("one").send("two").shut_down());
    a_tick_goes_on_with_data: resumed("downstream_data", 50).alone().connection(talks());
    nothing_goes_on_with_data_of_the_upstream_but_more_of_it: Told::new("a")
        .returning("upstream_data", [tick_after(100)], 1)
        .on("tick", tick([
            call!("get_buffer_bytes", 3, 0, 99, _, _),
            call!("set_buffer_bytes", 3, 0, 0, "x"),
            call!("continue_stream", 3),
        ]))
        .alone()
        .tcp_upstream(upstream(Script::new().send("one").wait(800 * MS).send("two")))
        .connection(Connection::new().patience(2_500 * MS));
    to_go_on_with_what_is_not_held_is_nothing: Told::new("a")
        .on("new_connection", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .on("downstream_data", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .on("upstream_data", told((0..5).map(|kind: i32| call!("continue_stream", kind))))
        .alone()
        .connection(talks());
    to_go_on_within_the_callback_that_stops: Told::new("a")
        .returning("downstream_data", [call!("continue_stream", 2)], 1)
        .alone()
        .connection(talks());
    /// Sets the tick in each callback, so the tick finds nothing held: what it goes on with is what has been read.
    what_is_put_into_a_buffer_between_callbacks: Told::new("a")
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
        .connection(["one", "two", "three", "four"].into_iter().fold(in_vain(), apart));
    held_data_at_the_limit_does_not: returning("downstream_data", 1)
        .alone()
        .settings(|s| s.buffer_limit = 6)
        .connection(["one", "two", "three", "four"].into_iter().fold(in_vain(), apart));
    reading_goes_on_when_the_buffer_has_been_emptied: resumed("downstream_data", 1_000)
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .connection(
            ["one", "two", "three"].into_iter().fold(Connection::new(), apart).receive(11).shut_down(),
        );
    held_data_of_the_upstream_over_the_limit_stops_reading_from_it: returning("upstream_data", 1)
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .tcp_upstream(upstream(["one", "two", "three", "four"].into_iter().fold(Script::new(), apart)))
        .connection(in_vain());
    a_piece_over_the_limit_passes_as_one: Told::new("a")
        .alone()
        .settings(|s| s.buffer_limit = 4)
        .tcp_upstream(TcpUpstream::Echo)
        .connection(Connection::new().send("more than that").receive(14).shut_down());
}
