//! Streams that wait for a signal, however it comes, and whatever becomes of them meanwhile.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{Answer, Exchange, Response, Upstream, on_both_hosts};

on_both_hosts! {
    fn a_timer_wakes_a_stream_that_waits(host) {
        host.run(&doing(&["wait"])).upstream(0).header("x-woken", "Signalled");
    }

    fn so_does_the_answer_to_a_callout(host) {
        let answer = Answer::Reply { response: Response::new(200), after: Duration::from_millis(5) };
        let scenario = doing(&["wait-for-a-callout"])
            .upstream(Upstream::replies("backend", Response::new(200)))
            .upstream(Upstream::answers("auth", vec![answer]));
        host.run(&scenario).upstream(0).header("x-woken", "Signalled");
    }

    fn nobody_waits_for_longer_than_was_said(host) {
        host.run(&doing(&["wait-in-vain"])).upstream(0).header("x-woken", "TimedOut");
    }
}

fn begin(emulator: &mut Emulator, what: &str) -> StreamHandle {
    emulator.request(0, &request(what))
}

fn upstream_header(exchange: &Exchange, name: &str) -> String {
    let value = exchange.upstream.first().and_then(|request| request.headers.get(name));
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

fn header(emulator: &mut Emulator, what: &str, name: &str) -> String {
    let handle = begin(emulator, what);
    upstream_header(&emulator.finish_request(handle), name)
}

#[test]
fn one_stream_wakes_all_others_within_a_millisecond() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("it loads");
    let waiting: Vec<_> = (0..50).map(|_| begin(&mut emulator, "wait-in-vain")).collect();
    assert_eq!(header(&mut emulator, "waiting", "x-waiting"), "50");
    assert_eq!(header(&mut emulator, "signal", "x-waiting"), "0 0");
    emulator.advance(Duration::from_millis(2));
    for handle in waiting {
        let exchange = emulator.take_exchange(handle).expect("it was woken");
        assert_eq!(upstream_header(&exchange, "x-woken"), "Signalled");
    }
}

#[test]
fn one_that_waits_again_waits_for_the_next_signal() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("it loads");
    let waiting = begin(&mut emulator, "wait-again");
    header(&mut emulator, "signal", "x-waiting");
    emulator.advance(Duration::from_millis(100));
    assert!(emulator.exchange(waiting).is_none());
    header(&mut emulator, "signal", "x-waiting");
    emulator.advance(Duration::from_millis(2));
    assert_eq!(upstream_header(&emulator.take_exchange(waiting).expect("woken"), "x-woken"), "Signalled");
}

#[test]
fn a_stream_that_ends_is_neither_counted_nor_asked() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("it loads");
    let [gone, woken_then_gone, stays] = [0; 3].map(|_| begin(&mut emulator, "wait-in-vain"));
    emulator.hang_up(gone);
    assert_eq!(header(&mut emulator, "waiting", "x-waiting"), "2");
    header(&mut emulator, "signal", "x-waiting");
    emulator.hang_up(woken_then_gone);
    emulator.advance(Duration::from_millis(2));
    let exchange = emulator.take_exchange(stays).expect("woken");
    assert_eq!(upstream_header(&exchange, "x-woken"), "Signalled");
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
}

/// On average, since a table that grows or shrinks does so now and then.
#[test]
fn what_is_done_for_one_stream_does_not_depend_on_how_many_wait() {
    let cost = |waiting: usize| {
        let mut emulator = Emulator::builder(&with(json!({}))).metered().start().expect("it loads");
        let handles: Vec<_> = (0..waiting).map(|_| begin(&mut emulator, "wait-in-vain")).collect();
        for handle in handles {
            emulator.hang_up(handle);
        }
        let cost = &emulator.costs()["proxy_on_delete"];
        cost.sum / cost.calls
    };
    let (few, many) = (cost(10), cost(1000));
    assert!(many < few * 2, "{few} instructions to forget one of 10, {many} to forget one of 1000");
}
