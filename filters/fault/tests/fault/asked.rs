//! Faults that requests ask for with headers.

use crate::support::{counter, rule, with, with_rule};
use serde_json::{Value, json};
use tollgate_host_test::{Request, Response, Upstream, on_both_hosts};

const HEADERS: [&str; 7] = [
    "x-envoy-fault-abort-request",
    "x-envoy-fault-abort-grpc-request",
    "x-envoy-fault-abort-request-percentage",
    "x-envoy-fault-delay-request",
    "x-envoy-fault-delay-request-percentage",
    "x-envoy-fault-throughput-response",
    "x-envoy-fault-throughput-response-percentage",
];

fn from_headers() -> Value {
    json!({
        "delay": {"percentage": 100, "header": {}}, "abort": {"percentage": 100, "header": {}},
        "response": {"percentage": 100, "rate_from_header": {}},
    })
}

fn asking(headers: &[(&str, &str)]) -> Request {
    headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(name, value))
}

on_both_hosts! {
    fn a_request_asks_for_a_fault(host) {
        let outcome = host.run(&with_rule(from_headers())
            .request(asking(&[("x-envoy-fault-abort-request", "418")]))
            .request(asking(&[("x-envoy-fault-abort-grpc-request", "14")]))
            .request(asking(&[("x-envoy-fault-delay-request", "20")]))
            .request(asking(&[("x-envoy-fault-delay-request", "20"), ("x-envoy-fault-abort-request", "503")]))
            .request(asking(&[("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-abort-request-percentage", "0")]))
            .request(asking(&[("x-envoy-fault-delay-request", "1000"), ("x-envoy-fault-delay-request-percentage", "0")]))
            .request(asking(&[("x-envoy-fault-abort-request", "oops")]))
            .request(asking(&[])));
        outcome.has_statuses(&[418, 200, 200, 503, 200, 200, 200, 200]);
        outcome.client(1).header("x-tollgate-fault", "r;abort").body("fault filter abort");
        outcome.client(2).header("x-tollgate-fault", "r;delay=20");
        outcome.client(3).header("x-tollgate-fault", "r;delay=20;abort");
        outcome.has_metric(&counter("aborts_injected"), 3).has_metric(&counter("delays_injected"), 2);
    }

    fn a_request_asks_for_a_slow_response(host) {
        let body = vec![b'x'; 100];
        let scenario = with_rule(from_headers())
            .upstream(Upstream::replies("shop", Response::new(200).chunk(&body)))
            .request(asking(&[("x-envoy-fault-throughput-response", "1")]));
        let outcome = host.run(&scenario);
        outcome.client(0).start("200").body(&body).header("x-tollgate-fault", "r;response");
        outcome.has_metric(&counter("response_rl_injected"), 1);
    }

    fn the_headers_never_reach_the_upstream(host) {
        let request = HEADERS.iter().fold(Request::get("/"), |request, name| request.header(name, "0"));
        for faults in [from_headers(), json!({"reset": {"percentage": 0}})] {
            let outcome = host.run(&with_rule(faults).request(request.clone().header("x-other", "1")));
            outcome.upstream(0).header("x-other", "1");
            for name in HEADERS {
                outcome.upstream(0).no_header(name);
            }
        }
    }

    fn a_secret_is_required_and_removed(host) {
        let config = json!({
            "header_faults": {"secret": {"header": "x-chaos-secret", "value": "s3cret"}},
            "rules": [rule("r", from_headers())],
        });
        let abort = ("x-envoy-fault-abort-request", "503");
        let outcome = host.run(&with(config)
            .request(asking(&[abort, ("x-chaos-secret", "s3cret")]))
            .request(asking(&[abort, ("x-chaos-secret", "guess")]))
            .request(asking(&[abort])));
        outcome.has_statuses(&[503, 200, 200]);
        outcome.upstream(1).no_header("x-chaos-secret").no_header("x-envoy-fault-abort-request");
        outcome.has_metric(&counter("headers_denied"), 2);
    }

    fn the_cap_of_a_delay_applies_to_headers(host) {
        let config = json!({"max_delay": "25ms", "rules": [rule("r", from_headers())]});
        let outcome = host.run(&with(config).request(asking(&[("x-envoy-fault-delay-request", "3600000")])));
        outcome.client(0).start("200").header("x-tollgate-fault", "r;delay=25");
    }
}
