//! Retries of the router, by the headers that a filter adds and by the route's policy.

use super::{agree, guests};
use crate::call;
use crate::guest::{Do, Guest};
use std::time::Duration;
use tollgate_host_test::{Answer, Request, Response, RetryPolicy, Route, Scenario, Upstream};

const SOON: Duration = Duration::from_millis(150);

fn reply(status: u16) -> Answer {
    Answer::Reply { response: Response::new(status).chunk("x"), after: Duration::ZERO }
}

fn with(status: u16, name: &str, value: &str) -> Answer {
    Answer::Reply { response: Response::new(status).header(name, value), after: Duration::ZERO }
}

fn adds(headers: &[(&str, &str)]) -> Guest {
    let add = |(name, value): &(&str, &str)| -> Do {
        let (name, value) = (*name, *value);
        call!("add_header_map_value", 0, name, value)
    };
    let look = || {
        guests::told(vec![
            call!("get_property", "response\0flags", _, _),
            call!("get_property", "response\0code_details", _, _),
            call!("get_property", "upstream\0request_attempt_count", _, _),
            call!("get_header_map_value", 2, ":status", _, _),
        ])
    };
    Guest::new()
        .on("request_headers", headers.iter().map(add).collect::<Vec<_>>())
        .on("response_headers", look())
        .on("log", look())
}

fn run(headers: &[(&str, &str)], answers: Vec<Answer>) -> Scenario {
    adds(headers).scenario().upstream(Upstream::answers("u", answers)).request(Request::get("/"))
}

fn on(kinds: &str, answers: Vec<Answer>) -> Scenario {
    run(&[("x-envoy-retry-on", kinds)], answers)
}

fn grpc_on(kinds: &str, status: &str) -> Scenario {
    let answers = vec![with(200, "grpc-status", status), reply(200)];
    run(&[("x-envoy-retry-grpc-on", kinds)], answers)
}

fn policy(retry: RetryPolicy, headers: &[(&str, &str)], answers: Vec<Answer>) -> Scenario {
    run(headers, answers).route(Route::to("/", "u").retry(retry))
}

fn retry(retry_on: &str, num_retries: u32) -> RetryPolicy {
    RetryPolicy { retry_on: retry_on.into(), num_retries, ..RetryPolicy::default() }
}

fn all_kinds(answers: &[Answer]) -> Vec<Scenario> {
    let kinds = [
        "5xx",
        "gateway-error",
        "connect-failure",
        "reset",
        "reset-before-request",
        "refused-stream",
        "retriable-4xx",
        "retriable-headers",
        "nonsense",
        "connect-failure, reset",
    ];
    kinds.iter().map(|kind| on(kind, answers.to_vec())).collect()
}

agree! {
    on_5xx: on("5xx", vec![reply(500), reply(200)]);
    on_5xx_twice: on("5xx", vec![reply(500), reply(501), reply(200)]);
    on_5xx_not_404: on("5xx", vec![reply(404), reply(200)]);
    on_gateway_error: on("gateway-error", vec![reply(503), reply(200)]);
    on_gateway_error_not_500: on("gateway-error", vec![reply(500), reply(200)]);
    on_409: on("retriable-4xx", vec![reply(409), reply(200)]);
    on_409_not_429: on("retriable-4xx", vec![reply(429), reply(200)]);
    on_status_codes: run(
        &[("x-envoy-retry-on", "retriable-status-codes"), ("x-envoy-retriable-status-codes", "418, 425,x")],
        vec![reply(425), reply(200)],
    );
    status_codes_alone: run(&[("x-envoy-retriable-status-codes", "418")], vec![reply(418), reply(200)]);
    on_headers: run(
        &[("x-envoy-retry-on", "retriable-headers"), ("x-envoy-retriable-header-names", "x-again, X-Other")],
        vec![with(200, "x-other", "1"), reply(201)],
    );
    on_a_missing_header: run(
        &[("x-envoy-retry-on", "retriable-headers"), ("x-envoy-retriable-header-names", "x-again")],
        vec![with(200, "x-other", "1"), reply(201)],
    );
    rate_limited: on("5xx", vec![with(503, "x-envoy-ratelimited", "true"), reply(200)]);
    on_rate_limited: on("envoy-ratelimited", vec![with(429, "x-envoy-ratelimited", "true"), reply(200)]);
    grpc_unavailable: grpc_on("unavailable", "14");
    grpc_unavailable_not_cancelled: grpc_on("unavailable", "1");
    grpc_several: grpc_on("cancelled,internal,deadline-exceeded", "4");
    grpc_resource_exhausted: grpc_on("resource-exhausted", "8");
    grpc_kind_in_the_wrong_header: on("unavailable", vec![with(200, "grpc-status", "14"), reply(200)]);
    http_kind_in_the_wrong_header: run(&[("x-envoy-retry-grpc-on", "5xx")], vec![reply(500), reply(200)]);
    max_retries: run(&[("x-envoy-retry-on", "5xx"), ("x-envoy-max-retries", "3")], vec![reply(500), reply(500), reply(500), reply(200)]);
    max_retries_0: run(&[("x-envoy-retry-on", "5xx"), ("x-envoy-max-retries", "0")], vec![reply(500), reply(200)]);
    max_retries_nonsense: run(&[("x-envoy-retry-on", "5xx"), ("x-envoy-max-retries", "x")], vec![reply(500), reply(200)]);
    max_retries_alone: run(&[("x-envoy-max-retries", "3")], vec![reply(500), reply(200)]);
    refused_then_refused: on("connect-failure", vec![Answer::Refuse]);
    refused_and_not_retried: on("retriable-4xx", vec![Answer::Refuse]);
    reset_every_time: on("reset", vec![Answer::Reset]);
    reset_mid_response: on("5xx,reset", vec![Answer::ResetMidResponse(Response::new(200).chunk("abcdef")), reply(200)]);
    route_policy: policy(retry("5xx", 2), &[], vec![reply(500), reply(500), reply(200)]);
    route_policy_exhausted: policy(retry("5xx", 1), &[], vec![reply(500), reply(502), reply(200)]);
    route_policy_and_header: policy(retry("5xx", 2), &[("x-envoy-retry-on", "retriable-4xx")], vec![reply(500), reply(409), reply(200)]);
    route_policy_and_max: policy(retry("5xx", 1), &[("x-envoy-max-retries", "2")], vec![reply(500), reply(500), reply(200)]);
    route_policy_grpc: policy(retry("unavailable", 1), &[], vec![with(200, "grpc-status", "14"), reply(200)]);
    route_policy_codes: policy(
        RetryPolicy { retriable_status_codes: vec![418], ..retry("retriable-status-codes", 1) },
        &[("x-envoy-retriable-status-codes", "425")],
        vec![reply(418), reply(200)],
    );
    per_try_timeout: run(
        &[("x-envoy-retry-on", "5xx"), ("x-envoy-upstream-rq-per-try-timeout-ms", "150")],
        vec![Answer::Hang, reply(200)],
    );
    per_try_timeout_every_time: run(
        &[("x-envoy-retry-on", "reset"), ("x-envoy-upstream-rq-per-try-timeout-ms", "150")],
        vec![Answer::Hang],
    );
    per_try_timeout_without_retry: run(&[("x-envoy-upstream-rq-per-try-timeout-ms", "150")], vec![Answer::Hang]);
    per_try_timeout_beyond_the_whole: run(
        &[("x-envoy-upstream-rq-per-try-timeout-ms", "400"), ("x-envoy-upstream-rq-timeout-ms", "150")],
        vec![Answer::Hang],
    );
    route_per_try_timeout: policy(
        RetryPolicy { per_try_timeout: SOON, ..retry("gateway-error", 1) },
        &[],
        vec![Answer::Hang, reply(200)],
    );
    timeout_header: run(&[("x-envoy-upstream-rq-timeout-ms", "150")], vec![Answer::Hang]);
    timeout_0: run(&[("x-envoy-upstream-rq-timeout-ms", "0")], vec![reply(200)]);
    timeout_nonsense: run(&[("x-envoy-upstream-rq-timeout-ms", "x")], vec![reply(200)]);
    timeout_of_the_route: run(&[], vec![Answer::Hang]).route(Route::to("/", "u").timeout(SOON));
    timeout_0_of_the_route: run(&[], vec![reply(200)]).route(Route::to("/", "u").timeout(Duration::ZERO));
    timeout_alt_response: run(
        &[("x-envoy-upstream-rq-timeout-ms", "150"), ("x-envoy-upstream-rq-timeout-alt-response", "1")],
        vec![Answer::Hang],
    );
    timeout_for_grpc: run(&[("x-envoy-upstream-rq-timeout-ms", "150"), ("content-type", "application/grpc")], vec![Answer::Hang]);
    reset_for_grpc: run(&[("content-type", "application/grpc")], vec![Answer::Reset])
        .request(Request::post("/", "a").header("content-type", "application/grpc"));
    timeout_while_the_response_is_held: {
        let held = adds(&[("x-envoy-upstream-rq-timeout-ms", "300")]).on_returning("response_headers", [], 1);
        let answer = Answer::Reply { response: Response::new(200).chunk("a").chunk("b"), after: Duration::ZERO };
        held.scenario().upstream(Upstream::answers("u", vec![answer])).request(Request::get("/"))
            .settings(|s| s.linger = Duration::from_millis(10))
    };
    alt_stat_name: run(&[("x-envoy-upstream-alt-stat-name", "alt")], vec![reply(200)]);
    hedge_header_alone: run(&[("x-envoy-hedge-on-per-try-timeout", "true")], vec![reply(200)]);
    attempt_count_of_a_client: run(&[], vec![reply(200)]).request(Request::get("/").header("x-envoy-attempt-count", "7"));
    attempt_count: policy(retry("5xx", 2), &[("x-envoy-attempt-count", "9")], vec![reply(500), reply(500), reply(200)])
        .settings(|s| s.virtual_hosts[0].include_request_attempt_count = true);
    a_body_is_sent_again: run(&[("x-envoy-retry-on", "5xx")], vec![reply(500), reply(200), reply(500), reply(200)])
        .request(Request::post("/", "abc").chunk("def").trailer("t", "v"));
    a_body_over_the_limit_is_not: run(&[("x-envoy-retry-on", "5xx")], vec![reply(200), reply(500), reply(200)])
        .request(Request::post("/", vec![b'x'; 5000]))
        .settings(|s| s.buffer_limit = 1024);
    a_body_over_the_limit_without_retries: run(&[], vec![reply(200), reply(500), reply(200)])
        .request(Request::post("/", vec![b'x'; 5000]))
        .settings(|s| s.buffer_limit = 1024);
}

/// The upstream refuses every connection, because Envoy may retry before the upstream listens again.
#[test]
fn refused_by_every_kind() {
    all_kinds(&[Answer::Refuse]).into_iter().for_each(super::check);
}

#[test]
fn reset_by_every_kind() {
    all_kinds(&[Answer::Reset, reply(200)]).into_iter().for_each(super::check);
}
