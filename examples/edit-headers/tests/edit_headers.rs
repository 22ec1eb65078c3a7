//! Runs the filter and its counterpart of the stock SDK on both hosts.
use serde_json::{Value, json};
use tollgate_host_test::{Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-edit-headers", "stock-example-edit-headers"];

fn with(module: &str, config: Value) -> Scenario {
    let response = Response::new(200).header("server-timing", "db").header("x-powered-by", b"\xff");
    Scenario::new()
        .filter(Filter::new(Wasm::package(module)).config(config))
        .upstream(Upstream::replies("backend", response))
        .request(Request::get("/").header("x-debug", "1").header("x-debug", "2").header("x-tag", b"\xfe"))
}

on_both_hosts! {
    fn edits_requests_and_responses_in_order(host) {
        for module in MODULES {
            let config = json!({
                "request": [
                    {"remove": "x-debug"},
                    {"add": {"name": "x-tag", "value": "b"}},
                    {"set": {"name": "X-Env", "value": "old"}},
                    {"set": {"name": "x-env", "value": "test"}},
                ],
                "response": [
                    {"remove": "x-powered-by"},
                    {"add": {"name": "server-timing", "value": "edge"}},
                    {"set": {"name": "strict-transport-security", "value": "max-age=60"}},
                ],
            });
            let outcome = host.run(&with(module, config));
            outcome.upstream(0).no_header("x-debug").headers("x-env", &["test"]);
            assert_eq!(outcome.upstream(0).values("x-tag"), ["\u{fffd}", "b"]);
            outcome
                .client(0)
                .no_header("x-powered-by")
                .headers("server-timing", &["db", "edge"])
                .header("strict-transport-security", "max-age=60");
        }
    }

    fn rejects_edits_that_could_split_a_message(host) {
        let invalid = [
            json!({"remove": "content-length"}),
            json!({"remove": ":path"}),
            json!({"set": {"name": "x", "value": "a\r\nb"}}),
            json!({"set": {"name": "x y", "value": ""}}),
        ];
        for module in MODULES {
            for edit in &invalid {
                assert!(host.try_run(&with(module, json!({"request": [edit]}))).is_err(), "{module}: {edit}");
            }
        }
    }
}
