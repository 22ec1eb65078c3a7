//! Loads configurations that the filter rejects.

#![allow(clippy::unwrap_used, reason = "tests fail by panicking; clippy allows this only in test functions")]

use serde_json::json;
use tollgate_host_test::{Filter, LogLevel, Scenario, Wasm, on_both_hosts};

on_both_hosts! {
    /// A request is too late: the name of the header is known when the configuration is loaded.
    fn rejects_a_name_that_no_header_has(host) {
        for (name, why) in [
            ("x team", "header: `x team` is not a valid header name"),
            (":path", "header: `:path` is a pseudo-header, expected an ordinary header"),
            ("", "header: `` is not a valid header name"),
        ] {
            let hello = Filter::new(Wasm::package("tollgate-example-hello"))
                .config(json!({"header": name, "allowed": ["red"]}));
            let refused = host.try_run(&Scenario::new().filter(hello)).unwrap_err();
            let logged = refused.logs.iter().any(|line| line.level == LogLevel::Critical && line.text.contains(why));
            assert!(logged, "{refused:?}");
        }
    }
}
