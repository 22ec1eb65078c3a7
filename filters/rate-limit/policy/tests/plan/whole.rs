//! Top-level fields.

use crate::{plan, refused, yaml};
use serde_json::json;
use tollgate_policy::{Enforcement, OnError, Percent};
use tollgate_rate_limit_policy::answer::Body;
use tollgate_rate_limit_policy::{Config, Plan};

#[test]
fn an_empty_configuration_limits_nothing() {
    let plan = plan(json!({})).unwrap();
    assert_eq!(plan.domain, "tollgate");
    assert!(
        plan.limits.is_empty()
            && plan.rules.is_empty()
            && plan.otherwise.is_empty()
            && plan.service.is_none()
    );
    assert_eq!((plan.pages, plan.max_waiting, plan.enforcement), (8192, 1024, Enforcement::default()));
    assert_eq!((plan.filter_enabled, plan.filter_enforced), (Percent::ALL, Percent::ALL));
    let answers = plan.answers;
    assert_eq!((answers.status, answers.status_on_error, answers.body), (429, 503, Body::Text));
    assert!(answers.retry_after && answers.rate_limit_headers && answers.x_envoy_ratelimited);
    assert!(!answers.x_ratelimit_headers && !answers.resource_exhausted);
    assert!(answers.response_headers.is_empty() && answers.request_headers_when_not_enforced.is_empty());
}

#[test]
fn reads_every_field() {
    let plan = yaml(
        "
         domain: shop
         stat_prefix: edge
         table: {max_keys: 17}
         max_waiting_requests: 5
         filter_enabled: 50
         filter_enforced: 12.5
         on_error: allow
         status_on_error: 500
         response:
           status: 503
           body: slow down
           content_type: text/html
           retry_after: false
           rate_limit_headers: false
           enable_x_ratelimit_headers: DRAFT_VERSION_03
           rate_limited_as_resource_exhausted: true
           disable_x_envoy_ratelimited_header: true
           response_headers_to_add: [{header: {key: X-Why, value: limited}}]
           request_headers_to_add_when_not_enforced: [{header: {key: x-would, value: refuse}}]",
    );
    assert_eq!((plan.domain.as_str(), plan.enforcement.stat_prefix.as_str()), ("shop", "edge"));
    assert_eq!((plan.pages, plan.max_waiting, plan.enforcement.on_error), (3, 5, OnError::Allow));
    assert_eq!(plan.answers.status_on_error, 500);
    assert_eq!((plan.filter_enabled.per_million(), plan.filter_enforced.per_million()), (500_000, 125_000));
    let answers = plan.answers;
    let Body::Inline { content_type, body } = answers.body else { panic!("{:?}", answers.body) };
    assert_eq!((answers.status, body), (503, b"slow down".to_vec()));
    assert_eq!(content_type.unwrap().as_bytes(), b"text/html");
    assert!(!answers.retry_after && !answers.rate_limit_headers && !answers.x_envoy_ratelimited);
    assert!(answers.x_ratelimit_headers && answers.resource_exhausted);
    let [(name, value)] = &answers.response_headers[..] else { panic!("{:?}", answers.response_headers) };
    assert_eq!((name.name().as_str(), value.as_bytes()), ("x-why", &b"limited"[..]));
    assert_eq!(answers.request_headers_when_not_enforced[0].0.name().as_str(), "x-would");
}

#[test]
fn reads_every_body_format() {
    for (format, body) in
        [("text", Body::Text), ("json", Body::Json), ("problem", Body::Problem), ("empty", Body::Empty)]
    {
        assert_eq!(plan(json!({"response": {"body_format": format}})).unwrap().answers.body, body);
    }
}

#[test]
fn values_have_bounds() {
    let header = |key: &str, value: &str| json!({"response": {"response_headers_to_add": [{"header": {"key": key, "value": value}}]}});
    for (config, message) in [
        (json!({"domain": ""}), "domain: invalid domain ``, expected 1 to 128 letters, digits and `_-./:`"),
        (
            json!({"domain": "a b"}),
            "domain: invalid domain `a b`, expected 1 to 128 letters, digits and `_-./:`",
        ),
        (
            json!({"domain": "a\0"}),
            "domain: invalid domain `a\\0`, expected 1 to 128 letters, digits and `_-./:`",
        ),
        (
            json!({"stat_prefix": "a b"}),
            "stat_prefix: `a b` is not a valid prefix, expected at most 64 letters, digits and `_-.`, without a dot at either end",
        ),
        (json!({"table": {"max_keys": 0}}), "table.max_keys: `0` is not a number from 1 to 16777216"),
        (
            json!({"table": {"max_keys": 16_777_217}}),
            "table.max_keys: `16777217` is not a number from 1 to 16777216",
        ),
        (json!({"max_waiting_requests": 0}), "max_waiting_requests: `0` is not a number from 1 to 100000"),
        (
            json!({"max_waiting_requests": 100_001}),
            "max_waiting_requests: `100001` is not a number from 1 to 100000",
        ),
        (json!({"filter_enabled": 101}), "filter_enabled: `101` is not a percentage from 0 to 100"),
        (json!({"filter_enforced": -0.5}), "filter_enforced: `-0.5` is not a percentage from 0 to 100"),
        (
            json!({"filter_enabled": {"default_value": {}}}),
            "filter_enabled: invalid type: object, expected a percentage such as `12.5`",
        ),
        (json!({"on_error": "x"}), "on_error: unknown variant `x`, expected `deny` or `allow`"),
        (json!({"response": {"status": 399}}), "response.status: `399` is not a number from 400 to 599"),
        (
            json!({"response": {"status": {"code": 200}}}),
            "response.status.code: `200` is not a number from 400 to 599",
        ),
        (
            json!({"response": {"status": "429"}}),
            "response.status: invalid type: string \"429\", expected an integer from 0 to 65535",
        ),
        (
            json!({"response": {"body": "x", "body_format": "json"}}),
            "response.body: cannot be combined with `body_format`",
        ),
        (
            json!({"response": {"body": "x".repeat(16_385)}}),
            "response.body: `16385` is not a number from 0 to 16384",
        ),
        (json!({"response": {"content_type": "a/b"}}), "response.content_type: needs `body`"),
        (
            header("host", "x"),
            "response.response_headers_to_add[0].header.key: `host` belongs to the connection and cannot be written by a \
             filter",
        ),
        (
            header("x", "a\nb"),
            "response.response_headers_to_add[0].header.value: `a\\nb` is not a valid header value: it has a control \
             character, or white space at either end",
        ),
        (
            header("x", "%REQ(y)%"),
            "response.response_headers_to_add[0].header.value: invalid value `%REQ(y)%`, expected a value without `%`: \
             `%..%` references are not supported",
        ),
    ] {
        assert_eq!(refused(config), message);
    }
    plan(json!({"domain": "ns/shop.v1:a_b-c", "table": {"max_keys": 16_777_216}})).unwrap();
}

#[test]
fn serde_reports_the_same_error() {
    let config = json!({"limits": {"a": {"rates": [{}, {"token_bucket": {"max_tokens": "x"}}]}}});
    let error = tollgate_policy::config::read::<Config>(&config.clone()).unwrap_err().to_string();
    assert_eq!(
        error,
        "limits.a.rates[1].token_bucket.max_tokens: invalid type: string \"x\", expected an integer from 0 to 18446744073709551615"
    );
    assert_eq!(error, refused(config));
}

#[test]
fn shadow_mode_applies_to_all_limits() {
    let limits =
        "limits: {a: {rates: [{gcra: {requests: 1, per: 1s}}]}, b: {concurrency: {max_requests: 1}}}";
    let shadows = |plan: &Plan| plan.limits.iter().map(|limit| limit.shadow).collect::<Vec<_>>();
    assert_eq!(shadows(&yaml(limits)), [false, false]);
    assert_eq!(shadows(&yaml(&format!("{{shadow: true, {limits}}}"))), [true, true]);
}
