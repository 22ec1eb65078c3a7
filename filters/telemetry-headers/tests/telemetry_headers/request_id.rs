//! Request ids: validated, kept or generated, and added to the response.

use crate::support::{counter, filter, is_hex, with};
use serde_json::json;
use tollgate_host_test::{Request, Scenario, on_both_hosts};

/// Returns whether a text is a UUID of this version and of variant 10 (RFC 9562 section 4).
fn is_uuid(text: &str, version: char) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths = [8, 4, 4, 4, 12];
    parts.len() == 5
        && parts.iter().zip(lengths).all(|(part, length)| is_hex(part, length))
        && parts[2].starts_with(version)
        && parts[3].starts_with(['8', '9', 'a', 'b'])
}

on_both_hosts! {
    fn keeps_a_valid_id_and_echoes_it(host) {
        let outcome = host.run(
            &with(json!({"request_id": {"always_set_in_response": true}}))
                .request(Request::get("/").header("x-request-id", "client-7")),
        );
        outcome.upstream(0).header("x-request-id", "client-7");
        outcome.client(0).start("200").header("x-request-id", "client-7");
        outcome.has_metric(&counter("request_id_kept"), 1).has_metric(&counter("request_id_generated"), 0);
    }

    fn generates_a_new_id_for_each_request(host) {
        let outcome = host.run(
            &with(json!({"request_id": {}})).request(Request::get("/")).request(Request::get("/")),
        );
        for index in 0..2 {
            outcome.upstream(index).header_that("x-request-id", "a UUID v4", |id| is_uuid(id, '4'));
            outcome.client(index).no_header("x-request-id");
        }
        assert_ne!(outcome.upstream(0).value("x-request-id"), outcome.upstream(1).value("x-request-id"));
        outcome.has_metric(&counter("request_id_generated"), 2);
    }

    fn generates_ids_that_sort_by_time_if_configured(host) {
        let outcome = host.run(
            &with(json!({"request_id": {"format": "uuid_v7"}})).request(Request::get("/")),
        );
        outcome.upstream(0).header_that("x-request-id", "a UUID v7", |id| is_uuid(id, '7'));
    }

    fn replaces_ids_that_are_not_safe_to_log(host) {
        let long = "a".repeat(129);
        let outcome = host.run(
            &with(json!({"request_id": {}}))
                .request(Request::get("/").header("x-request-id", b"caf\xe9"))
                .request(Request::get("/").header("x-request-id", &long))
                .request(Request::get("/").header("x-request-id", ""))
                .request(Request::get("/").header("x-request-id", "one").header("x-request-id", "two")),
        );
        for index in 0..4 {
            outcome.upstream(index).header_that("x-request-id", "a UUID v4", |id| is_uuid(id, '4'));
        }
        outcome.has_metric(&counter("request_id_invalid"), 4).has_metric(&counter("request_id_kept"), 0);
    }

    fn replaces_external_ids_at_an_edge(host) {
        let outcome = host.run(
            &with(json!({"request_id": {"preserve_external_request_id": false, "header": "x-correlation-id"}}))
                .request(Request::get("/").header("x-correlation-id", "mine")),
        );
        outcome.upstream(0).header_that("x-correlation-id", "a UUID v4", |id| is_uuid(id, '4'));
    }

    /// Envoy generates ids before filters run.
    fn keeps_the_id_that_the_proxy_generated(host) {
        let scenario = Scenario::new()
            .filter(filter().config(json!({"request_id": {"always_set_in_response": true}})))
            .request(Request::get("/"));
        let outcome = host.run(&scenario);
        let id = outcome.upstream(0).value("x-request-id");
        assert!(is_uuid(&id, '4'), "{id}");
        outcome.client(0).header("x-request-id", &id);
        outcome.has_metric(&counter("request_id_kept"), 1);
    }
}
