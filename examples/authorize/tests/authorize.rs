//! Runs the filter and its counterpart of the stock SDK on both hosts.
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-authorize", "stock-example-authorize"];

fn scenario(module: &str, remember: &str, answers: Vec<Answer>, tokens: &[&str]) -> Scenario {
    let filter = Filter::new(Wasm::package(module)).config(json!({"cluster": "authz", "remember": remember}));
    let scenario = Scenario::new()
        .filter(filter)
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(Upstream::answers("authz", answers));
    tokens
        .iter()
        .fold(scenario, |scenario, token| scenario.request(Request::get("/").header("authorization", token)))
}

fn reply(status: u16, body: &str) -> Answer {
    Answer::Reply { response: Response::new(status).chunk(body), after: Duration::from_millis(1) }
}

on_both_hosts! {
    fn asks_once_for_each_token(host) {
        for module in MODULES {
            let answers = vec![reply(200, "ann"), reply(200, "bob")];
            let outcome = host.run(&scenario(module, "1m", answers, &["a", "a", "b"]));
            outcome.has_statuses(&[200, 200, 200]);
            outcome.upstream(0).header("x-user", "ann");
            outcome.upstream(1).header("x-user", "ann");
            outcome.upstream(2).header("x-user", "bob");
        }
    }

    fn asks_again_after_the_configured_time(host) {
        for module in MODULES {
            let answers = vec![reply(200, "ann"), reply(200, "bob")];
            let outcome = host.run(&scenario(module, "1ns", answers, &["a", "a"]));
            outcome.upstream(0).header("x-user", "ann");
            outcome.upstream(1).header("x-user", "bob");
        }
    }

    fn remembers_no_rejection_and_no_failure(host) {
        for module in MODULES {
            let answers = vec![reply(401, ""), Answer::Reset, reply(503, "busy"), reply(200, "ann")];
            let outcome = host.run(&scenario(module, "1m", answers, &["a", "a", "a", "a"]));
            outcome.has_statuses(&[403, 503, 403, 200]);
            outcome.client(0).body("denied");
            outcome.client(1).body("authz_unavailable");
        }
    }

    fn rejects_a_request_without_a_token(host) {
        for module in MODULES {
            let outcome = host.run(&scenario(module, "1m", vec![], &[]).request(Request::get("/")));
            outcome.has_statuses(&[401]);
            outcome.client(0).body("no_token");
        }
    }
}
