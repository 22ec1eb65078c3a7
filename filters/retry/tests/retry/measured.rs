//! Rates over many requests: amplification under an outage, success at random failures, and the same
//! outcomes as the router's own policy.

use crate::support::{attempts, status, with};
use serde_json::{Value, json};
use tollgate_host_test::{
    Answer, Host, Outcome, Request, RetryPolicy, Route, Scenario, Upstream, on_both_hosts,
};

/// A sequence of numbers that is the same in each run (xorshift64*).
fn random(seed: u64, count: usize) -> impl Iterator<Item = u64> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33
    })
    .take(count)
}

/// Answers of which half fail at random.
fn coin(seed: u64, count: usize) -> Vec<Answer> {
    random(seed, count).map(|number| status(if number % 2 == 0 { 503 } else { 200 })).collect()
}

fn run(host: Host, scenario: Scenario, answers: Vec<Answer>, request: &Request, count: usize) -> Outcome {
    let mut scenario = scenario.upstream(Upstream::answers("upstream", answers));
    scenario.requests = vec![request.clone(); count];
    host.run(&scenario)
}

fn successes(outcome: &Outcome) -> f64 {
    outcome.statuses().iter().filter(|status| **status == 200).count() as f64
}

fn budget(percent: u32, per_second: u32, replay: bool) -> Value {
    let rule = match replay {
        true => json!({"num_retries": 0, "replay": {"retriable_status_codes": [503], "num_retries": 3}}),
        false => json!({"retry_on": "5xx", "num_retries": 3}),
    };
    json!({"rules": [rule], "retry_budget": {"budget_percent": percent, "min_retries_per_second": per_second}})
}

on_both_hosts! {
    /// An upstream that fails always receives at most `1 + budget` times the offered load, and without a
    /// budget as many times as there are attempts.
    fn a_budget_bounds_the_load_under_an_outage(host) {
        for replay in [false, true] {
            for (percent, most) in [(0, 100), (20, 120), (50, 150)] {
                let scenario = with(budget(percent, 0, replay));
                let outcome = run(host, scenario, vec![status(503)], &Request::get("/"), 100);
                let received = attempts(&outcome);
                assert!(received <= most && received + 1 >= most, "{received} at {percent} %");
            }
            let outcome = run(host, with(budget(0, 1_000, replay)), vec![status(503)], &Request::get("/"), 25);
            assert_eq!(attempts(&outcome), 4 * 25);
        }
    }

    /// With one retry, a request of which each attempt fails with probability 1/2 succeeds with 3/4, and with
    /// two retries with 7/8. The bound is four standard deviations.
    fn the_success_rate_is_the_calculated_one(host) {
        let count = 400;
        for retries in [1u32, 2] {
            let rule = json!({"retry_on": "5xx", "num_retries": retries});
            let config = json!({"rules": [rule], "retry_budget": {"min_retries_per_second": 100_000}});
            let outcome = run(host, with(config), coin(0x5eed, 4 * count), &Request::get("/"), count);
            let expected = 1.0 - 0.5f64.powi(1 + retries as i32);
            let deviation = (expected * (1.0 - expected) / count as f64).sqrt();
            let rate = successes(&outcome) / count as f64;
            assert!((rate - expected).abs() <= 4.0 * deviation, "{rate} for {expected} with {retries} retries");
        }
    }

    fn a_post_is_sent_once_while_half_of_the_requests_fail(host) {
        let config = json!({
            "rules": [{"retry_on": "5xx,reset", "num_retries": 3, "replay": {"retriable_status_codes": ["5xx"]}}],
            "retry_budget": {"min_retries_per_second": 100_000},
        });
        let outcome = run(host, with(config), coin(7, 300), &Request::post("/", "order"), 200);
        assert_eq!(attempts(&outcome), 200);
        outcome.has_metric("retry.not_safe", 200);
    }

    /// The same random failures, with the policy in the route and in the filter. The upstream answers in the
    /// same order, so that the outcomes are equal, request by request.
    fn retries_as_the_router_with_a_policy_of_its_route(host) {
        for (retry_on, retries) in [("5xx", 2), ("gateway-error", 1), ("retriable-4xx", 1)] {
            let answers: Vec<_> = random(0xd1ff, 600)
                .map(|number| status([200, 200, 409, 500, 503][(number % 5) as usize]))
                .collect();
            let policy =
                RetryPolicy { retry_on: retry_on.into(), num_retries: retries, ..RetryPolicy::default() };
            let route = Route::to("/", "upstream").retry(policy);
            let native = run(host, Scenario::new().route(route), answers.clone(), &Request::get("/"), 150);
            let config = json!({
                "rules": [{"retry_on": retry_on, "num_retries": retries}],
                "retry_budget": {"min_retries_per_second": 100_000},
            });
            let ours = run(host, with(config), answers, &Request::get("/"), 150);
            assert_eq!(ours.statuses(), native.statuses(), "{retry_on}");
            assert_eq!(attempts(&ours), attempts(&native), "{retry_on}");
        }
    }
}
