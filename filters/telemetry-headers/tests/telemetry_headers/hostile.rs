//! Hostile requests.

use crate::support::{counter, with};
use serde_json::{Value, json};
use tollgate_host_test::{Request, on_both_hosts};

/// A configuration that enables every feature.
pub fn everything() -> Value {
    json!({
        "request_id": {"always_set_in_response": true},
        "trace_context": {"mode": "continue", "response_header": "traceresponse"},
        "request_headers": [{"set": {"name": "x-copy", "value": "%REQ(x-in)%"}}],
        "response_headers": [{"set": {"name": "x-copy", "value": "%REQ(x-in)%"}}],
        "server_timing": {},
    })
}

on_both_hosts! {
    fn passes_bytes_that_are_not_utf_8(host) {
        let outcome = host.run(
            &with(everything()).request(
                Request::get("/").header("x-in", b"\xff\x80").header("traceparent", b"\xff").header("tracestate", b"\xff=1"),
            ),
        );
        outcome.client(0).start("200");
        assert_eq!(outcome.exchanges[0].upstream[0].headers.get("x-copy"), Some(b"\xff\x80".as_slice()));
    }

    /// Envoy's default limit for all headers together is 60 KiB.
    fn copies_a_header_of_60_kilobytes(host) {
        let long = "a".repeat(60_000);
        let outcome = host.run(
            &with(everything())
                .request(Request::get("/").header("x-in", &long))
                .request(Request::get("/").header("tracestate", "k=v,".repeat(15_000))),
        );
        outcome.upstream(0).header("x-copy", &long);
        outcome.client(1).start("200");
    }

    fn accepts_repeated_and_empty_headers(host) {
        let mut request = Request::get("/").header("x-in", "").header("x-in", "second").header("traceparent", "");
        for _ in 0..50 {
            request = request.header("tracestate", "");
        }
        let outcome = host.run(&with(everything()).request(request).request(Request::get("/")));
        outcome.has_statuses(&[200, 200]).has_metric(&counter("host_error"), 0);
    }
}
