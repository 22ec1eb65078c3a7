//! Instructions per request, which vary less than times.

use crate::support::with;
use serde_json::{Value, json};
use tollgate_host_test::Request;
use tollgate_host_test::emulator::Emulator;

/// Instructions of `proxy_on_request_headers` of a request that one of the policies allows.
fn instructions(config: Value, request: &Request) -> u64 {
    let mut emulator = Emulator::builder(&with(config)).metered().start().expect("it loads");
    for _ in 0..3 {
        emulator.request(0, request);
    }
    let before = emulator.costs()["proxy_on_request_headers"].sum;
    emulator.request(0, request);
    assert_eq!(emulator.metrics()["rbac.allowed"], 4, "the request is allowed");
    emulator.costs()["proxy_on_request_headers"].sum - before
}

/// Policies of the usual shape: host, template of a path, method and role.
fn rules(count: usize) -> Value {
    let rule = |n: usize| {
        json!({"name": format!("p{n}"), "action": "allow", "roles": [format!("role{}", n % 10)], "match": {
            "hosts": [{"exact": format!("s{}.test", n / 100)}],
            "paths": [{"template": format!("/v1/r{}/{{id}}", n % 100)}],
            "methods": ["GET"],
        }})
    };
    let roles: serde_json::Map<_, _> = (0..10).map(|n| (format!("role{n}"), json!({}))).collect();
    json!({
        "roles": roles, "rules": (0..count).map(rule).collect::<Vec<_>>(),
        "bindings": [{"roles": ["role7"], "subjects": [{"attribute": "request.headers[x-user]", "present": true}]}],
    })
}

fn istio(count: usize) -> Value {
    let policy = |n: usize| {
        json!({
            "apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy", "metadata": {"name": format!("p{n}")},
            "spec": {"rules": [{
                "to": [{"operation": {
                    "hosts": [format!("s{}.test", n / 100)], "paths": [format!("/v1/r{}/*", n % 100)], "methods": ["GET"],
                }}],
                "when": [{"key": "request.headers[x-user]", "values": ["ann"]}],
            }]},
        })
    };
    json!({"istio": {"policies": (0..count).map(policy).collect::<Vec<_>>()}})
}

#[test]
fn ten_thousand_policies_cost_nearly_as_much_as_ten() {
    let request = Request::get("/v1/r7/42")
        .authority("s0.test")
        .header("x-user", "ann")
        .header("accept", "application/json")
        .header("user-agent", "order-service/2.4.1")
        .header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
    for (format, config) in [("rules", rules as fn(usize) -> Value), ("istio", istio)] {
        let (few, many) = (instructions(config(10), &request), instructions(config(10_000), &request));
        println!("{format}: {few} instructions with 10 policies, {many} with 10,000");
        assert!(many * 10 <= few * 13, "{format}: {few} instructions with 10 policies, {many} with 10,000");
    }
}

#[test]
fn memory_of_ten_thousand_policies_is_bounded() {
    for (format, config) in [("rules", rules as fn(usize) -> Value), ("istio", istio)] {
        let memory = |count| {
            let emulator = Emulator::builder(&with(config(count))).metered().start().expect("it loads");
            println!("{format}, {count}: {} instructions", emulator.costs()["proxy_on_configure"].sum);
            emulator.memory(0, 0)
        };
        let (few, many) = (memory(10), memory(10_000));
        println!("{format}: {few} bytes with 10 policies, {many} with 10,000");
        assert!(many - few < 64 << 20, "{format}: {few} bytes with 10 policies, {many} with 10,000");
    }
}
