//! Failures of one worker stop neither the other workers nor the scheduler.

use crate::modules::{RACY, RIGHT, module, number, on_request};
use std::cell::RefCell;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{End, Interleaved, Schedule};
use tollgate_host_test::emulator::state::Status;
use tollgate_host_test::emulator::{Effect, Which};
use tollgate_host_test::{ClientView, Request};

fn two(body: &str) -> Interleaved {
    Interleaved::new(&on_request(body)).send(0, Request::get("/")).send(1, Request::get("/"))
}

#[test]
fn a_trap_between_two_turns_leaves_the_other_worker_running() {
    // The first worker that reads traps before it writes.
    let body = format!(
        "(if (i64.eqz (call $read)) (then (drop (call $write (i64.const 1) (i32.const 0))) unreachable)) {RACY}"
    );
    let traps = |end: &mut End| {
        let traps = end.emulator.traps();
        assert!(!traps.is_empty() && traps.iter().all(|trap| trap.callback == "proxy_on_request_headers"));
        assert!(traps[0].calls.last().is_some_and(|call| call.contains("set_shared_data")), "{traps:?}");
        assert_eq!(end.exchanges.len(), 2);
        let client = |status| {
            end.exchanges.iter().filter(
                move |e| matches!(&e.client, ClientView::Response(response) if response.status == status),
            )
        };
        assert_eq!(client(503).count(), traps.len());
        assert_eq!(client(200).count(), 2 - traps.len());
    };
    let report = two(&body).exhaustive(traps).unwrap();
    assert!(report.is_exhaustive());
}

#[test]
fn the_nth_call_that_fails_may_be_of_either_worker() {
    let fails = two(RACY).fault("proxy_log", Which::Nth(1), Effect::Answer(Status::InternalFailure));
    assert!(fails.replay(&Schedule::default(), |_| ()).is_ok());
    let body = "(drop (call $define (i32.const 0) (i32.const 1056) (i32.const 3) (i32.const 32)))";
    let refused = RefCell::new(Vec::new());
    let report = two(body)
        .fault("proxy_define_metric", Which::Nth(1), Effect::Answer(Status::InternalFailure))
        .exhaustive(|end| {
            let failed = end.calls.iter().position(|call| call.ends_with("InternalFailure")).unwrap();
            refused.borrow_mut().push(end.calls[failed].clone());
        })
        .unwrap();
    assert!(report.is_exhaustive());
    let call = |thread| format!("[{thread}#2] proxy_define_metric(kind=0, name=\"won\") -> InternalFailure");
    assert_eq!(refused.into_inner(), [call(1), call(2)]);
}

#[test]
fn an_endless_loop_between_two_turns_ends() {
    let body = format!("{RACY} (loop $ever (br $ever))");
    let quick = two(&body).patience(Duration::from_millis(100));
    let end = quick.replay(&"1 2 1 2".parse().unwrap(), |_| ()).unwrap();
    assert_eq!(end.emulator.traps().len(), 2);
    assert_eq!(number(&end), 1);
}

#[test]
fn reports_a_worker_that_polls_for_another() {
    // Polls until another worker has written, which never gets a turn.
    let body = "(loop $until (br_if $until (i64.eqz (call $read))))";
    let violation = two(body).exhaustive(|_| ()).unwrap_err();
    assert!(violation.reason.contains("did not finish within"), "{}", violation.reason);
    assert!(violation.to_string().lines().count() < 120);
}

#[test]
fn an_unanswered_request_times_out_but_the_run_ends() {
    let paused = module(
        r#"(func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $write (call $read) (i32.const 0))) (i32.const 1))"#,
    );
    let all = Interleaved::new(&paused).send(0, Request::get("/")).send(1, Request::get("/"));
    let report = all
        .exhaustive(|end| {
            assert!(end.exchanges.iter().all(|e| e.client == ClientView::Hang));
            assert_eq!(end.emulator.now(), Duration::from_secs(20));
        })
        .unwrap();
    assert!(report.is_exhaustive());
}

#[test]
fn an_invalid_schedule_is_an_error_with_the_turn() {
    let violation = two(RIGHT).replay(&"1 3".parse().unwrap(), |_| ()).unwrap_err();
    let told = "the schedule does not fit: turn 1 names thread `3`, but the waiting threads are 1, 2";
    assert_eq!(violation.reason, told);
    assert_eq!(violation.calls.len(), 1);
}

#[test]
fn a_filter_that_does_not_load_is_a_violation() {
    let refuses =
        module(r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))"#);
    let violation = Interleaved::new(&refuses).exhaustive(|_| ()).unwrap_err();
    assert!(violation.reason.contains("proxy_on_configure returned false"), "{violation}");
    // The first two are the canary and the main thread; the third is a worker.
    let third = module(&format!(
        r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) {RIGHT} (i64.lt_u (call $read) (i64.const 3)))"#
    ));
    let violation = Interleaved::new(&third).from_start().exhaustive(|_| ()).unwrap_err();
    assert!(violation.reason.contains("proxy_on_configure returned false"), "{violation}");
}

#[test]
fn a_check_may_send_more_requests() {
    let report = two(RIGHT)
        .exhaustive(|end| {
            let handle = end.emulator.request(0, &Request::get("/"));
            end.emulator.finish_request(handle);
            assert_eq!(number(end), 3);
        })
        .unwrap();
    assert!(report.is_exhaustive());
}
