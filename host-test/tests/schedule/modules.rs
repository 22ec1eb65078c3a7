//! Modules that share data.

use tollgate_host_test::emulator::schedule::End;
use tollgate_host_test::{Filter, Scenario, Wasm};

/// Builds a module with these callbacks. Shared data has one key, `n`, with a number. Its `cas` is stored at
/// address 8.
pub fn module(callbacks: &str) -> Scenario {
    let text = format!(
        r#"(module
        (import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_register_shared_queue" (func $register (param i32 i32 i32) (result i32)))
        (import "env" "proxy_resolve_shared_queue" (func $resolve (param i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_enqueue_shared_queue" (func $enqueue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_dequeue_shared_queue" (func $dequeue (param i32 i32 i32) (result i32)))
        (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
        (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
        (import "env" "proxy_get_metric" (func $metric (param i32 i32) (result i32)))
        (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
        (import "env" "proxy_http_call"
          (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_call"
          (func $grpc (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_stream"
          (func $stream (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
        (import "env" "proxy_grpc_send" (func $send (param i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (global $top (mut i32) (i32.const 65536))
        (func (export "malloc") (param $n i32) (result i32)
          (global.get $top)
          (global.set $top (i32.add (global.get $top) (local.get $n))))
        (func (export "proxy_abi_version_0_2_1"))
        (data (i32.const 1024) "n")
        (data (i32.const 1040) "queue")
        (data (i32.const 1056) "won")
        (data (i32.const 1072) "empty")
        (data (i32.const 1088) "other")
        (data (i32.const 1104) "n2")
        ;; The number of a key, or 0; its cas, or any other.
        (func $read_of (param $key i32) (param $length i32) (result i64)
          (i32.store (i32.const 8) (i32.const 0x7fffffff))
          (if (result i64) (call $get (local.get $key) (local.get $length) (i32.const 0) (i32.const 4) (i32.const 8))
            (then (i64.const 0))
            (else (i64.load (i32.load (i32.const 0))))))
        (func $read (result i64) (call $read_of (i32.const 1024) (i32.const 1)))
        (func $cas (result i32) (i32.load (i32.const 8)))
        (func $write_of (param $key i32) (param $length i32) (param $n i64) (param $cas i32) (result i32)
          (i64.store (i32.const 16) (local.get $n))
          (call $set (local.get $key) (local.get $length) (i32.const 16) (i32.const 8) (local.get $cas)))
        (func $write (param $n i64) (param $cas i32) (result i32)
          (call $write_of (i32.const 1024) (i32.const 1) (local.get $n) (local.get $cas)))
        ;; Counts one more in the counter `won`, `empty` or `other`.
        (func $count (param $name i32) (param $length i32)
          (drop (call $define (i32.const 0) (local.get $name) (local.get $length) (i32.const 32)))
          (drop (call $increment (i32.load (i32.const 32)) (i64.const 1))))
        {callbacks})"#
    );
    Scenario::new().filter(Filter::new(Wasm::wat(&text))).settings(|s| s.workers = 2)
}

/// Builds a module that runs this code for each request.
pub fn on_request(body: &str) -> Scenario {
    module(&format!(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {body} (i32.const 0))"#
    ))
}

/// Reads, adds one, and writes unconditionally.
pub const RACY: &str = "(drop (call $write (i64.add (call $read) (i64.const 1)) (i32.const 0)))";

/// Reads, adds one, and writes with the `cas`. Retries after CasMismatch (8).
pub const RIGHT: &str = "(loop $again
    (br_if $again (i32.eq (i32.const 8)
      (call $write (i64.add (call $read) (i64.const 1)) (call $cas)))))";

/// Returns the number in shared data.
pub fn number(end: &End) -> u64 {
    let value = end.emulator.shared_data("", "n").map(|(value, _)| value);
    value.map_or(0, |value| u64::from_le_bytes(value.try_into().expect("the value has eight bytes")))
}
