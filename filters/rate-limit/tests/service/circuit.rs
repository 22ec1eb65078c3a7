//! Pauses of the calls to the service.

use crate::support::*;
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Answer, Scenario};

const TIMEOUT: Duration = Duration::from_millis(100);

fn hangs(times: usize) -> Scenario {
    let more = json!({"rate_limit_service": {"failure_mode": "deny", "timeout": "100ms"}});
    let answers = vec![Answer::Hang; times].into_iter().chain([says(&ok())]);
    asks(more, answers.collect())
}

/// The status of a request, and how long it took.
fn status_of(emulator: &mut Emulator, client: &str) -> (u16, Duration) {
    let begun = emulator.now();
    let request = emulator.request(0, &of(client));
    let exchange = emulator.finish_request(request);
    let status = match exchange.client {
        tollgate_host_test::ClientView::Response(response) => response.status,
        other => panic!("{other:?}"),
    };
    (status, emulator.now() - begun)
}

fn calls(emulator: &Emulator) -> usize {
    emulator.received(CLUSTER).len()
}

#[test]
fn pauses_calls_after_five_failures() {
    let mut emulator = Emulator::new(&hangs(6)).unwrap();
    for turn in 0..5 {
        let (status, took) = status_of(&mut emulator, &turn.to_string());
        assert_eq!(status, 503);
        assert!(took >= TIMEOUT && took < 2 * TIMEOUT, "{took:?}");
    }
    for turn in 5..50 {
        let (status, took) = status_of(&mut emulator, &turn.to_string());
        assert_eq!(status, 503);
        assert!(took < Duration::from_millis(1), "{took:?}");
    }
    assert_eq!(calls(&emulator), 5);
    // One call fails; other requests do not wait for it.
    emulator.advance(Duration::from_millis(50));
    let one = emulator.request(0, &of("one"));
    let (status, took) = status_of(&mut emulator, "other");
    assert!(status == 503 && took < Duration::from_millis(1), "{status} {took:?}");
    assert_eq!(calls(&emulator), 6);
    emulator.finish_request(one);
    // Twice as long.
    emulator.advance(Duration::from_millis(70));
    status_of(&mut emulator, "early");
    assert_eq!(calls(&emulator), 6);
    emulator.advance(Duration::from_millis(30));
    assert_eq!(status_of(&mut emulator, "well").0, 200);
    for turn in 0..10 {
        assert_eq!(status_of(&mut emulator, &format!("after {turn}")).0, 200);
    }
    assert_eq!(calls(&emulator), 17);
    assert!(emulator.traps().is_empty());
}

#[test]
fn leases_stay_valid_during_an_outage() {
    let ok = says(&ok());
    let answers = vec![ok.clone(), ok.clone(), ok, Answer::Hang];
    let more = json!({"rate_limit_service": {"failure_mode": "deny", "timeout": "100ms", "cache": {"lease_hits": 3}}});
    let mut emulator = Emulator::new(&asks(more, answers)).unwrap();
    // One, then two, then three at once.
    let statuses: Vec<_> = (0..7).map(|_| status_of(&mut emulator, "a").0).collect();
    assert_eq!(statuses, [200, 200, 200, 200, 200, 200, 503]);
    let hits: Vec<_> = emulator
        .received(CLUSTER)
        .iter()
        .map(|call| tollgate_rate_limit_service::Request::read(&call.body[5..]).unwrap().hits_addend)
        .collect();
    assert_eq!(hits, [1, 2, 3, 3]);
}
