//! Modules written by hand that do as little as can be: what is left is Envoy's own part, and what a filter of the same
//! shape takes more is the SDK's.

use super::Row;
use tollgate_host_test::envoy::bootstrap::wasm;
use tollgate_host_test::{Filter, Wasm};

/// What Envoy calls in a module.
const CREATE: &str = r#"(func (export "proxy_on_context_create") (param i32 i32))"#;
const RESPONSE: &str =
    r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32) i32.const 0)"#;
const DELETE: &str = r#"(func (export "proxy_on_delete") (param i32))"#;

/// What the module asks while a request's headers are there. An answer of some length is put where it allocates.
const TIME: &str = "(drop (call $time (i32.const 512)))";
const ABSENT: &str =
    "(drop (call $header (i32.const 0) (i32.const 1024) (i32.const 8) (i32.const 512) (i32.const 516)))";
const HEADERS: &str = "(drop (call $headers (i32.const 0) (i32.const 512) (i32.const 516)))";
const ADDRESS: &str =
    "(drop (call $property (i32.const 1040) (i32.const 14) (i32.const 512) (i32.const 516)))";

pub(super) fn rows() -> Vec<Row> {
    let entered = |calls: &str| format!("{CREATE}{}{RESPONSE}{DELETE}", request(calls));
    [
        ("floor", "a module that Envoy has nothing to call in", String::new()),
        ("floor request", "entered for a request's headers, and returns at once", request("")),
        (
            "floor stream",
            "the same, and told when a stream begins and ends",
            format!("{CREATE}{}{DELETE}", request("")),
        ),
        ("floor callbacks", "the exports of `callbacks`, written by hand and returning at once", entered("")),
        ("floor time", "the same, and asks for the time", entered(TIME)),
        ("floor absent", "the same, and asks for a header that is not there", entered(ABSENT)),
        ("floor headers", "the same, and asks for all headers", entered(HEADERS)),
        ("floor address", "the same, and asks for the client's address", entered(ADDRESS)),
        ("floor headers twice", "the same, and asks for all headers twice", entered(&HEADERS.repeat(2))),
    ]
    .into_iter()
    .map(|(name, what, body)| {
        Row::new(name, what, move || vec![wasm(&Filter::new(Wasm::wat(&module(&body))))])
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
