//! Limits on requests in flight.

use crate::live::{Client, address, envoy_with};
use crate::support::{MODULE, filter, sending, times, with_limit};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Effect, Emulator, StreamHandle, Which};
use tollgate_host_test::{
    Answer, ClientView, Exchange, Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts,
};

pub fn status(exchange: &Exchange) -> u16 {
    match &exchange.client {
        ClientView::Response(response) => response.status,
        ClientView::Reset | ClientView::Hang => 0,
    }
}

/// An upstream that takes a second, but for what it never answers, breaks off or answers at once.
pub fn slow() -> Upstream {
    let reply = |after| vec![Answer::Reply { response: Response::new(200), after }];
    Upstream::answers("slow", reply(Duration::from_secs(1)))
        .on("/hang", vec![Answer::Hang])
        .on("/reset", vec![Answer::Reset])
        .on("/now", reply(Duration::ZERO))
}

fn one_in_flight() -> Scenario {
    with_limit(json!({"concurrency": {"max_requests": 1}})).upstream(slow())
}

/// Returns the status of a request, if it has one yet.
pub fn so_far(emulator: &Emulator, handle: StreamHandle) -> Option<u16> {
    emulator.exchange(handle).map(status)
}

on_both_hosts! {
    fn sequential_requests_are_allowed(host) {
        let outcome = host.run(&sending(one_in_flight(), times(&Request::get("/now"), 5)));
        outcome.has_statuses(&[200; 5]);
        outcome.has_metric("rate_limit.limit.one.rate_limited", 0).has_metric("rate_limit.limit.one.ok", 5);
    }

    fn a_request_without_a_response_releases_its_slot(host) {
        let scenario = one_in_flight().settings(|settings| settings.client_patience = Duration::from_millis(1500));
        let requests = ["/hang", "/now", "/reset", "/now"].map(Request::get);
        host.run(&sending(scenario, requests)).has_statuses(&[0, 200, 503, 200]);
    }

    fn a_response_of_a_later_filter_releases_the_slot(host) {
        let hello = Filter::new(Wasm::package("tollgate-example-hello"))
            .config(json!({"header": "x-team", "allowed": ["red"]}));
        let apart = one_in_flight().filter(hello);
        for scenario in [apart.clone(), apart.in_one_module_of(&MODULE)] {
            let requests = [Request::get("/now"), Request::get("/now"), Request::get("/now").header("x-team", "red")];
            host.run(&sending(scenario, requests)).has_statuses(&[403, 403, 200]);
        }
    }
}

#[test]
fn rejects_requests_above_the_concurrency_limit() {
    let mut emulator =
        Emulator::new(&with_limit(json!({"concurrency": {"max_requests": 2}})).upstream(slow())).unwrap();
    let held = [0, 1].map(|_| emulator.request(0, &Request::get("/")));
    let refused = emulator.request(0, &Request::get("/"));
    let exchange = emulator.finish_request(refused);
    assert_eq!((status(&exchange), exchange.details.as_str()), (429, "concurrency_limited"));
    let ClientView::Response(response) = exchange.client else { panic!("no response") };
    assert_eq!(
        (response.headers.get("retry-after"), response.body()),
        (None, b"concurrency_limited".to_vec())
    );
    emulator.advance(Duration::from_secs(1));
    assert_eq!(held.map(|handle| so_far(&emulator, handle)), [Some(200); 2]);
    let after = emulator.request(0, &Request::get("/now"));
    assert_eq!(status(&emulator.finish_request(after)), 200);
    assert_eq!(emulator.metric("rate_limit.denied.concurrency_limited"), Some(1));
}

/// A fault of Envoy's own holds each request for a second; eight come at once to two workers.
#[test]
fn workers_of_envoy_share_concurrency() {
    const FAULT: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";
    let delay = json!({"fixed_delay": "1s", "percentage": {"numerator": 100}});
    let fault = json!({"name": "fault", "typed_config": {"@type": FAULT, "delay": delay}});
    let envoy = envoy_with(json!({"limits": {"one": {"concurrency": {"max_requests": 3}}}}), 2, vec![fault]);
    let mut clients: Vec<_> = (0..8).map(|_| Client::new(address(&envoy))).collect();
    for round in 0..2 {
        let admitted = std::thread::scope(|scope| {
            let clients: Vec<_> =
                clients.iter_mut().map(|client| scope.spawn(|| client.is_admitted(""))).collect();
            clients.into_iter().map(|client| usize::from(client.join().unwrap())).sum::<usize>()
        });
        assert_eq!(admitted, 3, "in round {round}");
    }
}

#[test]
fn removes_the_slots_of_a_trapped_worker_after_the_lease() {
    let scenario = one_in_flight().settings(|settings| settings.workers = 2);
    let mut emulator = Emulator::new(&scenario).unwrap();
    let _held = emulator.request(0, &Request::get("/hang"));
    let mut emulator = emulator.fault("proxy_get_current_time_nanoseconds", Which::Nth(1), Effect::Trap);
    let _trapped = emulator.request(0, &Request::get("/"));
    assert_eq!(emulator.traps().len(), 1);
    let mut after = |time| {
        emulator.advance(time);
        let handle = emulator.request(1, &Request::get("/now"));
        status(&emulator.finish_request(handle))
    };
    assert_eq!(after(Duration::ZERO), 429);
    assert_eq!(after(Duration::from_secs(8)), 429);
    assert_eq!(after(Duration::from_secs(4)), 200);
}

/// The counts of a running VM are kept: its heartbeats continue, however long the request takes.
#[test]
fn a_request_that_takes_long_stays_in_flight() {
    let scenario = one_in_flight().settings(|settings| {
        settings.workers = 2;
        settings.route_timeout = Duration::ZERO;
        settings.client_patience = Duration::from_secs(1000);
    });
    let mut emulator = Emulator::new(&scenario).unwrap();
    let held = emulator.request(0, &Request::get("/hang"));
    emulator.advance(Duration::from_secs(120));
    let other = emulator.request(1, &Request::get("/now"));
    assert_eq!(status(&emulator.finish_request(other)), 429);
    emulator.hang_up(held);
    let other = emulator.request(1, &Request::get("/now"));
    assert_eq!(status(&emulator.finish_request(other)), 200);
}

/// Two filters of one domain count together, whichever of them a request goes through.
#[test]
fn filters_of_one_domain_share_concurrency() {
    for (domain, second) in [("tollgate", 429), ("other", 200)] {
        let limit = json!({"concurrency": {"max_requests": 1}});
        let on = |name: &str, domain: &str, path: &str| {
            let rules = json!([{"match": {"paths": [{"prefix": path}]}, "limits": ["one"]}]);
            filter().named(name).config(json!({"domain": domain, "limits": {"one": limit}, "rules": rules}))
        };
        let apart = Scenario::new()
            .filter(on("a", "tollgate", "/hang"))
            .filter(on("b", domain, "/now"))
            .upstream(slow());
        for scenario in [apart.clone(), apart.in_one_module_of(&MODULE)] {
            let mut emulator = Emulator::new(&scenario).unwrap();
            let _held = emulator.request(0, &Request::get("/hang"));
            let other = emulator.request(0, &Request::get("/now"));
            assert_eq!(status(&emulator.finish_request(other)), second, "{domain}");
        }
    }
}
