//! States: closed, open, half-open, and the modes.

use crate::support::{after, fails, of_a, of_one, status, three, times, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{LogLevel, Request, Upstream, on_both_hosts};

on_both_hosts! {
    fn opens_probes_and_recovers(host) {
        let scenario = times(of_one(three()).upstream(fails(3, &status(500))), 5);
        let scenario = scenario.request(Request::get("/").after(Duration::from_millis(2200)));
        let outcome = host.run(&times(scenario, 2));
        outcome.has_statuses(&[500, 500, 500, 503, 503, 200, 200, 200]);
        outcome.has_details(3, "circuit_breaker_open");
        outcome.client(3).header_that("retry-after", "1 or 2", |seconds| ["1", "2"].contains(&seconds));
        for (event, count) in [
            ("failure", 3), ("success", 3), ("rejected", 2), ("probe", 2), ("opened", 1), ("half_opened", 1), ("closed", 1),
        ] {
            outcome.has_metric(&of_a(event), count);
        }
        outcome.has_metric("circuit_breaker.denied.open", 2);
        outcome.has_metric("circuit_breaker.open.a", 0).has_metric("circuit_breaker.half_open.a", 0);
        let opened = "breaker `a`: closed -> open for 2s: failures in a row, 3 failed and 0 slow of 3 requests";
        outcome.has_logged(LogLevel::Warn, opened);
        outcome.has_logged(LogLevel::Warn, "breaker `a`: open -> half_open: open time has passed");
        outcome.has_logged(LogLevel::Warn, "breaker `a`: half_open -> closed: probes succeeded");
    }

    fn failed_probes_open_for_longer(host) {
        let scenario = times(of_one(three()).upstream(fails(4, &status(503))), 3);
        let scenario = scenario.request(Request::get("/").after(Duration::from_millis(2200)));
        let scenario = scenario.request(Request::get("/").after(Duration::from_millis(2200)));
        let scenario = scenario.request(Request::get("/").after(Duration::from_millis(2200)));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[503, 503, 503, 503, 503, 200]);
        outcome.has_details(3, "via_upstream").has_details(4, "circuit_breaker_open");
        outcome.has_metric("circuit_breaker.half_open.a", 1).has_metric("circuit_breaker.open.a", 0);
    }

    fn a_failure_rate_opens(host) {
        let config = json!({"window": {"requests": 10}, "failure_rate": 50, "minimum_requests": 4});
        let upstream = Upstream::answers("up", [200, 500, 200, 500, 200].map(status).to_vec());
        let outcome = host.run(&times(of_one(config).upstream(upstream), 6));
        outcome.has_statuses(&[200, 500, 200, 500, 503, 503]);
        outcome.has_logged(LogLevel::Warn, "failure rate, 2 failed and 0 slow of 4 requests");
    }

    fn a_window_of_time_forgets(host) {
        let config = json!({"window": {"duration": "1s"}, "failure_count": 3});
        let scenario = times(of_one(config).upstream(fails(4, &status(500))), 2);
        let scenario = scenario.request(Request::get("/").after(Duration::from_millis(1200)));
        let outcome = host.run(&times(scenario, 2));
        outcome.has_statuses(&[500, 500, 500, 500, 200]);
        outcome.has_metric(&of_a("opened"), 0);
    }

    fn slow_requests_open(host) {
        let config = json!({"minimum_requests": 2, "slow_requests": {"duration": "150ms", "rate": 100}});
        let upstream = fails(2, &after(Duration::from_millis(300), 200));
        let outcome = host.run(&times(of_one(config).upstream(upstream), 3));
        outcome.has_statuses(&[200, 200, 503]);
        outcome.has_metric(&of_a("slow"), 2).has_metric(&of_a("success"), 2);
        outcome.has_logged(LogLevel::Warn, "rate of slow requests");
    }

    fn the_rule_of_three_numbers_opens(host) {
        let rule = json!({
            "window": {"duration": "60s"}, "consecutive_errors": 5, "minimum_requests": 4, "error_rate": 50,
        });
        let by_rate = Upstream::answers("up", [500, 200, 200, 500].map(status).to_vec());
        host.run(&times(of_one(rule.clone()).upstream(by_rate), 5)).has_statuses(&[500, 200, 200, 500, 503]);
        let mostly = [200, 200, 200, 500, 200, 500, 200, 200, 500, 200, 200, 500, 200, 200, 500];
        let by_count = Upstream::answers("up", mostly.map(status).to_vec());
        let outcome = host.run(&times(of_one(rule).upstream(by_count), 16));
        outcome.has_details(14, "via_upstream").has_details(15, "circuit_breaker_open");
    }

    fn modes_force_a_state(host) {
        let config = json!({"breakers": {"a": {"mode": "metrics_only", "consecutive_failures": 1}, "b": {"mode": "disabled"}}});
        let outcome = host.run(&times(with(config).upstream(fails(2, &status(500))), 3));
        outcome.has_statuses(&[500, 500, 200]).has_metric(&of_a("failure"), 2).has_metric(&of_a("opened"), 0);
        let outcome = host.run(&times(of_one(json!({"mode": "forced_open"})).upstream(fails(0, &status(500))), 1));
        outcome.has_statuses(&[503]).has_details(0, "circuit_breaker_forced_open");
        outcome.has_metric("circuit_breaker.denied.forced_open", 1);
    }

    fn shadow_mode_only_counts(host) {
        let config = json!({"shadow": true, "breakers": {"a": three()}});
        let outcome = host.run(&times(with(config).upstream(fails(3, &status(500))), 5));
        outcome.has_statuses(&[500, 500, 500, 200, 200]);
        outcome.has_metric("circuit_breaker.shadow_denied.open", 2).has_metric(&of_a("shadow_rejected"), 2);
    }
}
