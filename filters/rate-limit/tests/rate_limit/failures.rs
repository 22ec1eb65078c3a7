//! Failing host calls. The configuration decides about requests that the filter cannot decide. Uses only the
//! emulator, because a real Envoy cannot be made to fail in this way.

use crate::support::{bucket, of_one, sending, times, with, with_limit};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Emulator, StreamHandle, Which};
use tollgate_host_test::{
    Answer, ClientView, Host, LogLevel, Outcome, Request, Response, Scenario, Upstream,
};

const GET: &str = "proxy_get_shared_data";
const SET: &str = "proxy_set_shared_data";
const FAILED: Effect = Effect::Answer(Status::InternalFailure);

/// Two requests to a limit of one, while every call of this name answers so once the filter is configured.
fn while_failing(more: Value, call: &str, effect: Effect) -> Outcome {
    let mut config = json!({"limits": {"one": {"rates": [bucket(1)]}}});
    for (name, value) in more.as_object().unwrap() {
        config[name] = value.clone();
    }
    let scenario = sending(with(config), times(&Request::get("/"), 2));
    Emulator::new(&scenario).unwrap().fault(call, Which::All, effect).run()
}

#[test]
fn on_error_decides_when_shared_memory_fails() {
    for (call, status) in [
        (SET, Status::InternalFailure),
        (SET, Status::CasMismatch),
        (SET, Status::NotFound),
        (GET, Status::InternalFailure),
        (GET, Status::BadArgument),
    ] {
        let effect = Effect::Answer(status);
        let outcome = while_failing(json!({}), call, effect);
        outcome.has_statuses(&[503, 503]).has_details(0, "shared_state_error");
        outcome.client(0).no_header("retry-after").body("shared_state_error");
        outcome.has_metric("rate_limit.denied.shared_state_error", 2).has_metric(&of_one("error"), 2);
        outcome.has_metric("rate_limit.failure_mode_allowed", 0);
        let outcome = while_failing(json!({"on_error": "allow"}), call, effect);
        outcome.has_statuses(&[200, 200]);
        outcome.has_metric("rate_limit.failure_mode_allowed", 2).has_metric(&of_one("error"), 2);
        outcome.has_metric("rate_limit.denied.shared_state_error", 0);
        let outcome = while_failing(json!({"shadow": true}), call, effect);
        outcome.has_statuses(&[200, 200]).has_metric("rate_limit.shadow_denied.shared_state_error", 2);
        outcome.has_metric("rate_limit.failure_mode_allowed", 0);
    }
}

/// Each refused write is followed by another read, and there is an end to it.
#[test]
fn gives_up_after_too_many_conflicts() {
    let scenario = with_limit(json!({"rates": [bucket(1)]}));
    let mut emulator =
        Emulator::new(&scenario).unwrap().fault(SET, Which::All, Effect::Answer(Status::CasMismatch));
    let before = emulator.calls().len();
    let handle = emulator.request(0, &Request::get("/"));
    emulator.finish_request(handle);
    let calls = emulator.calls().len() - before;
    assert!((100..2000).contains(&calls), "{calls} host calls");
    assert!(emulator.traps().is_empty());
}

#[test]
fn cannot_decide_without_a_clock() {
    let outcome = while_failing(json!({}), "proxy_get_current_time_nanoseconds", FAILED);
    outcome.has_statuses(&[503, 503]).has_details(0, "host_error");
    outcome.has_metric("rate_limit.denied.host_error", 2);
    let outcome = while_failing(json!({"on_error": "allow"}), "proxy_get_current_time_nanoseconds", FAILED);
    outcome.has_statuses(&[200, 200]).has_metric("rate_limit.failure_mode_allowed", 2);
    let outcome = while_failing(json!({"shadow": true}), "proxy_get_current_time_nanoseconds", FAILED);
    outcome.has_statuses(&[200, 200]).has_metric("rate_limit.shadow_denied.host_error", 2);
}

#[test]
fn cannot_decide_without_the_headers_that_it_needs() {
    let key = json!([{"request_headers": {"header_name": "x-team", "descriptor_key": "team"}}]);
    let limits = json!({"limits": {"one": {"key": key, "rates": [bucket(1)]}}});
    let outcome = while_failing(limits, "proxy_get_header_map_pairs", FAILED);
    outcome.has_statuses(&[503, 503]).has_details(0, "host_error");
}

/// A value that cannot be read does not count as absent, regardless of the options of its action.
#[test]
fn cannot_decide_without_the_values_of_a_key() {
    for action in [
        json!({"remote_address": {}}),
        json!({"masked_remote_address": {"default_value": "none"}}),
        json!({"principal": {"skip_if_absent": true}}),
    ] {
        let limit = json!({"limits": {"one": {"key": [action], "rates": [bucket(1)]}}});
        let outcome = while_failing(limit.clone(), "proxy_get_property", FAILED);
        outcome.has_statuses(&[503, 503]).has_details(0, "host_error");
        outcome.has_metric(&of_one("error"), 2).has_metric("rate_limit.denied.host_error", 2);
        let mut allowing = limit;
        allowing["on_error"] = json!("allow");
        let outcome = while_failing(allowing, "proxy_get_property", FAILED);
        outcome.has_statuses(&[200, 200]).has_metric(&of_one("error"), 2).has_metric(&of_one("ok"), 0);
        outcome.has_metric("rate_limit.failure_mode_allowed", 2);
    }
}

#[test]
fn limits_apply_without_statistics_and_random_numbers() {
    while_failing(json!({}), "proxy_increment_metric", FAILED).has_statuses(&[200, 429]);
    while_failing(json!({"filter_enforced": 50, "filter_enabled": 50}), "random_get", FAILED)
        .has_statuses(&[200, 429]);
}

/// If a refund or a charge by a response fails, this is counted, and the response continues.
#[test]
fn counts_failed_refunds() {
    let limit = json!({"rates": [bucket(5)], "on_response": {"statuses": ["401"]}});
    let emulator = Emulator::new(&with_limit(limit).request(Request::get("/"))).unwrap();
    // The second write, and all that come after a refused one.
    let outcome = emulator.fault(SET, Which::From(2), FAILED).run();
    outcome.has_statuses(&[200]).has_metric(&of_one("error"), 1).has_metric(&of_one("ok"), 1);
}

/// A limit with `shadow` rejects nothing, even if it cannot be checked.
#[test]
fn a_shadow_limit_never_rejects_on_errors() {
    let limits = json!({"limits": {"one": {"rates": [bucket(1)], "shadow": true}}});
    let outcome = while_failing(limits, SET, FAILED);
    outcome.has_statuses(&[200, 200]).has_metric(&of_one("error"), 2);
    let outcome = while_failing(json!({"filter_enforced": 0}), SET, FAILED);
    outcome.has_statuses(&[200, 200]).has_metric(&of_one("error"), 2);
}

/// All that the local part can do.
fn everything() -> Scenario {
    let slow = Answer::Reply { response: Response::new(200), after: Duration::from_millis(1200) };
    let header = |name: &str| json!({"request_headers": {"header_name": name, "descriptor_key": name, "skip_if_absent": true}});
    let limits = json!({
        "rates": {
            "key": [{"remote_address": {}}, header("x-team"), {"path": {}}, {"route": {"skip_if_absent": true}}, {"claim": {"name": "sub", "skip_if_absent": true}}],
            "rates": [bucket(2), {"fixed_window": {"requests": 5, "window": "1h"}}, {"sliding_window": {"requests": 5, "window": "1h"}}],
            "on_response": {"statuses": ["2xx"], "cost_header": {"name": "x-cost", "max": 9}, "refund_without_response": true},
            "overrides": [{"when": {"x-team": {"exact": "b"}}, "rates": [bucket(0)]}],
        },
        "bodies": {"rates": [bucket(100)], "cost": {"body_bytes": {"per": 1, "max": 100}}},
        "flight": {"concurrency": {"max_requests": 1}, "shadow": true},
        "queue": {"rates": [{"gcra": {"requests": 1, "per": "1s"}}], "delay": {"max_wait": "5s"}},
    });
    let response = json!({
        "body_format": "problem", "enable_x_ratelimit_headers": "DRAFT_VERSION_03",
        "request_headers_to_add_when_not_enforced": [{"header": {"key": "x-over", "value": "1"}}],
    });
    let config =
        json!({"limits": limits, "response": response, "filter_enforced": 99.99, "filter_enabled": 99.99});
    let scenario = with(config)
        .upstream(Upstream::answers("shop", vec![slow]))
        .settings(|settings| settings.workers = 2);
    let chunked = Request::post("/", "one").chunk("two").trailer("x-end", "1");
    let refused = Request::get("/").header("x-team", "b").header("content-type", "application/grpc");
    sending(scenario, [Request::get("/"), chunked, Request::get("/"), Request::get("/"), refused])
}

/// All of its requests at once, to its workers in turn.
fn send_all(emulator: &mut Emulator, scenario: &Scenario) -> Vec<StreamHandle> {
    let requests = scenario.requests.iter().enumerate();
    requests.map(|(index, request)| emulator.request(index % scenario.settings.workers, request)).collect()
}

#[test]
fn everything_works_without_faults() {
    let scenario = everything();
    let mut emulator = Emulator::new(&scenario).unwrap();
    let handles = send_all(&mut emulator, &scenario);
    let statuses = handles.into_iter().map(|handle| match emulator.finish_request(handle).client {
        ClientView::Response(response) => response.status,
        ClientView::Reset | ClientView::Hang => 0,
    });
    // The last one speaks gRPC, whose status is a header.
    assert_eq!(statuses.collect::<Vec<_>>(), [200, 200, 429, 429, 200]);
    let counted = |name: &str| emulator.metric(&format!("rate_limit.limit.{name}")).unwrap();
    assert_eq!(
        (counted("bodies.ok"), counted("flight.ok"), counted("flight.shadow_rate_limited")),
        (5, 1, 4)
    );
    assert_eq!((counted("queue.ok"), counted("queue.delayed")), (1, 4));
    assert_eq!((counted("rates.ok"), counted("rates.rate_limited")), (2, 3));
}

#[test]
fn rejects_invalid_configurations_by_field_and_value() {
    let limit = |limit: Value| json!({"limits": {"one": limit}});
    for (config, said) in [
        (json!({"limit": {}}), "`limit`"),
        (json!({"domain": "a b", "limits": {}}), "domain"),
        (json!({"filter_enabled": 101}), "filter_enabled"),
        (json!({"on_error": "maybe"}), "maybe"),
        (json!({"table": {"max_keys": 0}}), "table.max_keys"),
        (json!({"response": {"status": 200}}), "response.status"),
        (json!({"limits": {"a b": {"rates": [bucket(1)]}}}), "a b"),
        (limit(json!({})), "limits.one"),
        (limit(json!({"rates": [{}]})), "limits.one.rates[0]"),
        (
            limit(json!({"rates": [{"token_bucket": {"max_tokens": 1, "fill_interval": "1ms"}}]})),
            "limits.one.rates[0].token_bucket.fill_interval",
        ),
        (limit(json!({"rates": [bucket(1)], "key": [{"header": "x"}]})), "limits.one.key[0]"),
        (limit(json!({"rates": [{"fixed_window": {"requests": 1, "window": "never"}}]})), "never"),
        (limit(json!({"rates": [bucket(1)], "cost": {"header": {"name": "x y", "max": 1}}})), "x y"),
        (limit(json!({"rates": [bucket(1)], "on_response": {"statuses": ["600"]}})), "600"),
        (limit(json!({"concurrency": {"max_requests": 0}})), "limits.one.concurrency.max_requests"),
        (limit(json!({"concurrency": {"max_requests": 1}, "delay": {"max_wait": "6m"}})), "limits.one.delay"),
        (
            limit(
                json!({"rates": [bucket(1)], "overrides": [{"when": {"team": {"exact": "a"}}, "rates": [bucket(2)]}]}),
            ),
            "limits.one.overrides[0].when.team",
        ),
        (
            json!({"limits": {"one": {"rates": [bucket(1)]}}, "rules": [{"limits": ["two"]}]}),
            "rules[0].limits[0]",
        ),
    ] {
        let Err(refused) = Host::Emulator.try_run(&with(config.clone())) else {
            panic!("{config} was accepted")
        };
        let told = refused.logs.iter().any(|line| line.level >= LogLevel::Error && line.text.contains(said));
        assert!(told, "{config}: `{said}` is not in {:?}", refused.logs);
    }
}

#[test]
fn envoy_rejects_an_invalid_configuration() {
    let config =
        json!({"limits": {"one": {"rates": [{"token_bucket": {"max_tokens": 1, "fill_interval": "1ms"}}]}}});
    let refused = Host::Envoy.try_run(&with(config)).unwrap_err();
    let field = "limits.one.rates[0].token_bucket.fill_interval";
    assert!(
        refused.logs.iter().any(|line| line.text.contains(field) && line.text.contains("1ms")),
        "{refused:?}"
    );
}
