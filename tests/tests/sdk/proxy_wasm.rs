//! A stock filter and one of this SDK in one module, on the dispatcher of the `proxy-wasm` crate.

use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

fn replies(cluster: &str, bodies: &[&str]) -> Upstream {
    let answer = |body: &&str| {
        let response = Response::new(200).chunk(*body);
        Answer::Reply { response, after: Duration::from_millis(1) }
    };
    Upstream::answers(cluster, bodies.iter().map(answer).collect())
}

/// Both filters in one VM: in Envoy, plugins with the same code and VM configuration share it.
fn mixed(first: &str, second: &str) -> Scenario {
    let plugin = |root_id: &str| {
        let mut filter = Filter::new(Wasm::package("fixture-mixed")).config(json!({"cluster": "authz"}));
        filter.name = root_id.into();
        filter.root_id = root_id.into();
        filter
    };
    Scenario::new()
        .filter(plugin(first))
        .filter(plugin(second))
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(replies("authz", &["ann", "bob"]))
        .upstream(replies("stock", &["one", "two", "three"]))
}

on_both_hosts! {
    fn each_filter_of_a_mixed_module_gets_its_own_answers(host) {
        for (first, second) in [("authorize", "stock"), ("stock", "authorize")] {
            let tokens = ["a", "b", "a"];
            let scenario = tokens.iter().fold(mixed(first, second), |scenario, token| {
                scenario.request(Request::get("/").header("authorization", token))
            });
            let outcome = host.run(&scenario);
            outcome.has_statuses(&[200, 200, 200]);
            for (index, (user, stock)) in [("ann", "one"), ("bob", "two"), ("ann", "three")].iter().enumerate() {
                outcome.upstream(index).header("x-user", user).header("x-stock", stock);
            }
        }
    }

    fn a_filter_of_a_mixed_module_rejects_a_request(host) {
        let outcome = host.run(&mixed("stock", "authorize").request(Request::get("/")));
        outcome.has_statuses(&[401]).has_details(0, "no_token");
    }
}
