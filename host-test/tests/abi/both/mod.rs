//! Runs the same scenarios on the emulator and on a real Envoy. Only times may differ.

mod border;
mod callers;
mod calls;
mod guests;
mod http;
mod loading;
mod messages;
mod pauses;
mod reload;
mod replies;
mod retries;
mod routes;

use tollgate_host_test::{ClientView, Host, Outcome, Scenario};

/// Declares scenarios that must have the same outcome on both hosts.
macro_rules! agree {
    ($($name:ident: $scenario:expr;)*) => { $(
        #[test]
        fn $name() {
            $crate::both::check($scenario);
        }
    )* };
}
use agree;

/// Removes values that differ between any two runs.
fn settle(mut outcome: Outcome) -> Outcome {
    let latency = |headers: &mut tollgate_host_test::Headers| {
        for (name, value) in &mut headers.0 {
            let timings = [&b"x-envoy-upstream-service-time"[..], b"x-envoy-expected-rq-timeout-ms"];
            if timings.contains(&name.as_slice()) && value != b"15000" {
                *value = b"N".to_vec();
            }
        }
    };
    for exchange in &mut outcome.exchanges {
        if let ClientView::Response(response) = &mut exchange.client {
            latency(&mut response.headers);
        }
        // How much of an aborted request arrives depends on how fast the proxy connects.
        exchange.upstream.retain(|request| request.ended);
        exchange.upstream.iter_mut().for_each(|request| latency(&mut request.headers));
        // The timeout of a retry depends on how long Envoy waited, which is random.
        for again in exchange.upstream.iter_mut().skip(1) {
            let left = again.headers.0.iter_mut().filter(|(n, _)| n == b"x-envoy-expected-rq-timeout-ms");
            left.for_each(|(_, value)| *value = b"N".to_vec());
        }
    }
    for line in &mut outcome.logs {
        for (before, length) in [("x-envoy-upstream-service-time\\00", 1), ("\\00date\\00", 29)] {
            if let Some(at) = line.text.find(before) {
                let at = at + before.len();
                line.text.replace_range(at..at + length, "N");
            }
        }
    }
    outcome.trace.clear();
    outcome
}

/// Whether a filter has logged a latency of 10 ms or more.
fn logs_two_digits(outcome: &Outcome) -> bool {
    outcome.logs.iter().any(|line| {
        let latency = line.text.split_once("x-envoy-upstream-service-time\\00").map(|(_, rest)| rest);
        latency.is_some_and(|rest| rest.bytes().take_while(u8::is_ascii_digit).count() > 1)
    })
}

#[track_caller]
fn check(scenario: Scenario) {
    let scenario = scenario.settings(|s| s.generate_request_id = false);
    let emulated = tollgate_host_test::emulator::run(&scenario).unwrap();
    let trace = emulated.trace.join("\n");
    let emulated = format!("{:#?}", settle(emulated));
    let mut real = Host::Envoy.run(&scenario);
    // Some filters log the size of a map that contains a latency. The sizes are equal only if the latency has
    // one digit, so try again on a busy machine.
    for _ in 0..10 {
        if !logs_two_digits(&real) {
            break;
        }
        real = Host::Envoy.run(&scenario);
    }
    let real = format!("{:#?}", settle(real));
    if emulated != real {
        let differing: String = emulated
            .lines()
            .zip(real.lines())
            .filter(|(here, there)| here != there)
            .take(20)
            .map(|(here, there)| format!("emulator: {here}\n   envoy: {there}\n"))
            .collect();
        panic!("the hosts differ\n{differing}\n-- emulator\n{emulated}\n-- envoy\n{real}\n-- trace\n{trace}");
    }
}

/// Serializes pairs.
fn pairs(list: &[(&str, &str)]) -> Vec<u8> {
    let owned: Vec<_> = list.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&owned)
}
