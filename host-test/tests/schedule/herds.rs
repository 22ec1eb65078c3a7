//! Work that only one worker must do, queues, and the order of an upstream's answers.

use crate::modules::{module, on_request};
use std::cell::RefCell;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{End, Interleaved};
use tollgate_host_test::{Answer, ClientView, Headers, Request, Response, Scenario, Upstream};

/// Writes a free key with this `cas`, and counts successful writes.
fn insert_if_absent(cas: &str) -> Interleaved {
    let body = format!(
        "(if (i64.eqz (call $read)) (then
           (if (i32.eqz (call $write (i64.const 1) {cas})) (then
             (call $count (i32.const 1056) (i32.const 3))))))"
    );
    Interleaved::new(&on_request(&body)).send(0, Request::get("/")).send(1, Request::get("/"))
}

fn one_has_won(end: &mut End) {
    assert_eq!(end.emulator.metric("won"), Some(1), "winners");
}

#[test]
fn two_workers_take_a_free_key_without_a_cas() {
    let violation = insert_if_absent("(i32.const 0)").exhaustive(one_has_won).unwrap_err();
    assert!(violation.reason.contains("winners"), "{violation}");
    // A `cas` that no entry has fails if another worker was first.
    let report = insert_if_absent("(i32.const 0x7fffffff)").exhaustive(one_has_won).unwrap();
    assert!(report.is_exhaustive());
}

/// The headers of a callout, as the ABI encodes them.
const QUESTION: &str = r"\03\00\00\00\05\00\00\00\01\00\00\00\07\00\00\00\03\00\00\00\0a\00\00\00\01\00\00\00:path\00/\00:method\00GET\00:authority\00x\00";

/// Every 100 ms, each worker without a cached value makes a callout, if `may` is true, and caches the answer.
fn herd(may: &str) -> Interleaved {
    let callbacks = format!(
        r#"(data (i32.const 2048) "{QUESTION}")
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (drop (call $tick (i32.const 100))) (i32.const 1))
        (func (export "proxy_on_tick") (param i32)
          (if (i64.eqz (call $read)) (then
            (if {may} (then
              (drop (call $call (i32.const 1088) (i32.const 5) (i32.const 2048) (i32.const 61)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 40))))))))
        (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
          (drop (call $write (i64.const 7) (i32.const 0))))"#
    );
    let answer = Answer::Reply { response: Response::new(200), after: Duration::from_millis(5) };
    let scenario = module(&callbacks)
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::answers("other", vec![answer]));
    Interleaved::new(&scenario).linger(Duration::from_millis(350))
}

fn is_asked_once(end: &mut End) {
    assert_eq!(end.emulator.received("other").len(), 1, "questions");
}

#[test]
fn without_a_lease_every_worker_makes_a_callout() {
    let violation = herd("(i32.const 1)").exhaustive(is_asked_once).unwrap_err();
    // This needs no preemption, because the answer takes longer than all ticks together.
    assert_eq!(violation.preemptions, 0, "{violation}");
    let asked = violation.calls.iter().filter(|call| call.contains("NotFound")).count();
    assert_eq!(asked, 3, "the main thread and two workers: {violation}");
}

#[test]
fn with_a_lease_one_worker_makes_the_callout() {
    let lease = "(if (result i32) (i64.eqz (call $read_of (i32.const 1104) (i32.const 2)))
        (then (i32.eqz (call $write_of (i32.const 1104) (i32.const 2) (i64.const 1) (i32.const 0x7fffffff))))
        (else (i32.const 0)))";
    let report = herd(lease).exhaustive(is_asked_once).unwrap();
    assert!(report.is_exhaustive());
    assert!(report.schedules.len() > 5, "{}", report.schedules.len());
}

/// Requests on the first worker enqueue an item. The worker that is notified dequeues it, and so does each
/// request on the second worker.
fn queue() -> Interleaved {
    let take = "(if (call $dequeue (local.get $token) (i32.const 0) (i32.const 4))
          (then (call $count (i32.const 1072) (i32.const 5)))
          (else (call $count (i32.const 1056) (i32.const 3))))";
    let callbacks = format!(
        r#"(global $put (mut i32) (i32.const 0))
        (func $take (param $token i32) {take})
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
          (drop (call $register (i32.const 1040) (i32.const 5) (i32.const 48))) (i32.const 1))
        (func (export "proxy_on_queue_ready") (param i32) (param $token i32) (call $take (local.get $token)))
        (func (export "proxy_on_request_headers") (param i32) (param $fields i32) (param i32) (result i32)
          ;; A request with an additional field enqueues an item.
          (if (i32.gt_u (local.get $fields) (i32.const 6))
            (then (drop (call $enqueue (i32.load (i32.const 48)) (i32.const 1024) (i32.const 1))))
            (else (call $take (i32.load (i32.const 48)))))
          (i32.const 0))"#
    );
    Interleaved::new(&module(&callbacks))
        .send(0, Request::get("/").header("x-bring", "1"))
        .send(1, Request::get("/"))
}

#[test]
fn a_queued_item_is_dequeued_once_in_every_order() {
    let once = |end: &mut End| {
        assert_eq!(end.emulator.metric("won"), Some(1), "{:#?}", end.calls);
        assert_eq!(end.emulator.metric("empty"), Some(1), "{:#?}", end.calls);
    };
    let report = queue().exhaustive(once).unwrap();
    assert!(report.is_exhaustive());
    assert_eq!(report.schedules.len(), 2);
}

#[test]
fn a_notified_worker_may_find_the_queue_empty() {
    // Context 1 is the root context, which is notified. The other is a stream.
    let finds_an_item = |end: &mut End| {
        let finds_nothing =
            |call: &String| call.starts_with("[2#1] proxy_dequeue") && call.ends_with("Empty");
        if end.calls.iter().any(finds_nothing) {
            Err("notified, but the queue is empty".to_owned())
        } else {
            Ok(())
        }
    };
    let violation = queue().exhaustive(finds_an_item).unwrap_err();
    assert!(violation.schedule.to_string().starts_with("1 2 2"), "{violation}");
}

#[test]
fn a_queue_resolves_only_after_its_registration() {
    let callbacks = r#"(func (export "proxy_on_request_headers") (param i32) (param $fields i32) (param i32) (result i32)
          (if (i32.gt_u (local.get $fields) (i32.const 6))
            (then (drop (call $register (i32.const 1040) (i32.const 5) (i32.const 48))))
            (else (drop (call $resolve (i32.const 0) (i32.const 0) (i32.const 1040) (i32.const 5) (i32.const 48)))))
          (i32.const 0))"#;
    let owner = Interleaved::new(&module(callbacks)).send(0, Request::get("/").header("x-own", "1"));
    let found = RefCell::new(Vec::new());
    let report = owner
        .send(1, Request::get("/"))
        .exhaustive(|end| {
            let answer = end.calls.iter().find(|call| call.contains("resolve")).unwrap();
            found.borrow_mut().push(answer.ends_with("-> Ok 1"));
        })
        .unwrap();
    assert!(report.is_exhaustive());
    assert_eq!(found.into_inner(), [true, false]);
}

#[test]
fn the_first_callout_gets_the_first_answer() {
    let answer = |status| Answer::Reply { response: Response::new(status), after: Duration::ZERO };
    let callout = |answers: Vec<Answer>| {
        let callbacks = format!(
            r#"(data (i32.const 2048) "{QUESTION}")
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
              (drop (call $call (i32.const 1088) (i32.const 5) (i32.const 2048) (i32.const 61)
                (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 40)))
              (i32.const 0))"#
        );
        let upstream = Upstream::replies("upstream", Response::new(200));
        let scenario = module(&callbacks).upstream(upstream).upstream(Upstream::answers("other", answers));
        Interleaved::new(&scenario.request(Request::get("/1")).request(Request::get("/2")))
    };
    let all_ask = |end: &mut End| assert_eq!(end.emulator.received("other").len(), 2);
    let several = callout(vec![answer(200), answer(503)]).exhaustive(all_ask).unwrap();
    assert!(several.is_exhaustive());
    // Both callouts, and both requests at the router, which uses upstreams too.
    assert_eq!(several.schedules.len(), 6);
    assert_eq!(callout(vec![answer(200)]).exhaustive(all_ask).unwrap().schedules.len(), 1);
}

#[test]
fn grpc_calls_get_answers_in_order_too() {
    let answer = |status| Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: Vec::new(),
        status,
        message: Vec::new(),
        after: Duration::ZERO,
    };
    let arguments =
        "(i32.const 1088) (i32.const 5) (i32.const 1024) (i32.const 1) (i32.const 1024) (i32.const 1)
        (i32.const 0) (i32.const 0)";
    let call = format!(
        "(drop (call $grpc {arguments} (i32.const 0) (i32.const 0) (i32.const 1000) (i32.const 40)))"
    );
    let stream = format!(
        "(drop (call $stream {arguments} (i32.const 40)))
         (drop (call $send (i32.load (i32.const 40)) (i32.const 1024) (i32.const 1) (i32.const 1)))"
    );
    // The turns of one worker: its calls, and its request at the router.
    for (body, turns, schedules) in [(call, 2, 6), (stream, 3, 20)] {
        let scenario = on_request(&body)
            .upstream(Upstream::replies("upstream", Response::new(200)))
            .upstream(Upstream::grpc("other", vec![answer(0), answer(14)]));
        let two = Interleaved::new(&scenario).send(0, Request::get("/")).send(1, Request::get("/"));
        let report = two
            .exhaustive(|end| {
                assert_eq!(end.emulator.received("other").len(), 2);
                assert_eq!(end.calls.len(), 2 * turns);
            })
            .unwrap();
        assert!(report.is_exhaustive());
        assert_eq!(report.schedules.len(), schedules);
    }
}

#[test]
fn the_first_request_gets_the_first_answer() {
    let answer = |status| Answer::Reply { response: Response::new(status), after: Duration::ZERO };
    let upstream = Upstream::answers("upstream", vec![answer(200), answer(503)]);
    let scenario = Scenario::new().upstream(upstream).settings(|s| s.workers = 2);
    let two = Interleaved::new(&scenario.request(Request::get("/1")).request(Request::get("/2")));
    let first_is_lucky = |end: &mut End| match &end.exchanges[0].client {
        ClientView::Response(response) if response.status == 200 => Ok(()),
        other => Err(format!("{other:?}")),
    };
    let violation = two.exhaustive(first_is_lucky).unwrap_err();
    assert_eq!(violation.schedule.to_string(), "2 1");
    assert_eq!(violation.calls[0], "[2] stream 2 reaches the router");
    let somebody_is = |end: &mut End| {
        let lucky = |e: &&_| matches!(e, tollgate_host_test::Exchange { client: ClientView::Response(r), .. } if r.status == 200);
        assert_eq!(end.exchanges.iter().filter(lucky).count(), 1);
    };
    let report = two.exhaustive(somebody_is).unwrap();
    assert_eq!(report.schedules.len(), 2);
    assert!(report.is_exhaustive());
}
