//! Modules that the scenarios load.

use tollgate_host_test::Wasm;

/// Assembles a module from its imports, functions and data. Returns its path.
fn module(imports: &str, rest: &str) -> String {
    let text = format!(
        r#"(module {imports} (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_memory_allocate") (param i32) (result i32) i32.const 4096) {rest})"#
    );
    Wasm::wat(&text).path().display().to_string()
}

const LOG: &str = r#"(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))"#;
const METRICS: &str = r#"
    (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))"#;

/// A filter that lets every request pass.
pub fn pass() -> String {
    module("", r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0)"#)
}

/// A filter whose callback does not return.
pub fn never_returns() -> String {
    let body = "(loop $again (br $again)) i32.const 0";
    let callback = r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)"#;
    module("", &format!("{callback} {body})"))
}

/// A filter that logs `headers` and `piece` for the parts of a request, at the level info.
pub fn logs() -> String {
    module(
        LOG,
        r#"(data (i32.const 0) "headerspiece")
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 0) (i32.const 7))) i32.const 0)
        (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
            (call $log (i32.const 2) (i32.const 7) (i32.const 5)))"#,
    )
}

/// A filter with the gauges `requests` and `peak` (of requests in progress), and
/// the histogram `sizes`, in which the nth request records 61 times n.
pub fn counts() -> String {
    module(
        METRICS,
        r#"(data (i32.const 0) "requestspeaksizes")
        (global $n (mut i64) (i64.const 0)) (global $open (mut i64) (i64.const 0))
        (global $peak (mut i64) (i64.const 0))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $define (i32.const 1) (i32.const 0) (i32.const 8) (i32.const 64)))
            (drop (call $define (i32.const 1) (i32.const 8) (i32.const 4) (i32.const 68)))
            (drop (call $define (i32.const 2) (i32.const 12) (i32.const 5) (i32.const 72)))
            i32.const 1)
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (global.set $n (i64.add (global.get $n) (i64.const 1)))
            (global.set $open (i64.add (global.get $open) (i64.const 1)))
            (if (i64.gt_s (global.get $open) (global.get $peak))
                (then (global.set $peak (global.get $open))))
            (drop (call $record (i32.load (i32.const 64)) (global.get $n)))
            (drop (call $record (i32.load (i32.const 68)) (global.get $peak)))
            (call $record (i32.load (i32.const 72)) (i64.mul (global.get $n) (i64.const 61))))
        (func (export "proxy_on_log") (param i32)
            (global.set $open (i64.sub (global.get $open) (i64.const 1))))"#,
    )
}

/// A filter that logs `future` if a request comes exactly at 2030-01-01T00:00:00Z.
pub fn reads_the_time() -> String {
    let time = r#"(import "env" "proxy_get_current_time_nanoseconds" (func $now (param i32) (result i32)))"#;
    module(
        &format!("{LOG} {time}"),
        r#"(data (i32.const 0) "future")
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $now (i32.const 64)))
            (if (i64.eq (i64.load (i32.const 64)) (i64.const 1893456000000000000))
                (then (drop (call $log (i32.const 2) (i32.const 0) (i32.const 6)))))
            i32.const 0)"#,
    )
}

/// A filter of TCP connections that lets every byte pass, and logs `data`.
pub fn tcp() -> String {
    module(
        LOG,
        r#"(data (i32.const 0) "data")
        (func (export "proxy_on_new_connection") (param i32) (result i32) i32.const 0)
        (func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
            (call $log (i32.const 2) (i32.const 0) (i32.const 4)))"#,
    )
}
