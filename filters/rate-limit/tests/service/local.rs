//! Limits of this Envoy and of the service on one request.

use crate::support::*;
use serde_json::{Value, json};
use tollgate_host_test::on_both_hosts;

fn rate(tokens: u32, more: Value) -> Value {
    let rates = json!([{"token_bucket": {"max_tokens": tokens, "fill_interval": "1h"}}]);
    merged(json!({"limits": {"clients": {"rates": rates}}}), more)
}

on_both_hosts! {
    fn makes_no_call_after_a_local_rejection(host) {
        let scenario = asks(rate(1, json!({})), vec![says(&ok())]).request(of("a")).request(of("a")).request(of("b"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[200, 429, 200]).has_details(1, "local_rate_limited");
        outcome.client(1).no_header("x-envoy-ratelimited");
        assert_eq!(asked(&outcome).len(), 2);
    }

    fn refunds_local_limits_if_the_service_rejects(host) {
        let more = json!({"rate_limit_service": {"cache": {"over_limit": false, "lease_hits": 1}}});
        let answers = vec![says(&over()), says(&over()), says(&ok())];
        let scenario = (0..4).fold(asks(rate(1, more), answers), |scenario, _| scenario.request(of("a")));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[429, 429, 200, 429]);
        outcome.has_details(1, "request_rate_limited").has_details(3, "local_rate_limited");
        assert_eq!(asked(&outcome).len(), 3);
    }

    fn refunds_local_limits_if_the_failure_mode_rejects(host) {
        for (mode, expected) in [("deny", [503, 503]), ("allow", [200, 429])] {
            let more = json!({"rate_limit_service": {"failure_mode": mode}});
            let outcome = host.run(&asks(rate(1, more), vec![status(13)]).request(of("a")).request(of("a")));
            outcome.has_statuses(&expected);
        }
    }

    fn a_rejection_by_the_service_releases_the_slot(host) {
        let more = json!({"limits": {"clients": {"concurrency": {"max_requests": 1}}}});
        let answers = vec![says(&over()), status(13), says(&ok())];
        let scenario = ["a", "b", "a", "a"].into_iter().fold(
            asks(merged(more, json!({"rate_limit_service": {"failure_mode": "deny", "cache": {"over_limit": false}}})), answers),
            |scenario, client| scenario.request(of(client)),
        );
        host.run(&scenario).has_statuses(&[429, 503, 200, 200]);
    }

    fn fallback_rates_apply_without_the_service(host) {
        let fallback = json!([{"token_bucket": {"max_tokens": 1, "fill_interval": "1h"}}]);
        let more = json!({
            "limits": {"clients": {"service": {"fallback_rates": fallback}}},
            "rate_limit_service": {"failure_mode": "local"},
        });
        let answers = vec![status(13), status(13), status(13), says(&ok())];
        let scenario = ["a", "a", "b", "a"].into_iter().fold(asks(rate(3, more), answers), |s, client| s.request(of(client)));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[200, 429, 200, 200]).has_details(1, "local_rate_limited");
        outcome.has_metric("rate_limit.limit.clients.error", 3);
    }
}
