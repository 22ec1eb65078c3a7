//! Modules that make callouts, and log the answers.

use super::guests::told;
use super::pairs;
use crate::call;
use crate::guest::Guest;

/// Makes a callout for a request, and logs the answer.
pub fn callout(timeout: i32) -> Guest {
    let headers = pairs(&[(":method", "GET"), (":path", "/c"), (":authority", "a"), ("x", "1")]);
    let come = told(vec![
        call!("get_header_map_pairs", 6, _, _),
        call!("get_header_map_pairs", 7, _, _),
        call!("get_buffer_bytes", 4, 0, 1000, _, _),
        call!("get_status", _, _, _),
        call!("get_header_map_value", 6, ":status", _, _),
        call!("set_effective_context", 2),
        call!("continue_stream", 0),
    ]);
    let call = call!("http_call", "other", headers, "", "", timeout, _);
    Guest::new().on_returning("request_headers", told(vec![call]), 1).on("http_call_response", come)
}

const OTHER: &[u8] = b"\x0a\x07\x0a\x05other";

fn grpc_callbacks(guest: Guest) -> Guest {
    let come = || {
        told(vec![
            call!("get_header_map_pairs", 4, _, _),
            call!("get_header_map_pairs", 5, _, _),
            call!("get_buffer_bytes", 5, 0, 1000, _, _),
            call!("get_status", _, _, _),
        ])
    };
    let names = ["grpc_receive_initial_metadata", "grpc_receive", "grpc_receive_trailing_metadata"];
    let guest = names.iter().fold(guest, |guest, name| guest.on(name, come()));
    let mut last = come();
    last.extend([call!("set_effective_context", 2), call!("continue_stream", 0)]);
    guest.on("grpc_close", last)
}

pub fn grpc(timeout: i32) -> Guest {
    let metadata = pairs(&[("m", "1")]);
    let call = call!("grpc_call", OTHER, "svc", "Method", metadata, "ask", timeout, _);
    let guest = grpc_callbacks(Guest::new()).on_returning("request_headers", told(vec![call]), 1);
    let done = vec![call!("get_buffer_bytes", 5, 0, 1000, _, _), call!("get_status", _, _, _)];
    let mut done = told(done);
    done.extend([call!("set_effective_context", 2), call!("continue_stream", 0)]);
    guest.on("grpc_receive", done)
}

pub fn grpc_stream() -> Guest {
    let metadata = pairs(&[("m", "1")]);
    let calls = vec![
        call!("grpc_stream", OTHER, "svc", "Method", metadata, _),
        call!("grpc_send", 6, "one", 0),
        call!("grpc_send", 6, "two", 1),
        call!("grpc_send", 5, "two", 1),
        call!("grpc_send", 10, "two", 1),
        call!("grpc_cancel", 7),
    ];
    grpc_callbacks(Guest::new()).on_returning("request_headers", told(calls), 1)
}
