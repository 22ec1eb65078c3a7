//! Examples of the stock SDK that no package contains, rewritten for its latest version.

use crate::both::{both, filter};
use std::time::Duration;
use tollgate_host_test::{Answer, Headers, LogLevel, Request, Scenario, Upstream, Wasm};

fn grpc(path: &str) -> Request {
    Request::post(path, "").header("content-type", "application/grpc")
}

#[test]
fn grpc_auth_random() {
    let status = |status| Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: if status == 0 { vec![Vec::new()] } else { Vec::new() },
        status,
        message: Vec::new(),
        after: Duration::ZERO,
    };
    let scenario = Scenario::new()
        .filter(filter(Wasm::package("fixture-grpc-auth-random")))
        .upstream(Upstream::replies("upstream", tollgate_host_test::Response::new(200)))
        .upstream(Upstream::grpc("grpcbin", vec![status(0), status(2), status(5)]))
        .request(Request::get("/"))
        .request(grpc("/grpc.reflection.v1/List"))
        .request(grpc("/hello.Hello/Say"))
        .request(grpc("/hello.Hello/Say"))
        .request(grpc("/hello.Hello/Say"));
    let outcome = both(scenario);
    outcome.has_statuses(&[503, 200, 200, 200, 200]);
    outcome.client(0).header("powered-by", "proxy-wasm").body("Service accessible only to gRPC clients.\n");
    outcome.client(1).header("powered-by", "proxy-wasm");
    outcome.callout("grpcbin", 0).start("POST grpcbin /grpcbin.GRPCBin/RandomError");
    outcome.upstream(2).start("POST tollgate.test /hello.Hello/Say");
    outcome.upstream(3).start("POST tollgate.test /hello.Hello/Say");
    outcome.client(4).header("grpc-status", "10").header("grpc-message", "Aborted by Proxy-Wasm!");
    assert!(outcome.exchanges[4].upstream.is_empty());
    outcome.has_logged(LogLevel::Info, "Access granted.").has_logged(LogLevel::Info, "Access forbidden.");
}

/// The scenario sets no metadata, so this only tests that missing metadata is not an error.
#[test]
fn envoy_filter_metadata() {
    let filter = filter(Wasm::package("fixture-envoy-filter-metadata"));
    let outcome = both(Scenario::new().filter(filter).request(Request::get("/")));
    outcome.client(0).start("200").no_header("powered-by").body("ok");
    outcome.upstream(0).start("GET tollgate.test /");
}
