//! The same configuration in Envoy's own fault filter and in this filter, each in an Envoy: both give the
//! same responses, and the same distribution of faults.
//!
//! Left out, because the page announces a difference: response flags, faults that stay active after their
//! delay, and requests with two faults that count twice in `faults_overflow`. The mark is off.

use crate::live::{Client, address, envoy, with_filters};
use crate::support::with;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::Process;
use tollgate_host_test::{ClientView, Host, Outcome, Request, Response, Scenario, Upstream};

const TYPE: &str = "type.googleapis.com/envoy.extensions.filters.http.fault.v3.HTTPFault";

/// Sends requests through both filters.
fn both(config: &Value, requests: &[Request]) -> [Outcome; 2] {
    let mut native = config.clone();
    native["@type"] = TYPE.into();
    let run = |scenario: Scenario| {
        let scenario = scenario.upstream(Upstream::replies("shop", Response::new(200).chunk("hello")));
        Host::Envoy.run(&requests.iter().cloned().fold(scenario, Scenario::request))
    };
    let ours = with(json!({"envoy": config, "mark": {"response": false}}));
    [run(Scenario::new().native_filter("envoy.filters.http.fault", native)), run(ours)]
}

/// Status, headers without those that depend on time, body and details of each response.
fn seen(outcome: &Outcome) -> Vec<String> {
    let text = |view: &ClientView| match view {
        ClientView::Response(response) => {
            let mut response = response.clone();
            for name in ["date", "x-envoy-upstream-service-time"] {
                response.headers.remove(name);
            }
            response.headers.0.sort();
            format!("{response:?}")
        }
        other => format!("{other:?}"),
    };
    let each = outcome.exchanges.iter();
    each.map(|exchange| format!("{} {}", text(&exchange.client), exchange.details)).collect()
}

fn asking(headers: &[(&str, &str)]) -> Request {
    headers.iter().fold(Request::get("/"), |request, (name, value)| request.header(name, value))
}

#[test]
fn responses_are_those_of_the_native_filter() {
    let all = json!({"numerator": 100});
    let grpc = || Request::post("/shop.Cart/Get", "").header("content-type", "application/grpc");
    let from_headers = json!({
        "abort": {"header_abort": {}, "percentage": all}, "delay": {"header_delay": {}, "percentage": all},
    });
    let asked = [
        asking(&[("x-envoy-fault-abort-request", "418")]),
        asking(&[("x-envoy-fault-abort-grpc-request", "5")]),
        asking(&[("x-envoy-fault-abort-request", "404"), ("x-envoy-fault-abort-grpc-request", "5")]),
        asking(&[("x-envoy-fault-abort-request", "199")]),
        asking(&[("x-envoy-fault-abort-request", "600")]),
        asking(&[("x-envoy-fault-abort-request", "abc")]),
        asking(&[("x-envoy-fault-abort-request", "503"), ("x-envoy-fault-abort-request-percentage", "0")]),
        asking(&[("x-envoy-fault-delay-request", "5"), ("x-envoy-fault-abort-request", "503")]),
        asking(&[("x-envoy-fault-delay-request", "x")]),
        grpc().header("x-envoy-fault-abort-request", "429"),
        grpc().header("x-envoy-fault-abort-grpc-request", "14"),
    ];
    for (config, requests) in [
        (json!({"abort": {"http_status": 503, "percentage": all}}), vec![Request::get("/"), grpc()]),
        (json!({"abort": {"grpc_status": 14, "percentage": all}}), vec![Request::get("/"), grpc()]),
        (json!({"abort": {"http_status": 503}}), vec![Request::get("/")]),
        (
            json!({"delay": {"fixed_delay": "0.01s", "percentage": all}, "abort": {"http_status": 500, "percentage": all}}),
            vec![Request::get("/"), Request::post("/", "body")],
        ),
        (from_headers, asked.to_vec()),
        (
            json!({"abort": {"http_status": 503, "percentage": all}, "headers": [
                {"name": "x-a", "string_match": {"prefix": "b"}},
                {"name": "x-n", "range_match": {"start": 2, "end": 5}, "invert_match": true},
            ]}),
            vec![
                asking(&[("x-a", "bc"), ("x-n", "7")]),
                asking(&[("x-a", "bc"), ("x-n", "3")]),
                asking(&[("x-a", "bc")]),
                asking(&[("x-a", "cb"), ("x-n", "7")]),
            ],
        ),
        (
            json!({"abort": {"http_status": 503, "percentage": all}, "downstream_nodes": ["n1"]}),
            vec![
                asking(&[("x-envoy-downstream-service-node", "n1")]),
                asking(&[("x-envoy-downstream-service-node", "n2")]),
                asking(&[]),
            ],
        ),
        (
            json!({"abort": {"http_status": 503, "percentage": all}, "upstream_cluster": "shop"}),
            vec![Request::get("/")],
        ),
        (
            json!({"abort": {"http_status": 503, "percentage": all}, "upstream_cluster": "other"}),
            vec![Request::get("/")],
        ),
        (
            json!({"abort": {"http_status": 503, "percentage": all}, "max_active_faults": 0}),
            vec![Request::get("/")],
        ),
    ] {
        let [native, ours] = both(&config, &requests);
        for (index, (native, ours)) in seen(&native).iter().zip(seen(&ours)).enumerate() {
            assert_eq!(ours, *native, "{config}\n{:?}", requests[index]);
        }
    }
}

/// Numbers of requests without a fault, with a delay, with an abort, and with both; and the statistics of
/// delays and aborts. What takes almost as long as a delay was delayed: Envoy's timers can be early.
#[allow(clippy::disallowed_methods, reason = "clients of a real Envoy have a real clock")]
fn drawn(envoy: &Process, prefix: &str) -> ([f64; 4], [u64; 2]) {
    let client = || {
        let mut client = Client::new(address(envoy));
        let mut counts = [0; 4];
        for _ in 0..REQUESTS / CLIENTS {
            let start = Instant::now();
            let aborted = client.ask("/") == 503;
            counts[2 * usize::from(aborted) + usize::from(start.elapsed() >= DELAY * 9 / 10)] += 1;
        }
        counts
    };
    let counts = std::thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS).map(|_| scope.spawn(client)).collect();
        clients.into_iter().fold([0.0; 4], |mut sum, client| {
            sum.iter_mut().zip(client.join().unwrap()).for_each(|(sum, count)| *sum += f64::from(count));
            sum
        })
    });
    let stats = envoy.stats_matching("delays_injected|aborts_injected").unwrap();
    (counts, ["delays_injected", "aborts_injected"].map(|name| stats[&format!("{prefix}.{name}")]))
}

const REQUESTS: usize = 4_000;
const CLIENTS: usize = 32;
const DELAY: Duration = Duration::from_millis(100);

/// Delay and abort are drawn separately. Chi-square tests with three degrees of freedom compare the four
/// numbers of each filter with their expectations, and those of both filters with each other. Each may fail
/// by chance once in a million runs.
#[test]
fn faults_have_the_distribution_of_the_native_filter() {
    const BOUND: f64 = 30.665;
    const SHARES: [f64; 4] = [0.45, 0.3, 0.15, 0.1];
    let config = json!({
        "delay": {"fixed_delay": "0.100s", "percentage": {"numerator": 4000, "denominator": "TEN_THOUSAND"}},
        "abort": {"http_status": 503, "percentage": {"numerator": 250_000, "denominator": "MILLION"}},
    });
    tollgate_host_test::on_envoy(|| {
        let mut native = config.clone();
        native["@type"] = TYPE.into();
        let native = json!({"name": "envoy.filters.http.fault", "typed_config": native});
        let (native, native_statistics) = drawn(&with_filters(vec![native], None, 2), "http.ingress.fault");
        let (ours, our_statistics) = drawn(&envoy(json!({ "envoy": config }), 2), "wasmcustom.fault");
        let is_close = |counts: &[f64; 4]| {
            let terms = counts.iter().zip(SHARES.map(|share| share * REQUESTS as f64));
            terms.map(|(count, mean)| (count - mean).powi(2) / mean).sum::<f64>()
        };
        let both: f64 = native.iter().zip(&ours).map(|(a, b)| (a - b).powi(2) / (a + b)).sum();
        let chi = [is_close(&native), is_close(&ours), both];
        println!("chi-square of native, ours, both: {chi:.1?}; {native:?} {ours:?}");
        assert!(chi.iter().all(|chi| *chi <= BOUND), "{chi:?} {native:?} {ours:?}");
        for (counts, [delays, aborts]) in [(native, native_statistics), (ours, our_statistics)] {
            assert_eq!(counts[2] + counts[3], aborts as f64);
            // A request without a delay may take as long on a busy machine.
            let measured = (counts[1] + counts[3]) as u64;
            assert!((delays..=delays + REQUESTS as u64 / 100).contains(&measured), "{delays} {measured}");
        }
    });
}

/// After ten requests, the statistics that both filters have are equal.
#[test]
fn statistics_are_those_of_the_native_filter() {
    const NAMES: [&str; 5] =
        ["aborts_injected", "delays_injected", "response_rl_injected", "faults_overflow", "active_faults"];
    let all = json!({"numerator": 100});
    tollgate_host_test::on_envoy(|| {
        for (config, expected) in [
            (json!({"abort": {"http_status": 503, "percentage": all}}), [10, 0, 0, 0, 0]),
            (json!({"delay": {"fixed_delay": "0.001s", "percentage": all}}), [0, 10, 0, 0, 0]),
            (
                json!({"delay": {"fixed_delay": "0.001s", "percentage": all}, "abort": {"grpc_status": 14, "percentage": all}}),
                [10, 10, 0, 0, 0],
            ),
            (
                json!({"response_rate_limit": {"fixed_limit": {"limit_kbps": 1}, "percentage": all}}),
                [0, 0, 10, 0, 0],
            ),
            (
                json!({"abort": {"http_status": 503, "percentage": all}, "max_active_faults": 0}),
                [0, 0, 0, 10, 0],
            ),
            (json!({"abort": {"http_status": 503, "percentage": {"numerator": 0}}}), [0; 5]),
        ] {
            let mut native = config.clone();
            native["@type"] = TYPE.into();
            let native = json!({"name": "envoy.filters.http.fault", "typed_config": native});
            let envoys = [
                (with_filters(vec![native], None, 1), "http.ingress.fault"),
                (envoy(json!({ "envoy": config }), 1), "wasmcustom.fault"),
            ];
            for (envoy, prefix) in &envoys {
                let mut client = Client::new(address(envoy));
                (0..10).for_each(|_| assert!(client.ask("/") > 0));
                let stats = envoy.stats_matching("fault").unwrap();
                let found = NAMES.map(|name| stats[&format!("{prefix}.{name}")]);
                assert_eq!(found, expected, "{prefix} {config}");
            }
        }
    });
}
