//! Exactness of limits in every order of the workers' accesses to shared memory.

use crate::support::{bucket, with, with_limit};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{End, Interleaved, Report};
use tollgate_host_test::{Answer, ClientView, Request, Response, Scenario, Upstream};

/// One worker for each number, which is the number of its requests.
fn workers(scenario: Scenario, requests: &[usize]) -> Interleaved {
    let scenario = scenario.settings(|settings| settings.workers = requests.len());
    let mut all = Interleaved::new(&scenario).at_most(1500);
    for (worker, count) in requests.iter().enumerate() {
        for _ in 0..*count {
            all = all.send(worker, Request::get("/"));
        }
    }
    all
}

fn statuses(end: &End) -> Vec<u16> {
    let status = |view: &ClientView| match view {
        ClientView::Response(response) => response.status,
        ClientView::Reset | ClientView::Hang => 0,
    };
    end.exchanges.iter().map(|exchange| status(&exchange.client)).collect()
}

fn admitted(end: &End) -> usize {
    statuses(end).iter().filter(|status| **status == 200).count()
}

/// Returns the status of another request after all others have ended.
fn afterwards(end: &mut End, request: &Request) -> u16 {
    let handle = end.emulator.request(0, request);
    match end.emulator.finish_request(handle).client {
        ClientView::Response(response) => response.status,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn tried(report: &Report, at_least: usize) {
    assert!(report.schedules.len() >= at_least, "too few schedules: {}", report.schedules.len());
}

/// Checks that exactly `most` requests are admitted, in every order.
#[track_caller]
fn admits(all: &Interleaved, expected: usize) -> Report {
    all.exhaustive(|end| {
        assert_eq!(admitted(end), expected, "{:?}", statuses(end));
        assert!(end.emulator.traps().is_empty());
    })
    .unwrap()
}

#[test]
fn two_workers_admit_exactly_the_limit_in_every_order() {
    for most in 1..=2 {
        let scenario = with_limit(json!({"rates": [bucket(most)]}));
        let report = admits(&workers(scenario, &[2, 1]), most as usize);
        assert!(report.is_exhaustive(), "{most}: {:?}", report.coverage);
        tried(&report, 5);
    }
}

/// Checks the number of different schedules. A worker that knows that there is no room makes no host call.
#[track_caller]
fn three_workers_admit_the_limit(most: u64, schedules: usize) {
    let scenario = with_limit(json!({"rates": [bucket(most)]}));
    tried(&admits(&workers(scenario.clone(), &[1, 1, 1]), most as usize), 50);
    let report = admits(&workers(scenario, &[2, 2, 2]).at_most(5_000), most as usize);
    assert!(report.is_exhaustive(), "{most}: {:?}", report.coverage);
    tried(&report, schedules);
}

#[test]
fn three_workers_admit_one_in_every_order() {
    three_workers_admit_the_limit(1, 60);
}

#[test]
fn three_workers_admit_two_in_every_order() {
    three_workers_admit_the_limit(2, 3_000);
}

#[test]
fn each_algorithm_and_several_at_once_are_exact_in_every_order() {
    let rates = [
        json!([{"fixed_window": {"requests": 2, "window": "1h"}}]),
        json!([{"sliding_window": {"requests": 2, "window": "1h"}}]),
        json!([{"gcra": {"requests": 1, "per": "1h", "burst": 2}}]),
        json!([bucket(2), {"fixed_window": {"requests": 5, "window": "1h"}}, {"gcra": {"requests": 1, "per": "1h", "burst": 3}}]),
    ];
    for rates in rates {
        tried(&admits(&workers(with_limit(json!({"rates": rates})), &[2, 1]), 2), 10);
    }
}

/// A limit on all requests, and one with a header as its key, which never has room.
fn two_limits(all: u64) -> Value {
    let key = json!([{"request_headers": {"header_name": "x-barred", "descriptor_key": "barred"}}]);
    json!({"limits": {"a": {"rates": [bucket(all)]}, "b": {"key": key, "rates": [bucket(0)]}}})
}

#[test]
fn refunds_the_first_limit_in_every_order() {
    let scenario = with(two_limits(1)).settings(|settings| settings.workers = 2);
    let barred = Request::get("/").header("x-barred", "1");
    let all = Interleaved::new(&scenario).send(0, barred.clone()).send(1, barred);
    let report = all
        .exhaustive(|end| {
            assert_eq!(statuses(end), [429, 429]);
            let after = [afterwards(end, &Request::get("/")), afterwards(end, &Request::get("/"))];
            assert_eq!(after, [200, 429], "expected a refund of exactly one");
        })
        .unwrap();
    assert!(report.is_exhaustive());
    tried(&report, 10);
}

/// While one that will be refused holds the room, another may find none; never do two.
#[test]
fn a_later_rejection_never_makes_room_for_two() {
    let scenario = with(two_limits(1)).settings(|settings| settings.workers = 3);
    let all = Interleaved::new(&scenario)
        .send(0, Request::get("/").header("x-barred", "1"))
        .send(1, Request::get("/"))
        .send(2, Request::get("/"));
    let report = all
        .exhaustive(|end| {
            let after = usize::from(afterwards(end, &Request::get("/")) == 200);
            assert_eq!(admitted(end) + after, 1, "{:?}", statuses(end));
        })
        .unwrap();
    tried(&report, 50);
}

#[test]
fn delays_are_distinct_in_every_order() {
    let rate = json!({"token_bucket": {"max_tokens": 1, "fill_interval": "1s"}});
    let scenario = with_limit(json!({"rates": [rate], "delay": {"max_wait": "1s"}}));
    let report = workers(scenario, &[2, 1])
        .exhaustive(|end| {
            assert_eq!(admitted(end), 2, "{:?}", statuses(end));
            let counted = |event| end.emulator.metric(&crate::support::of_one(event));
            assert_eq!(
                [counted("ok"), counted("delayed"), counted("rate_limited")],
                [Some(1), Some(1), Some(1)]
            );
            // The first at once, the other after a second, for which the third would have to wait once more.
            assert_eq!(end.emulator.now(), Duration::from_secs(1));
        })
        .unwrap();
    tried(&report, 20);
}

/// Before heartbeats: they are interleaved too, and there would be no end.
const SOON: Duration = Duration::from_millis(500);

fn slow(after: Duration) -> Upstream {
    Upstream::answers("slow", vec![Answer::Reply { response: Response::new(200), after }])
}

#[test]
fn concurrency_is_exact_in_every_order() {
    for most in 1..=2 {
        let scenario = with_limit(json!({"concurrency": {"max_requests": most}})).upstream(slow(SOON));
        let report = workers(scenario, &[1, 1, 1])
            .exhaustive(|end| {
                assert_eq!(admitted(end), most as usize, "{:?}", statuses(end));
                let again: Vec<_> = (0..3).map(|_| end.emulator.request(0, &Request::get("/"))).collect();
                let exchanges = again.into_iter().map(|handle| end.emulator.finish_request(handle).client);
                let held =
                    exchanges.filter(|client| matches!(client, ClientView::Response(r) if r.status == 200));
                assert_eq!(held.count(), most as usize, "expected that all requests in flight have ended");
            })
            .unwrap();
        tried(&report, 20);
    }
}

/// One leaves while another comes.
#[test]
fn concurrent_ends_and_starts_are_exact_in_every_order() {
    let scenario = with_limit(json!({"concurrency": {"max_requests": 1}})).upstream(slow(SOON));
    let scenario = scenario.settings(|settings| settings.workers = 2);
    let then = SOON;
    let all = Interleaved::new(&scenario)
        .send(0, Request::get("/"))
        .send_at(then, 1, Request::get("/"))
        .send_at(then, 1, Request::get("/"));
    let report = all
        .exhaustive(|end| {
            let statuses = statuses(end);
            assert_eq!(statuses[0], 200);
            assert!(statuses[1..].iter().filter(|status| **status == 200).count() <= 1, "{statuses:?}");
            assert_eq!(afterwards(end, &Request::get("/")), 200);
        })
        .unwrap();
    tried(&report, 3);
}

#[test]
fn response_refunds_are_exact_in_every_order() {
    let upstream = Upstream::replies("shop", Response::new(200))
        .on("/no", vec![Answer::Reply { response: Response::new(401), after: Duration::ZERO }]);
    let scenario =
        with_limit(json!({"rates": [bucket(3)], "on_response": {"statuses": ["401"]}})).upstream(upstream);
    let report = workers(scenario, &[1, 1])
        .exhaustive(|end| {
            assert_eq!(statuses(end), [200, 200]);
            let after = [0; 4].map(|_| afterwards(end, &Request::get("/no")));
            assert_eq!(after, [401, 401, 401, 429]);
        })
        .unwrap();
    assert!(report.is_exhaustive());
    tried(&report, 20);
}
