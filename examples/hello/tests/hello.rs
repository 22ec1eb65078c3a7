//! Runs the filter on both hosts.
use serde_json::json;
use tollgate_host_test::{Filter, Request, Scenario, Wasm, on_both_hosts};

on_both_hosts! {
    fn allows_only_configured_values(host) {
        let hello = Filter::new(Wasm::package("tollgate-example-hello"))
            .config(json!({"header": "x-team", "allowed": ["red", "blue"]}));
        let scenario = Scenario::new()
            .filter(hello)
            .request(Request::get("/").header("x-team", "red"))
            .request(Request::get("/").header("x-team", "green"))
            .request(Request::get("/"));
        host.run(&scenario).has_statuses(&[200, 403, 403]).has_details(1, "not_allowed");
    }
}
