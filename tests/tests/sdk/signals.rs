//! Streams that wait for a signal, from each possible source, and that end while they wait.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{Answer, Exchange, Response, Upstream, on_both_hosts};

on_both_hosts! {
    fn a_timer_wakes_a_waiting_stream(host) {
        host.run(&doing(&["wait"])).upstream(0).header("x-woken", "Signalled");
    }

    fn a_callout_response_wakes_a_waiting_stream(host) {
        let answer = Answer::Reply { response: Response::new(200), after: Duration::from_millis(5) };
        let scenario = doing(&["wait-for-a-callout"])
            .upstream(Upstream::replies("backend", Response::new(200)))
            .upstream(Upstream::answers("auth", vec![answer]));
        host.run(&scenario).upstream(0).header("x-woken", "Signalled");
    }

    fn a_wait_ends_after_its_timeout(host) {
        host.run(&doing(&["wait-until-timeout"])).upstream(0).header("x-woken", "TimedOut");
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
    let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
    let waiting: Vec<_> = (0..50).map(|_| begin(&mut emulator, "wait-until-timeout")).collect();
    assert_eq!(header(&mut emulator, "waiting", "x-waiting"), "50");
    // Woken streams no longer wait for the signal, but they count until they are resumed.
    assert_eq!(header(&mut emulator, "signal", "x-waiting"), "0 50");
    emulator.advance(Duration::from_millis(2));
    for handle in waiting {
        let exchange = emulator.take_exchange(handle).expect("the stream was woken");
        assert_eq!(upstream_header(&exchange, "x-woken"), "Signalled");
    }
    assert_eq!(header(&mut emulator, "signal", "x-waiting"), "0 0");
}

/// Envoy resumes the streams of one callback within each other, so that its stack overflows with hundreds.
#[test]
fn at_most_64_streams_resume_in_one_tick() {
    for source in ["signal", "timeout"] {
        let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
        let waiting: Vec<_> = (0..200).map(|_| begin(&mut emulator, "wait-until-timeout")).collect();
        if source == "signal" {
            header(&mut emulator, "signal", "x-waiting");
        }
        let (mut resumed, mut parts) = (0, Vec::new());
        for _ in 0..1_000 {
            let now = waiting.iter().filter(|handle| emulator.exchange(**handle).is_some()).count();
            if now > resumed {
                parts.push(now - resumed);
            }
            resumed = now;
            emulator.advance(Duration::from_millis(1));
        }
        assert_eq!(parts, [64, 64, 64, 8], "{source}");
    }
}

#[test]
fn a_stream_that_waits_again_waits_for_the_next_signal() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
    let waiting = begin(&mut emulator, "wait-again");
    header(&mut emulator, "signal", "x-waiting");
    emulator.advance(Duration::from_millis(100));
    assert!(emulator.exchange(waiting).is_none());
    header(&mut emulator, "signal", "x-waiting");
    emulator.advance(Duration::from_millis(2));
    assert_eq!(
        upstream_header(&emulator.take_exchange(waiting).expect("the stream was woken"), "x-woken"),
        "Signalled"
    );
}

#[test]
fn a_stream_that_has_ended_is_not_counted_or_resumed() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
    let [gone, woken_then_gone, stays] = [0; 3].map(|_| begin(&mut emulator, "wait-until-timeout"));
    emulator.hang_up(gone);
    assert_eq!(header(&mut emulator, "waiting", "x-waiting"), "2");
    header(&mut emulator, "signal", "x-waiting");
    emulator.hang_up(woken_then_gone);
    emulator.advance(Duration::from_millis(2));
    let exchange = emulator.take_exchange(stays).expect("the stream was woken");
    assert_eq!(upstream_header(&exchange, "x-woken"), "Signalled");
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
}

/// On average: a table that grows or shrinks costs more now and then.
#[test]
fn cost_per_stream_is_independent_of_the_number_that_wait() {
    let cost = |waiting: usize| {
        let mut emulator = Emulator::builder(&with(json!({}))).metered().start().expect("the filter loads");
        let handles: Vec<_> = (0..waiting).map(|_| begin(&mut emulator, "wait-until-timeout")).collect();
        for handle in handles {
            emulator.hang_up(handle);
        }
        let cost = &emulator.costs()["proxy_on_delete"];
        cost.sum / cost.calls
    };
    let (few, many) = (cost(10), cost(1000));
    assert!(many < few * 2, "{few} instructions to drop one of 10 waiting streams, {many} for one of 1000");
}
