//! Runs the filter and its counterpart of the stock SDK on both hosts.

#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by panicking")]

use serde_json::json;
use tollgate_host_test::{ClientView, Filter, Host, Outcome, Request, Scenario, Wasm, on_both_hosts};

const MODULES: [&str; 2] = ["tollgate-example-canary", "stock-example-canary"];

fn run(host: Host, module: &str, percent: u8, cookies: &[&str]) -> Outcome {
    let filter = Filter::new(Wasm::package(module)).config(json!({"percent": percent}));
    let scenario = Scenario::new().filter(filter).request(Request::get("/").header("x-canary", "forged"));
    let scenario = cookies
        .iter()
        .fold(scenario, |scenario, cookie| scenario.request(Request::get("/").header("cookie", cookie)));
    host.run(&scenario)
}

fn cookie(outcome: &Outcome, index: usize) -> Option<String> {
    let ClientView::Response(response) = &outcome.exchanges[index].client else {
        panic!("expected a response")
    };
    response.headers.get("set-cookie").map(|value| String::from_utf8_lossy(value).into_owned())
}

on_both_hosts! {
    fn a_client_keeps_its_version(host) {
        for module in MODULES {
            let outcome = run(host, module, 30, &["bucket=29", "bucket=30", "x=1; bucket=\"7\""]);
            outcome.upstream(1).header("x-canary", "true");
            outcome.upstream(2).header("x-canary", "false");
            outcome.upstream(3).header("x-canary", "true");
            assert_eq!(cookie(&outcome, 1), None);
        }
    }

    fn a_new_client_gets_a_version_and_a_cookie(host) {
        for (percent, canary) in [(0, "false"), (100, "true")] {
            for module in MODULES {
                let outcome = run(host, module, percent, &["bucket=100", "bucket=a"]);
                for index in 0..3 {
                    outcome.upstream(index).header("x-canary", canary);
                    let cookie = cookie(&outcome, index).expect("a cookie");
                    assert!(cookie.starts_with("bucket=") && cookie.ends_with("; Path=/; HttpOnly"), "{cookie}");
                }
            }
        }
    }

    fn rejects_a_percentage_above_100(host) {
        for module in MODULES {
            let filter = Filter::new(Wasm::package(module)).config(json!({"percent": 101}));
            assert!(host.try_run(&Scenario::new().filter(filter)).is_err(), "{module}");
        }
    }
}
