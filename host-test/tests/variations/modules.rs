//! Modules with one deliberate bug each.

use tollgate_host_test::{Filter, Wasm};

/// Parts that all modules share: imports, an allocator, data. `$digit` adds a header with a digit as its
/// value.
const COMMON: &str = r#"
  (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_buffer_bytes" (func $set_body (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_send_local_response"
    (func $reply (param i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_continue_stream" (func $continue (param i32) (result i32)))
  (import "env" "proxy_set_effective_context" (func $as (param i32) (result i32)))
  (import "env" "proxy_http_call"
    (func $http_call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_grpc_stream"
    (func $grpc_stream (param i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_grpc_cancel" (func $grpc_cancel (param i32) (result i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (global $state (mut i32) (i32.const 0))
  (data (i32.const 1024) "x-tag")
  (data (i32.const 1040) "X")
  (data (i32.const 1056) "first")
  (data (i32.const 1064) "second")
  (data (i32.const 1200)
    "\03\00\00\00\07\00\00\00\03\00\00\00\05\00\00\00\01\00\00\00\0a\00\00\00\01\00\00\00"
    ":method\00GET\00:path\00/\00:authority\00o\00")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "malloc") (param $n i32) (result i32)
    (global.set $top (i32.add (global.get $top) (local.get $n)))
    (i32.sub (global.get $top) (local.get $n)))
  (func $digit (param $map i32) (param $number i32)
    (i32.store8 (i32.const 512) (i32.add (i32.const 48) (i32.rem_u (local.get $number) (i32.const 10))))
    (drop (call $add (local.get $map) (i32.const 1024) (i32.const 5) (i32.const 512) (i32.const 1))))
  ;; The first byte of a header named x-tag, or 0.
  (func $tag (param $map i32) (result i32)
    (if (call $get (local.get $map) (i32.const 1024) (i32.const 5) (i32.const 0) (i32.const 4))
      (then (return (i32.const 0))))
    (if (i32.eqz (i32.load (i32.const 4))) (then (return (i32.const 0))))
    (i32.load8_u (i32.load (i32.const 0))))
  ;; The state of a stream, by its context.
  (func $slot (param $context i32) (result i32)
    (i32.add (i32.const 32768) (i32.shl (i32.rem_u (local.get $context) (i32.const 1024)) (i32.const 2))))
"#;

fn module(callbacks: &str) -> Filter {
    Filter::new(Wasm::wat(&format!("(module {COMMON} {callbacks})")))
}

/// Inserts `X` before a body, but takes the first chunk for the whole body.
pub fn takes_a_chunk_for_the_body() -> Filter {
    module(
        r#"(func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
             (if (i32.load (call $slot (local.get 0))) (then (return (i32.const 0))))
             (i32.store (call $slot (local.get 0)) (i32.const 1))
             (drop (call $set_body (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 1040) (i32.const 1)))
             (drop (call $set_body (i32.const 0) (i32.const 100) (i32.const 0) (i32.const 1040) (i32.const 1)))
             (i32.const 0))"#,
    )
}

/// Writes the number of response body callbacks to a trailer.
pub fn counts_chunks() -> Filter {
    module(
        r#"(func (export "proxy_on_response_body") (param i32 i32 i32) (result i32)
             (i32.store (call $slot (local.get 0)) (i32.add (i32.load (call $slot (local.get 0))) (i32.const 1)))
             (i32.const 0))
           (func (export "proxy_on_response_trailers") (param i32 i32) (result i32)
             (call $digit (i32.const 3) (i32.load (call $slot (local.get 0))))
             (i32.const 0))"#,
    )
}

/// Allows one request at a time, but does not notice when one is aborted.
pub fn leaks_on_cancel() -> Filter {
    module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (if (global.get $state)
               (then
                 (drop (call $reply (i32.const 503) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
                   (i32.const 0) (i32.const 0) (i32.const -1)))
                 (return (i32.const 1))))
             (global.set $state (i32.const 1))
             (i32.const 0))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (global.set $state (i32.const 0))
             (i32.const 0))"#,
    )
}

/// Copies a tag of the request to its response, through a global variable.
pub fn keeps_a_stream_in_a_global() -> Filter {
    module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (global.set $state (call $tag (i32.const 0)))
             (i32.const 0))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (call $digit (i32.const 2) (global.get $state))
             (i32.const 0))"#,
    )
}

/// Copies a tag of the request to its response, through the state of the stream, which is correct.
pub fn keeps_a_stream_by_its_context() -> Filter {
    module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (i32.store (call $slot (local.get 0)) (call $tag (i32.const 0)))
             (i32.const 0))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (call $digit (i32.const 2) (i32.load (call $slot (local.get 0))))
             (i32.const 0))"#,
    )
}

/// Counts the requests of one worker, but takes them for all requests.
pub fn counts_on_a_worker() -> Filter {
    module(
        r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (global.set $state (i32.add (global.get $state) (i32.const 1)))
             (call $digit (i32.const 2) (global.get $state))
             (i32.const 0))"#,
    )
}

/// Takes the last field for the one that it needs.
pub fn takes_the_last_field() -> Filter {
    module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (drop (call $pairs (i32.const 0) (i32.const 0) (i32.const 4)))
             ;; The length of the fifth name, after the count and two lengths for each of four pseudo-headers.
             (call $digit (i32.const 0) (i32.load offset=36 (i32.load (i32.const 0))))
             (i32.const 0))"#,
    )
}

const TWO_CALLOUTS: &str = r#"
  (func $ask (param $name i32) (param $length i32)
    (if (call $http_call (local.get $name) (local.get $length) (i32.const 1200) (i32.const 61) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 8)) (then (unreachable))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    (global.set $state (local.get 0))
    (call $ask (i32.const 1056) (i32.const 5))
    (call $ask (i32.const 1064) (i32.const 6))
    (i32.const 1))"#;

/// Calls two services at the same time, and takes the later answer for that of the second service.
pub fn takes_the_last_answer_for_the_second() -> Filter {
    module(&format!(
        r#"{TWO_CALLOUTS}
           (global $answers (mut i32) (i32.const 0))
           (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
             (global.set $answers (i32.add (global.get $answers) (i32.const 1)))
             (if (i32.and (global.get $answers) (i32.const 1)) (then (return)))
             (i32.store (i32.const 16) (call $tag (i32.const 6)))
             (drop (call $as (global.get $state)))
             (call $digit (i32.const 0) (i32.load (i32.const 16)))
             (drop (call $continue (i32.const 0))))"#
    ))
}

/// Opens a gRPC stream for each request, and closes it only when the response arrives.
pub fn leaves_a_grpc_stream_open() -> Filter {
    module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
             (if (call $grpc_stream (i32.const 1056) (i32.const 5) (i32.const 1056) (i32.const 5) (i32.const 1056)
                   (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 8)) (then (unreachable)))
             (i32.store (call $slot (local.get 0)) (i32.load (i32.const 8)))
             (i32.const 0))
           (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (drop (call $grpc_cancel (i32.load (call $slot (local.get 0)))))
             (i32.const 0))"#,
    )
}

/// Traps if a stream ends without a response.
pub fn traps_without_a_response() -> Filter {
    module(
        r#"(func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
             (i32.store (call $slot (local.get 0)) (i32.const 1))
             (i32.const 0))
           (func (export "proxy_on_log") (param i32)
             (if (i32.eqz (i32.load (call $slot (local.get 0)))) (then (unreachable))))"#,
    )
}

/// A network filter that inserts `X` before the client's data, but takes each piece for all data.
pub fn takes_a_piece_for_all() -> Filter {
    module(
        r#"(func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
             (if (local.get 1)
               (then (drop (call $set_body (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 1040) (i32.const 1)))))
             (i32.const 0))"#,
    )
}

/// A network filter that inserts `X` once per connection, which is correct.
pub fn begins_each_connection() -> Filter {
    module(
        r#"(func (export "proxy_on_downstream_data") (param i32 i32 i32) (result i32)
             (if (i32.load (call $slot (local.get 0))) (then (return (i32.const 0))))
             (i32.store (call $slot (local.get 0)) (i32.const 1))
             (drop (call $set_body (i32.const 2) (i32.const 0) (i32.const 0) (i32.const 1040) (i32.const 1)))
             (i32.const 0))"#,
    )
}
