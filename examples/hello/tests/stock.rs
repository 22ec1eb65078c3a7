//! Runs the filter and its counterpart of the stock SDK on both hosts.
use serde_json::json;
use tollgate_host_test::{Filter, Request, Scenario, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-hello", "stock-example-hello"];

on_both_hosts! {
    fn both_allow_only_configured_values(host) {
        for module in MODULES {
            let filter =
                Filter::new(Wasm::package(module)).config(json!({"header": "X-Team", "allowed": ["red", "blue"]}));
            let scenario = Scenario::new()
                .filter(filter)
                .request(Request::get("/").header("x-team", "red"))
                .request(Request::get("/").header("x-team", "green").header("x-team", "blue"))
                .request(Request::get("/").header("x-team", b"\xff"))
                .request(Request::get("/"));
            let outcome = host.run(&scenario);
            outcome.has_statuses(&[200, 200, 403, 403]);
            outcome.client(2).body("not_allowed");
        }
    }
}
