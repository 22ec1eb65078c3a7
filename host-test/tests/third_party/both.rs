//! Runs a scenario on both hosts.

use tollgate_host_test::{ClientView, Filter, Headers, Outcome, Scenario, Wasm};

/// Runs a scenario on both hosts, and returns the outcome, which must be the same.
#[track_caller]
pub fn both(scenario: Scenario) -> Outcome {
    crate::agreement::check(&scenario, settled)
}

/// A filter under a name that says what it is.
pub fn filter(wasm: Wasm) -> Filter {
    Filter::new(wasm).named("third-party")
}

/// Removes values that differ between any two runs: times, dates and random numbers.
fn settled(mut outcome: Outcome) -> Outcome {
    for exchange in &mut outcome.exchanges {
        if let ClientView::Response(response) = &mut exchange.client {
            forget(&mut response.headers);
        }
        exchange.upstream.iter_mut().for_each(|request| forget(&mut request.headers));
    }
    for line in &mut outcome.logs {
        for (before, after) in [
            ("x-envoy-upstream-service-time: ", ""),
            ("date: ", ""),
            ("It's ", ", your lucky"),
            ("number is ", "."),
        ] {
            let Some(start) = line.text.find(before).map(|at| at + before.len()) else { continue };
            let rest = line.text.get(start..).unwrap_or_default();
            let end = if after.is_empty() { rest.len() } else { rest.find(after).unwrap_or(rest.len()) };
            line.text.replace_range(start..start + end, "N");
        }
    }
    outcome
}

fn forget(headers: &mut Headers) {
    for (name, value) in &mut headers.0 {
        if matches!(name.as_slice(), b"x-envoy-upstream-service-time" | b"date") {
            *value = b"N".to_vec();
        }
    }
}
