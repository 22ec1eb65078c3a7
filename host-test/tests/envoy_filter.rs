//! Scenarios with a filter on a real Envoy. The filter shows what it does in metrics and log lines.
//!
//! The filter is written by hand, because these tests check the runner, not an SDK.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests, their helpers among them")]

use serde_json::json;
use std::path::PathBuf;
use tollgate_host_test::{
    ClientView, Filter, Host, LogLevel, LogLine, Request, Response, Scenario, Upstream, Wasm,
};

/// Logs its configuration, and rejects one that begins with `!`. Logs each body callback. Counts requests.
/// Adds `x-filter: wat` to responses. Traps on requests without additional header fields. Logs the end of
/// each stream.
const FILTER: &str = r#"(module
  (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_define_metric" (func $define (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_increment_metric" (func $increment (param i32 i64) (result i32)))
  (import "env" "proxy_record_metric" (func $record (param i32 i64) (result i32)))
  (import "env" "proxy_add_header_map_value" (func $add (param i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (data (i32.const 64) "requests.seen")
  (data (i32.const 96) "level")
  (data (i32.const 128) "x-filter")
  (data (i32.const 144) "wat")
  (data (i32.const 160) "two\nlines: \1e\ff")
  (data (i32.const 192) "piece")
  (data (i32.const 208) "done")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $n)))
    (local.get $at))
  (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.const 1))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $define (i32.const 0) (i32.const 64) (i32.const 13) (i32.const 16)))
    (drop (call $define (i32.const 1) (i32.const 96) (i32.const 5) (i32.const 20)))
    (drop (call $record (i32.load (i32.const 20)) (i64.const 7)))
    (if (i32.eqz (local.get 1)) (then (return (i32.const 1))))
    (drop (call $buffer (i32.const 7) (i32.const 0) (i32.const 9999) (i32.const 24) (i32.const 28)))
    (drop (call $log (i32.const 2) (i32.load (i32.const 24)) (i32.load (i32.const 28))))
    (i32.ne (i32.load8_u (i32.load (i32.const 24))) (i32.const 33)))
  (func (export "proxy_on_request_headers") (param $c i32) (param $n i32) (param i32) (result i32)
    ;; :authority, :path, :method, :scheme, x-forwarded-proto, x-request-id: then there is none from the client.
    (if (i32.eq (local.get $n) (i32.const 6)) (then (unreachable)))
    (drop (call $increment (i32.load (i32.const 16)) (i64.const 1)))
    (drop (call $log (i32.const 3) (i32.const 160) (i32.const 13)))
    (i32.const 0))
  (func (export "proxy_on_request_body") (param i32 i32 i32) (result i32)
    (if (local.get 1) (then (drop (call $log (i32.const 1) (i32.const 192) (i32.const 5)))))
    (i32.const 0))
  (func (export "proxy_on_response_headers") (param i32 i32 i32) (result i32)
    (drop (call $add (i32.const 2) (i32.const 128) (i32.const 8) (i32.const 144) (i32.const 3)))
    (i32.const 0))
  (func (export "proxy_on_done") (param i32) (result i32)
    (drop (call $log (i32.const 4) (i32.const 208) (i32.const 4)))
    (i32.const 1)))"#;

struct Module {
    _directory: tempfile::TempDir,
    path: PathBuf,
}

fn module() -> Module {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("hand-made.wasm");
    std::fs::write(&path, wat::parse_str(FILTER).unwrap()).unwrap();
    Module { _directory: directory, path }
}

impl Module {
    fn filter(&self) -> Filter {
        Filter::new(Wasm::file(&self.path))
    }
}

fn request() -> Request {
    Request::get("/").header("from", "client")
}

fn texts(logs: &[LogLine]) -> Vec<&str> {
    logs.iter().map(|l| l.text.as_str()).collect()
}

fn status(view: &ClientView) -> u16 {
    match view {
        ClientView::Response(response) => response.status,
        other => panic!("{other:?}"),
    }
}

#[test]
fn all_views_show_the_filter() {
    let module = module();
    let scenario = Scenario::new().filter(module.filter()).request(request()).request(request());
    let outcome = Host::Envoy.run(&scenario);
    for exchange in &outcome.exchanges {
        let ClientView::Response(response) = &exchange.client else { panic!("{:?}", exchange.client) };
        assert_eq!(response.headers.get("x-filter"), Some(b"wat".as_slice()));
        assert_eq!(exchange.upstream.len(), 1);
    }
    assert_eq!(outcome.metrics["requests.seen"], 2);
    assert_eq!(outcome.metrics["level"], 7);
    assert_eq!(outcome.metrics.len(), 2);
    let first = LogLine { level: LogLevel::Warn, text: "two\nlines: \u{1e}\u{fffd}".into() };
    let done = LogLine { level: LogLevel::Error, text: "done".into() };
    assert_eq!(outcome.logs, [first.clone(), done.clone(), first, done]);
}

#[test]
fn every_configured_vm_logs_the_configuration() {
    let module = module();
    let run = |filter: Filter| {
        let mut named = filter;
        (named.root_id, named.vm_id) = ("root".into(), "vm".into());
        let outcome = Host::Envoy.run(&Scenario::new().filter(named));
        texts(&outcome.logs).join("|")
    };
    // The canary, the main thread and one worker.
    assert_eq!(run(module.filter().config(json!({"a": 1}))), r#"{"a":1}|{"a":1}|{"a":1}"#);
    assert!(run(module.filter().config_text([b'x', 0xff])).starts_with("x\u{fffd}|"));
    // Protobuf: field 1, an entry of 10 bytes...
    assert!(run(module.filter().config_struct(json!({"a": 1}))).starts_with("\n\u{e}\n\u{1}a"));
}

#[test]
fn a_filter_that_rejects_its_configuration_is_refused() {
    let module = module();
    let refused =
        Host::Envoy.try_run(&Scenario::new().filter(module.filter().config_text("!no"))).unwrap_err();
    assert_eq!(refused.reason, "Unable to create Wasm plugin hand-made");
    assert_eq!(texts(&refused.logs), ["!no"]);
}

#[test]
fn a_file_that_is_not_a_module_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("text.wasm");
    std::fs::write(&path, "not wasm").unwrap();
    let refused = Host::Envoy.try_run(&Scenario::new().filter(Filter::new(Wasm::file(&path)))).unwrap_err();
    assert_eq!(refused.reason, "Unable to create Wasm plugin text");
    assert!(refused.logs.is_empty());
}

#[test]
fn keeps_only_log_lines_at_the_minimum_level() {
    let module = module();
    let scenario = Scenario::new().filter(module.filter().config_text("c")).request(request());
    let at = |level| {
        let outcome = Host::Envoy.run(&scenario.clone().settings(|s| s.log_level = level));
        texts(&outcome.logs).join("|")
    };
    assert_eq!(at(LogLevel::Error), "done");
    assert!(at(LogLevel::Info).starts_with("c|c|c|two"));
}

#[test]
fn each_piece_of_a_body_is_a_separate_call() {
    let module = module();
    let post = Request::post("/", "one").chunk("two").chunk("three").header("from", "client");
    let outcome = Host::Envoy.run(&Scenario::new().filter(module.filter()).request(post));
    assert_eq!(texts(&outcome.logs).iter().filter(|t| **t == "piece").count(), 3);
    assert_eq!(outcome.exchanges[0].upstream[0].body, b"onetwothree");
}

#[test]
fn a_trap_fails_its_request_and_those_after_it() {
    let module = module();
    let scenario = Scenario::new()
        .filter(module.filter())
        .upstream(Upstream::replies("u", Response::new(200)))
        .request(request())
        .request(Request::get("/"))
        .request(request());
    let outcome = Host::Envoy.run(&scenario.expect_traps());
    let traps: Vec<_> = outcome.traps.iter().map(|trap| trap.callback.as_str()).collect();
    assert_eq!(traps, ["proxy_on_request_headers"]);
    let statuses: Vec<_> = outcome.exchanges.iter().map(|e| status(&e.client)).collect();
    assert_eq!(statuses, [200, 503, 503]);
    let details: Vec<_> = outcome.exchanges.iter().map(|e| e.details.as_str()).collect();
    assert_eq!(details, ["via_upstream", "wasm_fail_stream", "wasm_fail_stream"]);
    let reached: Vec<_> = outcome.exchanges.iter().map(|e| e.upstream.len()).collect();
    assert_eq!(reached, [1, 0, 0]);
}
