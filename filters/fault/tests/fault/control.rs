//! The control endpoint: kill switch, experiments, and failures of the endpoint.

use crate::support::{counter, rule, with};
use serde_json::{Value, json};
use std::time::Duration;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::{
    Answer, ClientView, LogLevel, Request, Response, Scenario, Upstream, on_both_hosts,
};

/// A proxy whose control endpoint gives these answers.
fn controlled(on_missing: &str, answers: Vec<Answer>) -> Scenario {
    let config = json!({
        "control": {
            "http_uri": {"uri": "http://control.test/faults", "cluster": "control", "timeout": "1s"},
            "interval": "1s", "max_stale": "3s", "on_missing": on_missing,
        },
        "rules": [rule("base", json!({"match": {"paths": [{"exact": "/base"}]}, "abort": {"percentage": 100, "http_status": 500}})),
                  rule("slow", json!({"match": {"paths": [{"exact": "/slow"}]}, "delay": {"percentage": 100, "fixed": "30s"}}))],
        "experiments": [{"name": "outage", "faults": [
            rule("cart", json!({"match": {"paths": [{"prefix": "/cart"}]}, "abort": {"percentage": 100, "http_status": 503}})),
        ]}],
    });
    with(config)
        .upstream(Upstream::replies("shop", Response::new(200)))
        .upstream(Upstream::answers("control", answers))
}

fn document(json: &Value) -> Answer {
    reply(json.to_string())
}

fn reply(text: impl AsRef<[u8]>) -> Answer {
    Answer::Reply { response: Response::new(200).chunk(text), after: Duration::ZERO }
}

/// Sends requests long after the document was fetched.
fn later(scenario: Scenario, paths: &[&str]) -> Scenario {
    let request = |index: usize, path: &str| {
        Request::get(path).after(Duration::from_millis(if index == 0 { 2_500 } else { 0 }))
    };
    paths.iter().enumerate().fold(scenario, |scenario, (index, path)| scenario.request(request(index, path)))
}

on_both_hosts! {
    fn the_document_runs_an_experiment(host) {
        let run = document(&json!({"experiments": [{"name": "outage"}]}));
        let outcome = host.run(&later(controlled("stop", vec![run]), &["/cart/1", "/base", "/"]));
        outcome.has_statuses(&[503, 500, 200]);
        outcome.client(0).header("x-tollgate-fault", "outage-cart;abort");
        outcome.has_metric("fault.rule.outage-cart.aborts_injected", 1);
        outcome.callout("control", 0).header("accept", "application/json");
    }

    fn the_document_brings_its_own_experiment(host) {
        let faults = json!([rule("pay", json!({"match": {"paths": [{"prefix": "/pay"}]}, "abort": {"percentage": 100, "http_status": 504}}))]);
        let run = document(&json!({"experiments": [{"name": "new", "until": "2096-01-01T00:00:00Z", "faults": faults}]}));
        let outcome = host.run(&later(controlled("stop", vec![run]), &["/pay", "/cart", "/base"]));
        outcome.has_statuses(&[504, 200, 500]).has_metric("fault.rule.other.aborts_injected", 1);
    }

    fn the_kill_switch_stops_all_faults(host) {
        let stop = document(&json!({"enabled": false, "experiments": [{"name": "outage"}]}));
        let outcome = host.run(&later(controlled("continue", vec![stop]), &["/cart", "/base"]));
        outcome.has_statuses(&[200, 200]).has_metric(&counter("aborts_injected"), 0);
    }

    /// A stop reaches a request that is being delayed.
    fn the_kill_switch_ends_delays(host) {
        let run = || document(&json!({}));
        let answers = vec![run(), run(), run(), run(), document(&json!({"enabled": false}))];
        let outcome = host.run(&later(controlled("stop", answers), &["/slow"]));
        outcome.client(0).start("200").header("x-tollgate-fault", "slow;delay=30000");
        outcome.has_metric(&counter("stopped"), 1).has_metric("fault.active_faults", 0);
    }

    fn without_a_document_the_filter_stops_or_continues(host) {
        for (on_missing, status) in [("stop", 200), ("continue", 500)] {
            for answer in [Answer::Refuse, reply("oops"), reply("")] {
                let outcome = host.run(&later(controlled(on_missing, vec![answer]), &["/base", "/cart"]));
                outcome.has_statuses(&[status, 200]);
                assert!(outcome.metrics["fault.control_failed"] > 0);
                outcome.has_logged(LogLevel::Warn, "cannot fetch http://control.test/faults");
            }
        }
    }
}

/// A stop takes effect within the interval and two seconds. It reaches requests during their delay.
#[test]
fn a_stop_takes_effect_in_time() {
    let run = || document(&json!({}));
    let answers = vec![run(), run(), run(), document(&json!({"enabled": false}))];
    let mut emulator = Emulator::new(&controlled("stop", answers)).unwrap();
    let step = Duration::from_millis(50);
    let served = |emulator: &mut Emulator, documents: u64| {
        while emulator.metric("fault.control_fetched") < Some(documents) {
            emulator.advance(step);
        }
        emulator.now()
    };
    let last_run = served(&mut emulator, 3);
    let slow = emulator.request(0, &Request::get("/slow"));
    emulator.finish_request(slow);
    assert!(emulator.now() - last_run <= Duration::from_secs(3));
    assert_eq!(emulator.metric(&counter("stopped")), Some(1));
}

/// After an outage of the endpoint, the last document is used for `max_stale`, and then the filter stops.
#[test]
fn an_old_document_is_used_for_a_time() {
    let answers = vec![document(&json!({"experiments": [{"name": "outage"}]})), Answer::Hang];
    let mut emulator = Emulator::new(&controlled("stop", answers)).unwrap();
    let ask = |emulator: &mut Emulator| {
        let handle = emulator.request(0, &Request::get("/cart"));
        match emulator.finish_request(handle).client {
            ClientView::Response(response) => response.status,
            other => panic!("{other:?}"),
        }
    };
    emulator.advance(Duration::from_millis(1_500));
    assert_eq!(ask(&mut emulator), 503);
    emulator.advance(Duration::from_secs(10));
    assert_eq!(ask(&mut emulator), 200);
    assert!(emulator.metric("fault.control_failed") > Some(0));
}
