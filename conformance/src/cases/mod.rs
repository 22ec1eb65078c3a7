//! The table of cases, with a file per area of the ABI. `docs/abi.md` is its index.

pub mod buffers;
pub mod callouts;
pub mod chains;
pub mod failure;
pub mod flow;
pub mod foreign;
pub mod grpc;
pub mod headers;
pub mod lifecycle;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod older;
pub mod parts;
pub mod properties;
pub mod queues;
pub mod replies;
pub mod shared_data;
pub mod time;
pub mod wasi;

use crate::Sheet;

/// Returns every sheet.
pub fn all() -> Vec<Sheet> {
    let sheets = [
        headers::sheets(),
        buffers::sheets(),
        properties::sheets(),
        foreign::sheets(),
        shared_data::sheets(),
        queues::sheets(),
        metrics::sheets(),
        log::sheets(),
        time::sheets(),
        memory::sheets(),
        wasi::sheets(),
        flow::sheets(),
        grpc::sheets(),
        replies::sheets(),
        callouts::sheets(),
        failure::sheets(),
        chains::sheets(),
        lifecycle::sheets(),
    ]
    .into_iter()
    .flatten()
    .collect();
    older::mark(wasi::separate_newer_calls(sheets))
}

/// Behaviour that a test cannot run on Envoy: what, why, and the test that shows it on the emulator.
pub const EMULATOR_ONLY: &[(&str, &str, &str)] = &[
    (
        "close_stream or send_local_response in on_log, on_done or on_delete",
        "Envoy ends the stream twice and crashes",
        "host-test: ending_a_finished_stream_would_crash_envoy",
    ),
    (
        "close_stream in on_response_trailers",
        "Envoy crashes",
        "host-test: closing_in_the_last_response_callback_would_crash_envoy",
    ),
    (
        "continue_stream(1) in the last callback of a response, which then returns Continue",
        "Envoy crashes",
        "host-test: continuing_twice_in_the_last_callback_would_crash_envoy",
    ),
    (
        "two local replies in on_response_headers",
        "Envoy reads freed memory and crashes",
        "host-test: two_local_replies_to_one_response_would_crash_envoy",
    ),
    (
        "continue_stream(1) before there is a response",
        "Envoy follows a null pointer and crashes",
        "host-test: continuing_before_the_response_would_crash_envoy",
    ),
    (
        "a bare cluster name as gRPC target that is valid protobuf",
        "Envoy aborts",
        "host-test: a_cluster_name_that_parses_as_protobuf_crashes_envoy",
    ),
    (
        "failing host calls and failing allocations",
        "a test cannot make them fail in Envoy",
        "host-test: a_fault_affects_only_the_nth_call_and_may_trap",
    ),
    (
        "proxy_done of a root context that has delayed its end",
        "needs an update of the listener",
        "host-test: a_root_context_may_delay_its_deletion",
    ),
    (
        "callbacks with unknown tokens",
        "Envoy never makes such calls",
        "host-test: callbacks_may_have_unknown_tokens",
    ),
];
