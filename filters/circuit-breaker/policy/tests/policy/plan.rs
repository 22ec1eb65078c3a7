//! Errors of a configuration.

use crate::support::plan;

#[track_caller]
fn rejects(json: &str, message: &str) {
    assert_eq!(plan(json).map(drop).unwrap_err(), message);
}

#[test]
fn names_what_is_wrong() {
    for (breaker, message) in [
        (
            "{}",
            "breakers.a: expected at least one of `failure_rate`, `failure_count`, `consecutive_failures`, `slow_requests`, `concurrency`, `admission_control`",
        ),
        (
            r#"{"failure_rate": 50, "window": {"requests": 5, "duration": "1s"}}"#,
            "breakers.a.window: expected either `requests` or `duration`",
        ),
        (
            r#"{"failure_rate": 50, "window": {"requests": 0}}"#,
            "breakers.a.window.requests: `0` is not a number from 1 to 1000",
        ),
        (
            r#"{"failure_rate": 50, "window": {"duration": "1ms"}}"#,
            "breakers.a.window.duration: invalid duration `1ms`, expected `100ms` to `1h`",
        ),
        (
            r#"{"failure_rate": 50, "window": {"requests": 10}, "minimum_requests": 11}"#,
            "breakers.a.minimum_requests: `11` is not a number from 1 to 10",
        ),
        (r#"{"failure_count": 101}"#, "breakers.a.failure_count: `101` is not a number from 1 to 100"),
        (
            r#"{"consecutive_failures": 0}"#,
            "breakers.a.consecutive_failures: `0` is not a number from 1 to 1000000",
        ),
        (
            r#"{"failure_rate": 50, "open": {"growth": 0.5}}"#,
            "breakers.a.open.growth: `0.5` is not a number from 1 to 10",
        ),
        (
            r#"{"failure_rate": 50, "open": {"duration": "2m", "max_duration": "1m"}}"#,
            "breakers.a.open.max_duration: invalid duration `1m`, expected `2m` to `24h`",
        ),
        (
            r#"{"failure_rate": 50, "half_open": {"probes": 0}}"#,
            "breakers.a.half_open.probes: `0` is not a number from 1 to 1000",
        ),
        (
            r#"{"failure_rate": 50, "key": [{"header": {"name": "a b"}}]}"#,
            "breakers.a.key[0].header.name: `a b` is not a valid header name",
        ),
        (
            r#"{"failure_rate": 50, "key": [{"filter_state": {"name": ""}}]}"#,
            "breakers.a.key[0].filter_state.name: the name is empty",
        ),
        (
            r#"{"concurrency": {"max_concurrency_limit": 2}}"#,
            "breakers.a.concurrency.min_rtt.min_concurrency: `3` is not a number from 1 to 2",
        ),
        (
            r#"{"concurrency": {"sample_aggregate_percentile": 0}}"#,
            "breakers.a.concurrency.sample_aggregate_percentile: must be more than `0`",
        ),
        (
            r#"{"admission_control": {"sr_threshold": 0.5}}"#,
            "breakers.a.admission_control.sr_threshold: must be at least `1`",
        ),
        (
            r#"{"admission_control": {"aggression": 0.5}}"#,
            "breakers.a.admission_control.aggression: `0.5` is not a number from 1 to 100",
        ),
        (
            r#"{"failure_rate": 50, "response": {"content_type": "text/html"}}"#,
            "breakers.a.response.content_type: needs `body`",
        ),
        (
            r#"{"failure_rate": 50, "response": {"body": "", "body_format": "json"}}"#,
            "breakers.a.response.body: cannot be combined with `body_format`",
        ),
        (
            r#"{"failure_rate": 50, "response": {"status": 204, "body": "x"}}"#,
            "breakers.a.response.body: cannot be sent with the status `204`",
        ),
        (
            r#"{"failure_rate": 50, "response": {"status": 304, "body_format": "json"}}"#,
            "breakers.a.response.body_format: cannot be sent with the status `304`",
        ),
        (
            r#"{"failure_rate": 50, "response": {}, "fallback": {"header": "x-a", "value": "b"}}"#,
            "breakers.a.response: cannot be combined with `fallback`",
        ),
        (
            r#"{"failure_count": 5, "minimum_requests": 2}"#,
            "breakers.a.minimum_requests: needs `failure_rate` or `slow_requests`",
        ),
        (
            r#"{"concurrency": {}, "window": {"requests": 5}}"#,
            "breakers.a.window: needs `failure_rate`, `failure_count`, `consecutive_failures` or `slow_requests`",
        ),
        (
            r#"{"admission_control": {}, "open": {"duration": "1s"}}"#,
            "breakers.a.open: needs `failure_rate`, `failure_count`, `consecutive_failures` or `slow_requests`",
        ),
        (
            r#"{"concurrency": {}, "half_open": {"probes": 1}}"#,
            "breakers.a.half_open: needs `failure_rate`, `failure_count`, `consecutive_failures` or `slow_requests`",
        ),
        (
            r#"{"failure_rate": 50, "failures": {"incomplete_responses": true, "resets": false, "timeouts": false}}"#,
            "breakers.a.failures.incomplete_responses: needs `resets` or `timeouts`",
        ),
        (
            r#"{"admission_control": {"rps_threshold": 1000001}}"#,
            "breakers.a.admission_control.rps_threshold: `1000001` is not a number from 0 to 1000000",
        ),
        (
            r#"{"concurrency": {"min_rtt": {"fixed_value": "63us"}}}"#,
            "breakers.a.concurrency.min_rtt.fixed_value: invalid duration `63us`, expected `64us` to `1h`",
        ),
    ] {
        rejects(&format!(r#"{{"breakers": {{"a": {breaker}}}}}"#), message);
    }
    rejects(
        r#"{"max_keys": 1, "breakers": {"a": {"failure_rate": 50}, "b": {"failure_rate": 50}}}"#,
        "max_keys: `1` is not a number from 2 to 65536",
    );
    rejects("{}", "breakers: `0` is not a number from 1 to 1000");
    rejects(
        r#"{"breakers": {"a b": {"failure_rate": 1}}}"#,
        "breakers.a b: invalid name `a b`, expected 1 to 64 letters, digits and `_-`",
    );
    let with = |more: &str| format!(r#"{{"breakers": {{"a": {{"failure_rate": 50}}}}, {more}}}"#);
    rejects(
        &with(r#""domain": """#),
        "domain: invalid domain ``, expected 1 to 128 letters, digits and `_-./:`",
    );
    rejects(
        &with(r#""rules": [{"breakers": ["b"]}]"#),
        "rules[0].breakers[0]: unknown breaker `b`, expected `a`",
    );
    rejects(&with(r#""rules": [{"breakers": ["a", "a"]}]"#), "rules[0].breakers[1]: duplicate breaker `a`");
    rejects(&with(r#""rules": [{"breakers": []}]"#), "breakers.a: not used: no rule has it in `breakers`");
    rejects(
        &with(r#""admin": {"path": "x", "secret": "0123456789abcdef"}"#),
        "admin.path: invalid path `x`, expected a path such as `/.tollgate/breakers`",
    );
    rejects(
        &with(r#""admin": {"path": "/x", "secret": "short"}"#),
        "admin.secret: invalid secret, expected 16 to 256 visible ASCII characters",
    );
}

#[test]
fn a_plan_reads_only_what_it_needs() {
    let needs = |json: &str| {
        let plan = plan(json).unwrap();
        (plan.needs_headers, plan.counts_in_flight)
    };
    assert_eq!(
        needs(r#"{"breakers": {"a": {"failure_rate": 50, "key": [{"cluster": {}}]}}}"#),
        (false, false)
    );
    assert_eq!(needs(r#"{"breakers": {"a": {"failure_rate": 50, "key": [{"host": {}}]}}}"#), (true, false));
    assert_eq!(needs(r#"{"breakers": {"a": {"concurrency": {}}}}"#), (false, true));
}

#[test]
fn a_secret_is_never_shown() {
    let json =
        r#"{"breakers": {"a": {"failure_rate": 50}}, "admin": {"path": "/x", "secret": "0123456789abcdef"}}"#;
    assert!(!format!("{:?}", plan(json).unwrap()).contains("0123456789"));
}
