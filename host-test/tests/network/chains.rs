//! Two filters on one connection. They share a buffer for each direction; upstream data passes them backwards.

use crate::both::{Told, agree, apart, chain, in_vain, talks, told, upstream};
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

/// Both of one module, which is the same file.
fn of_one_module(first: &'static str, second: &'static str) -> Scenario {
    let filter = a().filter();
    Scenario::new()
        .network_filter(filter.clone().named(first))
        .network_filter(filter.named(second))
        .connection(talks())
}

agree! {
    all_is_told_to_both: chain(&a(), &b()).connection(talks());
    what_one_adds_the_next_sees: chain(
        &a().on("downstream_data", [put(2, "a")]).on("upstream_data", [put(3, "A")]),
        &b().on("downstream_data", [put(2, "b")]).on("upstream_data", [put(3, "B")]),
    )
    .connection(Connection::new().send("one").receive(6).shut_down());
    /// What the second holds the first is shown again, and may change again.
    data_that_the_second_holds: chain(
        &a().on("downstream_data", [put(2, "a")]),
        &b().returns("downstream_data", 1),
    )
    .connection(apart(apart(in_vain(), "one"), "two"));
    data_of_the_upstream_that_the_first_holds: chain(
        &a().returns("upstream_data", 1),
        &b().on("upstream_data", [put(3, "b")]),
    )
    .tcp_upstream(upstream(apart(apart(Script::new(), "one"), "two")))
    .connection(in_vain());
    data_of_the_upstream_that_the_second_holds: chain(&a(), &b().returns("upstream_data", 1))
        .connection(in_vain().send("one"));
    a_connection_that_the_first_holds: chain(&a().returns("new_connection", 1), &b())
        .connection(in_vain().send("one"));
    a_connection_that_the_second_holds: chain(&a(), &b().returns("new_connection", 1))
        .connection(in_vain().send("one"));
    the_first_goes_on_at_once: chain(
        &a().returning("new_connection", [call!("continue_stream", 2)], 1),
        &b(),
    )
    .connection(talks());
    /// To go on and to return 0 shows the data to the next twice, if it holds it.
    the_first_goes_on_twice: chain(
        &a().on("downstream_data", [call!("continue_stream", 2)]),
        &b().returns("downstream_data", 1),
    )
    .connection(in_vain().send("one"));
    the_first_closes_a_new_connection: chain(&a().on("new_connection", [call!("close_stream", 2)]), &b())
        .connection(Connection::new());
    the_second_closes_a_new_connection: chain(&a(), &b().on("new_connection", [call!("close_stream", 2)]))
        .connection(Connection::new());
    the_second_closes_at_data: chain(&a(), &b().on("downstream_data", [call!("close_stream", 2)]))
        .connection(talks());
    the_second_closes_at_data_of_the_upstream:
        chain(&a(), &b().on("upstream_data", [call!("close_stream", 2)])).connection(talks());
    properties_of_one_are_those_of_the_other: chain(
        &a().on("new_connection", told([call!("set_property", "x", "1")])),
        &b().on("new_connection", told([
            call!("get_property", "x", _, _),
            call!("get_property", "filter_state\0wasm.x", _, _),
            call!("set_property", "x", "2"),
        ]))
        .on("log", told([call!("get_property", "x", _, _)])),
    )
    .connection(talks());
    named_differently_they_have_a_root_context_each: of_one_module("a", "b");
    named_alike_they_share_one: of_one_module("a", "a");
}
