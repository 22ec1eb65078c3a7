//! Runs the same scenarios on the emulator and on a real Envoy. Only times may differ.

mod border;
mod callers;
mod calls;
mod guests;
mod http;
mod inputs;
mod loading;
mod messages;
mod pauses;
mod reload;
mod replies;
mod retries;
mod routes;
mod slow;

use tollgate_host_test::{ClientView, Outcome, Scenario};

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
    outcome
}

#[track_caller]
fn check(scenario: Scenario) {
    crate::agreement::check(&scenario, settle);
}

/// Serializes pairs.
fn pairs(list: &[(&str, &str)]) -> Vec<u8> {
    let owned: Vec<_> = list.iter().map(|(k, v)| (k.as_bytes().to_vec(), v.as_bytes().to_vec())).collect();
    tollgate_host_test::emulator::state::pairs::encode(&owned)
}
