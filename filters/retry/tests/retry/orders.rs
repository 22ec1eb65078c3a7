//! The budget in every order of the workers' accesses to shared memory.

use crate::support::{status, with};
use serde_json::{Value, json};
use tollgate_host_test::emulator::schedule::{End, Interleaved, Report};
use tollgate_host_test::{Request, Upstream};

/// Builds a run with a worker for each list of paths. The worker sends a request to each path of its list.
/// Requests to `/fails` always fail. Only requests earn retries, by this percentage.
fn workers(rule: Value, percent: u32, requests: &[&[&str]]) -> Interleaved {
    let config = json!({
        "rules": [rule],
        "retry_budget": {"budget_percent": percent, "min_retries_per_second": 0},
    });
    let upstream = Upstream::answers("upstream", vec![status(200)]).on("/fails", vec![status(503)]);
    let scenario = with(config).upstream(upstream).settings(|settings| settings.workers = requests.len());
    let mut all = Interleaved::new(&scenario);
    for (worker, paths) in requests.iter().enumerate() {
        for path in *paths {
            all = all.send(worker, Request::get(path));
        }
    }
    all
}

fn steering() -> Value {
    json!({"retry_on": "5xx", "num_retries": 3})
}

/// Returns the number of retries that the upstream received, or that were counted before they were sent by
/// callout.
fn retries(end: &End) -> usize {
    let attempts: usize = end.exchanges.iter().map(|exchange| exchange.upstream.len()).sum();
    let callouts = end.emulator.metric("retry.retries.status").expect("a counter") as usize;
    attempts + callouts - end.exchanges.len()
}

#[track_caller]
fn every_order(all: &Interleaved, at_least: usize, check: impl Fn(&mut End)) {
    let report: Report = all
        .exhaustive(|end| {
            assert!(end.emulator.traps().is_empty());
            check(end);
        })
        .unwrap();
    assert!(report.is_exhaustive(), "{:?}", report.coverage);
    assert!(report.schedules.len() >= at_least, "too few orders: {}", report.schedules.len());
}

/// The retries are exactly those that the budget allows: no order exceeds it, and none loses a retry.
#[test]
fn no_order_admits_more_retries_than_the_budget() {
    for (percent, expected) in [(50, 2), (100, 4)] {
        let all = workers(steering(), percent, &[&["/fails"; 2], &["/fails"; 2]]);
        every_order(&all, 5, |end| assert_eq!(retries(end), expected, "{percent} %"));
    }
    let all = workers(steering(), 34, &[&["/fails"], &["/fails"], &["/fails"]]);
    every_order(&all, 6, |end| assert_eq!(retries(end), 1));
}

#[test]
fn no_order_admits_more_callouts_than_the_budget() {
    let replay = json!({"num_retries": 0, "replay": {"retriable_status_codes": [503], "num_retries": 3}});
    let all = workers(replay, 100, &[&["/fails"], &["/fails"]]);
    every_order(&all, 5, |end| assert_eq!(retries(end), 2));
}

/// Retries that a request returns, in any order, are there for a later one.
#[test]
fn no_order_loses_or_doubles_a_refund() {
    let all = workers(steering(), 100, &[&["/"; 2], &["/fails"]]);
    every_order(&all, 5, |end| {
        let made = retries(end);
        assert!((1..=3).contains(&made), "{made} retries of 3 requests");
        let handle = end.emulator.request(0, &Request::get("/fails"));
        let later = end.emulator.finish_request(handle).upstream.len() - 1;
        assert_eq!(later, (4 - made).min(3), "after {made} retries");
    });
}
