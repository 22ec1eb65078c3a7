//! Fingerprints change if, and only if, the meaning of stored entries changes.

use crate::{plan, planned};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn base() -> Value {
    json!({
        "key": [{"remote_address": {}}, {"request_headers": {"header_name": "x-team", "descriptor_key": "team"}}],
        "rates": [
            {"token_bucket": {"max_tokens": 10, "fill_interval": "1s"}},
            {"fixed_window": {"requests": 100, "window": "1h"}},
        ],
    })
}

fn changed(place: &str, value: Value) -> u64 {
    let mut fields = base();
    match fields.pointer_mut(place) {
        Some(field) => *field = value,
        None => {
            let (object, name) = place.rsplit_once('/').unwrap();
            fields.pointer_mut(object).unwrap()[name] = value;
        }
    }
    planned(fields).fingerprint
}

#[test]
fn it_is_the_same_in_every_version() {
    // If this value changes, all keys start again when Envoy loads the new version.
    assert_eq!(planned(base()).fingerprint, 13_474_046_054_663_782_610);
}

#[test]
fn it_stays_if_entries_mean_the_same() {
    let before = planned(base()).fingerprint;
    for (place, value) in [
        ("/shadow", json!(true)),
        ("/cost", json!({"number": 2})),
        ("/concurrency", json!({"max_requests": 5})),
        ("/on_response", json!({"statuses": ["5xx"]})),
        ("/overrides", json!([{"when": {"team": {"exact": "x"}}, "concurrency": {"max_requests": 1}}])),
        ("/rates/0/name", json!("other")),
        (
            "/rates/0",
            json!({"token_bucket": {"max_tokens": 10, "tokens_per_fill": 1, "fill_interval": "1000ms"}}),
        ),
        ("/rates/0", json!({"gcra": {"requests": 1, "per": "1s", "burst": 10}})),
        ("/key/1/request_headers/header_name", json!("X-Team")),
        ("/key/1/request_headers/skip_if_absent", json!(false)),
    ] {
        assert_eq!(changed(place, value), before, "{place}");
    }
    let plan = plan(json!({"limits": {"b": base(), "a": base()}, "table": {"max_keys": 16}})).unwrap();
    assert_eq!(plan.limits[0].fingerprint, before);
    assert_ne!(plan.limits[1].fingerprint, before);
}

#[test]
fn it_changes_with_every_number_and_every_part_of_the_key() {
    let window = json!({"requests": 100, "window": "1h"});
    let changes = [
        ("/rates/0/token_bucket/max_tokens", json!(11)),
        ("/rates/0/token_bucket/tokens_per_fill", json!(2)),
        ("/rates/0/token_bucket/fill_interval", json!("2s")),
        ("/rates/1/fixed_window/requests", json!(101)),
        ("/delay", json!({"max_wait": "1s"})),
        ("/rates/1/fixed_window/window", json!("2h")),
        ("/rates/1", json!({"sliding_window": window})),
        ("/rates", json!([base()["rates"][0]])),
        ("/rates", json!([base()["rates"][1], base()["rates"][0]])),
        ("/key", json!([{"remote_address": {}}])),
        ("/key", json!([])),
        ("/key", json!([base()["key"][1], base()["key"][0]])),
        ("/key/0", json!({"masked_remote_address": {}})),
        ("/key/0", json!({"masked_remote_address": {"v4_prefix_mask_len": 24}})),
        ("/key/1/request_headers/header_name", json!("x-user")),
        ("/key/1/request_headers/descriptor_key", json!("user")),
        ("/key/1/request_headers/skip_if_absent", json!(true)),
        ("/key/1/request_headers/default_value", json!("none")),
        ("/key/1", json!({"cookie": {"name": "x-team", "descriptor_key": "team"}})),
        ("/key/1", json!({"generic_key": {"descriptor_value": "x"}})),
        ("/key/1", header_match(json!({"name": "x", "exact": "1"}))),
        ("/key/1", header_match(json!({"name": "x", "prefix": "1"}))),
        ("/key/1", header_match(json!({"name": "x", "regex": "1"}))),
        ("/key/1", header_match(json!({"name": "x", "regex": "2"}))),
        ("/key/1", header_match(json!({"name": "x", "exact": "1", "invert": true}))),
        ("/key/1", json!({"path": {}})),
        ("/key/1", json!({"path": {"template": "/a/{b}", "segment": "b"}})),
        ("/key/1", json!({"path": {"template": "/{b}/a", "segment": "b"}})),
    ];
    let mut all: BTreeSet<u64> = changes.iter().map(|(place, value)| changed(place, value.clone())).collect();
    all.insert(planned(base()).fingerprint);
    for config in [json!({"domain": "shop", "limits": {"a": base()}}), json!({"limits": {"b": base()}})] {
        all.insert(plan(config).unwrap().limits[0].fingerprint);
    }
    assert_eq!(all.len(), changes.len() + 3);
}

fn header_match(matcher: Value) -> Value {
    json!({"header_value_match": {"descriptor_value": "x", "headers": [matcher]}})
}

#[test]
fn fallbacks_and_overrides_have_their_own_fingerprints() {
    let rates = base()["rates"].clone();
    let mut limit = base();
    limit["service"] = json!({"fallback_rates": rates});
    limit["overrides"] = json!([
        {"when": {"team": {"exact": "gold"}}, "rates": [rates[0]]},
        {"when": {"team": {"exact": "iron"}}, "rates": rates},
    ]);
    let service = json!({"cluster": "c", "failure_mode": "local"});
    let plan = plan(json!({"limits": {"a": limit}, "rate_limit_service": service})).unwrap();
    let limit = &plan.limits[0];
    let [gold, iron] = limit.overrides.list() else { panic!("{limit:?}") };
    assert_ne!(limit.service.as_ref().unwrap().fingerprint, limit.fingerprint);
    assert_ne!(gold.fingerprint, limit.fingerprint);
    // The same numbers of the same keys.
    assert_eq!(iron.fingerprint, limit.fingerprint);
}
