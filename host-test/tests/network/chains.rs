//! Two filters on one connection. They share one buffer per direction. Upstream data passes them in reverse
//! order.

use crate::both::{Told, agree, apart, chain, talks, told, unanswered, upstream};
use crate::call;
use tollgate_host_test::{Connection, Scenario, Script};

fn a() -> Told {
    Told::new("a")
}

fn b() -> Told {
    Told::new("b")
}

fn put(buffer: i32, text: &str) -> crate::guest::Do {
    call!("set_buffer_bytes", buffer, 0, 0, text)
}

/// Two filters with the same module file.
fn of_one_module(first: &'static str, second: &'static str) -> Scenario {
    let filter = a().filter();
    Scenario::new()
        .network_filter(filter.clone().named(first))
        .network_filter(filter.named(second))
        .connection(talks())
}

agree! {
    both_filters_get_all_callbacks: chain(&a(), &b()).connection(talks());
    each_filter_receives_changes_of_the_previous_one: chain(
        &a().on("downstream_data", [put(2, "a")]).on("upstream_data", [put(3, "A")]),
        &b().on("downstream_data", [put(2, "b")]).on("upstream_data", [put(3, "B")]),
    )
    .connection(Connection::new().send("one").receive(6).shut_down());
    /// The first filter receives data that the second one holds again, and may change it again.
    data_that_the_second_holds: chain(
        &a().on("downstream_data", [put(2, "a")]),
        &b().returns("downstream_data", 1),
    )
    .connection(apart(apart(unanswered(), "one"), "two"));
    upstream_data_that_the_first_holds: chain(
        &a().returns("upstream_data", 1),
        &b().on("upstream_data", [put(3, "b")]),
    )
    .tcp_upstream(upstream(apart(apart(Script::new(), "one"), "two")))
    .connection(unanswered());
    upstream_data_that_the_second_holds: chain(&a(), &b().returns("upstream_data", 1))
        .connection(unanswered().send("one"));
    a_connection_that_the_first_holds: chain(&a().returns("new_connection", 1), &b())
        .connection(unanswered().send("one"));
    a_connection_that_the_second_holds: chain(&a(), &b().returns("new_connection", 1))
        .connection(unanswered().send("one"));
    the_first_continues_immediately: chain(
        &a().returning("new_connection", [call!("continue_stream", 2)], 1),
        &b(),
    )
    .connection(talks());
    /// A filter that continues and then returns 0 passes the data to the next filter twice, if that one holds
    /// it.
    the_first_continues_twice: chain(
        &a().on("downstream_data", [call!("continue_stream", 2)]),
        &b().returns("downstream_data", 1),
    )
    .connection(unanswered().send("one"));
    the_first_closes_a_new_connection: chain(&a().on("new_connection", [call!("close_stream", 2)]), &b())
        .connection(Connection::new());
    the_second_closes_a_new_connection: chain(&a(), &b().on("new_connection", [call!("close_stream", 2)]))
        .connection(Connection::new());
    the_second_closes_at_data: chain(&a(), &b().on("downstream_data", [call!("close_stream", 2)]))
        .connection(talks());
    the_second_closes_at_upstream_data:
        chain(&a(), &b().on("upstream_data", [call!("close_stream", 2)])).connection(talks());
    both_filters_share_properties: chain(
        &a().on("new_connection", told([call!("set_property", "x", "1")])),
        &b().on("new_connection", told([
            call!("get_property", "x", _, _),
            call!("get_property", "filter_state\0wasm.x", _, _),
            call!("set_property", "x", "2"),
        ]))
        .on("log", told([call!("get_property", "x", _, _)])),
    )
    .connection(talks());
    different_names_have_separate_root_contexts: of_one_module("a", "b");
    equal_names_share_a_root_context: of_one_module("a", "a");
}
