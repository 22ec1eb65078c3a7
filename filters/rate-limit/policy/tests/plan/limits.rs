//! Limits.

use crate::{limit, limit_refused, plan, planned, rate, refused, yaml};
use serde_json::{Value, json};
use tollgate_counting::rate::{FixedWindow, Meter, Rate};
use tollgate_rate_limit_policy::model::{Cost, ValueMatch};

#[test]
fn rejects_a_limit_without_rates() {
    assert_eq!(
        refused(json!({"limits": {"a": {}}})),
        "limits.a: expected at least one of `rates`, `concurrency` and `service`"
    );
    let plan = plan(json!({"limits": {"a": {"concurrency": {"max_requests": 3}}}})).unwrap();
    assert_eq!((plan.limits[0].max_in_flight, plan.limits[0].rates.list.len()), (Some(3), 0));
}

#[test]
fn checks_the_name_of_a_limit() {
    for name in ["", "a.b", "a b", "x\n", &"a".repeat(65)] {
        let message = refused(json!({"limits": {name: {"rates": [rate()]}}}));
        assert!(
            message.contains(": invalid name `")
                && message.ends_with("`, expected 1 to 64 letters, digits and `_-`"),
            "{message}"
        );
        assert!(!message.contains('\n'), "{message:?}");
    }
}

#[test]
fn concurrency_is_at_least_one() {
    assert_eq!(
        limit_refused(json!({"concurrency": {"max_requests": 0}})),
        "concurrency.max_requests: `0` is not a number from 1 to 1000000"
    );
    assert_eq!(limit_refused(json!({"concurrency": {}})), "concurrency: missing field `max_requests`");
}

#[test]
fn an_override_replaces_some_numbers() {
    let plan = yaml(
        "
         limits:
           per-team:
             key:
             - masked_remote_address: {v4_prefix_mask_len: 24, v6_prefix_mask_len: 64}
             - request_headers: {header_name: x-team, descriptor_key: team}
             rates:
             - token_bucket: {max_tokens: 10, fill_interval: 1s}
             concurrency: {max_requests: 5}
             overrides:
             - when: {team: {exact: gold}, masked_remote_address: {cidr: 10.0.0.0/8}}
               rates:
               - token_bucket: {max_tokens: 1000, fill_interval: 1s}
             - when: {team: {prefix: free-}}
               concurrency: {max_requests: 1}",
    );
    let limit = &plan.limits[0];
    let [gold, free] = limit.overrides.list() else { panic!("{limit:?}") };
    let whens: Vec<_> = gold.when.iter().map(|(index, _)| *index).collect();
    assert_eq!(whens, [0, 1]);
    assert!(
        matches!(&gold.when[0].1, ValueMatch::Network(network) if network.contains([10, 1, 2, 3].into()))
    );
    assert!(
        matches!(&gold.when[1].1, ValueMatch::Text(text) if text.matches(b"gold") && !text.matches(b"g"))
    );
    assert_eq!(gold.rates.list[0], Rate::Meter(Meter::new(1000, 1, 1_000_000_000).unwrap()));
    assert_eq!((gold.rates.names[0].as_str(), gold.max_in_flight), ("per-team", Some(5)));
    assert_eq!((free.rates.list[0], free.max_in_flight), (limit.rates.list[0], Some(1)));
    assert_eq!(free.fingerprint, limit.fingerprint);
    assert_ne!(gold.fingerprint, limit.fingerprint);
}

#[test]
fn rejects_invalid_overrides() {
    let team = json!([{"request_headers": {"header_name": "x-team", "descriptor_key": "team"}}]);
    let other = |other: serde_json::Value| limit_refused(json!({"key": team, "overrides": [other]}));
    let gold = json!({"team": {"exact": "gold"}});
    assert_eq!(
        other(json!({"when": {"tema": {"exact": "gold"}}, "rates": [rate()]})),
        "overrides[0].when.tema: the `key` of the limit has no `tema`, expected `team`"
    );
    assert_eq!(
        other(json!({"when": gold})),
        "overrides[0]: expected `rates`, `concurrency` or `unlimited: true`"
    );
    assert_eq!(
        other(json!({"when": gold, "rates": [rate()], "unlimited": true})),
        "overrides[0].unlimited: cannot be combined with `rates` or `concurrency`"
    );
    assert_eq!(
        other(json!({"when": {}, "rates": [rate()]})),
        "overrides[0].when: expected at least one descriptor key: an empty `when` would match every key"
    );
    assert_eq!(other(json!({"rates": [rate()]})), "overrides[0]: missing field `when`");
    assert_eq!(
        other(json!({"when": {"team": {"cidr": "10.0.0.1/8"}}, "rates": [rate()]})),
        "overrides[0].when.team.cidr: `10.0.0.1/8` has bits set after its prefix, expected `10.0.0.0/8`"
    );
    assert_eq!(
        other(json!({"when": {"team": {"cidr": "10.0.0.0/8", "exact": "x"}}, "rates": [rate()]})),
        "overrides[0].when.team.exact: unknown field `exact`, expected `cidr`"
    );
    assert_eq!(other(json!({"when": gold, "rates": [{}]})).split(':').next(), Some("overrides[0].rates[0]"));
    assert_eq!(
        other(json!({"when": gold, "concurrency": {"max_requests": 0}})),
        "overrides[0].concurrency.max_requests: `0` is not a number from 1 to 1000000"
    );
    let generic = json!({"generic_key": {"descriptor_value": "x"}});
    assert_eq!(
        limit_refused(json!({
            "key": [generic, generic],
            "overrides": [{"when": {"generic_key": {"exact": "x"}}, "rates": [rate()]}],
        })),
        "overrides[0].when.generic_key: `2` entries of the `key` have this name; give each its own `descriptor_key`"
    );
}

#[test]
fn checks_costs() {
    assert!(matches!(planned(json!({})).cost, Cost::Number(1)));
    for number in [0, 3, 1_000_000_000_000] {
        let cost = planned(json!({"cost": {"number": number}})).cost;
        assert!(matches!(cost, Cost::Number(found) if found == number));
    }
    let Cost::Header { name, default, max } =
        planned(json!({"cost": {"header": {"name": "X-Cost", "max": 100}}})).cost
    else {
        panic!("another cost")
    };
    assert_eq!((name.as_str(), default, max), ("x-cost", 1, 100));
    let body = planned(json!({"cost": {"body_bytes": {"per": 1024, "max": 1000}}}));
    assert!(matches!(body.cost, Cost::Body { per: 1024, max: 1000 }));
    for (cost, message) in [
        (
            json!({"number": 1_000_000_000_001_u64}),
            "cost.number: `1000000000001` is not a number from 0 to 1000000000000",
        ),
        (
            json!({"header": {"name": "a", "max": 0}}),
            "cost.header.max: `0` is not a number from 1 to 1000000000000",
        ),
        (
            json!({"header": {"name": "a", "default": 9, "max": 8}}),
            "cost.header.default: `9` is not a number from 0 to 8",
        ),
        (json!({"header": {"name": "a b", "max": 8}}), "cost.header.name: `a b` is not a valid header name"),
        (json!({"header": {"name": "a"}}), "cost.header: missing field `max`"),
        (
            json!({"body_bytes": {"per": 0, "max": 8}}),
            "cost.body_bytes.per: `0` is not a number from 1 to 1000000000000",
        ),
        (
            json!({"body_bytes": {"per": 1, "max": 0}}),
            "cost.body_bytes.max: `0` is not a number from 1 to 1000000000000",
        ),
        (
            json!({"number": 1, "header": {}}),
            "cost: an object with 2 members, expected an object with one of `number`, `header`, `body_bytes`",
        ),
        (
            json!({"body": 1}),
            "cost.body: unknown variant `body`, expected one of `number`, `header`, `body_bytes`",
        ),
    ] {
        assert_eq!(limit_refused(json!({"cost": cost})), message);
    }
    assert_eq!(
        refused(json!({"limits": {"a": {"concurrency": {"max_requests": 1}, "cost": {"number": 2}}}})),
        "limits.a.cost: needs `rates`, or a `service` with `hits_addend`"
    );
}

#[test]
fn checks_on_response() {
    let on = planned(json!({"on_response": {
        "statuses": ["401", 403, "5xx", "500-599", "2XX"],
        "headers": [{"name": "x-failed", "present": true}],
        "cost_header": {"name": "X-Cost", "max": 7},
        "refund_without_response": true,
    }}));
    let on = on.on_response.unwrap();
    assert_eq!(on.statuses, [(401, 401), (403, 403), (500, 599), (500, 599), (200, 299)]);
    let (name, max) = on.cost_header.unwrap();
    assert_eq!((name.as_str(), max, on.headers.len(), on.refund_without_response), ("x-cost", 7, 1, true));
    for status in [
        json!("600"),
        json!("99"),
        json!("0401"),
        json!("xx"),
        json!("500-400"),
        json!("4x4"),
        json!(20),
        json!("-"),
    ] {
        let shown = status.as_str().map_or(status.to_string(), str::to_owned);
        assert_eq!(
            limit_refused(json!({"on_response": {"statuses": ["200", status]}})),
            format!(
                "on_response.statuses[1]: invalid status `{shown}`, expected a status from 100 to 599, `5xx` or `500-599`"
            )
        );
    }
    assert_eq!(
        limit_refused(json!({"on_response": {"statuses": [true]}})),
        "on_response.statuses[0]: invalid type: boolean `true`, expected a status such as `401`, `5xx` or `500-599`"
    );
    assert_eq!(
        limit_refused(json!({"on_response": {}})),
        "on_response: expected at least one of `statuses`, `headers`, `cost_header` and `refund_without_response`"
    );
    assert_eq!(
        limit_refused(json!({"on_response": {"cost_header": {"name": "a", "max": 0}}})),
        "on_response.cost_header.max: `0` is not a number from 1 to 1000000000000"
    );
    assert_eq!(
        limit_refused(
            json!({"rates": [], "concurrency": {"max_requests": 1}, "on_response": {"statuses": ["5xx"]}})
        ),
        "on_response: needs `rates`, or a `service` with `hits_addend`"
    );
    let service = |service: Value, on_response: Value| {
        let limit = json!({"key": [{"method": {}}], "service": service, "on_response": on_response});
        plan(json!({"limits": {"a": limit}, "rate_limit_service": {"cluster": "c"}}))
    };
    let cost = json!({"cost_header": {"name": "x-used", "max": 9}});
    assert!(service(json!({}), cost.clone()).is_ok());
    for (service, message) in [
        (service(json!({"hits_addend": false}), cost), "needs `rates`, or a `service` with `hits_addend`"),
        (
            service(json!({}), json!({"statuses": ["5xx"]})),
            "expected `cost_header`: without `rates`, no cost can be refunded",
        ),
    ] {
        assert_eq!(service.unwrap_err().to_string(), format!("limits.a.on_response: {message}"));
    }
}

#[test]
fn an_override_can_have_no_limit() {
    let team = json!([{"request_headers": {"header_name": "x-team", "descriptor_key": "team"}}]);
    let unlimited = json!({"when": {"team": {"exact": "gold"}}, "unlimited": true});
    let concurrency = json!({"max_requests": 1});
    let limit = planned(json!({"key": team, "concurrency": concurrency, "overrides": [unlimited]}));
    let [gold] = limit.overrides.list() else { panic!("{limit:?}") };
    assert!(gold.unlimited && gold.rates.list.is_empty() && gold.max_in_flight.is_none());
}

#[test]
fn delay_needs_rates_or_concurrency() {
    assert_eq!(planned(json!({"delay": {"max_wait": "2s"}})).max_wait, 2_000_000_000);
    assert_eq!(planned(json!({})).max_wait, 0);
    let window = json!({"fixed_window": {"requests": 1, "window": "1s"}});
    let mixed = planned(json!({"rates": [rate(), window], "delay": {"max_wait": "1ms"}}));
    assert_eq!(mixed.max_wait, 1_000_000);
    let only_window = planned(json!({"rates": [window], "delay": {"max_wait": "1s"}}));
    assert_eq!(
        only_window.rates.list[0],
        Rate::FixedWindow(FixedWindow::new(1, 1_000_000_000).unwrap()).with_max_wait(1_000_000_000)
    );
    let concurrency = json!({"rates": [], "concurrency": {"max_requests": 1}, "delay": {"max_wait": "1s"}});
    assert_eq!(planned(concurrency).max_wait, 1_000_000_000);
    let service = json!({"key": [{"method": {}}], "service": {}, "delay": {"max_wait": "1s"}});
    assert_eq!(
        refused(json!({"limits": {"a": service}, "rate_limit_service": {"cluster": "c"}})),
        "limits.a.delay: needs `rates` or `concurrency`"
    );
    for (wait, shown) in [("0", "0s"), ("6m", "6m")] {
        assert_eq!(
            limit_refused(json!({"delay": {"max_wait": wait}})),
            format!("delay.max_wait: invalid duration `{shown}`, expected `1ms` to `5m`")
        );
    }
    assert_eq!(refused(limit(json!({"delay": {}}))), "limits.a.delay: missing field `max_wait`");
}

#[test]
fn shadow_is_off_by_default() {
    assert!(!planned(json!({})).shadow);
    assert!(planned(json!({"shadow": true})).shadow);
}
