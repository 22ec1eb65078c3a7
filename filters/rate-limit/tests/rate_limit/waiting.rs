//! Requests that wait for room.

use crate::in_flight::{slow, so_far, status};
use crate::live::{Client, address, envoy_with};
use crate::support::{of_one, sending, times, with, with_limit};
use serde_json::json;
use std::time::{Duration, Instant};
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{ClientView, Request, Scenario, on_both_hosts};

const POLL: Duration = Duration::from_millis(20);

on_both_hosts! {
    fn delayed_requests_are_allowed(host) {
        let rate = json!({"token_bucket": {"max_tokens": 1, "fill_interval": "2s"}});
        let scenario = with_limit(json!({"rates": [rate], "delay": {"max_wait": "10s"}}));
        let outcome = host.run(&sending(scenario, times(&Request::post("/", "body"), 2)));
        outcome.has_statuses(&[200, 200]).has_metric(&of_one("ok"), 1).has_metric(&of_one("delayed"), 1);
        outcome.upstream(1).body("body");
    }

    /// The first window may be partly over. One of three requests waits for another window, and none is
    /// rejected.
    fn delayed_requests_continue_in_their_window(host) {
        for rate in ["fixed_window", "sliding_window"] {
            let rate = json!({rate: {"requests": 1, "window": "1s"}});
            let scenario = with_limit(json!({"rates": [rate], "delay": {"max_wait": "10s"}}));
            let outcome = host.run(&sending(scenario, times(&Request::post("/", "body"), 3)));
            outcome.has_statuses(&[200; 3]).has_metric(&of_one("rate_limited"), 0);
            let [ok, delayed] = ["ok", "delayed"].map(|event| outcome.metrics[&of_one(event)]);
            assert!((1..=2).contains(&delayed) && ok + delayed == 3, "{ok} and {delayed}");
            outcome.upstream(2).body("body");
        }
    }
}

/// Nine come at once to two workers, of which three may be in flight, each for a second.
#[test]
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn workers_of_envoy_admit_queued_requests() {
    const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
    let delay = json!({"fixed_delay": "1s", "percentage": {"numerator": 100}});
    let fault = json!({"name": "fault", "typed_config": {"@type": FAULT, "delay": delay}});
    let limit = json!({"concurrency": {"max_requests": 3}, "delay": {"max_wait": "20s"}});
    let envoy = envoy_with(json!({"limits": {"one": limit}}), 2, vec![fault]);
    let mut clients: Vec<_> = (0..9).map(|_| Client::new(address(&envoy))).collect();
    let start = Instant::now();
    let mut ended: Vec<_> = std::thread::scope(|scope| {
        let clients: Vec<_> = clients
            .iter_mut()
            .map(|client| scope.spawn(move || (client.is_admitted(""), start.elapsed())))
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    });
    assert!(ended.iter().all(|(admitted, _)| *admitted));
    ended.sort_by_key(|(_, ended)| *ended);
    // Three at a time take three seconds, and no more than it takes to see that another worker has left room.
    for (index, (_, ended)) in ended.iter().enumerate() {
        // Timers of Envoy are a few milliseconds early.
        let round = Duration::from_millis(950) * (1 + index as u32 / 3);
        assert!(*ended >= round, "{index}: {ended:?}");
    }
    assert!(ended[8].1 < Duration::from_secs(5), "{ended:?}");
}

fn queued(most: usize, max_wait: &str) -> Scenario {
    with_limit(json!({"concurrency": {"max_requests": most}, "delay": {"max_wait": max_wait}}))
        .upstream(slow())
        .settings(|settings| settings.workers = 2)
}

/// How many the limit has let in.
fn let_in(emulator: &Emulator) -> u64 {
    ["ok", "delayed"].map(|event| emulator.metric(&of_one(event)).unwrap_or(0)).iter().sum()
}

/// Returns the statuses of requests; 0 for none yet.
fn all<const N: usize>(emulator: &Emulator, requests: [StreamHandle; N]) -> [u16; N] {
    requests.map(|handle| so_far(emulator, handle).unwrap_or(0))
}

#[test]
fn admits_the_first_of_the_queue_at_once() {
    let mut emulator = Emulator::new(&queued(1, "10s")).unwrap();
    let requests = [0; 3].map(|worker| emulator.request(worker, &Request::get("/")));
    emulator.advance(Duration::from_millis(999));
    assert_eq!(all(&emulator, requests), [0; 3]);
    assert_eq!(let_in(&emulator), 1);
    emulator.advance(Duration::from_millis(2));
    assert_eq!((all(&emulator, requests), let_in(&emulator)), ([200, 0, 0], 2));
    emulator.advance(Duration::from_millis(1001));
    assert_eq!((all(&emulator, requests), let_in(&emulator)), ([200, 200, 0], 3));
    emulator.advance(Duration::from_secs(1));
    assert_eq!(all(&emulator, requests), [200; 3]);
    let counted = ["ok", "delayed", "rate_limited"].map(|event| emulator.metric(&of_one(event)));
    assert_eq!(counted, [Some(1), Some(2), Some(0)]);
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
}

#[test]
fn notices_a_free_slot_of_another_worker() {
    let mut emulator = Emulator::new(&queued(1, "10s")).unwrap();
    let requests = [0, 1].map(|worker| emulator.request(worker, &Request::get("/")));
    emulator.advance(Duration::from_secs(1) + POLL);
    assert_eq!((all(&emulator, requests), let_in(&emulator)), ([200, 0], 2));
}

#[test]
fn rejects_queued_requests_after_max_wait() {
    let mut emulator = Emulator::new(&queued(1, "300ms")).unwrap();
    let requests = [0, 0, 1].map(|worker| emulator.request(worker, &Request::get("/")));
    emulator.advance(Duration::from_millis(299));
    assert_eq!(all(&emulator, requests), [0; 3]);
    emulator.advance(Duration::from_millis(2));
    assert_eq!(all(&emulator, requests), [0, 429, 429]);
    assert_eq!(emulator.exchange(requests[1]).unwrap().details, "concurrency_limited");
    let after = emulator.request(0, &Request::get("/now"));
    emulator.advance(Duration::from_millis(301));
    assert_eq!(so_far(&emulator, after), Some(429), "expected another rejection after the first ones");
}

#[test]
fn a_client_that_disconnects_leaves_the_queue() {
    let mut emulator = Emulator::new(&queued(1, "10s")).unwrap();
    let [first, goes, last] = [0; 3].map(|worker| emulator.request(worker, &Request::get("/")));
    emulator.advance(Duration::from_millis(500));
    emulator.hang_up(goes);
    emulator.advance(Duration::from_millis(502));
    assert_eq!((all(&emulator, [first, last]), let_in(&emulator)), ([200, 0], 2));
    emulator.hang_up(last);
    let next = emulator.request(0, &Request::get("/now"));
    assert_eq!(status(&emulator.finish_request(next)), 200, "nothing is in flight or queued");
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
}

#[test]
fn rejects_requests_above_max_waiting_requests() {
    let limit = json!({"concurrency": {"max_requests": 1}, "delay": {"max_wait": "10s"}});
    let scenario = with(json!({"limits": {"one": limit}, "max_waiting_requests": 2})).upstream(slow());
    let mut emulator = Emulator::new(&scenario).unwrap();
    let requests = [0; 4].map(|worker| emulator.request(worker, &Request::get("/")));
    assert_eq!(all(&emulator, requests), [0, 0, 0, 429]);
    emulator.advance(Duration::from_millis(1002));
    let next = emulator.request(0, &Request::get("/"));
    assert_eq!(so_far(&emulator, next), None, "a waiting place is free again");
}

/// The parts of the request that the filter uses are read again after the wait.
#[test]
fn rereads_the_key_of_a_queued_request() {
    let key = json!([{"request_headers": {"header_name": "x-user"}}]);
    let limits = json!({
        "one": {"key": key, "concurrency": {"max_requests": 1}, "delay": {"max_wait": "10s"}},
        "two": {"key": key, "rates": [{"fixed_window": {"requests": 1, "window": "1h"}}]},
    });
    let mut emulator = Emulator::new(&with(json!({"limits": limits})).upstream(slow())).unwrap();
    let of = |user: &str| Request::get("/").header("x-user", user);
    let requests = ["a", "a", "b"].map(|user| emulator.request(0, &of(user)));
    emulator.advance(Duration::from_millis(1002));
    assert_eq!(
        all(&emulator, requests),
        [200, 429, 200],
        "the second request of `a` is over the other limit"
    );
}

/// One a second and one at once; who would have to wait longer than two seconds does not.
fn delaying(waiting: usize) -> Scenario {
    let rate = json!({"token_bucket": {"max_tokens": 1, "fill_interval": "1s"}});
    let limit = json!({"rates": [rate], "delay": {"max_wait": "2s"}});
    with(json!({"limits": {"one": limit}, "max_waiting_requests": waiting}))
        .settings(|settings| settings.workers = 2)
}

#[test]
fn delayed_requests_keep_their_order_across_workers() {
    let mut emulator = Emulator::new(&delaying(10)).unwrap();
    let requests = [0, 1, 0, 1].map(|worker| emulator.request(worker, &Request::get("/")));
    let mut seen = |time| {
        emulator.advance(Duration::from_millis(time));
        requests.map(|handle| so_far(&emulator, handle).unwrap_or(0))
    };
    assert_eq!(seen(0), [200, 0, 0, 429]);
    assert_eq!(seen(999), [200, 0, 0, 429]);
    assert_eq!(seen(1), [200, 200, 0, 429]);
    assert_eq!(seen(999), [200, 200, 0, 429]);
    assert_eq!(seen(1), [200, 200, 200, 429]);
    let refused = emulator.exchange(requests[3]).unwrap();
    let ClientView::Response(response) = &refused.client else { panic!("{refused:?}") };
    assert_eq!(response.headers.get("retry-after"), Some(&b"3"[..]));
}

#[test]
fn rejects_delays_above_max_waiting_requests() {
    let mut emulator = Emulator::new(&delaying(1)).unwrap();
    let [first, waits, refused] = [0; 3].map(|worker| emulator.request(worker, &Request::get("/")));
    assert_eq!([first, waits, refused].map(|handle| so_far(&emulator, handle)), [Some(200), None, Some(429)]);
    // The other worker has a place of its own.
    let other = emulator.request(1, &Request::get("/"));
    assert_eq!(so_far(&emulator, other), None);
    emulator.advance(Duration::from_secs(2));
    assert_eq!([waits, other].map(|handle| so_far(&emulator, handle)), [Some(200); 2]);
}

#[test]
fn a_disconnect_during_a_delay_frees_a_waiting_place() {
    let mut emulator = Emulator::new(&delaying(1)).unwrap();
    let _first = emulator.request(0, &Request::get("/"));
    let goes = emulator.request(0, &Request::get("/"));
    emulator.advance(Duration::from_millis(500));
    emulator.hang_up(goes);
    let next = emulator.request(0, &Request::get("/"));
    assert_eq!(so_far(&emulator, next), None, "no other request waits, so this one may");
    emulator.advance(Duration::from_millis(1500));
    assert_eq!(so_far(&emulator, next), Some(200));
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
}
