//! Files that are not modules, and extreme modules. `both/loading.rs` compares which modules Envoy loads. The
//! modules here would take Envoy too long, would crash it, or are rejected only by the emulator.

use crate::guest::{Guest, module, wat};
use std::io::Write;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Filter, Refused, Request, Scenario, Wasm};

fn start(bytes: &[u8]) -> Result<Emulator, Refused> {
    let mut file = tempfile::Builder::new().suffix(".wasm").tempfile().unwrap();
    file.write_all(bytes).unwrap();
    Emulator::new(&Scenario::new().filter(Filter::new(Wasm::file(file.path()))))
}

fn refusal(bytes: &[u8]) -> String {
    start(bytes).expect_err("must not load").reason
}

/// Builds a module with these fields, which would load without them.
fn with(fields: &str) -> String {
    format!(
        r#"(module {fields} (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 8)))"#
    )
}

#[test]
fn rejects_files_that_are_not_modules() {
    let good = wat::parse_str(with("")).unwrap();
    assert!(start(&good).is_ok());
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("text", b"(module)".to_vec()),
        ("half of one", good[..good.len() / 2].to_vec()),
        ("without its last byte", good[..good.len() - 1].to_vec()),
        ("another version", [&good[..4], &[2, 0, 0, 0], &good[8..]].concat()),
        ("a component", wat::parse_str("(component)").unwrap()),
        ("an image", b"\x7fELF\x02\x01\x01\0\0\0\0\0".to_vec()),
    ] {
        let reason = refusal(&bytes);
        assert!(reason.contains("Failed to load Wasm bytecode: "), "{what}: {reason}");
        assert!(!reason.contains('\n'), "{what}: {reason}");
    }
}

#[test]
fn survives_modules_with_a_bit_changed() {
    let text = Guest::new().on("request_headers", [crate::call!("log", 2, "x")]).text();
    let good = wat::parse_str(text).unwrap();
    let mut loaded = 0;
    for at in (0..good.len()).step_by(5) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        let Ok(mut emulator) = start(&bad) else { continue };
        loaded += 1;
        let handle = emulator.request(0, &Request::get("/"));
        emulator.finish_request(handle);
    }
    assert!(loaded > 0 && loaded < good.len() / 5, "{loaded} of {}", good.len() / 5);
}

#[test]
fn a_missing_file_is_an_error_with_its_path() {
    let missing = Scenario::new().filter(Filter::new(Wasm::file("/nowhere/filter.wasm")));
    let reason = Emulator::new(&missing).unwrap_err().reason;
    assert!(reason.contains("cannot read the module `/nowhere/filter.wasm`: No such file"), "{reason}");
}

#[test]
fn rejects_shared_memory_which_envoy_loads() {
    // The engine is built without thread support, because filters have no threads.
    let reason = refusal(&wat::parse_str(with(r#"(memory (export "m") 1 2 shared)"#)).unwrap());
    assert!(reason.contains("threads must be enabled"), "{reason}");
}

#[test]
fn a_host_call_in_the_start_section_would_crash_envoy() {
    let text = with(
        r#"(import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (func $f (drop (call $log (i32.const 2) (i32.const 0) (i32.const 0)))) (start $f)"#,
    );
    let reason = refusal(&wat::parse_str(text).unwrap());
    assert!(reason.contains("Envoy crashes (segmentation fault): a host call in the start"), "{reason}");
}

#[test]
fn an_endless_start_section_ends() {
    let scenario = Scenario::new().filter(module(&with("(func $f (loop $l (br $l))) (start $f)")));
    let reason = |emulator: Result<Emulator, Refused>| emulator.unwrap_err().reason;
    let by_time = Emulator::builder(&scenario).patience(Duration::from_millis(50)).start();
    assert!(reason(by_time).contains("exceeded its time limit"));
    let by_count = Emulator::builder(&scenario).instructions(10_000).start();
    assert!(reason(by_count).contains("exceeded its instruction limit"));
}

#[test]
fn an_endless_allocator_ends() {
    let text = r#"(module
        (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (loop $l (br $l)) (i32.const 8))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $pairs (i32.const 0) (i32.const 0) (i32.const 4))))"#;
    let scenario = Scenario::new().filter(module(text));
    let mut emulator = Emulator::builder(&scenario).patience(Duration::from_millis(50)).start().unwrap();
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    assert_eq!(emulator.traps()[0].reason, "the allocator failed: exceeded its time limit");
}

#[test]
fn many_functions_and_many_locals_compile() {
    let functions = "(func (param i32) (result i32) (local.get 0))".repeat(3_000);
    assert!(start(&wat::parse_str(with(&functions)).unwrap()).is_ok());
    let locals = |count: usize| with(&format!("(func (local{}))", " i64".repeat(count)));
    assert!(start(&wat::parse_str(locals(50_000)).unwrap()).is_ok());
    let reason = refusal(&wat::parse_str(locals(50_001)).unwrap());
    assert!(reason.contains("locals exceed maximum"), "{reason}");
}

#[test]
fn deep_nesting_compiles_or_is_rejected() {
    let blocks = format!("(func {}{})", "block ".repeat(20_000), "end ".repeat(20_000));
    let wasm = wat::parse_str(with(&blocks));
    // The parser of the text may give up first.
    if let Ok(wasm) = wasm {
        match start(&wasm) {
            Ok(_) => {}
            Err(refused) => assert!(refused.reason.contains("Failed to load"), "{}", refused.reason),
        }
    }
}

#[test]
fn memory_that_grows_stays_below_the_limit() {
    // Each request allocates 256 MiB.
    let greedy = wat("(if (i32.eq (memory.grow (i32.const 4096)) (i32.const -1)) (then unreachable))");
    let mut emulator = Guest::new().on("request_headers", [greedy]).start();
    for _ in 0..6 {
        let handle = emulator.request(0, &Request::get("/"));
        emulator.finish_request(handle);
    }
    assert_eq!(emulator.traps().len(), 1, "the fourth allocation of 256 MiB exceeds the limit");
    let mark = emulator.memory_marks().pop().unwrap();
    assert_eq!((mark.bytes, mark.lost), (3 * (256 << 20) + (32 << 16), true));
}
