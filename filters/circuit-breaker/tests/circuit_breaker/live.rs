//! A real Envoy under load: the breaker opens, admits probes, and closes.

#![allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]

use crate::load::{Answer, Client, Upstream, breaker, envoy, limited, of_a};
use serde_json::json;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::bootstrap::INGRESS;

/// Works.
const WORKS: Answer = Answer::Status(200, Duration::ZERO);
/// Fails slowly enough that others arrive while a probe is in flight.
const FAILS: Answer = Answer::Status(500, Duration::from_millis(5));

const CONNECTIONS: usize = 16;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Sends requests on all connections for a time. Returns the statuses with their times.
fn load(address: SocketAddr, time: Duration) -> Vec<(u16, Duration)> {
    let until = Instant::now() + time;
    let client = || {
        let mut client = Client::new(address);
        let mut seen = Vec::new();
        while Instant::now() < until {
            let began = Instant::now();
            let status = client.ask();
            seen.push((status, began.elapsed()));
        }
        seen
    };
    std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CONNECTIONS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().flat_map(|client| client.join().unwrap()).collect()
    })
}

/// The upstream dies under load, stays dead for some open times, and comes back.
#[test]
fn opens_under_load_fails_fast_and_recovers() {
    const PROBES: usize = 3;
    let filter = breaker(&json!({
        "window": {"requests": 20}, "failure_rate": 50, "minimum_requests": 20,
        "open": {"duration": "400ms", "growth": 1, "jitter": 0}, "half_open": {"probes": PROBES},
    }));
    let upstream = Upstream::new(WORKS);
    let envoy = envoy(vec![filter], 2, upstream.address);
    let address = envoy.listener(INGRESS);
    let good = load(address, Duration::from_millis(500));
    assert!(good.iter().all(|(status, _)| *status == 200), "{} requests", good.len());

    upstream.answers(FAILS);
    upstream.received();
    let failing = load(address, Duration::from_millis(1700));
    let sent = upstream.received();
    let counted = of_a(&envoy);
    let (opened, half_opened) = (counted("breaker.a.opened"), counted("breaker.a.half_opened"));
    let probes = counted("breaker.a.probe");
    assert!(half_opened >= 2, "{half_opened}");
    // Ten failures of the window of twenty open the breaker; others were in flight.
    let first = sent - probes;
    assert!((10..=20 + CONNECTIONS).contains(&first), "{first} requests before the breaker opened");
    // Two of three probes are enough to fail.
    let expected = 2 * (half_opened - 1)..=PROBES * half_opened;
    assert!(expected.contains(&probes), "{probes} probes, {half_opened} times");
    assert_eq!(opened, half_opened + 1 - counted("half_open.a"));
    assert_eq!(counted("open.a") + counted("half_open.a"), 1);

    // A rejection takes less than a millisecond more than a request that passes.
    let rejected = |(status, time): &(u16, Duration)| (*status == 503).then_some(*time);
    let fast = median(failing.iter().filter_map(rejected).collect());
    let passed = median(good.iter().map(|(_, time)| *time).collect());
    println!(
        "{sent} of {} requests reached the failing upstream; median of rejections {fast:?}, of requests {passed:?}",
        failing.len()
    );
    assert!(fast < passed + Duration::from_millis(1), "{fast:?}, of requests that pass {passed:?}");

    upstream.answers(WORKS);
    std::thread::sleep(Duration::from_millis(500));
    let recovered = load(address, Duration::from_millis(800));
    assert!(recovered.iter().rev().take(100).all(|(status, _)| *status == 200));
    let counted = of_a(&envoy);
    assert_eq!(["breaker.a.closed", "open.a", "half_open.a"].map(&counted), [1, 0, 0]);
    // One line for each change, although two workers saw it.
    let logged = envoy.logs().iter().filter(|entry| entry.text.contains("breaker `a`: ")).count();
    let changes = ["opened", "half_opened", "closed"].map(|event| counted(&format!("breaker.a.{event}")));
    assert_eq!(logged, changes.iter().sum::<usize>(), "{changes:?}");
}

/// The probes take longer than the load, so that all other requests arrive while the breaker is half-open.
#[test]
fn the_upstream_receives_exactly_the_probes() {
    for probes in [1, 3, 7] {
        let filter = breaker(&json!({
            "consecutive_failures": 1, "open": {"duration": "200ms", "jitter": 0}, "half_open": {"probes": probes},
        }));
        let upstream = Upstream::new(FAILS);
        let envoy = envoy(vec![filter], 2, upstream.address);
        let address = envoy.listener(INGRESS);
        for round in 1..=3 {
            upstream.answers(FAILS);
            assert_eq!(Client::new(address).ask(), 500);
            upstream.answers(Answer::Status(200, Duration::from_millis(700)));
            upstream.received();
            std::thread::sleep(Duration::from_millis(250));
            let all = load(address, Duration::from_millis(300));
            let passed = all.iter().filter(|(status, _)| *status == 200).count();
            assert_eq!((passed, upstream.received()), (probes, probes), "of {} requests", all.len());
            assert!(all.len() > probes + 2 * CONNECTIONS, "{} requests", all.len());
            assert_eq!(of_a(&envoy)("breaker.a.closed"), round);
        }
    }
}

/// The router's timeout ends a response whose headers have been sent.
#[test]
fn a_response_that_stops_before_the_timeout_is_a_failure() {
    let filter = breaker(&json!({"consecutive_failures": 1, "failures": {"incomplete_responses": true}}));
    let upstream = Upstream::new(Answer::Part);
    let envoy = envoy(vec![filter], 1, upstream.address);
    let mut client = TcpStream::connect(envoy.listener(INGRESS)).unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    let mut received = String::new();
    let _ = client.read_to_string(&mut received);
    assert!(received.starts_with("HTTP/1.1 200 OK"), "{received}");
    let counted = of_a(&envoy);
    assert_eq!((counted("breaker.a.failure"), counted("breaker.a.opened")), (1, 1));
}

/// The cluster admits a request and one that waits for the connection.
#[test]
fn rejections_by_limits_of_the_cluster_are_no_failures() {
    let upstream = Upstream::new(Answer::Status(200, Duration::from_millis(500)));
    let envoy = limited(vec![breaker(&json!({"consecutive_failures": 1}))], 1, upstream.address, 1);
    let address = envoy.listener(INGRESS);
    let statuses = std::thread::scope(|scope| {
        let clients = [(); 6].map(|()| scope.spawn(|| Client::new(address).ask()));
        clients.map(|client| client.join().unwrap())
    });
    let rejected = statuses.iter().filter(|status| **status == 503).count();
    assert!((3..=5).contains(&rejected), "{statuses:?}");
    let counted = of_a(&envoy);
    let events =
        ["ignored", "success", "failure", "opened"].map(|event| counted(&format!("breaker.a.{event}")));
    assert_eq!(events, [rejected, 6 - rejected, 0, 0]);
}
