//! Tests of stepping, which variations use to stop a request between two events.

use crate::modules;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{Answer, ClientView, Request, Response, Scenario, Upstream};

const SOON: Duration = Duration::from_secs(20);

fn emulator(scenario: &Scenario) -> Emulator {
    Emulator::new(scenario).expect("it loads")
}

#[test]
fn each_step_advances_a_request_by_one_event() {
    let response = Response::new(200).chunk("one").chunk("two");
    let mut emulator = emulator(&Scenario::new().upstream(Upstream::replies("upstream", response)));
    let request = Request::new("POST", "/").chunk("a").chunk("b");
    let handle = emulator.begin(0, &request);
    // Two pieces and the end of the request, the connection to the upstream; the head, two pieces and the end
    // of the response.
    for left in (0..8).rev() {
        assert!(
            emulator.is_under_way(handle) && emulator.exchange(handle).is_none(),
            "{left} more events to come"
        );
        assert!(emulator.step(SOON));
    }
    assert!(!emulator.is_under_way(handle));
    let exchange = emulator.exchange(handle).expect("it is complete");
    assert!(matches!(&exchange.client, ClientView::Response(response) if response.body() == b"onetwo"));
}

#[test]
fn no_event_happens_before_it_is_due() {
    let late = Answer::Reply { response: Response::new(200), after: Duration::from_millis(5) };
    let mut emulator = emulator(&Scenario::new().upstream(Upstream::answers("upstream", vec![late])));
    let handle = emulator.begin(0, &Request::get("/"));
    assert!(emulator.step(Duration::from_millis(4)), "the upstream is connected at once");
    assert!(!emulator.step(Duration::from_millis(4)), "the answer is due at 5 ms");
    assert!(emulator.step(Duration::from_millis(5)) && !emulator.is_under_way(handle));
    assert_eq!(emulator.now(), Duration::from_millis(5));
}

#[test]
fn a_broken_upstream_gives_503_or_resets_the_client() {
    let response = Response::new(200).chunk("one").chunk("two");
    let mut emulator = emulator(&Scenario::new().upstream(Upstream::replies("upstream", response)));
    let handle = emulator.begin(0, &Request::post("/", "body"));
    // The proxy connects with the headers, before the body.
    assert!(emulator.break_upstream(handle));
    let exchange = emulator.finish_request(handle);
    assert!(
        matches!(&exchange.client, ClientView::Response(response) if response.status == 503),
        "{exchange:?}"
    );

    // Events of the broken connection have no effect.
    emulator.advance(Duration::ZERO);
    // After the head of the response, a 503 is no longer possible, so the client's connection is reset.
    let handle = emulator.begin(0, &Request::get("/"));
    assert!(emulator.step(SOON) && emulator.step(SOON) && emulator.break_upstream(handle));
    assert_eq!(emulator.finish_request(handle).client, ClientView::Reset);
    assert!(!emulator.break_upstream(handle), "it is over");
}

#[test]
fn a_callout_is_open_until_it_is_answered() {
    let tagged = |after| Answer::Reply {
        response: Response::new(200).header("x-tag", "1"),
        after: Duration::from_millis(after),
    };
    let scenario = Scenario::new()
        .filter(modules::takes_the_last_answer_for_the_second())
        .upstream(Upstream::replies("upstream", Response::new(200)))
        .upstream(Upstream::answers("first", vec![tagged(5)]))
        .upstream(Upstream::answers("second", vec![tagged(8)]));
    let mut emulator = emulator(&scenario);
    let handle = emulator.begin(0, &Request::get("/"));
    let mut open = vec![emulator.open_callouts()];
    while emulator.is_under_way(handle) && emulator.step(SOON) {
        open.push(emulator.open_callouts());
    }
    open.dedup();
    assert_eq!(open, [2, 1, 0]);
}
