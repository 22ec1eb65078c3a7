//! Responses to clients, headers for upstreams, and statistics.

use crate::support::{bucket, of_one, sending, times, with, with_limit};
use serde_json::{Value, json};
use tollgate_host_test::{Host, Outcome, Request, on_both_hosts};

fn merged(mut base: Value, more: &Value) -> Value {
    for (name, value) in more.as_object().unwrap() {
        base[name] = value.clone();
    }
    base
}

/// Sends one request that passes, and `more` requests, with these additional fields.
#[track_caller]
fn after_one(host: Host, more: &Value, requests: impl IntoIterator<Item = Request>) -> Outcome {
    let config = merged(json!({"limits": {"one": {"rates": [bucket(1)]}}}), more);
    let scenario = with(config).request(Request::get("/"));
    let outcome = host.run(&sending(scenario, requests));
    outcome.client(0).start("200");
    outcome
}

fn refused(host: Host, response: Value) -> Outcome {
    after_one(host, &json!({"response": response}), [Request::get("/")])
}

/// As gRPC clients begin.
fn grpc() -> Request {
    Request::post("/shop.Orders/List", [0; 5]).header("content-type", "application/grpc")
}

on_both_hosts! {
    fn rejections_contain_the_reason_and_the_retry_time(host) {
        let outcome = refused(host, json!({}));
        outcome
            .client(1)
            .start("429")
            .header("retry-after", "3600")
            .header("content-type", "text/plain")
            .header("ratelimit-policy", r#""one";q=1;w=3600"#)
            .header("ratelimit", r#""one";r=0;t=3600"#)
            .no_header("x-ratelimit-limit")
            .no_header("x-envoy-ratelimited")
            .body("local_rate_limited");
        outcome.has_details(1, "local_rate_limited");
        assert!(outcome.exchanges[1].upstream.is_empty());
        outcome.has_metric(&of_one("ok"), 1).has_metric(&of_one("rate_limited"), 1);
        outcome.has_metric("rate_limit.denied.local_rate_limited", 1);
    }

    fn responses_contain_the_quotas(host) {
        let rates = json!([merged(bucket(3), &json!({"name": "burst"})), {"fixed_window": {"requests": 100, "window": "24h"}}]);
        let config = json!({
            "limits": {"one": {"rates": rates}, "two": {"rates": [bucket(7)]}},
            "response": {"enable_x_ratelimit_headers": "DRAFT_VERSION_03"},
        });
        let outcome = host.run(&sending(with(config), times(&Request::get("/"), 4)));
        outcome.has_statuses(&[200, 200, 200, 429]);
        for (index, left) in [2, 1, 0, 0].into_iter().enumerate() {
            let day = if index == 3 { 97 } else { 99 - index };
            outcome
                .client(index)
                .header_that("ratelimit", "quotas of both rates", |text| {
                    text.starts_with(&format!(r#""burst";r={left};t="#)) && text.contains(&format!(r#", "one-2";r={day};t="#))
                })
                .header("x-ratelimit-remaining", &left.to_string());
        }
        let policy = r#""burst";q=3;w=10800, "one-2";q=100;w=86400, "two";q=7;w=25200"#;
        let limit = r#"3, 3;w=10800;name="burst", 100;w=86400;name="one-2", 7;w=25200;name="two""#;
        outcome.client(0).header("ratelimit-policy", policy).header("x-ratelimit-limit", limit);
        outcome.client(0).header("x-ratelimit-reset", "3600");
        outcome.client(3).header_that("x-ratelimit-reset", "an hour", |text| {
            (3590..=3600).contains(&text.parse::<u32>().unwrap())
        });
    }

    fn omits_disabled_headers(host) {
        let outcome = refused(host, json!({"retry_after": false, "rate_limit_headers": false}));
        outcome.client(0).no_header("ratelimit").no_header("ratelimit-policy");
        outcome.client(1).start("429").no_header("ratelimit").no_header("ratelimit-policy").no_header("retry-after");
    }

    fn the_status_can_be_another(host) {
        for status in [json!(503), json!({"code": 503})] {
            refused(host, json!({"status": status})).client(1).start("503").header("retry-after", "3600");
        }
    }

    fn the_body_can_be_another(host) {
        let json = r#"{"error":"rate_limited","policy":"one","reason":"local_rate_limited","retry_after":3600}"#;
        let outcome = refused(host, json!({"body_format": "json"}));
        let body = String::from_utf8(match &outcome.exchanges[1].client {
            tollgate_host_test::ClientView::Response(response) => response.body(),
            other => panic!("{other:?}"),
        }).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&body).unwrap(), serde_json::from_str::<Value>(json).unwrap());
        outcome.client(1).header("content-type", "application/json");
        refused(host, json!({"body_format": "problem"}))
            .client(1)
            .header("content-type", "application/problem+json");
        refused(host, json!({"body_format": "empty"})).client(1).body("").header("content-length", "0");
        refused(host, json!({"body": "<p>later</p>", "content_type": "text/html"}))
            .client(1)
            .body("<p>later</p>")
            .header("content-type", "text/html");
        refused(host, json!({"body": "later"})).client(1).body("later").header("content-type", "text/plain");
    }

    fn grpc_clients_get_a_grpc_status(host) {
        for (exhausted, status) in [(false, "14"), (true, "8")] {
            for format in ["text", "json"] {
                let response = json!({"rate_limited_as_resource_exhausted": exhausted, "body_format": format});
                let outcome = after_one(host, &json!({"response": response}), [grpc()]);
                outcome
                    .client(1)
                    .start("200")
                    .header("grpc-status", status)
                    .header("grpc-message", "local_rate_limited")
                    .header("content-type", "application/grpc")
                    .header("retry-after", "3600");
            }
        }
    }

    fn headers_are_added_to_refusals_only(host) {
        let add = |name: &str, value: &str| json!({"header": {"key": name, "value": value}});
        let outcome = refused(
            host,
            json!({"response_headers_to_add": [add("x-why", "too many"), add("x-why", "today"), add("retry-after", "7")]}),
        );
        outcome.client(0).no_header("x-why").no_header("retry-after");
        outcome.client(1).headers("x-why", &["too many", "today"]).header("retry-after", "7");
    }

    fn shadow_limits_only_count_and_add_headers(host) {
        let limit = json!({"rates": [bucket(1)], "shadow": true});
        let add = json!([{"header": {"key": "x-over", "value": "yes"}}]);
        let config = json!({
            "limits": {"one": limit},
            "response": {"request_headers_to_add_when_not_enforced": add},
        });
        let outcome = host.run(&sending(with(config), times(&Request::get("/"), 3)));
        outcome.has_statuses(&[200, 200, 200]);
        outcome.upstream(0).no_header("x-over");
        outcome.upstream(1).header("x-over", "yes");
        outcome.has_metric(&of_one("ok"), 1).has_metric(&of_one("shadow_rate_limited"), 2).has_metric(&of_one("rate_limited"), 0);
        outcome.has_metric("rate_limit.denied.local_rate_limited", 0);
        outcome.has_metric("rate_limit.shadow_denied.local_rate_limited", 2);
    }

    /// A limit with `shadow` does not keep other limits from rejecting.
    fn a_shadow_limit_does_not_affect_others(host) {
        let limits = json!({
            "a": {"rates": [bucket(0)], "shadow": true},
            "b": {"concurrency": {"max_requests": 1}, "shadow": true},
            "c": {"rates": [bucket(1)]},
        });
        let outcome = host.run(&sending(with(json!({"limits": limits})), times(&Request::get("/"), 2)));
        outcome.has_statuses(&[200, 429]);
        outcome.has_metric("rate_limit.limit.a.shadow_rate_limited", 2).has_metric("rate_limit.limit.c.rate_limited", 1);
    }

    fn filters_no_or_all_requests(host) {
        let add = json!([{"header": {"key": "x-over", "value": "yes"}}]);
        let response = json!({"request_headers_to_add_when_not_enforced": add});
        let share = |name: &str, percent: u32| {
            after_one(host, &json!({name: percent, "response": response}), [Request::get("/")])
        };
        let outcome = share("filter_enabled", 0);
        outcome.has_statuses(&[200, 200]).has_metric(&of_one("ok"), 0);
        outcome.upstream(1).no_header("x-over");
        let outcome = share("filter_enforced", 0);
        outcome.has_statuses(&[200, 200]).has_metric(&of_one("ok"), 1).has_metric(&of_one("shadow_rate_limited"), 1);
        outcome.upstream(1).header("x-over", "yes");
        for name in ["filter_enabled", "filter_enforced"] {
            share(name, 100).has_statuses(&[200, 429]);
        }
    }

    /// 30 of 60 are expected, with a standard deviation of four. The bounds are five deviations.
    fn filters_half_of_the_requests(host) {
        let half = |name: &str| {
            let config = json!({"limits": {"one": {"rates": [bucket(0)]}}, (name): 50});
            host.run(&sending(with(config), times(&Request::get("/"), 60)))
        };
        let counted = |outcome: &Outcome, event: &str| outcome.metrics.get(&of_one(event)).copied().unwrap_or(0);
        let enabled = half("filter_enabled");
        assert!((10..=50).contains(&counted(&enabled, "rate_limited")), "{:?}", enabled.metrics);
        assert_eq!(counted(&enabled, "shadow_rate_limited"), 0);
        let enforced = half("filter_enforced");
        assert!((10..=50).contains(&counted(&enforced, "rate_limited")), "{:?}", enforced.metrics);
        assert_eq!(counted(&enforced, "rate_limited") + counted(&enforced, "shadow_rate_limited"), 60);
    }

    fn statistics_can_have_a_prefix(host) {
        let outcome = after_one(host, &json!({"stat_prefix": "edge"}), [Request::get("/")]);
        outcome.has_metric("rate_limit.edge.limit.one.ok", 1).has_metric("rate_limit.edge.limit.one.rate_limited", 1);
        outcome.has_metric("rate_limit.edge.denied.local_rate_limited", 1);
    }

    fn a_configuration_may_be_a_struct(host) {
        let config = json!({"limits": {"one": {"rates": [bucket(1)]}}});
        let scenario = tollgate_host_test::Scenario::new().filter(crate::support::filter().config_struct(config));
        host.run(&sending(scenario, times(&Request::get("/"), 2))).has_statuses(&[200, 429]);
    }
}

/// A window says when it ends, as the clock does.
#[test]
fn windows_report_their_end() {
    let limit = json!({"rates": [{"fixed_window": {"requests": 1, "window": "1h"}}]});
    let late = std::time::Duration::from_millis(3_599_500);
    let requests = [Request::get("/").after(late), Request::get("/")];
    let outcome = Host::Emulator.run(&sending(with_limit(limit), requests));
    outcome.client(0).header("ratelimit", r#""one";r=0;t=1"#);
    outcome.client(1).start("429").header("retry-after", "1").header("ratelimit", r#""one";r=0;t=1"#);
}
