//! Benchmarks of the emulator: `cargo bench -p tollgate-host-test`.
//!
//! Tests send thousands of requests, and variations repeat each of them in many orders. Targets: 10 us for a
//! request through a filter, and 100 us for a new VM.

#![allow(clippy::unwrap_used, missing_docs, reason = "a benchmark")]

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tollgate_host_test::emulator::{self, Emulator};
use tollgate_host_test::{Filter, Request, Response, Scenario, Upstream, Wasm};

/// A minimal filter, written by hand: it reads one header and writes one.
const BY_HAND: &str = r#"(module
    (import "env" "proxy_get_header_map_value" (func $get (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_replace_header_map_value" (func $set (param i32 i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 4096))
    (func (export "proxy_on_context_create") (param i32 i32))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
      (drop (call $get (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 0) (i32.const 4)))
      (drop (call $set (i32.const 0) (i32.const 80) (i32.const 6)
        (i32.load (i32.const 0)) (i32.load (i32.const 4))))
      (i32.const 0))
    (data (i32.const 64) ":path")
    (data (i32.const 80) "x-path"))"#;

fn modules() -> Vec<(&'static str, Filter)> {
    let hello = serde_json::json!({"header": "x-user", "allowed": ["u1"]});
    let telemetry = serde_json::json!({"trace_context": {}});
    vec![
        ("by-hand", Filter::new(Wasm::wat(BY_HAND))),
        ("empty", Filter::new(Wasm::package("fixture-empty"))),
        ("hello", Filter::new(Wasm::package("tollgate-example-hello")).config(hello)),
        ("telemetry-headers", Filter::new(Wasm::package("tollgate-telemetry-headers")).config(telemetry)),
    ]
}

fn scenario(filter: Filter) -> Scenario {
    Scenario::new().filter(filter).upstream(Upstream::replies("upstream", Response::new(200)))
}

/// Measures requests without a body, one after the other, through one VM.
fn requests(c: &mut Criterion) {
    let mut group = c.benchmark_group("request");
    group.throughput(Throughput::Elements(1));
    for (name, filter) in modules() {
        let mut emulator = Emulator::new(&scenario(filter)).unwrap();
        let request = Request::get("/a/b").header("x-user", "u1");
        group.bench_function(name, |b| {
            b.iter(|| {
                let handle = emulator.request(0, &request);
                black_box(emulator.finish_request(handle))
            });
        });
    }
}

/// Measures a VM that is instantiated, initialized and dropped.
fn vms(c: &mut Criterion) {
    let mut group = c.benchmark_group("vm");
    for (name, filter) in modules() {
        let mut emulator = Emulator::new(&scenario(filter)).unwrap();
        group.bench_function(name, |b| b.iter(|| emulator.start_alone(black_box(0)).unwrap()));
    }
}

/// Measures an emulator with its four VMs: the one that is cloned, the canary, the main thread's and the
/// worker's. They are loaded, configured and dropped.
fn starts(c: &mut Criterion) {
    let mut group = c.benchmark_group("start");
    for (name, filter) in modules() {
        let scenario = scenario(filter);
        group.bench_function(name, |b| {
            b.iter_batched(|| (), |()| Emulator::new(black_box(&scenario)).unwrap(), BatchSize::PerIteration);
        });
    }
}

/// Measures a whole scenario, from its start to its outcome.
fn scenarios(c: &mut Criterion) {
    let mut group = c.benchmark_group("scenario");
    for (name, filter) in modules() {
        let scenario = scenario(filter).request(Request::get("/a/b"));
        group.bench_function(name, |b| b.iter(|| emulator::run(black_box(&scenario)).unwrap()));
    }
}

criterion_group!(benches, requests, vms, starts, scenarios);
criterion_main!(benches);
