//! Reports of traps.

use crate::guest::{Guest, module, wat};
use tollgate_host_test::emulator::{Emulator, Frame};
use tollgate_host_test::{Request, Scenario};

fn lost(text: &str) -> Emulator {
    let mut emulator = Emulator::new(&Scenario::new().filter(module(text))).unwrap();
    emulator.request(0, &Request::get("/"));
    assert_eq!(emulator.traps().len(), 1);
    emulator
}

#[test]
fn a_trap_report_names_the_functions() {
    let emulator = lost(
        r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 8))
        (func $_ZN6policy6decide17h0123456789abcdefE unreachable)
        (func $outer (call $_ZN6policy6decide17h0123456789abcdefE))
        (func (export "proxy_on_log") (param i32) (call $outer)))"#,
    );
    let trap = &emulator.traps()[0];
    let names: Vec<_> = trap.frames.iter().map(|frame| frame.name.as_deref()).collect();
    assert_eq!(names, [Some("policy::decide"), Some("outer"), None]);
    assert_eq!(trap.reason, "wasm trap: wasm `unreachable` instruction executed");
    let told = trap.to_string();
    assert!(told.contains("\n  in policy::decide (at 0x"), "{told}");
    assert!(!told.contains("no names"), "{told}");
    assert!(emulator.trace().last().unwrap().contains("in policy::decide"));
}

#[test]
fn a_trap_report_explains_how_to_keep_names() {
    let emulator = {
        let mut emulator = Guest::new().on("log", [wat("unreachable")]).start();
        emulator.request(0, &Request::get("/"));
        emulator
    };
    // `$allocate` has a name, but is not on the stack.
    let trap = &emulator.traps()[0];
    assert!(matches!(trap.frames[0], Frame { name: None, offset: Some(_), .. }), "{trap}");
    assert!(trap.to_string().contains("Wasm::package_named"), "{trap}");
}

#[test]
fn a_stack_overflow_report_shows_the_innermost_frames() {
    let emulator = lost(
        r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) (i32.const 8))
        (func $deeper (param i64) (call $deeper (local.get 0)) (drop (local.get 0)))
        (func (export "proxy_on_log") (param i32) (call $deeper (i64.const 0))))"#,
    );
    let trap = &emulator.traps()[0];
    assert_eq!(trap.reason, "wasm trap: call stack exhausted");
    assert_eq!(trap.frames.len(), 20);
    assert!(trap.frames.iter().all(|frame| frame.name.as_deref() == Some("deeper")));
}

#[test]
fn a_stack_overflow_in_the_allocator_fails_the_vm() {
    let emulator = lost(
        r#"(module
        (import "env" "proxy_get_header_map_pairs" (func $pairs (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func $malloc (export "malloc") (param i32) (result i32)
          (i32.add (call $malloc (local.get 0)) (i32.const 1)))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (call $pairs (i32.const 0) (i32.const 0) (i32.const 4))))"#,
    );
    assert_eq!(emulator.traps()[0].reason, "the allocator failed: wasm trap: call stack exhausted");
}
