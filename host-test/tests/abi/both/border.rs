//! Memory that is not where it should be, and calls that are made at the wrong time.

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

/// Logs from whatever memory there is.
fn speaks(memories: &str) -> Scenario {
    scenario(&format!(
        r#"(module {LOG} {memories} {ABI}
        (func (export "proxy_on_log") (param i32)
          (drop (call $log (i32.const 2) (i32.const 0) (i32.const 4)))))"#
    ))
}

/// The allocator makes a call, and then gives memory; what came of the host call that wanted it is logged.
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

/// Every host call there is, once with these arguments; all answers are logged as letters, `A` being 0. The last
/// parameters are wild, and as many of the first ones as `tame` are 0.
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

/// Not those that leave no request to speak of.
fn proxy(name: &str) -> bool {
    let moves = ["continue", "close_stream", "send_local_response", "set_header_map_pairs"];
    name.starts_with("proxy_") && !moves.iter().any(|move_| name.contains(move_))
}

/// Nor one whose name is empty here: Envoy has no statistic to show for it.
fn nameless(name: &str) -> bool {
    proxy(name) && name != "proxy_define_metric"
}

fn others(name: &str) -> bool {
    !name.starts_with("proxy_")
}

agree! {
    speaks_from_the_memory_that_is_exported: speaks(r#"(memory (export "other") 1) (data (i32.const 0) "here")"#);
    speaks_from_the_last_memory: speaks(r#"(memory (export "memory") 1) (memory (export "m") 1) (data (memory 0) (i32.const 0) "1111") (data (memory 1) (i32.const 0) "2222")"#);
    speaks_from_the_last_export: speaks(r#"(memory $a 1) (memory $b 1) (export "z" (memory $b)) (export "memory" (memory $a)) (data (memory 0) (i32.const 0) "1111") (data (memory 1) (i32.const 0) "2222")"#);
    speaks_from_memory_that_is_imported: speaks(r#"(import "env" "memory" (memory 1)) (data (i32.const 0) "mine")"#);
    speaks_from_memory_of_64_bits: speaks(r#"(memory (export "memory") i64 1) (data (i64.const 0) "long")"#);
    allocator_logs: allocator("", "(drop (call $log (i32.const 2) (i32.const 64) (i32.const 5))) (i32.const 4096)");
    allocator_reads_the_clock: wasi("clock_time_get", "i32 i64 i32", "(i32.const 0) (i64.const 0) (i32.const 128)");
    allocator_writes: wasi("fd_write", "i32 i32 i32 i32", "(i32.const 1) (i32.const 256) (i32.const 1) (i32.const 128)");
    allocator_asks_for_randomness: wasi("random_get", "i32 i32", "(i32.const 128) (i32.const 8)");
    allocator_asks_for_arguments: wasi("args_sizes_get", "i32 i32", "(i32.const 128) (i32.const 132)");
    allocator_makes_a_host_call: allocator(r#"(import "env" "proxy_done" (func $done (result i32)))"#, "(drop (call $done)) (i32.const 4096)");
    allocator_gives_null: allocator("", "(i32.const 0)");
    allocator_gives_the_end_of_memory: allocator("", "(i32.const 131072)");
    allocator_gives_the_end_of_the_world: allocator("", "(i32.const -1)");
    allocator_gives_what_just_does: allocator("", "(i32.const 131071)");
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
