//! Runs the filter on both hosts.
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts};

fn scenario(answers: Vec<Answer>, tokens: &[&str]) -> Scenario {
    remembering("1m", answers, tokens)
}

fn remembering(time: &str, answers: Vec<Answer>, tokens: &[&str]) -> Scenario {
    let filter = Filter::new(Wasm::package("tollgate-example-authorize"))
        .config(json!({"cluster": "authz", "remember": time}));
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
        let outcome = host.run(&scenario(vec![reply(200, "ann"), reply(200, "bob")], &["a", "a", "b"]));
        outcome.has_statuses(&[200, 200, 200]);
        outcome.upstream(0).header("x-user", "ann");
        outcome.upstream(1).header("x-user", "ann");
        outcome.upstream(2).header("x-user", "bob");
    }

    fn asks_again_after_the_configured_time(host) {
        let answers = vec![reply(200, "ann"), reply(200, "bob")];
        let outcome = host.run(&remembering("1ns", answers, &["a", "a"]));
        outcome.upstream(0).header("x-user", "ann");
        outcome.upstream(1).header("x-user", "bob");
    }

    fn remembers_no_rejection_and_no_failure(host) {
        let answers = vec![reply(401, ""), Answer::Reset, reply(200, "ann")];
        let outcome = host.run(&scenario(answers, &["a", "a", "a"]));
        outcome.has_statuses(&[403, 503, 200]).has_details(0, "denied").has_details(1, "authz_unavailable");
    }

    fn rejects_a_request_without_a_token(host) {
        let outcome = host.run(&scenario(vec![], &[]).request(Request::get("/")));
        outcome.has_statuses(&[401]).has_details(0, "no_token");
    }
}
