//! A real Envoy with two workers under load: amplification, success at random failures, safety, and the same
//! outcomes as the router's own policy.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use crate::load::{Answer, Upstream, envoy, send};
use crate::support::filter;
use serde_json::{Value, json};
use std::time::Instant;
use tollgate_host_test::envoy::bootstrap::wasm;

/// The filter with one rule and a budget.
fn retry(rule: Value, budget: Value) -> Vec<Value> {
    vec![wasm(&filter().config(json!({"rules": [rule], "retry_budget": budget})))]
}

/// A budget that is never spent.
fn unlimited() -> Value {
    json!({"min_retries_per_second": 1_000_000})
}

fn router() -> Value {
    json!({"retry_on": "5xx", "num_retries": 3})
}

fn callouts() -> Value {
    let back_off = json!({"base_interval": "1ms", "max_interval": "1ms"});
    // A busy machine must not cause further retries.
    let replay = json!({"retriable_status_codes": [503], "num_retries": 3, "retry_back_off": back_off,
        "per_try_timeout": "60s"});
    json!({"num_retries": 0, "replay": replay})
}

/// Sends requests to an upstream that always fails. Returns how many it received.
fn received_under_an_outage(rule: Value, budget: Value, requests: u64) -> usize {
    let upstream = Upstream::new(|_| Answer::Status(503));
    let envoy = envoy(retry(rule, budget), json!({}), upstream.address);
    let statuses = send(&envoy, "GET", requests);
    assert!(statuses.iter().all(|status| *status == 503));
    let received = upstream.received();
    assert_eq!(received.len() as u64, requests);
    received.values().sum()
}

/// The window is longer than the test, and has no floor.
#[test]
fn an_outage_gets_the_load_and_the_budget() {
    const REQUESTS: u64 = 2_000;
    for rule in [router(), callouts()] {
        for percent in [0, 20, 50] {
            let budget = json!({
                "budget_percent": percent, "min_retries_per_second": 0, "budget_interval": "1h",
            });
            let received = received_under_an_outage(rule.clone(), budget, REQUESTS);
            let most = (REQUESTS + REQUESTS * percent / 100) as usize;
            println!("{received} of at most {most} at {percent} %");
            // A request takes up to three retries, and the last one may leave some.
            assert!((most - 3..=most).contains(&received), "{received} of at most {most} at {percent} %");
        }
    }
}

/// The floor is that of each window. A window is 16 slots, and the current one is not over, so the floor is
/// granted again after 15 of them.
#[test]
fn an_outage_gets_the_floor_of_each_window_besides() {
    const REQUESTS: u64 = 2_000;
    const PER_SECOND: u64 = 20;
    let budget = json!({"budget_percent": 0, "min_retries_per_second": PER_SECOND, "budget_interval": "1s"});
    let start = Instant::now();
    let received = received_under_an_outage(router(), budget, REQUESTS);
    let windows = (start.elapsed().as_secs_f64() * 16.0 / 15.0).ceil() as u64 + 1;
    let most = REQUESTS + PER_SECOND * windows;
    println!("{received} of at most {most} in {windows} windows");
    let least = REQUESTS + PER_SECOND;
    assert!((least..=most).contains(&(received as u64)), "{received}, expected {least} to {most}");
}

#[test]
fn an_outage_without_a_budget_gets_every_attempt() {
    for rule in [router(), callouts()] {
        assert_eq!(received_under_an_outage(rule, unlimited(), 500), 4 * 500);
    }
}

/// A number that looks random, and is the same for the same `n` (`splitmix64`).
fn random(n: u64) -> u64 {
    let mut bits = n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ bits >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ bits >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ bits >> 31
}

fn half_fail(n: u64) -> Answer {
    Answer::Status(if random(n).is_multiple_of(2) { 503 } else { 200 })
}

/// Returns the rate of requests that succeed, and the mean number of attempts.
fn rates(filters: Vec<Value>, policy: Value, requests: u64) -> (f64, f64) {
    let upstream = Upstream::new(half_fail);
    let envoy = envoy(filters, policy, upstream.address);
    let statuses = send(&envoy, "GET", requests);
    let succeeded = statuses.iter().filter(|status| **status == 200).count();
    let received: usize = upstream.received().values().sum();
    (succeeded as f64 / requests as f64, received as f64 / requests as f64)
}

/// With `n` retries, a request fails with probability `q = 1/2^(n + 1)`, and makes `2 - 2q` attempts on
/// average, with a variance of less than 2. The bounds are five standard deviations. The policy of the route
/// has the same outcomes.
#[test]
fn half_of_the_attempts_fail_and_the_rates_are_those_calculated() {
    const REQUESTS: u64 = 3_000;
    let deviation = |variance: f64| 5.0 * (variance / REQUESTS as f64).sqrt();
    for retries in [1, 3] {
        let rule = json!({"retry_on": "5xx", "num_retries": retries});
        let replay = json!({"retriable_status_codes": [503], "num_retries": retries,
            "retry_back_off": {"base_interval": "1ms"}, "per_try_timeout": "60s"});
        let (steering, replay) = (rule.clone(), json!({"num_retries": 0, "replay": replay}));
        let fails = 0.5f64.powi(retries + 1);
        for (name, filters, policy) in [
            ("filter", retry(steering, unlimited()), json!({})),
            ("callouts", retry(replay, unlimited()), json!({})),
            ("route", Vec::new(), rule),
        ] {
            let (rate, attempts) = rates(filters, policy, REQUESTS);
            println!("{retries} retries by {name}: rate {rate}, {attempts} attempts");
            assert!((rate - (1.0 - fails)).abs() <= deviation(fails * (1.0 - fails)), "{name}: {rate}");
            assert!((attempts - (2.0 - 2.0 * fails)).abs() <= deviation(2.0), "{name}: {attempts}");
        }
    }
}

/// The upstream answers, fails, or closes the connection, which is all that is retried.
#[test]
fn no_post_without_a_key_arrives_twice() {
    let upstream = Upstream::new(|n| match random(n) % 3 {
        0 => Answer::Status(200),
        1 => Answer::Status(503),
        _ => Answer::Close,
    });
    let mut rule = callouts();
    rule["retry_on"] = "5xx,reset,connect-failure".into();
    rule["num_retries"] = 3.into();
    rule["replay"]["retriable_status_codes"] = json!(["5xx"]);
    // The route retries too.
    let policy = json!({"retry_on": "5xx,reset", "num_retries": 3});
    let envoy = envoy(retry(rule, unlimited()), policy, upstream.address);
    send(&envoy, "POST", 1_500);
    let received = upstream.received();
    assert_eq!((received.len(), received.values().copied().max()), (1_500, Some(1)));
    // A method that is safe is retried.
    send(&envoy, "PUT", 100);
    assert!(upstream.received().values().any(|count| *count > 2));
}
