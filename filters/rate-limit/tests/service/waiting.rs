//! Requests that wait for one call, and clients that do not.

use crate::support::*;
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{Answer, ClientView};
use tollgate_rate_limit_service::Response;

const LATE: Duration = Duration::from_millis(100);

/// The service answers at once for the first time, and late ever after, in turn.
fn start(more: Value, answers: &[Response]) -> Emulator {
    let late = |response: &Response| match says(response) {
        Answer::Grpc { initial_metadata, messages, status, message, .. } => {
            Answer::Grpc { initial_metadata, messages, status, message, after: LATE }
        }
        other => other,
    };
    let answers = [says(&ok())].into_iter().chain(answers.iter().map(late)).collect();
    let mut emulator = Emulator::new(&asks(more, answers)).unwrap();
    // A key that was seen before has leases.
    let first = emulator.request(0, &of("a"));
    assert_eq!(status_of(&mut emulator, first), 200);
    emulator
}

fn status(emulator: &Emulator, request: StreamHandle) -> u16 {
    match emulator.exchange(request).map(|exchange| &exchange.client) {
        Some(ClientView::Response(response)) => response.status,
        _ => 0,
    }
}

fn status_of(emulator: &mut Emulator, request: StreamHandle) -> u16 {
    match emulator.finish_request(request).client {
        ClientView::Response(response) => response.status,
        other => panic!("{other:?}"),
    }
}

fn hits(emulator: &Emulator) -> Vec<u32> {
    let read = |body: &[u8]| tollgate_rate_limit_service::Request::read(&body[5..]).unwrap().hits_addend;
    emulator.received(CLUSTER).iter().map(|call| read(&call.body)).collect()
}

#[test]
fn requests_of_a_key_share_a_call() {
    let mut emulator = start(json!({}), &[ok()]);
    let [one, two] = [(); 2].map(|()| emulator.request(0, &of("a")));
    emulator.advance(LATE / 2);
    assert_eq!([one, two].map(|request| status(&emulator, request)), [0, 0]);
    assert_eq!(hits(&emulator), [1, 2]);
    emulator.advance(LATE);
    assert_eq!([one, two].map(|request| status(&emulator, request)), [200, 200]);
    assert_eq!(hits(&emulator), [1, 2]);
}

#[test]
fn a_disconnect_cancels_neither_the_call_nor_its_waiters() {
    let more = json!({"limits": {"clients": {"concurrency": {"max_requests": 2}}}});
    let mut emulator = start(more, &[ok()]);
    let [one, two] = [(); 2].map(|()| emulator.request(0, &of("a")));
    let crowd = emulator.request(0, &of("a"));
    assert_eq!(status_of(&mut emulator, crowd), 429);
    emulator.hang_up(one);
    // It is in flight no more.
    let three = emulator.request(0, &of("a"));
    emulator.advance(2 * LATE);
    assert_eq!([two, three].map(|request| status(&emulator, request)), [200, 200]);
    assert_eq!((emulator.open_streams(), emulator.open_callouts()), (0, 0));
    assert!(emulator.traps().is_empty());
}

#[test]
fn a_waiter_for_another_call_may_disconnect() {
    let mut emulator = start(json!({}), &[ok()]);
    let [one, two] = [(); 2].map(|()| emulator.request(0, &of("a")));
    emulator.hang_up(two);
    emulator.advance(2 * LATE);
    assert_eq!(status(&emulator, one), 200);
    // The hit for the request that ended is used by the next one.
    let three = emulator.request(0, &of("a"));
    assert_eq!(status(&emulator, three), 200);
    assert_eq!(hits(&emulator), [1, 2]);
}

#[test]
fn repeats_a_rejected_lease_for_the_request_alone() {
    let mut emulator = start(json!({}), &[over(), ok(), over()]);
    let [one, two] = [(); 2].map(|()| emulator.request(0, &of("a")));
    emulator.advance(Duration::from_secs(1));
    assert_eq!([one, two].map(|request| status(&emulator, request)), [200, 429]);
    assert_eq!(hits(&emulator), [1, 2, 1, 1]);
}

#[test]
fn a_disconnect_between_two_calls_leaks_nothing() {
    let mut emulator = start(json!({}), &[over(), ok()]);
    let one = emulator.request(0, &of("a"));
    while hits(&emulator).len() == 2 && emulator.open_callouts() == 1 {
        let until = emulator.now() + LATE;
        assert!(emulator.step(until));
    }
    emulator.hang_up(one);
    emulator.advance(Duration::from_secs(1));
    assert_eq!((emulator.open_streams(), emulator.open_callouts()), (0, 0));
    let next = emulator.request(0, &of("a"));
    assert_eq!(status_of(&mut emulator, next), 200);
}

#[test]
fn applies_the_failure_mode_above_max_waiting_requests() {
    let more = json!({"max_waiting_requests": 2, "rate_limit_service": {"failure_mode": "deny"}});
    let mut emulator = start(more, &[ok()]);
    let waiting = ["a", "b"].map(|client| emulator.request(0, &of(client)));
    let crowd = ["a", "b", "c"].map(|client| emulator.request(0, &of(client)));
    assert_eq!(crowd.map(|request| status_of(&mut emulator, request)), [503; 3]);
    // Who goes away makes room.
    emulator.hang_up(waiting[0]);
    let next = emulator.request(0, &of("c"));
    emulator.advance(2 * LATE);
    assert_eq!([waiting[1], next].map(|request| status(&emulator, request)), [200, 200]);
    assert_eq!(emulator.metric("rate_limit.denied.rate_limiter_error"), Some(3));
}

#[test]
fn ended_requests_leave_no_memory() {
    let mut emulator = Emulator::new(&asks(json!({}), vec![says(&ok()), Answer::Reset])).unwrap();
    emulator.assert_memory_is_steady(200, |emulator, turn| {
        let request = emulator.request(0, &of(&format!("{}", turn % 7)));
        if turn % 3 == 0 {
            emulator.hang_up(request);
        } else {
            emulator.finish_request(request);
        }
    });
    assert!(emulator.traps().is_empty());
}
