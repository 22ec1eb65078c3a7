//! Costs of requests, and their changes by responses.

use crate::support::{bucket, of_one, sending, times, with_limit};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, Scenario, Upstream, on_both_hosts};

fn costing(header: &str) -> Request {
    Request::get("/").header("x-cost", header)
}

fn replies(status: u16) -> Vec<Answer> {
    vec![Answer::Reply { response: Response::new(status), after: Duration::ZERO }]
}

/// An upstream with logins: `/no` returns 401, `/cost/n` returns `x-cost: n`, `/reset` and `/hang` return no
/// response.
fn shop() -> Upstream {
    let cost = |cost: &str| {
        vec![Answer::Reply { response: Response::new(200).header("x-cost", cost), after: Duration::ZERO }]
    };
    Upstream::replies("shop", Response::new(200))
        .on("/no", replies(401))
        .on("/cost/0", cost("0"))
        .on("/cost/3", cost("3"))
        .on("/cost/1000", cost("1000"))
        .on("/cost/many", cost("many"))
        .on("/reset", vec![Answer::Reset])
        .on("/hang", vec![Answer::Hang])
}

fn gets(scenario: Scenario, paths: &[&str]) -> Scenario {
    sending(scenario.upstream(shop()), paths.iter().map(|path| Request::get(path)))
}

on_both_hosts! {
    fn each_request_costs_a_number(host) {
        let scenario = with_limit(json!({"rates": [bucket(10)], "cost": {"number": 3}}));
        let outcome = host.run(&sending(scenario, times(&Request::get("/"), 4)));
        outcome.has_statuses(&[200, 200, 200, 429]);
    }

    fn a_request_costs_what_its_header_says_up_to_the_most(host) {
        let cost = json!({"header": {"name": "x-cost", "default": 2, "max": 5}});
        let scenario = with_limit(json!({"rates": [bucket(17)], "cost": cost}));
        // Costs: 4; 5 for 100, the maximum; 2 and 2 for missing or invalid numbers; 1 for 0. 3 remain.
        let requests = [costing("4"), costing("100"), Request::get("/"), costing("a few"), costing("0"),
            costing("4"), costing("3"), costing("1")];
        host.run(&sending(scenario, requests)).has_statuses(&[200, 200, 200, 200, 200, 429, 200, 429]);
    }

    fn rejects_costs_above_the_limit(host) {
        let cost = json!({"header": {"name": "x-cost", "max": 100}});
        let scenario = with_limit(json!({"rates": [bucket(5)], "cost": cost}));
        let outcome = host.run(&sending(scenario, [costing("6"), costing("5"), costing("1")]));
        outcome.has_statuses(&[429, 200, 429]);
        outcome.client(0).no_header("retry-after");
    }

    fn a_body_costs_by_its_length(host) {
        let scenario = with_limit(json!({"rates": [bucket(6)], "cost": {"body_bytes": {"per": 10, "max": 100}}}));
        let requests = [Request::post("/", [b'a'; 41]), Request::get("/"), Request::get("/")];
        host.run(&sending(scenario, requests)).has_statuses(&[200, 200, 429]);
    }

    fn charges_a_body_of_unknown_length_with_the_response(host) {
        let scenario = with_limit(json!({"rates": [bucket(6)], "cost": {"body_bytes": {"per": 10, "max": 100}}}));
        let chunked = Request::post("/", [b'a'; 20]).chunk([b'b'; 21]);
        host.run(&sending(scenario, [chunked, Request::get("/"), Request::get("/")])).has_statuses(&[200, 200, 429]);
    }

    /// Ten of five that there are: five are owed, an hour each.
    fn a_key_owes_the_cost_of_a_body_beyond_the_limit(host) {
        let scenario = with_limit(json!({"rates": [bucket(5)], "cost": {"body_bytes": {"per": 10, "max": 100}}}));
        let chunked = Request::post("/", [b'a'; 50]).chunk([b'b'; 50]);
        let outcome = host.run(&sending(scenario, [chunked, Request::get("/")]));
        outcome.has_statuses(&[200, 429]);
        outcome.client(1).header_that("retry-after", "six hours", |text| {
            (21_500..=21_600).contains(&text.parse::<u32>().unwrap())
        });
    }

    fn only_some_statuses_cost(host) {
        let scenario = with_limit(json!({"rates": [bucket(2)], "on_response": {"statuses": ["401", "500-502"]}}));
        let outcome = host.run(&gets(scenario, &["/", "/", "/no", "/", "/no", "/"]));
        outcome.has_statuses(&[200, 200, 401, 200, 401, 429]);
        outcome.has_metric(&of_one("error"), 0);
    }

    fn only_responses_with_some_headers_cost(host) {
        let on_response = json!({"headers": [{"name": "x-cost", "present": true}]});
        let scenario = with_limit(json!({"rates": [bucket(2)], "on_response": on_response}));
        host.run(&gets(scenario, &["/", "/", "/cost/3", "/", "/cost/3", "/"]))
            .has_statuses(&[200, 200, 200, 200, 200, 429]);
    }

    fn a_response_header_sets_the_cost(host) {
        let on_response = json!({"cost_header": {"name": "x-cost", "max": 8}});
        let scenario = with_limit(json!({"rates": [bucket(16)], "on_response": on_response}));
        // Costs: 0, 3, 1 for an invalid number, 8 as the maximum, 3. One remains.
        let paths = ["/cost/0", "/cost/3", "/cost/many", "/cost/1000", "/cost/3", "/cost/1000", "/"];
        host.run(&gets(scenario, &paths)).has_statuses(&[200, 200, 200, 200, 200, 200, 429]);
    }

    /// Envoy answers in place of an upstream that broke off: that is a response, with a status that costs
    /// nothing here.
    fn an_error_response_of_envoy_is_a_response(host) {
        let scenario = with_limit(json!({"rates": [bucket(1)], "on_response": {"statuses": ["401"]}}));
        host.run(&gets(scenario, &["/reset", "/reset", "/no", "/"])).has_statuses(&[503, 503, 401, 429]);
    }

    fn a_disconnect_costs_unless_refunds_are_configured(host) {
        for (refund, last) in [(false, 429), (true, 200)] {
            let on_response = json!({"statuses": ["401"], "refund_without_response": refund});
            let scenario = with_limit(json!({"rates": [bucket(1)], "on_response": on_response}))
                .settings(|settings| settings.client_patience = Duration::from_millis(700));
            host.run(&gets(scenario, &["/hang", "/"])).has_statuses(&[0, last]);
        }
    }

    /// The first limit gets a refund when the second one rejects.
    fn a_rejection_costs_other_limits_nothing(host) {
        let narrow = json!({"key": [{"request_headers": {"header_name": "x-user", "descriptor_key": "user"}}], "rates": [bucket(1)]});
        let scenario = crate::support::with(json!({"limits": {"a": {"rates": [bucket(3)]}, "b": narrow}}));
        let by = |user: &str| Request::get("/").header("x-user", user);
        let requests = [by("a"), by("a"), by("a"), by("a"), by("b"), by("c"), by("d")];
        let outcome = host.run(&sending(scenario, requests));
        outcome.has_statuses(&[200, 429, 429, 429, 200, 200, 429]);
        outcome.has_metric("rate_limit.limit.a.rate_limited", 1).has_metric("rate_limit.limit.b.rate_limited", 3);
    }
}
