//! Properties that a connection's context can read and set.

use crate::both::{Told, agree, talks, told, upstream};
use crate::call;
use crate::guest::Do;
use tollgate_host_test::{Connection, Scenario, Script, TcpUpstream};

const PATHS: &[&str] = &[
    "connection",
    "connection.id",
    "connection_id",
    "connection.mtls",
    "connection.requested_server_name",
    "connection.tls_version",
    "connection.subject_peer_certificate",
    "connection.termination_details",
    "connection.transport_failure_reason",
    "connection.nope",
    "source",
    "source.address",
    "source.port",
    "destination",
    "destination.address",
    "destination.port",
    "upstream",
    "upstream.address",
    "upstream.port",
    "upstream.local_address",
    "upstream.transport_failure_reason",
    "upstream.request_attempt_count",
    "upstream.cx_pool_ready_duration",
    "upstream.tls_version",
    "upstream.num_endpoints",
    "upstream.locality",
    "request",
    "request.path",
    "request.protocol",
    "request.time",
    "request.duration",
    "request.size",
    "request.total_size",
    "request.id",
    "request.headers",
    "request.headers.x",
    "request.method",
    "response",
    "response.code",
    "response.flags",
    "response.code_details",
    "response.size",
    "response.total_size",
    "response.grpc_status",
    "response.headers",
    "response.trailers",
    "response.backend_latency",
    "xds",
    "xds.cluster_name",
    "xds.cluster_metadata",
    "xds.route_name",
    "xds.route_metadata",
    "xds.virtual_host_name",
    "xds.virtual_host_metadata",
    "xds.listener_direction",
    "xds.listener_metadata",
    "xds.filter_chain_name",
    "xds.upstream_host_metadata",
    "xds.upstream_host_locality_metadata",
    "metadata",
    "metadata.filter_metadata",
    "metadata.typed_filter_metadata",
    "xds.cluster_metadata.filter_metadata",
    "xds.listener_metadata.filter_metadata",
    "request.headers_bytes",
    "response.headers_bytes",
    "metadata.filter_metadata.x",
    "filter_state",
    "filter_state.nope",
    "upstream_filter_state",
    "mine",
    "plugin_name",
    "plugin_root_id",
    "plugin_vm_id",
    "node",
    "cluster_name",
    "listener_direction",
    "nope",
    "",
];

fn all() -> Vec<Do> {
    let gets = PATHS.iter().map(|path| {
        let path = path.replace('.', "\0");
        call!("get_property", (path.as_str()), _, _)
    });
    let set = [call!("set_property", "mine", "v"), call!("get_property", "filter_state\0wasm.mine", _, _)];
    told(set.into_iter().chain(gets))
}

fn asks(callback: &str) -> Scenario {
    let client = Connection::new().send("one").receive(3).shut_down();
    Told::new("a").on(callback, all()).alone().connection(client)
}

/// Reads the numbers of bytes received and sent so far.
fn bytes() -> Vec<Do> {
    let path = |path: &str| call!("get_property", path, _, _);
    told(["request\0size", "request\0total_size", "response\0size", "response\0total_size"].map(path))
}

fn function(name: &str, fields: &[(u8, &str)]) -> Do {
    let bytes: Vec<u8> = fields
        .iter()
        .flat_map(|(number, text)| [&[number << 3 | 2, text.len() as u8], text.as_bytes()].concat())
        .collect();
    call!("call_foreign_function", name, bytes, _, _)
}

fn state(key: &str, value: &str) -> Do {
    function("set_envoy_filter_state", &[(1, key), (2, value)])
}

agree! {
    in_context_create: asks("context_create");
    in_new_connection: asks("new_connection");
    in_downstream_data: asks("downstream_data");
    in_upstream_data: asks("upstream_data");
    in_downstream_connection_close: asks("downstream_connection_close");
    in_upstream_connection_close: asks("upstream_connection_close");
    in_done: asks("done");
    in_log: asks("log");
    in_delete: asks("delete");
    when_the_upstream_has_refused: Told::new("a")
        .on("downstream_connection_close", all())
        .alone()
        .tcp_upstream(TcpUpstream::Refuse)
        .connection(Connection::new());
    when_the_upstream_has_reset_the_connection: Told::new("a")
        .on("downstream_connection_close", all())
        .alone()
        .tcp_upstream(upstream(Script::new().send("hello").wait(40 * crate::both::MS).reset()))
        .connection(Connection::new().receive(5));
    bytes_that_are_held_count_again: Told::new("a")
        .returning("downstream_data", bytes(), 1)
        .on("downstream_connection_close", bytes())
        .alone()
        .connection(crate::both::apart(crate::both::apart(crate::both::unanswered(), "one"), "two"));
    counts_client_bytes_before_and_upstream_bytes_after_filters: Told::new("a")
        .on("downstream_data", [vec![call!("set_buffer_bytes", 2, 0, 0, "ab")], bytes()].concat())
        .on("upstream_data", [vec![call!("set_buffer_bytes", 3, 0, 0, "cd")], bytes()].concat())
        .on("log", bytes())
        .alone()
        .connection(Connection::new().send("one").receive(7).shut_down());
    filter_state_of_envoy: Told::new("a")
        .on("new_connection", told([
            state("envoy.string", "x"),
            state("nope", "x"),
            call!("get_property", "filter_state\0envoy.string", _, _),
        ]))
        .alone()
        .connection(talks());
    another_cluster_than_the_configured_one: Told::new("a")
        .on("new_connection", told([state("envoy.tcp_proxy.cluster", "upstream-that-is-not")]))
        .on("downstream_connection_close", told([
            call!("get_property", "response\0flags", _, _),
            call!("get_property", "xds\0cluster_name", _, _),
        ]))
        .alone()
        .connection(Connection::new());
    the_configured_cluster_by_its_name: Told::new("a")
        .on("new_connection", told([state("envoy.tcp_proxy.cluster", "tcp_upstream")]))
        .alone()
        .connection(talks());
    declared_properties: Told::new("a")
        .on("configure", [call!("call_foreign_function", "declare_property", (vec![10u8, 1, b'p', 16, 1, 24, 1]), _, _)])
        .on("new_connection", told([
            call!("set_property", "p", "once"),
            call!("set_property", "p", "twice"),
            call!("get_property", "p", _, _),
        ]))
        .alone()
        .connection(talks());
    expressions: Told::new("a")
        .on("configure", [call!("call_foreign_function", "expr_create", "connection.id > 0 && source.port > 0", _, _)])
        .on("downstream_data", told([
            call!("call_foreign_function", "expr_evaluate", (vec![0u8, 0, 0, 0]), _, _),
            call!("call_foreign_function", "expr_evaluate", (vec![1u8, 0, 0, 0]), _, _),
            call!("call_foreign_function", "clear_route_cache", "", _, _),
        ]))
        .alone()
        .connection(talks());
}
