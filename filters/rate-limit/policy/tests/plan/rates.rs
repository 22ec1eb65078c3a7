//! Rates.

use crate::{limit_refused, planned, yaml};
use serde_json::{Value, json};
use tollgate_counting::rate::{FixedWindow, Meter, Rate, SlidingWindow};

const SECOND: u64 = 1_000_000_000;

fn refused(rate: Value) -> String {
    let message = limit_refused(json!({"rates": [rate]}));
    message.strip_prefix("rates[0]").unwrap_or_else(|| panic!("{message}")).trim_start_matches('.').into()
}

#[test]
fn each_algorithm_is_what_is_written() {
    let plan = yaml(
        "
         limits:
           per-client:
             rates:
             - {name: burst, token_bucket: {max_tokens: 10, tokens_per_fill: 5, fill_interval: 1s}}
             - {gcra: {requests: 10, per: 1s, burst: 5}}
             - {fixed_window: {requests: 1000, window: 1h}}
             - {sliding_window: {requests: 100, window: 1m}}
             - {token_bucket: {max_tokens: 0, fill_interval: 50ms}}
             - {gcra: {requests: 1, per: 1s}}",
    );
    let rates = &plan.limits[0].rates;
    let rates: Vec<_> = rates.names.iter().map(String::as_str).zip(rates.list.iter().copied()).collect();
    let expected = [
        ("burst", Rate::Meter(Meter::new(10, 5, SECOND).unwrap())),
        ("per-client-2", Rate::Meter(Meter::new(5, 10, SECOND).unwrap())),
        ("per-client-3", Rate::FixedWindow(FixedWindow::new(1000, 3600 * SECOND).unwrap())),
        ("per-client-4", Rate::SlidingWindow(SlidingWindow::new(100, 60 * SECOND).unwrap())),
        ("per-client-5", Rate::Meter(Meter::new(0, 1, SECOND / 20).unwrap())),
        ("per-client-6", Rate::Meter(Meter::new(1, 1, SECOND).unwrap())),
    ];
    assert_eq!(rates, expected);
}

#[test]
fn a_window_can_be_a_period_of_the_calendar() {
    for (period, months) in [("month", 1), ("quarter", 3), ("year", 12)] {
        let limit = planned(json!({"rates": [{"fixed_window": {"requests": 9, "calendar": period}}]}));
        assert_eq!(limit.rates.list[0], Rate::FixedWindow(FixedWindow::of_months(9, months).unwrap()));
    }
    let fixed = |more: Value| refused(json!({"fixed_window": more}));
    assert_eq!(fixed(json!({"requests": 1})), "fixed_window: expected `window` or `calendar`");
    assert_eq!(
        fixed(json!({"requests": 1, "window": "1h", "calendar": "month"})),
        "fixed_window.window: cannot be combined with `calendar`"
    );
    assert_eq!(
        fixed(json!({"requests": 1, "calendar": "week"})),
        "fixed_window.calendar: unknown variant `week`, expected one of `month`, `quarter`, `year`"
    );
}

#[test]
fn a_single_rate_has_the_name_of_its_limit() {
    assert_eq!(planned(json!({})).rates.names[0], "a");
}

#[test]
fn a_rate_has_one_algorithm() {
    let exactly =
        "algorithms, expected exactly one of `token_bucket`, `gcra`, `fixed_window`, `sliding_window`";
    assert_eq!(refused(json!({})), format!(": `0` {exactly}"));
    let window = json!({"requests": 1, "window": "1s"});
    let both = json!({"fixed_window": window, "sliding_window": window});
    assert_eq!(refused(both), format!(": `2` {exactly}"));
}

#[test]
fn numbers_have_bounds() {
    let bucket = |field: &str, value: Value| {
        let mut bucket = json!({"max_tokens": 1, "fill_interval": "1s"});
        bucket[field] = value;
        refused(json!({"token_bucket": bucket}))
    };
    assert_eq!(
        bucket("tokens_per_fill", json!(0)),
        "token_bucket.tokens_per_fill: `0` is not a number from 1 to 1000000000000"
    );
    assert_eq!(
        bucket("max_tokens", json!(1_000_000_000_001_u64)),
        "token_bucket.max_tokens: `1000000000001` is not a number from 0 to 1000000000000"
    );
    assert_eq!(
        bucket("fill_interval", json!("49ms")),
        "token_bucket.fill_interval: invalid duration `49ms`, expected `50ms` to `876000h`"
    );
    let gcra = |requests: u64, per: &str, burst: u64| {
        refused(json!({"gcra": {"requests": requests, "per": per, "burst": burst}}))
    };
    assert_eq!(gcra(0, "1s", 1), "gcra.requests: `0` is not a number from 1 to 1000000000000");
    assert_eq!(gcra(1, "1s", 0), "gcra.burst: `0` is not a number from 1 to 1000000000000");
    assert_eq!(gcra(1, "0", 1), "gcra.per: invalid duration `0s`, expected `1ms` to `876000h`");
    for algorithm in ["fixed_window", "sliding_window"] {
        assert_eq!(
            refused(json!({algorithm: {"requests": 1, "window": "900us"}})),
            format!("{algorithm}.window: invalid duration `900us`, expected `1ms` to `876000h`")
        );
        assert_eq!(
            refused(json!({algorithm: {"requests": 1, "window": "877000h"}})),
            format!("{algorithm}.window: invalid duration `877000h`, expected `1ms` to `876000h`")
        );
        planned(json!({"rates": [{algorithm: {"requests": 0, "window": "876000h"}}]}));
    }
    assert_eq!(
        refused(json!({"sliding_window": {"requests": 1_u64 << 32, "window": "1s"}})),
        // The type has it.
        ".sliding_window.requests: invalid value: integer `4294967296`, expected an integer from 0 to 4294967295".trim_start_matches('.')
    );
    assert_eq!(refused(json!({"gcra": {"requests": 1}})), "gcra: missing field `per`");
}

#[test]
fn rejects_buckets_that_fill_too_slowly() {
    assert_eq!(
        refused(json!({"gcra": {"requests": 1, "per": "876000h", "burst": 2}})),
        "gcra: a bucket of `2` that gains `1` per `876000h` must fill within 100 years"
    );
    assert_eq!(
        refused(json!({"token_bucket": {"max_tokens": 1_000_000_000_000_u64, "fill_interval": "1s"}})),
        "token_bucket: a bucket of `1000000000000` that gains `1` per `1s` must fill within 100 years"
    );
}

#[test]
fn rejects_a_ninth_rate_and_duplicate_names() {
    let rate = |name: &str| json!({"name": name, "gcra": {"requests": 1, "per": "1s"}});
    let rates: Vec<_> = (0..9).map(|index| rate(&format!("r{index}"))).collect();
    planned(json!({"rates": rates[..8]}));
    assert_eq!(limit_refused(json!({"rates": rates})), "rates: `9` rates, expected at most 8");
    assert_eq!(
        limit_refused(json!({"rates": [rate("x"), rate("x")]})),
        "rates[1].name: duplicate rate name `x`"
    );
    let unnamed = json!({"gcra": {"requests": 1, "per": "1s"}});
    assert_eq!(
        limit_refused(json!({"rates": [rate("a-2"), unnamed]})),
        "rates[1].name: duplicate rate name `a-2`"
    );
    for (name, shown) in [("", ""), ("a b", "a b"), ("\"", "\\\""), ("é", "é"), ("a.b", "a.b")] {
        assert_eq!(
            limit_refused(json!({"rates": [rate(name)]})),
            format!("rates[0].name: invalid name `{shown}`, expected 1 to 64 letters, digits and `_-`")
        );
    }
}
