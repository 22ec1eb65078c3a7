//! Scenarios with several upstreams on a real Envoy, and events after the last request.

#![allow(clippy::panic, clippy::unwrap_used, reason = "tests, their helpers among them")]

use std::time::Duration;
use tollgate_host_test::{
    ClientView, FailurePolicy, Filter, Host, Outcome, Request, Response, Scenario, Upstream, UpstreamRequest,
    Wasm,
};

/// On each tick of 50 ms, POSTs `hello` to `/side` of the cluster that its configuration names.
const FILTER: &str = r#"(module
  (import "env" "proxy_get_buffer_bytes" (func $buffer (param i32 i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_tick_period_milliseconds" (func $tick (param i32) (result i32)))
  (import "env" "proxy_http_call"
    (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 4)
  (global $top (mut i32) (i32.const 65536))
  (data (i32.const 256) "HEADERS")
  (data (i32.const 512) "hello")
  (func (export "proxy_abi_version_0_2_1"))
  (func (export "_initialize"))
  (func (export "proxy_on_memory_allocate") (param $n i32) (result i32)
    (local $at i32)
    (local.set $at (global.get $top))
    (global.set $top (i32.add (local.get $at) (local.get $n)))
    (local.get $at))
  (func (export "proxy_on_configure") (param i32 i32) (result i32)
    (drop (call $buffer (i32.const 7) (i32.const 0) (i32.const 99) (i32.const 24) (i32.const 28)))
    (drop (call $tick (i32.const 50)))
    (i32.const 1))
  (func (export "proxy_on_tick") (param i32)
    (drop (call $tick (i32.const 0)))
    (drop (call $call (i32.load (i32.const 24)) (i32.load (i32.const 28)) (i32.const 256) (i32.const LENGTH)
      (i32.const 512) (i32.const 5) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 32))))
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (i32.const 0)))"#;

/// Header fields as the ABI passes them.
fn pairs(fields: &[(&str, &str)]) -> Vec<u8> {
    let number = |n: usize| u32::try_from(n).unwrap().to_le_bytes();
    let mut out = number(fields.len()).to_vec();
    for (name, value) in fields {
        out.extend(number(name.len()));
        out.extend(number(value.len()));
    }
    for (name, value) in fields {
        out.extend([name.as_bytes(), b"\0", value.as_bytes(), b"\0"].concat());
    }
    out
}

fn run(text: &str, change: impl FnOnce(Scenario, Filter) -> Scenario) -> Outcome {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("caller.wasm");
    std::fs::write(&path, wat::parse_str(text).unwrap()).unwrap();
    Host::Envoy.run(&change(Scenario::new(), Filter::new(Wasm::file(&path))))
}

fn caller() -> String {
    let headers = pairs(&[(":method", "POST"), (":path", "/side"), (":authority", "side.test")]);
    let escaped: String = headers.iter().map(|b| format!("\\{b:02x}")).collect();
    FILTER.replace("HEADERS", &escaped).replace("LENGTH", &headers.len().to_string())
}

#[test]
fn callouts_are_kept_apart_from_requests_by_name() {
    for http2 in [false, true] {
        let outcome = run(&caller(), |scenario, filter| {
            scenario
                .filter(filter.config_text("side"))
                .upstream(Upstream::replies("main", Response::new(200)))
                .upstream(Upstream { http2, ..Upstream::replies("side", Response::new(200)) })
                .upstream(Upstream::replies("unused", Response::new(200)))
                .request(Request::get("/main"))
                .settings(|s| s.linger = Duration::from_millis(500))
        });
        assert_eq!(outcome.exchanges[0].upstream[0].path, "/main");
        assert_eq!(outcome.exchanges[0].upstream.len(), 1);
        // One from the worker, one from the main thread.
        let side = &outcome.callouts["side"];
        assert_eq!(side.len(), 2, "http2: {http2}");
        for call in side {
            assert_eq!((call.method.as_str(), call.path.as_str()), ("POST", "/side"));
            assert_eq!((call.authority.as_str(), call.body.as_slice()), ("side.test", b"hello".as_slice()));
        }
        assert!(outcome.callouts["unused"].is_empty());
    }
}

#[test]
fn callouts_to_the_first_upstream_are_separate() {
    let outcome = run(&caller(), |scenario, filter| {
        let scenario = scenario.filter(filter.config_text("upstream")).request(Request::get("/main"));
        scenario.settings(|s| s.linger = Duration::from_millis(500))
    });
    let paths = |requests: &[UpstreamRequest]| requests.iter().map(|r| r.path.clone()).collect::<Vec<_>>();
    assert_eq!(paths(&outcome.exchanges[0].upstream), ["/main"]);
    assert_eq!(paths(&outcome.callouts["upstream"]), ["/side", "/side"]);
}

#[test]
fn envoy_accepts_every_field_of_a_filter() {
    let outcome = run(&caller(), |scenario, filter| {
        let full = |policy, name: &str| {
            let mut filter = filter.clone().named(name).config_text("upstream");
            filter.failure_policy = policy;
            filter.root_id = "root".into();
            filter.vm_id = "vm".into();
            filter.vm_configuration = b"vm\xff".to_vec();
            filter.allow_on_headers_stop_iteration = true;
            filter.environment = vec![("A".into(), "1".into())];
            filter
        };
        scenario
            .filter(full(FailurePolicy::FailClosed, ""))
            .filter(full(FailurePolicy::FailOpen, "open"))
            .filter(full(FailurePolicy::FailReload, "reload"))
            .request(Request::get("/"))
            .settings(|s| {
                (s.workers, s.generate_request_id, s.buffer_limit) = (2, false, 4096);
            })
    });
    assert!(matches!(&outcome.exchanges[0].client, ClientView::Response(r) if r.status == 200));
    assert_eq!(outcome.exchanges[0].upstream[0].headers.get("x-request-id"), None);
}

/// A gRPC callout to a cluster name that parses as protobuf crashes Envoy: `panic: unset oneof`.
#[test]
#[should_panic(expected = "unset oneof")]
fn a_test_fails_with_the_log_of_a_crashed_envoy() {
    let text = r#"(module
      (import "env" "proxy_grpc_call"
        (func $call (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
      (memory (export "memory") 1)
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "_initialize"))
      (func (export "malloc") (param i32) (result i32) (i32.const 1024))
      (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
        (drop (call $call (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0)
          (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 10) (i32.const 32)))
        (i32.const 0)))"#;
    run(text, |scenario, filter| scenario.filter(filter).request(Request::get("/")));
}
