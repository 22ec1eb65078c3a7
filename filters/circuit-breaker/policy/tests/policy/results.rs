//! Results of requests.

use crate::support::{Reply, World, reply};
use tollgate_circuit_breaker_policy::{Event, Policy};
use tollgate_policy::UnixNanos;

fn counted(breaker: &str, reply: Reply<'_>) -> Event {
    let mut world = World::of_one(breaker);
    let ticket = world.admitted();
    world.answer(ticket, reply);
    world.host.events.last().unwrap().1
}

const DEFAULT: &str = r#"{"failure_rate": 50}"#;
const GRPC: &[(&str, &str)] = &[("content-type", "application/grpc+proto")];

#[test]
fn counts_responses_of_the_upstream() {
    for (status, expected) in [
        (200, Event::Success),
        (302, Event::Success),
        (404, Event::Ignored),
        (429, Event::Ignored),
        (499, Event::Ignored),
        (500, Event::Failure),
        (503, Event::Failure),
    ] {
        let reply = Reply { status, headers: &[], details: "via_upstream" };
        assert_eq!(counted(DEFAULT, reply), expected, "{status}");
    }
}

#[test]
fn counts_responses_of_the_proxy_by_their_details() {
    for (status, details, expected) in [
        (504, "response_timeout", Event::Failure),
        (504, "upstream_per_try_timeout", Event::Failure),
        (503, "upstream_reset_before_response_started{connection_termination}", Event::Failure),
        (
            503,
            "upstream_reset_before_response_started{remote_connection_failure|delayed_connect_error:_111}",
            Event::Failure,
        ),
        (503, "no_healthy_upstream", Event::Failure),
        (503, "upstream_reset_before_response_started{overflow}", Event::Ignored),
        (429, "local_rate_limited", Event::Ignored),
        (403, "rbac_access_denied_matched_policy[none]", Event::Ignored),
        (503, "circuit_breaker_open", Event::Ignored),
        (503, "overload_manager", Event::Ignored),
        (404, "route_not_found", Event::Ignored),
        (408, "request_header_timeout", Event::Ignored),
        (504, "stream_idle_timeout", Event::Failure),
        (504, "max_duration_timeout", Event::Failure),
        (408, "stream_idle_timeout", Event::Ignored),
        (200, "direct_response", Event::Ignored),
        (301, "direct_response", Event::Ignored),
        (200, "filter_chain_not_found", Event::Ignored),
        (500, "retry_replayed", Event::Failure),
        (200, "retry_hedged", Event::Success),
        (200, "retry_fallback_response", Event::Failure),
        (504, "retry_deadline_exceeded", Event::Ignored),
    ] {
        assert_eq!(counted(DEFAULT, Reply { status, headers: &[], details }), expected, "{details}");
    }
    let off = r#"{"failure_rate": 50, "failures": {"timeouts": false, "resets": false, "no_healthy_upstream": false}}"#;
    for details in ["response_timeout", "upstream_reset_before_response_started{x}", "no_healthy_upstream"] {
        assert_eq!(counted(off, Reply { status: 503, headers: &[], details }), Event::Ignored, "{details}");
    }
}

#[test]
fn counts_statuses_of_grpc_in_headers() {
    for (status, expected) in [
        ("0", Event::Success),
        ("10", Event::Success),
        ("14", Event::Failure),
        ("8", Event::Ignored),
        ("16", Event::Ignored),
    ] {
        let headers = [GRPC[0], ("grpc-status", status)];
        let reply = Reply { status: 200, headers: &headers, details: "via_upstream" };
        assert_eq!(counted(DEFAULT, reply), expected, "{status}");
    }
    // A local reply to a request of gRPC has the HTTP status 200.
    let headers = [GRPC[0], ("grpc-status", "14")];
    let reply = Reply { status: 200, headers: &headers, details: "rbac_access_denied" };
    assert_eq!(counted(DEFAULT, reply), Event::Ignored);
}

#[test]
fn counts_statuses_of_grpc_in_trailers() {
    for (status, expected) in [
        (Some("0"), Event::Success),
        (Some("13"), Event::Failure),
        (Some("1"), Event::Ignored),
        (None, Event::Failure),
    ] {
        let mut world = World::of_one(DEFAULT);
        let mut ticket = world.admitted();
        world.respond(&mut ticket, Reply { status: 200, headers: GRPC, details: "via_upstream" });
        assert!(world.host.events.is_empty() && Policy::waits_for_the_end(&ticket));
        let status = status.map(str::as_bytes);
        world.policy.finish(&mut ticket, status, &mut world.host, UnixNanos(world.now));
        world.end(ticket);
        assert_eq!(world.host.events, [(0, expected)], "{status:?}");
    }
}

#[test]
fn counts_a_response_that_breaks_off() {
    let complete = r#"{"failure_rate": 50, "failures": {"incomplete_responses": true}}"#;
    for (config, headers, details, expected) in [
        (DEFAULT, GRPC, "upstream_reset_after_response_started{remote_reset}", Event::Failure),
        (DEFAULT, GRPC, "downstream_remote_disconnect", Event::Ignored),
        (DEFAULT, GRPC, "via_upstream", Event::Failure),
        (DEFAULT, GRPC, "response_timeout", Event::Failure),
        (complete, &[], "upstream_reset_after_response_started{connection_termination}", Event::Failure),
        (complete, &[], "response_timeout", Event::Failure),
        (complete, &[], "via_upstream", Event::Success),
        (complete, &[], "downstream_remote_disconnect", Event::Ignored),
    ] {
        let mut world = World::of_one(config);
        let mut ticket = world.admitted();
        world.respond(&mut ticket, Reply { status: 200, headers, details: "via_upstream" });
        world.host.properties.insert("response\0code_details".into(), details.into());
        world.end(ticket);
        assert_eq!(world.host.events, [(0, expected)], "{details}");
    }
}

#[test]
fn counts_configured_statuses_and_headers() {
    let config = r#"{
        "failure_rate": 50,
        "failures": {"statuses": [200, "404-409"], "grpc_statuses": ["NOT_FOUND"], "headers": [{"name": "x-fault", "present": true}]},
        "ignored": {"statuses": ["5xx"], "headers": [{"name": "x-ignore", "present": true}]}
    }"#;
    for (status, headers, expected) in [
        (200, &[][..], Event::Failure),
        (404, &[], Event::Failure),
        (410, &[], Event::Success),
        (500, &[], Event::Ignored),
        (201, &[("x-fault", "1")], Event::Failure),
        (404, &[("x-ignore", "1")], Event::Ignored),
        (201, &[("grpc-status", "5")], Event::Failure),
        (201, &[("grpc-status", "14")], Event::Success),
        (404, &[("grpc-status", "14")], Event::Failure),
    ] {
        let reply = Reply { status, headers, details: "via_upstream" };
        assert_eq!(counted(config, reply), expected, "{status} {headers:?}");
    }
}

/// The trailers of gRPC-Web are in the body, which the filter does not read.
#[test]
fn a_response_of_grpc_web_counts_by_its_headers() {
    for content_type in ["application/grpc-web+proto", "application/grpc-web-text", "application/grpcx"] {
        let headers = [("content-type", content_type)];
        let reply = Reply { status: 200, headers: &headers, details: "via_upstream" };
        assert_eq!(counted(DEFAULT, reply), Event::Success, "{content_type}");
    }
}

/// Details are a host call, for which this world has another result.
#[test]
fn reads_no_details_of_a_success() {
    let mut world = World::of_one(DEFAULT);
    let ticket = world.admitted();
    world.answer(
        ticket,
        Reply { status: 200, headers: &[("x-envoy-upstream-service-time", "1")], details: "direct_response" },
    );
    assert_eq!(world.host.events, [(0, Event::Success)]);
    // Without details, a failure counts.
    let ticket = world.admitted();
    world.host.property_fails = true;
    world.answer(ticket, Reply { status: 500, headers: &[], details: "" });
    assert_eq!(world.host.events.last(), Some(&(0, Event::Failure)));
}

/// By default, errors of the client are ignored, except those that the configuration names as failures.
#[test]
fn failures_precede_the_default_of_ignored() {
    let config = r#"{"failure_rate": 50, "failures": {"statuses": [404], "headers": [{"name": "x-fault", "present": true}]}}"#;
    assert_eq!(counted(config, reply(404)), Event::Failure);
    assert_eq!(counted(config, reply(400)), Event::Ignored);
    let marked = Reply { status: 400, headers: &[("x-fault", "1")], details: "via_upstream" };
    assert_eq!(counted(config, marked), Event::Failure);
    let none = r#"{"failure_rate": 50, "ignored": {"statuses": []}}"#;
    assert_eq!(counted(none, reply(404)), Event::Success);
}

/// Otherwise, a probe that is a stream of a server would have no result until it ends.
#[test]
fn without_statuses_of_grpc_no_trailers_are_read() {
    let config =
        r#"{"failure_rate": 50, "failures": {"grpc_statuses": []}, "ignored": {"grpc_statuses": []}}"#;
    let mut world = World::of_one(config);
    let mut ticket = world.admitted();
    world.respond(&mut ticket, Reply { status: 200, headers: GRPC, details: "via_upstream" });
    assert!(ticket.is_empty());
    assert_eq!(world.host.events, [(0, Event::Success)]);
}

/// Retry answers with a reply in place of a response without a body. Such a reply passes no other filter.
#[test]
fn a_reply_of_retry_counts_at_the_end() {
    for (details, status, expected) in [
        ("retry_replayed", 200u64, Event::Success),
        ("retry_hedged", 503, Event::Failure),
        ("retry_replayed", 404, Event::Ignored),
        ("retry_fallback_response", 200, Event::Failure),
        ("retry_deadline_exceeded", 504, Event::Ignored),
        ("downstream_remote_disconnect", 200, Event::Ignored),
    ] {
        let mut world = World::of_one(DEFAULT);
        let ticket = world.admitted();
        world.host.properties.insert("response\0code_details".into(), details.into());
        world.host.properties.insert("response\0code".into(), status.to_le_bytes().into());
        world.end(ticket);
        assert_eq!(world.host.events, [(0, expected)], "{details}");
    }
}

/// A client that sends its body slowly must not open the breaker for others.
#[test]
fn a_slow_body_of_a_client_is_not_slow() {
    let config = r#"{"slow_requests": {"duration": "2s"}}"#;
    for (time, slow) in [("1998", 0), ("1999", 1), ("2500", 1), ("9999", 1), ("x", 1)] {
        let mut world = World::of_one(config);
        let ticket = world.admitted();
        world.pass(3);
        let headers = [("x-envoy-upstream-service-time", time)];
        world.answer(ticket, Reply { status: 200, headers: &headers, details: "via_upstream" });
        assert_eq!((world.count(Event::Success), world.count(Event::Slow)), (1, slow), "{time}");
    }
}
