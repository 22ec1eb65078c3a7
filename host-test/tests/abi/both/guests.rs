//! Modules that try much at once, and log what they were answered.

use super::pairs;
use crate::call;
use crate::guest::Guest;
use std::time::Duration;
use tollgate_host_test::{Answer, Response, Upstream};

pub fn first() -> Upstream {
    Upstream::replies("u", Response::new(200).chunk("ok"))
}

pub fn grpc_answer(status: u32) -> Answer {
    Answer::Grpc {
        initial_metadata: tollgate_host_test::Headers(vec![(b"im".to_vec(), b"1".to_vec())]),
        messages: if status == 0 { vec![b"answer".to_vec()] } else { vec![] },
        status,
        message: if status == 0 { vec![] } else { b"no way".to_vec() },
        after: Duration::ZERO,
    }
}

/// Every map, read and written, in every callback of a stream.
pub fn all_maps() -> Guest {
    let names = [
        "context_create",
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
        "log",
        "done",
        "delete",
    ];
    names.iter().fold(Guest::new(), |guest, name| {
        let calls = (0..9).flat_map(|map: i32| {
            [
                call!("get_header_map_value", map, "x-absent", _, _),
                call!("get_header_map_pairs", map, _, _),
                call!("get_header_map_size", map, _),
                call!("remove_header_map_value", map, "x-absent"),
                call!("replace_header_map_value", map, "x-put", "1"),
            ]
        });
        let buffers = (0..10).flat_map(|buffer: i32| {
            [
                call!("get_buffer_bytes", buffer, 0, (-1), _, _),
                call!("get_buffer_status", buffer, _, _),
                call!("set_buffer_bytes", buffer, 1, 1, ""),
            ]
        });
        guest.on(name, told(calls.chain(buffers).collect()))
    })
}

pub fn properties() -> Guest {
    let paths: Vec<String> = [
        "request",
        "request.path",
        "request.url_path",
        "request.host",
        "request.scheme",
        "request.method",
        "request.referer",
        "request.useragent",
        "request.id",
        "request.protocol",
        "request.query",
        "request.headers.x",
        "request.headers.X",
        "request.headers.nope",
        "request.size",
        "request.total_size",
        "request.nope",
        "response",
        "response.code",
        "response.flags",
        "response.grpc_status",
        "response.size",
        "response.code_details",
        "response.trailers",
        "response.headers.x",
        "connection",
        "connection.mtls",
        "connection.requested_server_name",
        "connection.tls_version",
        "connection.subject_peer_certificate",
        "connection.termination_details",
        "upstream.tls_version",
        "upstream.transport_failure_reason",
        "upstream.request_attempt_count",
        "upstream",
        "xds.cluster_name",
        "xds.route_name",
        "xds.virtual_host_name",
        "xds.listener_direction",
        "xds.filter_chain_name",
        "xds.cluster_metadata",
        "xds.route_metadata",
        "xds.listener_metadata",
        "xds.virtual_host_metadata",
        "xds.upstream_host_metadata",
        "metadata",
        "metadata.filter_metadata",
        "metadata.filter_metadata.x",
        "filter_state",
        "filter_state.wasm.mine",
        "filter_state.nope",
        "plugin_name",
        "plugin_root_id",
        "plugin_vm_id",
        "node",
        "cluster_name",
        "route_name",
        "nope",
        "",
        "mine",
        "source",
        "destination",
        "xds",
    ]
    .iter()
    .map(|p| p.replace("filter_state.wasm.mine", "filter_state\0wasm.mine"))
    .map(|p| if p.contains('\0') { p } else { p.replace('.', "\0") })
    .collect();
    let names = ["request_headers", "request_body", "response_headers", "response_body", "log", "configure"];
    names.iter().fold(Guest::new(), |guest, name| {
        let set = call!("set_property", "mine", "value");
        let gets = paths.iter().map(|path| {
            let path = path.as_str();
            call!("get_property", path, _, _)
        });
        guest.on(name, told(std::iter::once(set).chain(gets).collect()))
    })
}

pub fn buffers() -> Guest {
    let edits = |buffer: i32| {
        told(vec![
            call!("get_buffer_bytes", buffer, 0, 3, _, _),
            call!("get_buffer_bytes", buffer, 2, 100, _, _),
            call!("get_buffer_bytes", buffer, 100, 1, _, _),
            call!("get_buffer_bytes", buffer, (-1), (-1), _, _),
            call!("set_buffer_bytes", buffer, 0, 0, "<"),
            call!("set_buffer_bytes", buffer, 1, 1, "?"),
            call!("set_buffer_bytes", buffer, 100, 0, ">"),
            call!("set_buffer_bytes", buffer, 0, 2, "A"),
            call!("get_buffer_bytes", buffer, 0, 100, _, _),
            call!("get_buffer_status", buffer, _, _),
        ])
    };
    Guest::new()
        .on("request_headers", [call!("remove_header_map_value", 0, "content-length")])
        .on("response_headers", [call!("remove_header_map_value", 2, "content-length")])
        .on("request_body", edits(0))
        .on("response_body", edits(1))
}

/// Shared data, queues, metrics.
pub fn state() -> Guest {
    Guest::new().on(
        "request_headers",
        told(vec![
            call!("get_shared_data", "absent", _, _, _),
            call!("set_shared_data", "absent2", "v", 5),
            call!("set_shared_data", "k", "v", 0),
            call!("set_shared_data", "k", "v", 99999),
            call!("get_shared_data", "absent2", _, _, _),
            call!("resolve_shared_queue", "", "q", _),
            call!("dequeue_shared_queue", 77, _, _),
            call!("enqueue_shared_queue", 77, "x"),
            call!("define_metric", 0, "c", _),
            call!("define_metric", 1, "g", _),
            call!("define_metric", 2, "h", _),
            call!("define_metric", 3, "n", _),
            call!("increment_metric", 4, 2i64),
            call!("increment_metric", 4, (-2i64)),
            call!("increment_metric", 5, 7i64),
            call!("increment_metric", 5, (-2i64)),
            call!("increment_metric", 6, 7i64),
            call!("increment_metric", 7, 7i64),
            call!("increment_metric", 400, 7i64),
            call!("record_metric", 4, 3i64),
            call!("record_metric", 6, 3i64),
            call!("record_metric", 7, 3i64),
            call!("get_metric", 4, _),
            call!("get_metric", 6, _),
            call!("get_metric", 7, _),
            call!("set_effective_context", 12345),
            call!("continue_stream", 2),
            call!("continue_stream", 3),
            call!("continue_stream", 4),
            call!("close_stream", 4),
            call!("done"),
            call!("log", 6, "x"),
            call!("log", 0, "x"),
            call!("call_foreign_function", "nope", "", _, _),
        ]),
    )
}

/// The calls, each with its answer and what it gave logged: Envoy has no trace to compare.
pub fn told(calls: Vec<crate::guest::Do>) -> Vec<crate::guest::Do> {
    calls.into_iter().map(crate::guest::told).collect()
}
