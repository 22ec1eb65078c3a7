//! W3C Trace Context: continued, restarted if invalid, or started with sampling.

use crate::support::{counter, is_hex, with};
use serde_json::json;
use tollgate_host_test::{Request, on_both_hosts};

/// The example of W3C Trace Context section 3.2.
const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/// Returns whether a text is a `traceparent` with these flags, and with ids that are not all zeros.
fn is_traceparent(text: &str, flags: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    matches!(parts.as_slice(), ["00", trace, parent, f] if is_hex(trace, 32) && is_hex(parent, 16) && *f == flags
        && trace.contains(|c| c != '0') && parent.contains(|c| c != '0'))
}

on_both_hosts! {
    fn forwards_a_valid_context_unchanged(host) {
        let outcome = host.run(
            &with(json!({"trace_context": {}})).request(
                Request::get("/").header("traceparent", PARENT).header("tracestate", "a=1").header("tracestate", "b=2"),
            ),
        );
        outcome.upstream(0).header("traceparent", PARENT);
        // The W3C forbids changing it while `traceparent` stays the same.
        outcome.upstream(0).headers("tracestate", &["a=1", "b=2"]);
        outcome.has_metric(&counter("trace_continued"), 1).has_metric(&counter("trace_sampled"), 1);
    }

    fn continues_a_trace_with_a_new_parent_id(host) {
        let outcome = host.run(
            &with(json!({"trace_context": {"mode": "continue"}}))
                .request(Request::get("/").header("traceparent", PARENT)),
        );
        outcome.upstream(0).header_that("traceparent", "the same trace, another parent", |value| {
            is_traceparent(value, "01") && value[3..35] == PARENT[3..35] && value[36..52] != PARENT[36..52]
        });
    }

    fn restarts_an_invalid_trace_without_its_state(host) {
        let zero_trace = "00-00000000000000000000000000000000-00f067aa0ba902b7-01";
        let zero_parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01";
        let upper = PARENT.to_uppercase();
        let invalid = ["garbage", zero_trace, zero_parent, "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", &upper];
        let mut scenario = with(json!({"trace_context": {}}));
        for value in invalid {
            scenario = scenario.request(Request::get("/").header("traceparent", value).header("tracestate", "a=1"));
        }
        let twice = Request::get("/").header("traceparent", PARENT).header("traceparent", PARENT);
        let outcome = host.run(&scenario.request(twice));
        for index in 0..=invalid.len() {
            outcome.upstream(index).no_header("tracestate").header_that("traceparent", "a new trace", |value| {
                value.len() == 55 && value[3..35] != PARENT[3..35]
            });
        }
        outcome.has_metric(&counter("trace_restarted"), 6).has_metric(&counter("traceparent_invalid"), 6);
    }

    fn generates_a_context_and_shows_it_to_the_client(host) {
        let outcome = host.run(
            &with(json!({"trace_context": {"response_header": "traceresponse"}})).request(Request::get("/")),
        );
        let sent = outcome.upstream(0).value("traceparent");
        // Sampled, and the trace id is random (Trace Context Level 2).
        assert!(is_traceparent(&sent, "03"), "{sent}");
        outcome.client(0).header("traceresponse", &sent);
        outcome.has_metric(&counter("trace_generated"), 1);
    }

    fn keeps_the_callers_decision_at_zero_percent(host) {
        let outcome = host.run(
            &with(json!({"trace_context": {"random_sampling": 0}}))
                .request(Request::get("/"))
                .request(Request::get("/").header("traceparent", PARENT)),
        );
        outcome.upstream(0).header_that("traceparent", "not sampled", |value| is_traceparent(value, "02"));
        outcome.upstream(1).header("traceparent", PARENT);
        outcome.has_metric(&counter("trace_sampled"), 1);
    }

    fn restarts_every_trace_at_an_edge(host) {
        let outcome = host.run(
            &with(json!({"trace_context": {"trust": "restart"}}))
                .request(Request::get("/").header("traceparent", PARENT).header("tracestate", "a=1")),
        );
        outcome.upstream(0).no_header("tracestate").header_that("traceparent", "a new trace", |value| {
            is_traceparent(value, "03") && value[3..35] != PARENT[3..35]
        });
    }
}
