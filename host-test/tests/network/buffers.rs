//! Buffers 2 and 3: in which callbacks they can be read and changed.

use crate::both::{Told, agree, talks, told};
use crate::call;
use crate::guest::Do;
use tollgate_host_test::Scenario;

fn tries() -> Vec<Do> {
    let each = |buffer: i32| {
        [
            call!("get_buffer_bytes", buffer, 0, 99, _, _),
            call!("get_buffer_bytes", buffer, 1, 1, _, _),
            call!("get_buffer_bytes", buffer, 99, 1, _, _),
            call!("get_buffer_status", buffer, _, _),
            call!("set_buffer_bytes", buffer, 0, 1, "D"),
            call!("set_buffer_bytes", buffer, 1, 1, "D"),
            call!("set_buffer_bytes", buffer, 99, 0, "d"),
            call!("get_buffer_bytes", buffer, 0, 99, _, _),
        ]
    };
    told(each(2).into_iter().chain(each(3)))
}

/// Reads the buffers and maps of requests and callouts, which connections do not have.
fn of_requests() -> Vec<Do> {
    let maps = (0..8).flat_map(|map: i32| {
        [
            call!("get_header_map_pairs", map, _, _),
            call!("get_header_map_value", map, "a", _, _),
            call!("add_header_map_value", map, "a", "b"),
            call!("get_header_map_size", map, _),
        ]
    });
    let buffers = [0, 1, 4, 5, 6, 7, 8, 9].into_iter().flat_map(|buffer: i32| {
        [call!("get_buffer_bytes", buffer, 0, 99, _, _), call!("set_buffer_bytes", buffer, 0, 0, "x")]
    });
    told(maps.chain(buffers))
}

fn in_callback(callback: &str, calls: Vec<Do>) -> Scenario {
    Told::new("a").on(callback, calls).alone().connection(talks())
}

agree! {
    in_context_create: in_callback("context_create", tries());
    in_new_connection: in_callback("new_connection", tries());
    in_downstream_data: in_callback("downstream_data", tries());
    in_upstream_data: in_callback("upstream_data", tries());
    in_downstream_connection_close: in_callback("downstream_connection_close", tries());
    in_upstream_connection_close: in_callback("upstream_connection_close", tries());
    in_done: in_callback("done", tries());
    in_log: in_callback("log", tries());
    in_delete: in_callback("delete", tries());
    removed_data_is_not_sent: Told::new("a")
        .on("downstream_data", [call!("set_buffer_bytes", 2, 0, 99, "")])
        .alone()
        .connection(tollgate_host_test::Connection::new().send("one").shut_down());
    call_data_is_the_buffer_that_was_read_last: {
        let calls = [8, 6, 8, 2, 8].map(|buffer: i32| call!("get_buffer_bytes", buffer, 0, 99, _, _));
        let change = [call!("set_buffer_bytes", 8, 0, 0, "x"), call!("get_buffer_bytes", 2, 0, 99, _, _)];
        let mut filter = Told::new("a").on("downstream_data", told(calls.into_iter().chain(change))).filter();
        filter.vm_configuration = b"vm".to_vec();
        Scenario::new()
            .network_filter(filter)
            .connection(tollgate_host_test::Connection::new().send("one").receive(4).shut_down())
    };
    maps_and_bodies_of_requests: in_callback("downstream_data", of_requests());
}
