//! Requests of callouts, and what reaches the upstream.

use crate::cases::parts::{IMPATIENT, call_headers};
use crate::run::{EMPTY, OTHER};
use crate::script::calls::{call, get_status, get_value, http_call, pairs};
use crate::script::{Arg, Step};
use crate::{Case, Sheet};

pub(super) fn sheets() -> Vec<Sheet> {
    vec![
        Sheet::new("callouts refused", refused()),
        Sheet::new("callouts sent", sent()).settings(|settings| settings.client_patience = IMPATIENT),
    ]
}

/// Headers of a callout with more fields than the required ones.
fn headers(case: &str, more: &[(&str, &str)]) -> Vec<u8> {
    let path = format!("/{case}");
    let least = [(":method", "POST"), (":path", path.as_str()), (":authority", "callout")];
    pairs(&[&least[..], more].concat())
}

fn refused() -> Vec<Case> {
    let full = [(":method", "GET"), (":path", "/"), (":authority", "a")];
    let without = |name: &str| {
        let rest: Vec<_> = full.into_iter().filter(|(key, _)| *key != name).collect();
        pairs(&rest)
    };
    let list: [(&str, &str, Step); 14] = [
        (
            "method",
            "a callout without `:method` is rejected",
            http_call(OTHER, without(":method"), "", "", 1000),
        ),
        ("path", "a callout without `:path` is rejected", http_call(OTHER, without(":path"), "", "", 1000)),
        (
            "authority",
            "a callout without `:authority` is rejected",
            http_call(OTHER, without(":authority"), "", "", 1000),
        ),
        ("headers", "a callout without headers is rejected", http_call(OTHER, "", "", "", 1000)),
        (
            "bad-block",
            "a callout with a malformed header block is rejected",
            http_call(OTHER, "xxxxxxxxx", "", "", 1000),
        ),
        (
            "cluster",
            "a callout to an unknown cluster is rejected",
            http_call("nowhere", pairs(&full), "", "", 1000),
        ),
        (
            "empty-cluster",
            "a callout with an empty cluster name is rejected",
            http_call("", pairs(&full), "", "", 1000),
        ),
        (
            "timeout",
            "a callout with a negative timeout is rejected",
            http_call(OTHER, pairs(&full), "", "", -1),
        ),
        (
            "least-timeout",
            "a callout with the smallest 32-bit timeout is rejected",
            http_call(OTHER, pairs(&full), "", "", i32::MIN),
        ),
        (
            "no-host",
            "a callout to a cluster without hosts fails at once and has no callback",
            http_call(EMPTY, pairs(&full), "", "", 1000),
        ),
        (
            "no-host-no-method",
            "headers are checked before the hosts of the cluster",
            http_call(EMPTY, without(":method"), "", "", 1000),
        ),
        (
            "wild-cluster",
            "a callout with a cluster name outside the memory is rejected",
            call(
                "proxy_http_call",
                [
                    Arg::Number(0xffff_0000),
                    9.into(),
                    Arg::Number(0),
                    0.into(),
                    Arg::Number(0),
                    0.into(),
                    Arg::Number(0),
                    0.into(),
                    1000.into(),
                    Arg::Out32(None),
                ],
            ),
        ),
        (
            "wild-token",
            "a callout with an output address outside the memory is rejected",
            call(
                "proxy_http_call",
                [
                    "other".into(),
                    pairs(&full).into(),
                    "".into(),
                    "".into(),
                    1000.into(),
                    Arg::Number(0xffff_0000),
                ],
            ),
        ),
        (
            "empty-values",
            "a callout with empty `:method`, `:path` and `:authority` is accepted",
            http_call(OTHER, pairs(&[(":method", ""), (":path", ""), (":authority", "")]), "", "", 1000),
        ),
    ];
    let refused = list.into_iter().map(|(name, title, step)| {
        Case::new(format!("callouts/refused/{name}"), title)
            .on("request_headers", [step, get_status()])
            .shows(&["http_call_response"])
    });
    refused.collect()
}

/// Callouts that pause a request until they are answered.
fn sent() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, title: &str, make: &dyn Fn(&str) -> Step| {
        let name = format!("callouts/sent/{name}");
        let step = make(&name);
        cases.push(Case::new(name, title).on("request_headers", [step, Step::Return(1)]).on(
            "http_call_response",
            [
                get_value(6, ":status"),
                get_status(),
                crate::script::calls::set_context(Arg::Stream),
                crate::script::calls::continue_stream(0),
            ],
        ));
    };
    add("least", "sends a callout with only the required headers", &|case| {
        http_call(OTHER, call_headers(case), "", "", 1000)
    });
    add("host", "accepts `host` instead of `:authority`", &|case| {
        let path = format!("/{case}");
        http_call(OTHER, pairs(&[(":method", "GET"), (":path", &path), ("host", "mine")]), "", "", 1000)
    });
    add("body", "adds `content-length` to a callout with a body", &|case| {
        http_call(OTHER, headers(case, &[]), "hello", "", 1000)
    });
    add("wrong-length", "corrects a wrong `content-length`", &|case| {
        http_call(OTHER, headers(case, &[("content-length", "99")]), "hello", "", 1000)
    });
    add("length-without-body", "sends a callout with `content-length: 0` and no body", &|case| {
        http_call(OTHER, headers(case, &[("content-length", "0")]), "", "", 1000)
    });
    add("trailers", "does not send the trailers of a callout with a body", &|case| {
        http_call(OTHER, headers(case, &[]), "hello", pairs(&[("t", "1"), ("t", "2")]), 1000)
    });
    add("only-trailers", "does not send the trailers of a callout without a body", &|case| {
        http_call(OTHER, headers(case, &[]), "", pairs(&[("t", "1")]), 1000)
    });
    add("large", "sends a body of 300 kB", &|case| {
        http_call(OTHER, headers(case, &[]), vec![b'.'; 300_000], "", 5000)
    });
    add("repeated", "keeps the order of repeated headers", &|case| {
        http_call(OTHER, headers(case, &[("x", "1"), ("y", "-"), ("X", "2"), ("z", "")]), "", "", 1000)
    });
    add("internal", "overwrites the headers that Envoy sets itself", &|case| {
        let own = [
            ("x-envoy-internal", "false"),
            ("x-envoy-expected-rq-timeout-ms", "7"),
            ("x-forwarded-for", "a"),
        ];
        http_call(OTHER, headers(case, &own), "", "", 1000)
    });
    add(
        "timeout-header",
        "sends the value of `x-envoy-upstream-rq-timeout-ms` to the upstream as the expected timeout",
        &|case| http_call(OTHER, headers(case, &[("x-envoy-upstream-rq-timeout-ms", "15000")]), "", "", 1000),
    );
    add("no-timeout", "sends no expected timeout to the upstream without a timeout", &|case| {
        http_call(OTHER, call_headers(case), "", "", 0)
    });
    add("trailers-then", "sends a callout after a callout with trailers", &|case| {
        http_call(OTHER, headers(case, &[]), "", "", 1000)
    });
    add(
        "crlf",
        "line breaks in a value: on an open connection the call fails at once and has no callback",
        &|case| http_call(OTHER, headers(case, &[("x", "1\r\ny: 2")]), "", "", 1000),
    );
    add("nul", "a NUL in a value: on a new connection nothing is sent, and the response is 503", &|case| {
        http_call(OTHER, headers(case, &[("x", "1\0")]), "", "", 1000)
    });
    add("scheme", "makes a callout with its own `:scheme`", &|case| {
        http_call(OTHER, headers(case, &[(":scheme", "https")]), "", "", 1000)
    });
    add("connection", "makes a callout with `connection`, `te` and `upgrade`", &|case| {
        http_call(
            OTHER,
            headers(case, &[("connection", "close"), ("te", "trailers"), ("upgrade", "x")]),
            "",
            "",
            1000,
        )
    });
    add("user-agent", "sends `user-agent` and `cookie` headers", &|case| {
        http_call(
            OTHER,
            headers(case, &[("user-agent", "me"), ("cookie", "a=1"), ("cookie", "b=2")]),
            "",
            "",
            1000,
        )
    });
    for method in ["GET", "HEAD", "DELETE", "PUT", "OPTIONS", "PATCH"] {
        let name = format!("method/{}", method.to_lowercase());
        let title = format!("sends a callout with the method {method} and no body");
        add(&name, &title, &|case| {
            let path = format!("/{case}");
            http_call(
                OTHER,
                pairs(&[(":method", method), (":path", &path), (":authority", "a")]),
                "",
                "",
                1000,
            )
        });
    }
    cases
}
