//! Hand-written modules that do as little as possible. Their overhead is Envoy's part; the rest of the
//! overhead of a filter with the same callbacks and host calls is the SDK's part.

use super::Row;
use tollgate_host_test::envoy::bootstrap::wasm;
use tollgate_host_test::{Filter, Wasm};

/// Callbacks.
const CREATE: &str = r#"(func (export "proxy_on_context_create") (param i32 i32))"#;
const RESPONSE: &str =
    r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) i32.const 0)"#;
const DELETE: &str = r#"(func (export "proxy_on_delete") (param i32))"#;

/// Host calls in `proxy_on_request_headers`. Results of variable length are written to allocated memory.
const TIME: &str = "(drop (call $time (i32.const 512)))";
const ABSENT: &str =
    "(drop (call $header (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 512) (i32.const 516)))";
const HEADERS: &str = "(drop (call $headers (i32.const 0) (i32.const 512) (i32.const 516)))";
const ADDRESS: &str =
    "(drop (call $property (i32.const 1040) (i32.const 14) (i32.const 512) (i32.const 516)))";

pub(super) fn rows() -> Vec<Row> {
    let callbacks = |calls: &str| format!("{CREATE}{}{RESPONSE}{DELETE}", request(calls));
    [
        ("floor", "no callbacks", String::new()),
        ("floor request", "only `proxy_on_request_headers`, returns immediately", request("")),
        (
            "floor stream",
            "the same, plus callbacks for the start and end of the stream",
            format!("{CREATE}{}{DELETE}", request("")),
        ),
        ("floor callbacks", "same callbacks as `callbacks`, hand-written; return immediately", callbacks("")),
        ("floor time", "`floor callbacks`, and reads the time", callbacks(TIME)),
        ("floor absent", "`floor callbacks`, and reads an absent header", callbacks(ABSENT)),
        ("floor headers", "`floor callbacks`, and reads all headers", callbacks(HEADERS)),
        ("floor address", "`floor callbacks`, and reads the client address", callbacks(ADDRESS)),
        (
            "floor headers twice",
            "`floor callbacks`, and reads all headers twice",
            callbacks(&HEADERS.repeat(2)),
        ),
    ]
    .into_iter()
    .map(|(name, description, body)| {
        Row::new(name, description, move || vec![wasm(&Filter::new(Wasm::wat(&module(&body))))])
    })
    .collect()
}

fn request(calls: &str) -> String {
    format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {calls} i32.const 0)"#
    )
}

fn module(body: &str) -> String {
    format!(
        r#"(module
            (import "env" "proxy_get_current_time_nanoseconds" (func $time (param i32) (result i32)))
            (import "env" "proxy_get_header_map_value"
                (func $header (param i32 i32 i32 i32 i32) (result i32)))
            (import "env" "proxy_get_header_map_pairs" (func $headers (param i32 i32 i32) (result i32)))
            (import "env" "proxy_get_property" (func $property (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 1024) "x-absent")
            (data (i32.const 1040) "source\00address")
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 8192)
            {body})"#
    )
}
