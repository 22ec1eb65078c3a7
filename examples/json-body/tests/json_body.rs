//! Runs the filter and its counterpart of the stock SDK on both hosts.
use serde_json::json;
use tollgate_host_test::{Filter, Request, Scenario, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-json-body", "stock-example-json-body"];

fn sending(module: &str, requests: impl IntoIterator<Item = Request>) -> Scenario {
    let config = json!({"members": {"user": "string", "roles": "array"}, "max_bytes": 60});
    let filter = Filter::new(Wasm::package(module)).config(config);
    requests.into_iter().fold(Scenario::new().filter(filter), Scenario::request)
}

fn post(body: &str) -> Request {
    Request::post("/", body)
}

on_both_hosts! {
    fn allows_an_object_with_the_members(host) {
        for module in MODULES {
            let body = r#"{"user": "ann", "roles": [], "more": null}"#;
            let (first, last) = body.split_at(9);
            let in_parts = Request::new("POST", "/").chunk(first).chunk(last);
            let with_trailers = Request::new("POST", "/").chunk(first).chunk(last).trailer("x-sum", "1");
            let outcome = host.run(&sending(module, [post(body), in_parts, with_trailers]));
            outcome.has_statuses(&[200, 200, 200]);
            for index in 0..3 {
                outcome.upstream(index).body(body);
            }
        }
    }

    fn rejects_any_other_body(host) {
        for module in MODULES {
            let bodies = [
                (r#"{"user": "ann", "roles": {}}"#, 400, "invalid `roles`"),
                (r#"{"roles": []}"#, 400, "invalid `user`"),
                (r#"["user", "roles"]"#, 400, "invalid `roles`"),
                ("{", 400, "invalid_json"),
                (&" ".repeat(61), 413, "body_too_large"),
            ];
            let in_trailers = Request::new("POST", "/").chunk("{").trailer("x-sum", "1");
            let requests = bodies.iter().map(|(body, _, _)| post(body)).chain([Request::get("/"), in_trailers]);
            let outcome = host.run(&sending(module, requests));
            for (index, (_, status, text)) in bodies.iter().enumerate() {
                outcome.client(index).start(&status.to_string()).body(text);
            }
            outcome.client(5).start("400").body("no_body");
            outcome.client(6).start("400").body("invalid_json");
        }
    }
}
