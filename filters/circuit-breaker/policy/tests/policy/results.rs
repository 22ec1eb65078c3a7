//! Results of requests.

use crate::support::{Reply, World};
use tollgate_circuit_breaker_policy::{Event, Policy};
use tollgate_policy::{Headers, UnixNanos};

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
        (404, Event::Success),
        (429, Event::Ignored),
        (499, Event::Success),
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
    for (status, expected) in
        [("0", Event::Success), ("5", Event::Success), ("14", Event::Failure), ("8", Event::Ignored)]
    {
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
    for (trailers, expected) in [
        (&[("grpc-status", "0")][..], Event::Success),
        (&[("grpc-status", "13")], Event::Failure),
        (&[("grpc-status", "1")], Event::Ignored),
        (&[], Event::Failure),
    ] {
        let mut world = World::of_one(DEFAULT);
        let mut ticket = world.admitted();
        world.respond(&mut ticket, Reply { status: 200, headers: GRPC, details: "via_upstream" });
        assert!(world.host.events.is_empty() && Policy::waits_for_the_end(&ticket));
        let pairs: Vec<_> =
            trailers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        world.policy.respond_with_trailers(
            &mut ticket,
            Headers(&pairs),
            &mut world.host,
            UnixNanos(world.now),
        );
        world.end(ticket);
        assert_eq!(world.host.events, [(0, expected)], "{trailers:?}");
    }
}

#[test]
fn counts_a_response_that_breaks_off() {
    let complete = r#"{"failure_rate": 50, "failures": {"incomplete_responses": true}}"#;
    for (config, headers, details, expected) in [
        (DEFAULT, GRPC, "upstream_reset_after_response_started{remote_reset}", Event::Failure),
        (DEFAULT, GRPC, "downstream_remote_disconnect", Event::Ignored),
        (DEFAULT, GRPC, "via_upstream", Event::Failure),
        (complete, &[], "upstream_reset_after_response_started{connection_termination}", Event::Failure),
        (complete, &[], "via_upstream", Event::Success),
        (complete, &[], "downstream_remote_disconnect", Event::Ignored),
    ] {
        let mut world = World::of_one(config);
        let mut ticket = world.admitted();
        world.respond(&mut ticket, Reply { status: 200, headers, details: "via_upstream" });
        world.host.properties.insert("response\0code_details".into(), details.into());
        world.policy.complete(&mut ticket, &mut world.host, UnixNanos(world.now));
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

/// Details are a host call.
#[test]
fn reads_no_details_of_a_success() {
    let mut world = World::of_one(DEFAULT);
    let ticket = world.admitted();
    world.host.property_fails = true;
    world.answer(ticket, Reply { status: 200, headers: &[], details: "" });
    assert_eq!(world.host.events, [(0, Event::Success)]);
    // Without details, a failure counts.
    let ticket = world.admitted();
    world.answer(ticket, Reply { status: 500, headers: &[], details: "" });
    assert_eq!(world.host.events.last(), Some(&(0, Event::Failure)));
}
