//! Sends the same requests through Envoy's own `local_ratelimit` filter and through this one, each in an
//! Envoy.
//!
//! Both decide alike, because Envoy's bucket also fills evenly (`AtomicTokenBucketImpl`). Times in headers
//! differ by design: here, `x-ratelimit-limit` also contains the policies, and `x-ratelimit-reset` and
//! `retry-after` report when there is room.

use crate::support::{sending, times, with};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::{Host, Outcome, Request, Scenario};

const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit";

/// Envoy's filter with this bucket, for all requests.
fn native(bucket: &Value, more: &Value) -> Scenario {
    let all = json!({"default_value": {"numerator": 100, "denominator": "HUNDRED"}, "runtime_key": "none"});
    let mut config = json!({
        "@type": TYPE, "stat_prefix": "native", "token_bucket": bucket, "filter_enabled": all, "filter_enforced": all,
    });
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    Scenario::new().native_filter("envoy.filters.http.local_ratelimit", config)
}

/// Ours, with fields of the same names.
fn ours(bucket: &Value, more: &Value) -> Scenario {
    let mut response = more.clone();
    response["rate_limit_headers"] = json!(false);
    response["retry_after"] = json!(false);
    with(json!({"limits": {"all": {"rates": [{"token_bucket": bucket}]}}, "response": response}))
}

fn both(bucket: &Value, more: &Value, requests: &[Request]) -> [Outcome; 2] {
    [native(bucket, more), ours(bucket, more)]
        .map(|scenario| Host::Envoy.run(&sending(scenario, requests.iter().cloned())))
}

/// Status, details, flags, body, and these headers.
#[track_caller]
fn agree(outcomes: &[Outcome; 2], headers: &[&str]) {
    let [native, ours] = outcomes.each_ref().map(|outcome| {
        let seen = outcome.exchanges.iter().map(|exchange| {
            let tollgate_host_test::ClientView::Response(response) = &exchange.client else {
                panic!("{exchange:?}")
            };
            let values: Vec<Option<String>> = headers
                .iter()
                .map(|name| {
                    response.headers.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
                })
                .collect();
            (response.status, String::from_utf8(response.body()).unwrap(), exchange.details.clone(), values)
        });
        seen.collect::<Vec<_>>()
    });
    assert_eq!(native, ours);
}

#[test]
fn a_burst_is_cut_off_at_the_same_request() {
    for max_tokens in [1, 3, 10] {
        let bucket = json!({"max_tokens": max_tokens, "tokens_per_fill": 1, "fill_interval": "3600s"});
        let outcomes = both(&bucket, &json!({}), &times(&Request::get("/"), max_tokens + 3));
        agree(&outcomes, &["content-type", "x-envoy-ratelimited", "x-ratelimit-limit", "retry-after"]);
        assert_eq!(outcomes[0].statuses().iter().filter(|status| **status == 200).count(), max_tokens);
    }
}

#[test]
fn buckets_refill_alike() {
    let bucket = json!({"max_tokens": 4, "tokens_per_fill": 2, "fill_interval": "8s"});
    let mut requests = times(&Request::get("/"), 5);
    // 6 seconds: one token of the next two, as both fill evenly.
    requests.push(Request::get("/").after(Duration::from_secs(6)));
    requests.push(Request::get("/"));
    let outcomes = both(&bucket, &json!({}), &requests);
    outcomes[1].has_statuses(&[200, 200, 200, 200, 429, 200, 429]);
    agree(&outcomes, &[]);
}

/// Remaining requests, and the maximum.
#[test]
fn headers_are_equal() {
    let bucket = json!({"max_tokens": 3, "tokens_per_fill": 3, "fill_interval": "3600s"});
    let more = json!({"enable_x_ratelimit_headers": "DRAFT_VERSION_03"});
    let outcomes = both(&bucket, &more, &times(&Request::get("/"), 4));
    agree(&outcomes, &["x-ratelimit-remaining"]);
    for outcome in &outcomes {
        for index in 0..4 {
            outcome.client(index).header_that("x-ratelimit-limit", "3 of all", |text| text.starts_with('3'));
        }
    }
}

#[test]
fn statuses_are_equal() {
    let bucket = json!({"max_tokens": 1, "tokens_per_fill": 1, "fill_interval": "3600s"});
    let grpc = Request::post("/a.B/C", [0; 5]).header("content-type", "application/grpc");
    for exhausted in [false, true] {
        let more = json!({"status": {"code": "ServiceUnavailable"}, "rate_limited_as_resource_exhausted": exhausted});
        let mine = json!({"status": 503, "rate_limited_as_resource_exhausted": exhausted});
        let requests = [Request::get("/"), Request::get("/"), grpc.clone()];
        let run = |scenario| Host::Envoy.run(&sending(scenario, requests.iter().cloned()));
        let outcomes = [run(native(&bucket, &more)), run(ours(&bucket, &mine))];
        outcomes[1].has_statuses(&[200, 503, 200]);
        agree(&outcomes, &["grpc-status", "grpc-message", "content-type"]);
    }
}

/// When to come again: Envoy's filter says when the next token comes, as this one does.
#[test]
fn retry_after_is_equal() {
    let bucket = json!({"max_tokens": 2, "tokens_per_fill": 1, "fill_interval": "3600s"});
    let requests = times(&Request::get("/"), 3);
    let run = |scenario| Host::Envoy.run(&sending(scenario, requests.clone()));
    let ours = with(json!({"limits": {"all": {"rates": [{"token_bucket": bucket}]}}}));
    for outcome in [run(native(&bucket, &json!({"enable_retry_after_header": true}))), run(ours)] {
        outcome.client(2).start("429").header_that("retry-after", "an hour", |text| {
            (3590..=3600).contains(&text.parse::<u32>().unwrap())
        });
    }
}
