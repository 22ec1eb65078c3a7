//! Filters that trap: the effect on the connection and on the next one.

use crate::both::{MS, Told, agree, chain, talks};
use crate::guest::wat;
use tollgate_host_test::FailurePolicy::{FailClosed, FailOpen, FailReload};
use tollgate_host_test::{Connection, FailurePolicy, Scenario};

fn trapping(callback: &str) -> Told {
    Told::new("a").on(callback, [wat("unreachable")])
}

fn with(policy: FailurePolicy, mut scenario: Scenario) -> Scenario {
    for filter in &mut scenario.network_filters {
        filter.failure_policy = policy;
    }
    scenario
}

/// The proxy still accepts the configuration. It calls `on_vm_start`, but not `on_configure`.
fn at_the_root() -> Told {
    trapping("context_create").on("vm_start", []).on("configure", [])
}

fn of_the_root() -> Scenario {
    at_the_root().alone()
}

/// A connection whose callback traps, and another one. Where a failed VM closes the second one immediately,
/// its client sends nothing, because that would be a race.
fn closed(callback: &str) -> Scenario {
    let first = if callback == "new_connection" { Connection::new() } else { talks() };
    trapping(callback).alone().connection(first).connection(Connection::new())
}

fn open(callback: &str) -> Scenario {
    let first = if callback == "new_connection" { Connection::new() } else { talks() };
    with(FailOpen, trapping(callback).alone().connection(first).connection(talks()))
}

agree! {
    closed_in_new_connection: closed("new_connection");
    closed_in_downstream_data: closed("downstream_data");
    closed_in_upstream_data: closed("upstream_data");
    closed_in_downstream_connection_close: closed("downstream_connection_close");
    closed_in_upstream_connection_close: closed("upstream_connection_close");
    closed_in_done: closed("done");
    closed_in_log: closed("log");
    closed_in_delete: closed("delete");
    closed_in_context_create: Told::new("a")
        .on("context_create", [wat("(if (local.get 1) (then unreachable))")])
        .alone()
        .connection(Connection::new())
        .connection(Connection::new());
    closed_in_context_create_of_the_root: of_the_root().connection(Connection::new()).connection(Connection::new());
    open_in_context_create_of_the_root: with(FailOpen, of_the_root().connection(talks()));
    reload_fails_in_context_create_of_the_root: with(
        FailReload,
        of_the_root().connection(Connection::new()).connection(Connection::new().wait(2_500 * MS)),
    );
    closed_in_context_create_of_the_root_of_requests: Scenario::new()
        .filter(at_the_root().filter())
        .request(tollgate_host_test::Request::get("/"));
    open_in_new_connection: open("new_connection");
    open_in_downstream_data: open("downstream_data");
    open_in_upstream_data: open("upstream_data");
    open_in_log: open("log");
    reloaded_after_a_second: with(
        FailReload,
        trapping("downstream_data")
            .alone()
            .connection(talks())
            .connection(Connection::new().wait(2_500 * MS))
            .connection(talks()),
    );
    the_first_of_two_in_downstream_data: with(
        FailOpen,
        chain(&trapping("downstream_data"), &Told::new("b")).connection(talks()).connection(talks()),
    );
    the_second_of_two_in_new_connection: with(
        FailClosed,
        chain(&Told::new("b"), &trapping("new_connection"))
            .connection(Connection::new())
            .connection(Connection::new()),
    );
    the_second_of_two_in_downstream_data: chain(&Told::new("b"), &trapping("downstream_data"))
        .connection(talks())
        .connection(Connection::new());
    the_second_of_two_in_upstream_data: chain(&Told::new("b"), &trapping("upstream_data"))
        .connection(talks())
        .connection(Connection::new());
}
