//! Configurations: defaults, and errors with path, value and expectation.

use super::plan;
use crate::config::Conditions;

#[test]
fn the_defaults_are_those_of_istio_and_finagle() {
    let plan = plan(r#"{"rules": [{}]}"#).unwrap();
    let rule = &plan.rules[0];
    assert_eq!(rule.rule.retry_on, "connect-failure,refused-stream,cancelled,unavailable".parse().unwrap());
    assert_eq!((rule.rule.num_retries, plan.budget.floor, plan.budget.per_million), (1, 100, 200_000));
    assert_eq!((plan.pages(), plan.domain(), plan.replays()), (1, "default/625000000".to_owned(), false));
}

#[test]
fn reads_all_conditions_of_envoy_and_istio() {
    let all = "5xx,gateway-error,reset,reset-before-request,connect-failure,envoy-ratelimited,retriable-4xx,\
               refused-stream,retriable-status-codes,retriable-headers,http3-post-connect-failure,cancelled,\
               deadline-exceeded,internal,resource-exhausted,unavailable";
    let conditions: Conditions = all.parse().unwrap();
    assert_eq!((conditions.http.len(), conditions.grpc.len()), (11, 5));
    let istio: Conditions = "503, reset,503".parse().unwrap();
    assert_eq!(istio.http, ["retriable-status-codes", "reset"]);
    assert_eq!(istio.status_codes, [503]);
}

#[test]
fn an_error_has_path_value_and_expectation() {
    for (json, message) in [
        ("{}", "missing field `rules`"),
        (r#"{"rules": []}"#, "rules: no rules, expected at least one"),
        (r#"{"rules": [{"retry_on": "5xx,503x"}]}"#, "rules[0].retry_on: unknown condition `503x`, expected"),
        (r#"{"rules": [{"retry_on": ""}]}"#, "rules[0].retry_on: unknown condition ``, expected a status"),
        (r#"{"rules": [{"retry_on": "600"}]}"#, "rules[0].retry_on: unknown condition `600`"),
        (r#"{"rules": [{"attempts": 3}]}"#, "rules[0].attempts: use `num_retries`"),
        (r#"{"rules": [{"num_retries": 101}]}"#, "rules[0].num_retries"),
        (
            r#"{"rules": [{"retriable_status_codes": [503]}]}"#,
            "rules[0].retriable_status_codes: has no effect, expected `retriable-status-codes` in `retry_on`",
        ),
        (
            r#"{"rules": [{"retry_on": "5xx", "retriable_headers": ["x-a"]}]}"#,
            "rules[0].retriable_headers: has no effect, expected `retriable-headers` in `retry_on`",
        ),
        (
            r#"{"rules": [{"retry_on": "retriable-headers"}]}"#,
            "rules[0].retry_on: `retriable-headers` has no effect without `retriable_headers`",
        ),
        (
            r#"{"rules": [{"retry_on": "retriable-status-codes"}]}"#,
            "rules[0].retry_on: `retriable-status-codes` has no effect without `retriable_status_codes`",
        ),
        (
            r#"{"rules": [{"retry_on": "retriable-status-codes", "retriable_status_codes": [42]}]}"#,
            "rules[0].retriable_status_codes[0]: `42` is not a status, expected 100 to 599",
        ),
        (
            r#"{"rules": [{}, {"per_try_timeout": "10us"}]}"#,
            "rules[1].per_try_timeout: `10us` is out of range, expected `1ms` to `24h`",
        ),
        (
            r#"{"rules": [{"per_try_timeout": "1s", "timeout": "1s"}]}"#,
            "rules[0].per_try_timeout: `1s` has no effect, expected less than `timeout`, `1s`",
        ),
        (
            r#"{"rules": [{"hedge_on_per_try_timeout": true}]}"#,
            "rules[0].hedge_on_per_try_timeout: has no effect without `per_try_timeout`",
        ),
        (
            r#"{"rules": [{"deadline": {"grpc_timeout": false}}]}"#,
            "rules[0].deadline: no source, expected `grpc_timeout`, `header` or `max`",
        ),
        (
            r#"{"rules": [{"deadline": {}}]}"#,
            "rules[0].deadline.max: missing, expected a limit for the times of clients: this field, or `timeout`",
        ),
        (
            r#"{"rules": [{"deadline": {"grpc_timeout": false, "header": {"name": "x-deadline"}}}]}"#,
            "rules[0].deadline.max: missing",
        ),
        (
            r#"{"rules": [{}], "retry_budget": {"budget_interval": "10ms"}}"#,
            "retry_budget.budget_interval: `10ms` is out of range, expected `1s` to `1h`",
        ),
        (
            r#"{"rules": [{"replay": {"retriable_status_codes": [429], "max_hold": "0s"}}]}"#,
            "rules[0].replay.max_hold: `0s` is out of range, expected `1ms` to `24h`",
        ),
        (r#"{"rules": [{"replay": {}}]}"#, "rules[0].replay: no condition, expected"),
        (
            r#"{"rules": [{"replay": {"retriable_status_codes": [429], "num_retries": 0}}]}"#,
            "rules[0].replay.num_retries: `0` has no effect, expected at least 1, `fallback_cluster`",
        ),
        (
            r#"{"rules": [{"replay": {"retriable_body": {"field": "code", "value": {"exact": "x"}}}}]}"#,
            "rules[0].replay.retriable_body.field: `code` is not a JSON Pointer, expected one such as",
        ),
        (
            r#"{"rules": [{"replay": {"hedge": {"delay": "0"}}}]}"#,
            "rules[0].replay.hedge.delay: `0s` is out of range, expected `1ms` to `24h`",
        ),
        (
            r#"{"rules": [{"replay": {"retriable_status_codes": [429], "cluster": ""}}]}"#,
            "rules[0].replay.cluster: is empty, expected the name of a cluster",
        ),
        (
            r#"{"rules": [{"replay": {"retriable_status_codes": [429],
                "retry_back_off": {"base_interval": "1s", "max_interval": "1ms"}}}]}"#,
            "rules[0].replay.retry_back_off.max_interval: `1ms` is out of range, expected `1s` to `1h`",
        ),
    ] {
        let error = plan(json).unwrap_err().to_string();
        assert!(error.starts_with(message), "{json}\n{error}");
    }
}

/// A record with slots of another length would be read as one from another time, and begin again.
#[test]
fn budgets_of_two_intervals_have_two_names() {
    let domain = |interval: &str| {
        let json = format!(
            r#"{{"rules": [{{}}], "stat_prefix": "edge", "retry_budget": {{"budget_interval": "{interval}"}}}}"#
        );
        plan(&json).unwrap().domain()
    };
    assert_eq!(domain("10s"), "edge/625000000");
    assert_ne!(domain("10s"), domain("60s"));
}

#[test]
fn a_filter_in_shadow_mode_has_its_own_budgets() {
    let domain =
        |shadow: bool| plan(&format!(r#"{{"rules": [{{}}], "shadow": {shadow}}}"#)).unwrap().domain();
    assert_ne!(domain(false), domain(true));
}

#[test]
fn a_status_without_content_has_no_body() {
    let with = |status: u16, body: &str| {
        let response = format!(r#"{{"status": {status}, "body": "{body}"}}"#);
        let replay = format!(r#"{{"retriable_status_codes": [503], "fallback_response": {response}}}"#);
        plan(&format!(r#"{{"rules": [{{"replay": {replay}}}]}}"#)).map_err(|error| error.to_string())
    };
    for status in [204, 304] {
        assert!(with(status, "").is_ok());
        let error = with(status, "gone").unwrap_err();
        assert!(error.starts_with("rules[0].replay.fallback_response.body: `gone`"), "{error}");
    }
    assert!(with(200, "gone").is_ok());
}

#[test]
fn a_timeout_of_the_rule_limits_deadlines_too() {
    assert!(plan(r#"{"rules": [{"timeout": "1s", "deadline": {}}]}"#).is_ok());
    assert!(plan(r#"{"rules": [{"deadline": {"max": "1s"}}]}"#).is_ok());
}
