//! `async` callbacks: what they await, in every order of completion, and what happens to one that never ends.

use crate::support::request;
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{
    Answer, Filter, Headers, Request, Response, Scenario, Upstream, Wasm, on_both_hosts,
};

fn filter() -> Scenario {
    Scenario::new().filter(Filter::new(Wasm::package("fixture-asynchronous")).config(json!({})))
}

fn reply(body: &str, millis: u64) -> Answer {
    Answer::Reply { response: Response::new(200).chunk(body), after: Duration::from_millis(millis) }
}

/// The filter does `what`, with these answers of `auth` and `other`.
fn doing(what: &str, auth: Vec<Answer>, other: Vec<Answer>) -> Scenario {
    filter()
        .upstream(Upstream::replies("backend", Response::new(200).chunk("ok")))
        .upstream(Upstream::answers("auth", auth))
        .upstream(Upstream::answers("other", other))
        .request(request(what))
}

/// The filter exchanges messages with `grpc`, which sends two.
fn chatting(what: &str, status: u32, after: Duration) -> Scenario {
    let messages = vec![b"a".to_vec(), b"b".to_vec()];
    let initial_metadata = Headers::default();
    let answer = Answer::Grpc { initial_metadata, messages, status, message: b"no".to_vec(), after };
    filter()
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(Upstream::grpc("grpc", vec![answer]))
        .request(request(what))
}

on_both_hosts! {
    fn headers_can_be_changed_after_an_await(host) {
        let outcome = host.run(&doing("call", vec![reply("yes", 5)], vec![]));
        outcome.upstream(0).header("x-auth", "yes");
        outcome.client(0).start("200").header("x-did", "call");
    }

    fn awaits_one_after_another(host) {
        let outcome = host.run(&doing("twice", vec![reply("a", 1), reply("b", 1)], vec![]));
        outcome.upstream(0).header("x-first", "a").header("x-second", "b");
    }

    fn awaits_two_calls_at_once_in_any_order(host) {
        for (auth, other) in [(30, 1), (1, 30)] {
            let outcome = host.run(&doing("parallel", vec![reply("a", auth)], vec![reply("b", other)]));
            outcome.upstream(0).header("x-both", "ab");
        }
    }

    fn awaits_the_first_of_two(host) {
        for (after, first) in [(1, "answer"), (300, "timeout")] {
            let outcome = host.run(&doing("first", vec![reply("a", after)], vec![]));
            outcome.upstream(0).header("x-was-first", first);
            outcome.client(0).start("200");
        }
    }

    fn awaits_a_grpc_call(host) {
        for (status, expected) in [(0, "answer"), (7, "7")] {
            let answer = Answer::Grpc {
                initial_metadata: Headers::default(),
                messages: if status == 0 { vec![b"answer".to_vec()] } else { Vec::new() },
                status,
                message: b"no".to_vec(),
                after: Duration::ZERO,
            };
            let scenario = filter()
                .upstream(Upstream::replies("backend", Response::new(200)))
                .upstream(Upstream::grpc("grpc", vec![answer]))
                .request(request("grpc"));
            host.run(&scenario).upstream(0).header("x-grpc", expected);
        }
    }

    fn awaits_the_events_of_a_grpc_stream(host) {
        for (status, expected) in [(0, "a b 0"), (7, "a b 7")] {
            let outcome = host.run(&chatting("stream", status, Duration::ZERO));
            outcome.upstream(0).header("x-stream", expected);
            outcome.callout("grpc", 0).start("POST grpc /test.Service/Chat");
        }
    }

    fn a_grpc_stream_that_is_no_longer_awaited_is_cancelled(host) {
        let outcome = host.run(&chatting("impatient", 0, Duration::from_millis(500)));
        outcome.upstream(0).header("x-stream", "late");
        outcome.client(0).start("200");
    }

    fn a_grpc_stream_that_was_dropped_is_not_awaited(host) {
        host.run(&chatting("abandon", 0, Duration::ZERO)).has_statuses(&[500]);
    }

    fn awaits_a_signal(host) {
        host.run(&doing("wait", vec![], vec![])).upstream(0).header("x-woken", "Signalled");
    }

    fn answers_after_an_await(host) {
        let outcome = host.run(&doing("deny", vec![], vec![]));
        outcome.has_statuses(&[403]).has_details(0, "denied_later");
    }

    fn a_call_that_cannot_be_sent_is_a_result(host) {
        host.run(&doing("unsendable", vec![], vec![])).upstream(0).header("x-error", "true");
    }

    fn a_failed_call_can_answer_with_a_question_mark(host) {
        let outcome = host.run(&doing("call", vec![Answer::Reset], vec![]));
        outcome.has_statuses(&[503]).has_details(0, "auth_failed");
    }

    fn an_await_that_nothing_can_complete_is_rejected(host) {
        let outcome = host.run(&doing("never", vec![], vec![]));
        outcome.has_statuses(&[500]).has_details(0, "tollgate_pause_without_task");
    }

    fn a_response_can_wait(host) {
        let outcome = host.run(&doing("slow-response", vec![], vec![]));
        outcome.client(0).start("200").header("x-did", "slow-response");
    }

    fn a_body_can_wait(host) {
        for (what, size) in [("body", None), ("body-first", Some("11"))] {
            for trailer in [false, true] {
                let mut scenario = doing(what, vec![reply("yes", 5)], vec![]);
                scenario.filters[0].allow_on_headers_stop_iteration = true;
                let body = Request::new("POST", "/").header("x-do", what).chunk("in two ").chunk("p");
                scenario.requests = vec![if trailer { body.trailer("t", "1") } else { body }];
                let outcome = host.run(&scenario);
                outcome.upstream(0).body("in two pyes");
                outcome.client(0).start("200").header("x-did", what);
                match size {
                    Some(size) => outcome.upstream(0).header("x-size", size),
                    None => outcome.upstream(0).no_header("x-size"),
                };
                outcome.callout("auth", 0).body("in two p");
            }
        }
    }

    fn a_body_is_answered_after_an_await(host) {
        let mut scenario = doing("body-first", vec![Answer::Reset], vec![]);
        scenario.filters[0].allow_on_headers_stop_iteration = true;
        scenario.requests = vec![Request::post("/", "body").header("x-do", "body-first")];
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[503]).has_details(0, "auth_failed");
        assert!(outcome.exchanges[0].upstream.is_empty(), "{outcome:?}");
    }

    fn a_client_that_disconnects_drops_the_future(host) {
        let scenario = doing("sleep", vec![], vec![])
            .settings(|settings| settings.client_patience = Duration::from_millis(300));
        let outcome = host.run(&scenario);
        outcome.has_metric("asynchronous.dropped", 1).has_metric("asynchronous.ended", 1);
    }

    fn a_callback_that_does_not_await_continues_at_once(host) {
        let outcome = host.run(&doing("nothing", vec![], vec![]));
        outcome.client(0).start("200").header("x-did", "nothing");
    }
}

#[test]
fn dropped_callbacks_do_not_grow_memory() {
    let mut emulator = Emulator::new(&filter()).expect("the filter loads");
    emulator.assert_memory_is_steady(2_000, |emulator, _| {
        let handle = emulator.request(0, &request("sleep"));
        emulator.hang_up(handle);
    });
    assert!(emulator.traps().is_empty());
}

/// In instructions, per callback.
#[test]
fn a_callback_that_never_awaits_costs_little_more() {
    let cost = |package| {
        let scenario = Scenario::new().filter(Filter::new(Wasm::package(package)).config(json!({})));
        let mut emulator = Emulator::builder(&scenario).metered().start().expect("the filter loads");
        for _ in 0..100 {
            let request = emulator.request(0, &Request::get("/"));
            emulator.finish_request(request);
        }
        ["proxy_on_request_headers", "proxy_on_response_headers"].map(|callback| {
            let cost = &emulator.costs()[callback];
            cost.sum / cost.calls
        })
    };
    let (plain, asynchronous) = (cost("fixture-callbacks"), cost("fixture-callbacks-async"));
    for (plain, asynchronous) in plain.into_iter().zip(asynchronous) {
        assert!(
            asynchronous < plain + 700,
            "{plain} instructions in a plain callback, {asynchronous} in an async one"
        );
    }
}
