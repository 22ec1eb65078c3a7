//! Modules that both hosts load, and modules that both hosts reject.

use crate::guest::module;
use tollgate_host_test::{Host, Request, Scenario};

/// Builds a module with these fields and everything that Envoy requires.
fn with(fields: &str) -> String {
    format!(
        r#"(module {fields}
        (memory (export "memory") 2)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 1024)))"#
    )
}

/// Declares modules that both hosts must treat the same.
macro_rules! load {
    ($($name:ident: $loads:expr, $text:expr;)*) => { $(
        #[test]
        fn $name() {
            check($loads, $text);
        }
    )* };
}

#[track_caller]
fn check(loads: bool, text: impl AsRef<str>) {
    let scenario = Scenario::new().filter(module(text.as_ref())).request(Request::get("/"));
    let [emulated, real] = [Host::Emulator, Host::Envoy].map(|host| host.try_run(&scenario));
    let told = [&emulated, &real].map(|run| run.as_ref().err().map(|refused| refused.reason.clone()));
    assert_eq!([emulated.is_ok(), real.is_ok()], [loads, loads], "emulator, Envoy: {told:#?}");
}

load! {
    plain: true, with("");
    callback_with_a_parameter_too_few: false, with(r#"(func (export "proxy_on_request_headers") (param i32 i32) (result i32) (i32.const 0))"#);
    callback_without_its_result: false, with(r#"(func (export "proxy_on_done") (param i32))"#);
    callback_with_a_result_too_many: false, with(r#"(func (export "proxy_on_log") (param i32) (result i32) (i32.const 0))"#);
    callback_with_a_parameter_of_another_type: false, with(r#"(func (export "proxy_on_tick") (param i64))"#);
    callback_that_is_never_called: false, with(r#"(func (export "proxy_on_foreign_function"))"#);
    callback_that_is_unknown: true, with(r#"(func (export "proxy_on_nonsense") (param f64))"#);
    callback_that_is_a_global: true, with(r#"(global (export "proxy_on_log") i32 (i32.const 0))"#);
    initialize_with_a_parameter: false, with(r#"(func (export "_initialize") (param i32))"#);
    start_with_a_parameter: false, with(r#"(func (export "_start") (param i32))"#);
    start_and_initialize: true, with(r#"(func (export "_initialize")) (func (export "_start") (param i32))"#);
    main_of_c: true, with(r#"(func (export "_initialize")) (func (export "main") (param i32 i32) (result i32) (i32.const 0))"#);
    main_of_another_type: false, with(r#"(func (export "_initialize")) (func (export "main"))"#);
    main_without_initialize: true, with(r#"(func (export "main") (result i64) (i64.const 1))"#);
    main_void_traps: false, with(r#"(func (export "_initialize")) (func (export "__main_void") (result i32) unreachable)"#);
    main_void_with_a_parameter: false, with(r#"(func (export "_initialize")) (func (export "__main_void") (param i32) (result i32) (i32.const 0))"#);
    main_void_without_a_result: false, with(r#"(func (export "_initialize")) (func (export "__main_void"))"#);
    main_traps: false, with(r#"(func (export "_initialize")) (func (export "main") (param i32 i32) (result i32) unreachable)"#);
    initialize_traps: false, with(r#"(func (export "_initialize") unreachable)"#);
    start_traps: false, with(r#"(func (export "_start") unreachable)"#);
    start_section_traps: false, with("(func $f unreachable) (start $f)");
    two_memories: true, with("(memory 1)");
    large_table: false, with("(table 4294967295 funcref)");
    table_at_the_limit: true, with("(table 10000000 funcref)");
    table_beyond_the_limit: false, with("(table 10000001 funcref)");
    data_out_of_bounds: false, with(r#"(data (i32.const 131072) "x")"#);
    allocator_of_another_type: false, r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i64) (result i32) (i32.const 0)))"#;
    allocator_of_another_type_and_malloc: true, with(r#"(func (export "proxy_on_memory_allocate"))"#);
    no_allocator: false, r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1")))"#;
    no_marker: false, r#"(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    marker_that_is_a_global: false, r#"(module (memory (export "memory") 1) (global (export "proxy_abi_version_0_2_1") i32 (i32.const 0)) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    marker_with_a_type: true, r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1") (param f64) (result i32) (i32.const 1)) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    two_markers: true, with(r#"(func (export "proxy_abi_version_0_1_0"))"#);
    unknown_import: false, with(r#"(import "env" "proxy_fly" (func))"#);
    import_of_another_type: false, with(r#"(import "env" "proxy_log" (func (param i32 i32 i64) (result i32)))"#);
    import_that_is_a_global: false, with(r#"(import "env" "proxy_log" (global i32))"#);
    import_of_memory: true, r#"(module (import "env" "memory" (memory 1)) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    import_of_a_table: true, with(r#"(import "x" "table" (table 1 funcref))"#);
    memory_by_another_name: true, r#"(module (memory (export "mem") 1) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    memory_that_is_not_exported: true, r#"(module (memory 1) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    no_memory: true, r#"(module (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    memory_of_64_bits: true, r#"(module (memory (export "memory") i64 1) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    memory_of_a_gibibyte: true, r#"(module (memory (export "memory") 16384) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    memory_beyond_a_gibibyte: false, r#"(module (memory (export "memory") 16385) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
    memory_of_four_gibibytes: false, r#"(module (memory (export "memory") 65536) (func (export "proxy_abi_version_0_2_1")) (func (export "malloc") (param i32) (result i32) (i32.const 0)))"#;
}
