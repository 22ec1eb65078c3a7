//! Callbacks of a connection, and their order.

use crate::both::{MS, Told, agree, apart, talks, unanswered, upstream};
use crate::guest::Guest;
use tollgate_host_test::{Connection, Script, TcpUpstream};

fn filter() -> Told {
    Told::new("a")
}

agree! {
    every_piece_and_both_ends_have_callbacks: filter().alone().connection(talks());
    context_ids_of_connections_increase:
        filter().alone().connection(talks()).connection(talks());
    a_module_without_callbacks_passes_everything:
        tollgate_host_test::Scenario::new().network_filter(Guest::new().filter()).connection(talks());
    a_module_with_one_callback_gets_no_others: tollgate_host_test::Scenario::new()
        .network_filter(Guest::new().on("downstream_data", [crate::call!("set_buffer_bytes", 2, 0, 0, "x")]).filter())
        .connection(Connection::new().send("one").receive(4).shut_down());
    modules_of_abi_0_1_0: filter().marker("proxy_abi_version_0_1_0").alone().connection(talks());
    modules_of_abi_0_2_0: filter().marker("proxy_abi_version_0_2_0").alone().connection(talks());
    no_filters_pass_everything: tollgate_host_test::Scenario::new().connection(talks());
    a_client_that_sends_nothing_only_ends: filter().alone().connection(Connection::new().shut_down());
    a_client_reset_is_a_remote_close:
        filter().alone().connection(Connection::new().send("one").receive(3).reset());
    an_upstream_that_sends_first: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().send("hello").shut_down()))
        .connection(Connection::new().receive(5));
    an_upstream_that_shuts_down_but_reads: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().shut_down()))
        .connection(apart(apart(Connection::new().receive_end(), "a"), "b").shut_down());
    an_upstream_reset_resets_the_client: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().send("hello").wait(40 * MS).reset()))
        .connection(Connection::new().receive(5));
    an_upstream_that_refuses: filter().alone().tcp_upstream(TcpUpstream::Refuse).connection(Connection::new());
    a_client_that_times_out: filter()
        .alone()
        .tcp_upstream(upstream(Script::new()))
        .connection(unanswered().send("one"));
    /// After reading the end of a direction, the proxy does not notice a reset until it writes.
    a_reset_after_the_end_is_noticed_at_the_next_write: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().receive(3).wait(1_300 * MS).send("late").wait(200 * MS)))
        .connection(unanswered().send("one").shut_down());
    a_reset_after_the_end_is_noticed_when_the_upstream_ends: filter()
        .alone()
        .tcp_upstream(upstream(Script::new().receive(3).wait(1_300 * MS)))
        .connection(unanswered().send("one").shut_down());
    pieces_larger_than_one_read: filter()
        .alone()
        .connection(Connection::new().send(vec![b'a'; 40_000]).receive(40_000).shut_down());
}
