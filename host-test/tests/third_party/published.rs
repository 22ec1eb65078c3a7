//! The published examples in the packages of `proxy-wasm`. Version 0.1.4 uses ABI 0.1.0, and 0.2.0 uses ABI
//! 0.2.1. Later packages contain no examples. The examples of 0.1.0 define a `malloc` that conflicts with
//! that of `wasm32-wasip1`.

use crate::both::{both, filter};
use std::time::Duration;
use tollgate_host_test::{Answer, LogLevel, Outcome, Request, Response, Scenario, Upstream, Wasm};

const OLD: &str = "0.1.4";
const NEW: &str = "0.2.0";

fn example(version: &str, name: &str) -> Scenario {
    let wasm = Wasm::published("proxy-wasm", version, name);
    Scenario::new().filter(filter(wasm)).settings(|s| s.log_level = LogLevel::Trace)
}

/// Declares one test per package for each check.
macro_rules! with_each_version {
    ($($check:ident)*) => { $(
        mod $check {
            #[test]
            fn of_abi_0_1_0() {
                super::super::$check(super::super::OLD);
            }

            #[test]
            fn of_abi_0_2_1() {
                super::super::$check(super::super::NEW);
            }
        }
    )* };
}

mod examples {
    with_each_version! { hello_world http_auth_random http_body http_config http_headers }
}

fn hello_world(version: &str) {
    // The filter ticks every five seconds. Stopping Envoy takes additional time.
    let wait = |s: &mut tollgate_host_test::Settings| s.linger = Duration::from_millis(5_500);
    let outcome = both(example(version, "hello_world").settings(wait));
    let logged = |text| outcome.logs.iter().filter(|line| line.text.contains(text)).count();
    // Logged by the canary, the main thread and the worker. The canary ends before its first tick.
    assert_eq!((logged("Hello, World!"), logged("your lucky number is N.")), (3, 2));

    // The example has no HTTP context, so the SDK panics when the host creates a stream.
    let outcome = both(example(version, "hello_world").request(Request::get("/")));
    outcome.has_statuses(&[503]).has_logged(LogLevel::Critical, "missing ContextType on root_context");
}

fn http_auth_random(version: &str) {
    let random =
        |byte: &[u8]| Answer::Reply { response: Response::new(200).chunk(byte), after: Duration::ZERO };
    let scenario = example(version, "http_auth_random")
        .upstream(Upstream::replies("upstream", Response::new(200).chunk("let in")))
        .upstream(Upstream::answers("httpbin", vec![random(&[2]), random(&[1]), Answer::Refuse]));
    let outcome = both((0..3).fold(scenario, |scenario, _| scenario.request(Request::get("/"))));
    outcome.has_statuses(&[200, 403, 403]);
    outcome.callout("httpbin", 0).start("GET httpbin.org /bytes/1");
    outcome.client(0).header("powered-by", "proxy-wasm").body("let in");
    outcome.client(1).header("powered-by", "proxy-wasm").body("Access forbidden.\n");
    assert!(outcome.exchanges[1].upstream.is_empty());
    outcome.has_logged(LogLevel::Trace, "Access granted.").has_logged(LogLevel::Trace, "Access forbidden.");
}

fn http_body(version: &str) {
    let answers = ["a sec", "ret in two pieces"];
    let secret = answers.iter().fold(Response::new(200), |response, piece| response.chunk(piece));
    let open = Response::new(200).chunk("nothing to hide");
    let reply = |response| Answer::Reply { response, after: Duration::ZERO };
    let scenario = example(version, "http_body")
        .upstream(Upstream::answers("upstream", vec![reply(secret), reply(open)]))
        .request(Request::get("/"))
        .request(Request::get("/"));
    let outcome = both(scenario);
    outcome.client(0).no_header("content-length").body("Original message body (22 bytes) redacted.");
    outcome.client(1).no_header("content-length").body("nothing to hide");
}

fn http_config(version: &str) {
    let configured = |text: &str| -> Outcome {
        let mut scenario = example(version, "http_config").request(Request::get("/"));
        if let Some(filter) = scenario.filters.first_mut() {
            *filter = filter.clone().config_text(text);
        }
        both(scenario)
    };
    configured("a value").client(0).header("custom-header", "a value");
    // With an empty configuration, both versions send the header without a value.
    configured("").client(0).header("custom-header", "");
}

fn http_headers(version: &str) {
    let scenario = example(version, "http_headers")
        .request(Request::get("/hello"))
        .request(Request::get("/other").header("x-one", "1").header("x-one", "2"));
    let outcome = both(scenario);
    outcome
        .client(0)
        .start("200")
        .header("hello", "World")
        .header("powered-by", "proxy-wasm")
        .body("Hello, World!\n");
    assert!(outcome.exchanges[0].upstream.is_empty());
    outcome.client(1).start("200").body("ok");
    for line in ["-> :path: /other", "-> x-one: 1", "-> x-one: 2", "<- :status: 200", " completed."] {
        outcome.has_logged(LogLevel::Trace, line);
    }
}
