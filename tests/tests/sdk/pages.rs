//! Pages of shared data: exact across all workers, in every order of host calls, and in a real Envoy.

#![allow(clippy::disallowed_methods, reason = "the test opens its own client connections")]

use crate::support::{request, with};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{End, Interleaved};
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, connection_manager, listener, wasm,
};
use tollgate_host_test::envoy::{Options, Process};
use tollgate_host_test::{Exchange, Filter, Request, Wasm, on_both_hosts};

/// A request that counts `times` times in the page.
fn counts(times: usize) -> Request {
    request("page").header("x-times", ".".repeat(times))
}

fn header(exchange: &Exchange, name: &str) -> String {
    let value = exchange.upstream.first().and_then(|request| request.headers.get(name));
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

on_both_hosts! {
    fn counts_in_a_page_up_to_a_limit(host) {
        let scenario = (0..4).fold(with(json!({})), |scenario, _| scenario.request(counts(2)));
        let outcome = host.run(&scenario);
        for (index, counts) in ["[1, 2]", "[3, 4]", "[5]"].into_iter().enumerate() {
            assert_eq!(header(&outcome.exchanges[index], "x-counts"), counts);
        }
        outcome.upstream(0).header("x-seen", "Some(2)");
        outcome.has_statuses(&[200, 200, 200, 429]).has_details(3, "counted_enough");
    }
}

/// Checks that the requests received the counts 1, 2, 3, ... up to `counted`, each once.
fn each_once(end: &mut End, counted: usize) {
    let text = |exchange: &Exchange| header(exchange, "x-counts").trim_matches(['[', ']']).to_owned();
    let received = end.exchanges.iter().map(text).collect::<Vec<_>>().join(", ");
    let mut counts: Vec<usize> =
        received.split(", ").filter(|count| !count.is_empty()).map(|count| count.parse().unwrap()).collect();
    counts.sort_unstable();
    assert_eq!(counts, (1..=counted).collect::<Vec<_>>());
}

fn workers(times: &[usize]) -> Interleaved {
    let scenario = with(json!({})).settings(|settings| settings.workers = times.len());
    times
        .iter()
        .enumerate()
        .fold(Interleaved::new(&scenario), |all, (worker, times)| all.send(worker, counts(*times)))
}

/// The first update gets the page, sets it, and reads the counter of the host. The second one predicts the
/// CAS number.
#[test]
fn two_workers_that_predict_count_exactly_in_every_order() {
    let report = workers(&[2, 2]).exhaustive(|end| each_once(end, 4)).unwrap();
    assert!(report.is_exhaustive(), "{report:?}");
    assert!(report.schedules.len() > 20, "{}", report.schedules.len());
    // Up to the limit of 5.
    let report = workers(&[3, 3]).preemptions(2).exhaustive(|end| each_once(end, 5)).unwrap();
    assert!(report.schedules.len() > 100, "{}", report.schedules.len());
}

#[test]
fn three_workers_count_exactly_in_many_orders() {
    let report = workers(&[1, 1, 1]).preemptions(1).exhaustive(|end| each_once(end, 3)).unwrap();
    assert!(report.schedules.len() > 5, "{}", report.schedules.len());
    workers(&[2, 2, 2]).seeded(7, 60, |end| each_once(end, 5)).unwrap();
}

/// Two workers of a real Envoy, 64 connections, and four times as many requests as the limit allows.
#[test]
fn admits_exactly_the_limit_under_64_connections() {
    const CONNECTIONS: usize = 64;
    const REQUESTS_EACH: usize = 125;
    const LIMIT: usize = 2000;
    let filter = Filter::new(Wasm::package("fixture-everything")).config(json!({}));
    let answers = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
    let manager = connection_manager(vec![wasm(&filter)], &[any_host(&[answers])]);
    let listener = listener(INGRESS, ([127, 0, 0, 1], 0).into(), manager);
    let options = Options { workers: 2, ..Options::default() };
    let envoy = Process::start(&bootstrap(&[listener], &[]), &options).unwrap();
    let address = envoy.listener(INGRESS);
    let statuses = std::thread::scope(|scope| {
        let clients = [(); CONNECTIONS].map(|()| {
            scope.spawn(move || {
                let request = format!("GET / HTTP/1.1\r\nhost: a\r\nx-do: page\r\nx-limit: {LIMIT}\r\n\r\n");
                let mut connection = TcpStream::connect(address).unwrap();
                connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
                let status = |_| {
                    connection.write_all(request.as_bytes()).unwrap();
                    status(&mut connection)
                };
                (0..REQUESTS_EACH).map(status).collect::<Vec<_>>()
            })
        });
        clients.map(|client| client.join().unwrap()).concat()
    });
    let allowed = statuses.iter().filter(|status| *status == "200").count();
    let rejected = statuses.iter().filter(|status| *status == "429").count();
    assert_eq!((allowed, rejected), (LIMIT, CONNECTIONS * REQUESTS_EACH - LIMIT));
}

/// Reads a response without a body and returns its status.
fn status(connection: &mut TcpStream) -> String {
    let (mut text, mut chunk) = (String::new(), [0; 4096]);
    while !text.ends_with("\r\n\r\n") {
        let read = connection.read(&mut chunk).unwrap();
        assert!(read > 0, "connection closed in the response head: {text}");
        text.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    text.strip_prefix("HTTP/1.1 ").unwrap()[..3].to_owned()
}
