//! Invalid memory addresses, and host calls at the wrong time.

use super::agree;
use crate::guest::module;
use std::fmt::Write;
use tollgate_host_test::emulator::{AbiVersion, imports};
use tollgate_host_test::{Request, Scenario};

const LOG: &str = r#"(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))"#;
const ABI: &str = r#"(func (export "proxy_abi_version_0_2_1"))
    (func (export "malloc") (param i32) (result i32) (i32.const 1024))"#;

fn scenario(text: &str) -> Scenario {
    Scenario::new().filter(module(text)).request(Request::get("/"))
}

/// Logs bytes from the start of memory.
fn logs(memories: &str) -> Scenario {
    scenario(&format!(
        r#"(module {LOG} {memories} {ABI}
        (func (export "proxy_on_log") (param i32)
          (drop (call $log (i32.const 2) (i32.const 0) (i32.const 4)))))"#
    ))
}

/// Makes a call in the allocator. Logs the result of the host call that allocates.
fn allocator(import: &str, call: &str) -> Scenario {
    scenario(&format!(
        r#"(module {LOG} {import}
        (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
        (memory (export "memory") 2)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) {call})
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (i32.store8 (i32.const 80)
            (i32.add (i32.const 48)
              (call $get (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 4))))
          (drop (call $log (i32.const 2) (i32.const 80) (i32.const 1)))
          (i32.const 0))
        (data (i32.const 64) ":path"))"#
    ))
}

fn wasi(name: &str, params: &str, args: &str) -> Scenario {
    let import =
        format!(r#"(import "wasi_snapshot_preview1" "{name}" (func $f (param {params}) (result i32)))"#);
    allocator(&import, &format!("(drop (call $f {args})) (i32.const 4096)"))
}

/// Makes each host call once, and logs all statuses as letters, where `A` is 0. The first `tame` arguments
/// are 0, the others are -1.
fn wild(abi: AbiVersion, marker: &str, calls: fn(&str) -> bool, tame: usize) -> Scenario {
    let (mut declared, mut made) = (String::new(), String::new());
    for import in imports(abi).iter().filter(|i| i.returns && i.module != "wasi_unstable" && calls(i.name)) {
        let (name, module) = (import.name, import.module);
        let params = import.params.join(" ");
        write!(declared, r#"(import "{module}" "{name}" (func ${name} (param {params}) (result i32)))"#)
            .unwrap();
        let args: String = import
            .params
            .iter()
            .enumerate()
            .map(|(place, ty)| format!("({ty}.const {})", if place < tame { 0 } else { -1 }))
            .collect();
        write!(
            made,
            "(i32.store8 (local.get $at) (i32.add (i32.const 65) (call ${name} {args})))
            (local.set $at (i32.add (local.get $at) (i32.const 1)))"
        )
        .unwrap();
    }
    let log =
        if declared.contains("$proxy_log ") { String::new() } else { LOG.replace("$log", "$proxy_log") };
    let old = marker.ends_with("0_1_0");
    let params = if old { "(param i32 i32)" } else { "(param i32 i32 i32)" };
    scenario(&format!(
        r#"(module {declared} {log}
        (memory (export "memory") 2)
        (func (export "{marker}"))
        (func (export "malloc") (param i32) (result i32) (i32.const 4096))
        (func (export "proxy_on_request_headers") {params} (result i32) (local $at i32)
          (local.set $at (i32.const 64))
          {made}
          (drop (call $proxy_log (i32.const 2) (i32.const 64) (i32.sub (local.get $at) (i32.const 64))))
          (i32.const 0)))"#
    ))
}

/// Excludes host calls that end the request.
fn proxy(name: &str) -> bool {
    let moves = ["continue", "close_stream", "send_local_response", "set_header_map_pairs"];
    name.starts_with("proxy_") && !moves.iter().any(|move_| name.contains(move_))
}

/// Also excludes `proxy_define_metric`, whose name is empty here: Envoy does not show such a statistic.
fn nameless(name: &str) -> bool {
    proxy(name) && name != "proxy_define_metric"
}

fn others(name: &str) -> bool {
    !name.starts_with("proxy_")
}

agree! {
    logs_from_the_exported_memory: logs(r#"(memory (export "other") 1) (data (i32.const 0) "here")"#);
    logs_from_the_last_memory: logs(r#"(memory (export "memory") 1) (memory (export "m") 1) (data (memory 0) (i32.const 0) "1111") (data (memory 1) (i32.const 0) "2222")"#);
    logs_from_the_last_export: logs(r#"(memory $a 1) (memory $b 1) (export "z" (memory $b)) (export "memory" (memory $a)) (data (memory 0) (i32.const 0) "1111") (data (memory 1) (i32.const 0) "2222")"#);
    logs_from_imported_memory: logs(r#"(import "env" "memory" (memory 1)) (data (i32.const 0) "mine")"#);
    logs_from_64_bit_memory: logs(r#"(memory (export "memory") i64 1) (data (i64.const 0) "long")"#);
    allocator_logs: allocator("", "(drop (call $log (i32.const 2) (i32.const 64) (i32.const 5))) (i32.const 4096)");
    allocator_reads_the_clock: wasi("clock_time_get", "i32 i64 i32", "(i32.const 0) (i64.const 0) (i32.const 128)");
    allocator_writes: wasi("fd_write", "i32 i32 i32 i32", "(i32.const 1) (i32.const 256) (i32.const 1) (i32.const 128)");
    allocator_calls_random_get: wasi("random_get", "i32 i32", "(i32.const 128) (i32.const 8)");
    allocator_calls_args_sizes_get: wasi("args_sizes_get", "i32 i32", "(i32.const 128) (i32.const 132)");
    allocator_makes_a_host_call: allocator(r#"(import "env" "proxy_done" (func $done (result i32)))"#, "(drop (call $done)) (i32.const 4096)");
    allocator_returns_null: allocator("", "(i32.const 0)");
    allocator_returns_the_end_of_memory: allocator("", "(i32.const 131072)");
    allocator_returns_the_highest_address: allocator("", "(i32.const -1)");
    allocator_returns_the_last_byte: allocator("", "(i32.const 131071)");
    allocator_traps: allocator("", "unreachable");
    wild_0: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", proxy, 0);
    wild_1: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", proxy, 1);
    wild_2: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", proxy, 2);
    wild_3: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", nameless, 3);
    wild_5: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", nameless, 5);
    wild_0_of_the_oldest: wild(AbiVersion::V0_1_0, "proxy_abi_version_0_1_0", proxy, 0);
    wild_1_of_the_oldest: wild(AbiVersion::V0_1_0, "proxy_abi_version_0_1_0", proxy, 1);
    wild_wasi_0: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", others, 0);
    wild_wasi_1: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", others, 1);
    wild_wasi_2: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", others, 2);
    wild_wasi_4: wild(AbiVersion::V0_2_1, "proxy_abi_version_0_2_1", others, 4);
}
