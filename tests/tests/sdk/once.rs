//! A filter without stream state has two callbacks per stream, creation and request headers. It has no
//! callback for the end of a stream.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{ClientView, Configuration, Filter, Request, Scenario, Wasm, on_both_hosts};

fn hello(config: Value) -> Filter {
    Filter::new(Wasm::package("tollgate-example-hello")).config(config)
}

fn with(header: &str, value: &str) -> Request {
    Request::get("/").header(header, value)
}

on_both_hosts! {
    /// Several plugins in one VM: only the creation of a stream tells to which plugin it belongs.
    fn each_stream_uses_its_own_plugin(host) {
        let scenario = Scenario::new()
            .filter(hello(json!({"header": "x-team", "allowed": ["red"]})))
            .filter(hello(json!({"header": "x-role", "allowed": ["admin"]})))
            .request(with("x-team", "red").header("x-role", "admin"))
            .request(with("x-team", "red").header("x-role", "red"))
            .request(with("x-team", "admin").header("x-role", "admin"))
            .request(with("x-team", "red").header("x-role", "admin"));
        host.run(&scenario).has_statuses(&[200, 403, 403, 200]);
    }
}

#[test]
fn stateless_filter_is_called_twice_per_stream() {
    let scenario = Scenario::new().filter(hello(json!({"header": "x-team", "allowed": ["red"]})));
    let mut emulator = Emulator::builder(&scenario).metered().start().expect("the filter loads");
    let before = entries(&emulator);
    for _ in 0..10 {
        let handle = emulator.request(0, &with("x-team", "red"));
        emulator.finish_request(handle);
    }
    let after = entries(&emulator);
    let more = after.iter().map(|(name, calls)| (*name, calls - before.get(name).copied().unwrap_or(0)));
    // The host allocates memory for the values that it returns.
    let more: Vec<_> = more.filter(|(name, calls)| *calls > 0 && !name.contains("memory")).collect();
    assert_eq!(more, [("proxy_on_context_create", 10), ("proxy_on_request_headers", 10)]);
}

fn entries(emulator: &Emulator) -> BTreeMap<&'static str, u64> {
    emulator.costs().iter().map(|(name, cost)| (*name, cost.calls)).collect()
}

/// The host does not report that it deletes a plugin. The SDK finds out when the next plugin is configured.
#[test]
fn deleted_plugins_are_removed() {
    let allowed = |count: usize| {
        let allowed: Vec<_> = (0..10_000).map(|index| format!("{count}-{index}")).collect();
        json!({"header": "x-team", "allowed": allowed})
    };
    let scenario = Scenario::new().filter(hello(allowed(0)));
    let mut emulator = Emulator::new(&scenario).expect("the filter loads");
    let mut sizes = Vec::new();
    for count in 1..20 {
        let configuration = Configuration::Text(allowed(count).to_string().into_bytes());
        emulator.reconfigure(0, &configuration).expect("the filter loads");
        for (number, status) in [(count, 200), (count - 1, 403)] {
            let handle = emulator.request(0, &with("x-team", &format!("{number}-9999")));
            match emulator.finish_request(handle).client {
                ClientView::Response(response) => assert_eq!(response.status, status, "{number} of {count}"),
                other => panic!("{other:?}"),
            }
        }
        sizes.push(emulator.memory(0, 0));
    }
    assert_eq!(sizes[4], sizes[18], "{sizes:?}");
    assert!(emulator.traps().is_empty());
}
