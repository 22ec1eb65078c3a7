//! Retries by the router: conditions, precedence, safe requests, budget.

use crate::support::{attempts, config, filter, reply, slow, status, with, with_rule};
use serde_json::json;
use tollgate_host_test::{
    Answer, Filter, Host, Request, Response, RetryPolicy, Route, Scenario, Upstream, Wasm, on_both_hosts,
};

/// Sends one request to an upstream that fails once, and returns how many attempts it received.
fn tries(host: Host, rule: serde_json::Value, first: Answer, request: Request) -> usize {
    let upstream = Upstream::answers("upstream", vec![first, status(200)]);
    let outcome = host.run(&with_rule(rule).upstream(upstream).request(request));
    attempts(&outcome)
}

/// A proxy whose requests have these headers, as those of an internal client. From requests of others, Envoy
/// removes them.
fn from_inside(headers: &[(&str, &str)]) -> Scenario {
    let edits: Vec<_> =
        headers.iter().map(|(name, value)| json!({"set": {"name": name, "value": value}})).collect();
    let sender = Filter::new(Wasm::package("tollgate-telemetry-headers"));
    Scenario::new().filter(sender.config(json!({"request_headers": edits})))
}

on_both_hosts! {
    fn each_condition_retries(host) {
        for (retry_on, first, expected) in [
            ("5xx", status(500), 2),
            ("gateway-error", status(503), 2),
            ("gateway-error", status(500), 1),
            ("retriable-4xx", status(409), 2),
            ("429", status(429), 2),
            ("503", status(429), 1),
            ("reset", Answer::Reset, 2),
            ("connect-failure", Answer::Reset, 1),
        ] {
            let rule = json!({"retry_on": retry_on});
            let seen = tries(host, rule, first.clone(), Request::get("/"));
            // A reset reaches the upstream too.
            assert_eq!(seen, expected, "{retry_on}");
        }
    }

    fn a_refused_connection_is_retried(host) {
        let upstream = Upstream::answers("upstream", vec![Answer::Refuse, status(200)]);
        let outcome = host.run(&with_rule(json!({})).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.router", 1).has_metric("retry.succeeded_after_retry", 1);
        outcome.client(0).header("x-attempts", "2");
    }

    fn a_header_of_the_response_retries(host) {
        let rule = json!({"retry_on": "retriable-headers", "retriable_headers": ["x-again"]});
        let again = reply(Response::new(200).header("x-again", "1"));
        assert_eq!(tries(host, rule, again, Request::get("/")), 2);
    }

    fn a_slow_attempt_is_retried(host) {
        let rule = json!({"retry_on": "5xx", "per_try_timeout": "300ms", "timeout": "10s"});
        let upstream = Upstream::answers("upstream", vec![Answer::Hang, status(200)]);
        let outcome = host.run(&with_rule(rule).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[200]);
        outcome.client(0).header("x-attempts", "2");
    }

    fn the_timeout_limits_all_attempts(host) {
        let rule = json!({"retry_on": "5xx", "num_retries": 9, "per_try_timeout": "100ms", "timeout": "250ms"});
        let upstream = Upstream::answers("upstream", vec![slow(200, 2_000)]);
        let outcome = host.run(&with_rule(rule).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[504]);
    }

    fn a_grpc_status_in_the_headers_is_retried(host) {
        let rule = json!({"retry_on": "unavailable", "safe": {"grpc_methods": [{"exact": "/shop.Stock/Get"}]}});
        let fails = || {
            reply(Response::new(200).header("content-type", "application/grpc").header("grpc-status", "14"))
        };
        let call = |path: &str| Request::post(path, "\0\0\0\0\0").header("content-type", "application/grpc");
        assert_eq!(tries(host, rule.clone(), fails(), call("/shop.Stock/Get")), 2);
        assert_eq!(tries(host, rule, fails(), call("/shop.Stock/Put")), 1);
    }

    fn a_post_without_a_key_is_never_sent_twice(host) {
        let rule = json!({"retry_on": "5xx,reset,connect-failure", "num_retries": 5});
        for (request, expected) in [
            (Request::post("/", "order"), 1),
            (Request::new("PATCH", "/").chunk("x"), 1),
            (Request::post("/", "order").header("idempotency-key", "k1"), 2),
            (Request::new("PUT", "/").chunk("x"), 2),
        ] {
            for first in [status(503), Answer::Reset] {
                let shown = format!("{request:?} {first:?}");
                assert_eq!(tries(host, rule.clone(), first, request.clone()), expected, "{shown}");
            }
        }
    }

    /// The route retries everything. The filter has the last word about the number, and adds conditions.
    fn the_filter_takes_precedence_over_the_route(host) {
        let policy = RetryPolicy { retry_on: "5xx".into(), num_retries: 3, ..RetryPolicy::default() };
        let route = Route::to("/", "upstream").retry(policy);
        let config = json!({"rules": [
            {"match": {"paths": [{"prefix": "/once"}]}, "num_retries": 0},
            {"match": {"paths": [{"prefix": "/rule"}]}, "retry_on": "reset", "num_retries": 1},
        ]});
        let upstream = Upstream::answers("upstream", vec![status(503)]);
        let outcome = host.run(
            &with(config)
                .route(route)
                .upstream(upstream)
                .request(Request::get("/once"))
                .request(Request::get("/rule"))
                .request(Request::post("/rule", ""))
                .request(Request::get("/route")),
        );
        let seen: Vec<_> = outcome.exchanges.iter().map(|exchange| exchange.upstream.len()).collect();
        assert_eq!(seen, [1, 2, 1, 4]);
    }

    fn headers_of_a_client_have_no_effect(host) {
        let config = json!({"rules": [{"match": {"paths": [{"prefix": "/rule"}]}, "num_retries": 1, "retry_on": "reset"}]});
        let scenario = from_inside(&[
            ("x-envoy-retry-on", "5xx"),
            ("x-envoy-max-retries", "9"),
            ("x-envoy-upstream-rq-timeout-ms", "1"),
            ("x-envoy-upstream-rq-per-try-timeout-ms", "1"),
            ("x-envoy-expected-rq-timeout-ms", "1"),
            ("x-envoy-upstream-rq-timeout-alt-response", "1"),
            ("x-envoy-upstream-stream-duration-ms", "1"),
        ]);
        let upstream = Upstream::answers("upstream", vec![slow(503, 50)]);
        let outcome = host.run(
            &scenario
                .filter(filter().config(config))
                .upstream(upstream)
                .request(Request::get("/rule"))
                .request(Request::get("/other"))
                .request(Request::post("/rule", "x")),
        );
        outcome.has_statuses(&[503, 503, 503]).has_metric("retry.client_headers_removed", 3);
        assert_eq!(attempts(&outcome), 3);
        for exchange in &outcome.exchanges {
            for (name, _) in &exchange.upstream[0].headers.0 {
                let name = String::from_utf8_lossy(name.as_ref()).into_owned();
                assert!(!name.contains("retry") && !name.contains("retries"), "{name}");
                assert!(!name.contains("alt-response") && !name.contains("duration"), "{name}");
            }
            // The router writes the timeout of the route.
            let timeout = exchange.upstream[0].headers.get("x-envoy-expected-rq-timeout-ms");
            assert_ne!(timeout, Some(b"1".as_slice()));
        }
    }

    fn a_client_may_ask_for_fewer_retries(host) {
        for (asked, expected) in [("1", 2), ("99", 4)] {
            let mut config = config(json!({"retry_on": "5xx", "num_retries": 3}));
            config["client_headers"] = "cap".into();
            let upstream = Upstream::answers("upstream", vec![status(503)]);
            let scenario = from_inside(&[("x-envoy-max-retries", asked)]).filter(filter().config(config));
            let outcome = host.run(&scenario.upstream(upstream).request(Request::get("/")));
            assert_eq!(attempts(&outcome), expected, "{asked}");
        }
    }

    fn a_body_over_the_limit_is_sent_once_and_counted(host) {
        let rule = json!({"retry_on": "5xx", "safe": {"max_request_bytes": 10}});
        let put = |body: &str| Request::new("PUT", "/").chunk(body);
        let length = put("01234567890").header("content-length", "11");
        let upstream = Upstream::answers("upstream", vec![status(503)]);
        let scenario = with_rule(rule).upstream(upstream).request(length).request(put("0123456789"));
        let outcome = host.run(&scenario);
        let seen: Vec<_> = outcome.exchanges.iter().map(|exchange| exchange.upstream.len()).collect();
        assert_eq!(seen, [1, 2]);
        outcome.has_metric("retry.body_too_large", 1);
    }

    /// The headers have been sent before the size is known: the router retries, the filter does not.
    fn a_long_body_without_a_length_is_not_replayed(host) {
        let rule = |retries: u32| json!({
            "retry_on": "5xx", "num_retries": retries, "safe": {"max_request_bytes": 10},
            "replay": {"retriable_status_codes": [503]},
        });
        for (retries, expected) in [(0, 1), (1, 2)] {
            let put = Request::new("PUT", "/").chunk("0123456").chunk("789012");
            let upstream = Upstream::answers("upstream", vec![status(503)]);
            let outcome = host.run(&with_rule(rule(retries)).upstream(upstream).request(put));
            assert_eq!(attempts(&outcome), expected, "{retries}");
            outcome.has_metric("retry.body_too_large", 1);
        }
    }

    fn a_spent_budget_sends_each_request_once(host) {
        let config = json!({
            "rules": [{"retry_on": "5xx", "num_retries": 3}],
            "retry_budget": {"budget_percent": 25, "min_retries_per_second": 0},
        });
        let mut scenario = with(config).upstream(Upstream::answers("upstream", vec![status(503)]));
        scenario.requests = vec![Request::get("/"); 40];
        let outcome = host.run(&scenario);
        assert_eq!(attempts(&outcome), 50);
        outcome.has_metric("retry.retries.router", 10);
    }

    fn shadow_mode_changes_nothing(host) {
        let mut config = config(json!({"retry_on": "5xx"}));
        config["shadow"] = true.into();
        let upstream = Upstream::answers("upstream", vec![status(503), status(200)]);
        let outcome = host.run(&with(config).upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[503]).has_metric("retry.steered", 1);
        outcome.client(0).no_header("x-attempts");
    }
}
