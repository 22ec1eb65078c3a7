//! Admission by each algorithm.

use crate::support::{bucket, of_one, sending, times, with, with_limit};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Request, on_both_hosts};

on_both_hosts! {
    fn a_bucket_rejects_when_it_is_empty(host) {
        let scenario = with(json!({
            "limits": {"all": {"rates": [{"token_bucket": {"max_tokens": 2, "fill_interval": "1h"}}]}}
        }));
        let outcome = host.run(
            &scenario.request(Request::get("/1")).request(Request::get("/2")).request(Request::get("/3")),
        );
        outcome.has_statuses(&[200, 200, 429]);
        outcome.client(2).header("retry-after", "3600").body("local_rate_limited");
        outcome.has_details(2, "local_rate_limited");
        outcome.has_metric("rate_limit.limit.all.ok", 2).has_metric("rate_limit.limit.all.rate_limited", 1);
    }

    fn each_client_address_has_its_own(host) {
        let scenario = with(json!({
            "limits": {"clients": {
                "key": [{"remote_address": {}}],
                "rates": [{"fixed_window": {"requests": 1, "window": "1h"}}]
            }}
        }));
        let outcome = host.run(&scenario.request(Request::get("/1")).request(Request::get("/2")));
        outcome.has_statuses(&[200, 429]);
    }

    fn a_bucket_fills_while_time_passes(host) {
        let rate = json!({"token_bucket": {"max_tokens": 1, "fill_interval": "3s"}});
        let scenario = with_limit(json!({"rates": [rate]}))
            .request(Request::get("/"))
            .request(Request::get("/"))
            .request(Request::get("/").after(Duration::from_millis(3100)));
        host.run(&scenario).has_statuses(&[200, 429, 200]);
    }

    fn a_maximum_of_zero_rejects_every_request(host) {
        let rates = [
            bucket(0),
            json!({"fixed_window": {"requests": 0, "window": "1s"}}),
            json!({"sliding_window": {"requests": 0, "window": "1s"}}),
        ];
        let limits: serde_json::Map<_, _> =
            rates.into_iter().enumerate().map(|(n, rate)| (format!("n{n}"), json!({"rates": [rate]}))).collect();
        let rules: Vec<_> = limits.keys().map(|name| json!({"match": {"paths": [{"prefix": format!("/{name}")}]}, "limits": [name]})).collect();
        let scenario = with(json!({"limits": limits, "rules": rules}));
        let outcome = host.run(&sending(scenario, ["/n0", "/n1", "/n2"].map(Request::get)));
        outcome.has_statuses(&[429, 429, 429]);
        (0..3).for_each(|index| { outcome.client(index).no_header("retry-after"); });
    }

    fn all_algorithms_admit_their_maximum_at_once(host) {
        let rates = [
            ("bucket", json!({"token_bucket": {"max_tokens": 3, "fill_interval": "1h"}})),
            ("gcra", json!({"gcra": {"requests": 1, "per": "1h", "burst": 3}})),
            ("fixed", json!({"fixed_window": {"requests": 3, "window": "24h"}})),
            ("sliding", json!({"sliding_window": {"requests": 3, "window": "24h"}})),
        ];
        let limits: serde_json::Map<_, _> =
            rates.iter().map(|(name, rate)| ((*name).to_owned(), json!({"rates": [rate]}))).collect();
        let rules: Vec<_> = rates.iter().map(|(name, _)| json!({"match": {"paths": [{"prefix": format!("/{name}")}]}, "limits": [name]})).collect();
        let requests = rates.iter().flat_map(|(name, _)| times(&Request::get(&format!("/{name}")), 4));
        let outcome = host.run(&sending(with(json!({"limits": limits, "rules": rules})), requests));
        outcome.has_statuses(&[200, 200, 200, 429].repeat(4));
    }
}

/// Checks the statuses of requests at these times, in milliseconds since the beginning of an hour.
#[track_caller]
fn over_time(limit: Value, expected: &[(u64, u16)]) {
    let mut emulator = Emulator::new(&with_limit(limit)).unwrap();
    for (index, (at, status)) in expected.iter().enumerate() {
        let at = Duration::from_millis(*at);
        emulator.advance(at.saturating_sub(emulator.now()));
        assert_eq!(emulator.now(), at, "request {index} was sent too late");
        let handle = emulator.request(0, &Request::get("/"));
        match emulator.finish_request(handle).client {
            tollgate_host_test::ClientView::Response(response) => {
                assert_eq!(response.status, *status, "{index}, at {at:?}");
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn tokens_arrive_evenly_up_to_the_maximum() {
    let rate = json!({"token_bucket": {"max_tokens": 3, "tokens_per_fill": 2, "fill_interval": "1s"}});
    let expected = [
        (0, 200),
        (0, 200),
        (0, 200),
        (0, 429),
        (499, 429),
        (500, 200),
        (500, 429),
        (999, 429),
        (1000, 200),
        (1000, 429),
        (60_000, 200),
        (60_000, 200),
        (60_000, 200),
        (60_000, 429),
    ];
    over_time(json!({"rates": [rate]}), &expected);
}

#[test]
fn gcra_spaces_requests_evenly_after_a_burst() {
    let evenly = json!({"gcra": {"requests": 10, "per": "1s"}});
    let expected =
        [(0, 200), (0, 429), (99, 429), (100, 200), (150, 429), (200, 200), (5000, 200), (5000, 429)];
    over_time(json!({"rates": [evenly]}), &expected);
    let burst = json!({"gcra": {"requests": 10, "per": "1s", "burst": 2}});
    let expected =
        [(0, 200), (0, 200), (0, 429), (100, 200), (100, 429), (5000, 200), (5000, 200), (5000, 429)];
    over_time(json!({"rates": [burst]}), &expected);
}

#[test]
fn fixed_windows_begin_with_the_clock() {
    let rate = json!({"fixed_window": {"requests": 2, "window": "1m"}});
    let expected = [
        (59_000, 200),
        (59_000, 200),
        (59_999, 429),
        (60_000, 200),
        (60_001, 200),
        (60_002, 429),
        (119_999, 429),
        (120_000, 200),
    ];
    over_time(json!({"rates": [rate]}), &expected);
}

/// The previous minute counts by the share that a minute that ends now still covers, in whole requests.
#[test]
fn sliding_windows_count_a_share_of_the_previous_one() {
    let rate = json!({"sliding_window": {"requests": 2, "window": "1m"}});
    let expected = [
        (30_000, 200),
        (30_000, 200),
        (59_999, 429),
        (60_000, 200),
        (60_000, 429),
        (89_999, 429),
        (90_000, 200),
        (90_000, 429),
        (120_000, 200),
        (120_000, 429),
    ];
    over_time(json!({"rates": [rate]}), &expected);
}

/// Sends requests as often as the limit allows, or slightly less often.
#[test]
fn sliding_windows_admit_steady_clients() {
    for (requests, window, apart) in [(1, "3s", 3_100), (1, "1s", 1_000), (2, "1s", 500), (3, "1s", 334)] {
        let rate = json!({"sliding_window": {"requests": requests, "window": window}});
        let expected: Vec<_> = (0..30).map(|count| (100 + count * apart, 200)).collect();
        over_time(json!({"rates": [rate]}), &expected);
    }
}

/// 10 a second and 1,000 an hour, twelve requests a second: for a hundred seconds the one limits, then the
/// other.
#[test]
fn all_rates_of_a_limit_must_have_room() {
    let per_second =
        json!({"token_bucket": {"max_tokens": 10, "tokens_per_fill": 10, "fill_interval": "1s"}});
    let per_hour = json!({"fixed_window": {"requests": 1000, "window": "1h"}});
    let limit = json!({"rates": [per_second, per_hour]});
    let mut emulator = Emulator::builder(&with_limit(limit)).keep_calls(0).start().unwrap();
    let mut admitted = Vec::new();
    for _ in 0..102 {
        for _ in 0..12 {
            let handle = emulator.request(0, &Request::get("/"));
            emulator.finish_request(handle);
        }
        emulator.advance(Duration::from_secs(1));
        admitted.push(emulator.metric(&of_one("ok")).unwrap());
        emulator.drain();
    }
    let expected: Vec<u64> = (1..=102).map(|second| (second * 10).min(1000)).collect();
    assert_eq!(admitted, expected);
    let handle = emulator.request(0, &Request::get("/"));
    let exchange = emulator.finish_request(handle);
    let tollgate_host_test::ClientView::Response(response) = exchange.client else { panic!("{exchange:?}") };
    assert_eq!(response.headers.get("retry-after"), Some(&b"3498"[..]), "the rest of the hour");
}

#[test]
fn a_rate_without_room_charges_no_other_rate() {
    let per_second = json!({"fixed_window": {"requests": 1, "window": "1s"}});
    let limit = json!({"rates": [per_second, bucket(3)]});
    let expected = [
        (0, 200),
        (0, 429),
        (0, 429),
        (0, 429),
        (1000, 200),
        (1000, 429),
        (2000, 200),
        (2000, 429),
        (3000, 429),
    ];
    over_time(limit, &expected);
}
