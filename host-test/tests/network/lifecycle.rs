//! What a filter is told of a connection, and in which order.

use crate::both::{MS, Told, agree, apart, in_vain, talks, upstream};
use crate::guest::Guest;
use tollgate_host_test::{Connection, Script, TcpUpstream};

fn filter() -> Told {
    Told::new("a")
}

agree! {
    each_piece_and_both_ends_are_told: filter().alone().connection(talks());
    contexts_of_connections_are_made_one_after_the_other:
        filter().alone().connection(talks()).connection(talks());
    a_module_without_callbacks_lets_all_through:
        tollgate_host_test::Scenario::new().network_filter(Guest::new().filter()).connection(talks());
    a_module_with_one_callback_is_told_of_nothing_else: tollgate_host_test::Scenario::new()
        .network_filter(Guest::new().on("downstream_data", [crate::call!("set_buffer_bytes", 2, 0, 0, "x")]).filter())
        .connection(Connection::new().send("one").receive(4).shut_down());
    modules_of_abi_0_1_0: filter().marker("proxy_abi_version_0_1_0").alone().connection(talks());
    modules_of_abi_0_2_0: filter().marker("proxy_abi_version_0_2_0").alone().connection(talks());
    no_filters_let_all_through: tollgate_host_test::Scenario::new().connection(talks());
    a_client_that_sends_nothing_is_told_by_its_end: filter().alone().connection(Connection::new().shut_down());
    a_client_that_breaks_the_connection_closed_it_remotely:
        filter().alone().connection(Connection::new().send("one").receive(3).reset());
    an_upstream_that_talks_first: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().send("hello").shut_down()))
        .connection(Connection::new().receive(5));
    an_upstream_that_ends_and_listens_on: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().shut_down()))
        .connection(apart(apart(Connection::new().receive_end(), "a"), "b").shut_down());
    an_upstream_that_breaks_the_connection_breaks_the_clients: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().send("hello").wait(40 * MS).reset()))
        .connection(Connection::new().receive(5));
    an_upstream_that_refuses: filter().alone().tcp_upstream(TcpUpstream::Refuse).connection(Connection::new());
    a_client_that_loses_patience: filter()
        .alone()
        .tcp_upstream(upstream(Script::new()))
        .connection(in_vain().send("one"));
    /// Whoever has read the end does not look at the connection any more, until it has to write.
    a_client_that_ended_is_gone_unnoticed_until_something_is_written: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().receive(3).wait(1_300 * MS).send("late").wait(200 * MS)))
        .connection(in_vain().send("one").shut_down());
    a_client_that_ended_is_gone_unnoticed_until_the_upstream_ends: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().receive(3).wait(1_300 * MS)))
        .connection(in_vain().send("one").shut_down());
    pieces_of_more_than_a_read: filter()
        .alone()
        .connection(Connection::new().send(vec![b'a'; 40_000]).receive(40_000).shut_down());
}
