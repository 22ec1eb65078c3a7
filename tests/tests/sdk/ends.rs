//! `on_end`: called once for every stream, for whatever reason it ends. Host calls work in it.

use crate::support::{doing, request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::{Emulator, StreamHandle};
use tollgate_host_test::{
    Answer, ClientView, Exchange, Filter, Request, Response, Scenario, Upstream, Wasm, on_both_hosts,
};

/// The number of requests in flight when this one arrived, including itself.
fn in_flight(exchange: &Exchange) -> String {
    let value = exchange.upstream.first().and_then(|request| request.headers.get("x-in-flight"));
    String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
}

on_both_hosts! {
    fn releases_what_a_stream_holds_whatever_ends_it(host) {
        let part = Response::new(200).header("content-length", "10").chunk("part");
        let ok = || Answer::Reply { response: Response::new(200), after: Duration::ZERO };
        let answers = vec![ok(), Answer::Reset, Answer::ResetMidResponse(part), Answer::Hang, ok()];
        let all = ["in-flight", "in-flight", "in-flight", "in-flight-replied", "in-flight", "in-flight-held"];
        let scenario = doing(&all)
            .upstream(Upstream::answers("backend", answers))
            .settings(|settings| settings.client_patience = Duration::from_millis(400));
        let outcome = host.run(&scenario);
        for index in [0, 2, 4, 5] {
            assert_eq!(in_flight(&outcome.exchanges[index]), "1", "{index}: {outcome:#?}");
        }
        // The client of the fifth request disconnected.
        assert!(!matches!(&outcome.exchanges[4].client, ClientView::Response(r) if r.status == 200));
        outcome.has_metric("everything.ended", 6).has_metric("everything.level", 0);
    }

    fn ends_a_stream_that_an_earlier_filter_answered(host) {
        let hello = Filter::new(Wasm::package("tollgate-example-hello"))
            .config(json!({"header": "x-team", "allowed": ["red"]}));
        let everything = Filter::new(Wasm::package("fixture-everything")).config(json!({}));
        let scenario = Scenario::new().filter(hello).filter(everything).request(Request::get("/"));
        host.run(&scenario).has_statuses(&[403]).has_metric("everything.ended", 1);
    }
}

fn begin(emulator: &mut Emulator, what: &str) -> StreamHandle {
    emulator.request(0, &request(what))
}

#[test]
fn a_stream_that_ends_can_wake_waiting_streams() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
    let waiting = begin(&mut emulator, "wait-until-timeout");
    let ends = begin(&mut emulator, "signal-on-end");
    emulator.finish_request(ends);
    emulator.advance(Duration::from_millis(2));
    let exchange = emulator.take_exchange(waiting).expect("the stream was woken");
    assert_eq!(exchange.upstream[0].headers.get("x-woken"), Some(&b"Signalled"[..]));
}

#[test]
fn open_streams_end_before_their_plugin() {
    let mut emulator = Emulator::new(&with(json!({}))).expect("the filter loads");
    let held = [0; 3].map(|_| begin(&mut emulator, "in-flight-held"));
    emulator.shut_down();
    assert_eq!(emulator.metric("everything.ended"), Some(3));
    for handle in held {
        emulator.hang_up(handle);
    }
    assert_eq!((emulator.metric("everything.ended"), emulator.traps().len()), (Some(3), 0));
}
