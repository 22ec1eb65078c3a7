use super::*;
use crate::{
    Answer, Certificate, ClientView, Exchange, HeaderMatch, Headers, LogLevel, LogLine, PathMatch, Request,
    Response, RetryPolicy, Route, RouteAction, Script, StringMatch, TcpUpstream, Tls, UpstreamRequest,
    VirtualHost,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

fn parse(text: &str) -> ScenarioText {
    ScenarioText::parse(text, Path::new("s.yaml")).unwrap_or_else(|why| panic!("{why}"))
}

#[track_caller]
fn wrong(text: &str, message: &str) {
    let why = ScenarioText::parse(text, Path::new("s.yaml")).expect_err(text).to_string();
    assert_eq!(why, message);
}

#[test]
fn builds_the_same_scenario_as_rust_code() {
    let text = parse(
        r#"
upstreams:
  - name: api
    answers:
      - reply: {status: 201, headers: {a: ["1", "2"]}, body: [x, y], trailers: {t: v}, after: 5ms}
      - reset
    by_path: {/slow: [hang]}
  - {name: auth, http2: true, answers: [{grpc: {messages: [m], status: 7, message: no}}]}
requests:
  - {method: POST, path: /p?q, authority: a.test, headers: ["b: 1", "a: 2"], body: hi, trailers: {t: v}, certificate: b,
     server_name: a.test, peer: 127.0.0.7, metadata: {ns: {k: [1, {l: null}]}}, filter_state: {s: text}}
settings: {workers: 2, node: {id: n, metadata: {a: {b: 1}}}, generate_request_id: false, tls: certificate_required, tls_inspector: false,
  use_remote_address: true, xff_num_trusted_hops: 2, buffer_limit: 10, route_timeout: 1s, linger: 2s, client_patience: 3s, log_level: warn}
"#,
    );
    let mut expected = Scenario::new().request(
        Request::post("/p?q", "hi")
            .authority("a.test")
            .header("b", "1")
            .header("a", "2")
            .trailer("t", "v")
            .certificate(Certificate::B)
            .server_name("a.test")
            .peer([127, 0, 0, 7])
            .metadata("ns", json!({"k": [1, {"l": null}]}))
            .filter_state("s", "text"),
    );
    let response =
        Response::new(201).header("a", "1").header("a", "2").chunk("x").chunk("y").trailer("t", "v");
    let answers = vec![Answer::Reply { response, after: Duration::from_millis(5) }, Answer::Reset];
    let grpc = Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: vec![b"m".to_vec()],
        status: 7,
        message: b"no".to_vec(),
        after: Duration::ZERO,
    };
    expected.upstreams = vec![
        crate::Upstream::answers("api", answers).on("/slow", vec![Answer::Hang]),
        crate::Upstream::grpc("auth", vec![grpc]),
    ];
    expected = expected.settings(|s| {
        s.workers = 2;
        s.node.id = "n".into();
        s.node.metadata.insert("a".into(), json!({"b": 1}));
        s.generate_request_id = false;
        s.tls = Tls::CertificateRequired;
        s.tls_inspector = false;
        s.use_remote_address = true;
        s.xff_num_trusted_hops = 2;
        s.buffer_limit = 10;
        s.route_timeout = Duration::from_secs(1);
        s.linger = Duration::from_secs(2);
        s.client_patience = Duration::from_secs(3);
        s.log_level = LogLevel::Warn;
    });
    assert_eq!(format!("{:?}", text.scenario()), format!("{expected:?}"));
}

#[test]
fn builds_traffic_and_routes_as_rust_code_does() {
    let text = parse(
        r#"
routes:
  - {name: r, path_separated_prefix: /a, headers: {h: {not: {suffix: b}}}, query_parameters: {q: {present: true}},
     cluster_header: x-to, timeout: 1s, disabled: [f], metadata: {ns: {k: 1}},
     retry_policy: {retry_on: 5xx, num_retries: 3, per_try_timeout: 2s, retriable_status_codes: [418]}}
virtual_hosts: [{name: v, domains: [v.test], include_request_attempt_count: true, metadata: {ns: {k: 2}}, routes: []}]
requests:
  - {}
  - {after: 1s, concurrent: true, disconnect_after: 2s, http2: true, body: [{wait: 3ms}, a, {wait: 4ms}]}
tcp_upstream: {steps: [{receive: 1}, reset]}
connections: [{steps: [{send: a}, receive_end, shut_down, {wait: 1s}], patience: 5s}]
"#,
    );
    let seconds = Duration::from_secs;
    let policy = RetryPolicy {
        retry_on: "5xx".into(),
        num_retries: 3,
        per_try_timeout: seconds(2),
        retriable_status_codes: vec![418],
    };
    let action = RouteAction::ClusterHeader("x-to".into());
    let mut route = Route::new(PathMatch::Segments("/a".into()), action)
        .named("r")
        .query("q", StringMatch::Present)
        .timeout(seconds(1))
        .retry(policy)
        .disable("f")
        .metadata("ns", json!({"k": 1}));
    let value = StringMatch::Suffix("b".into());
    route.headers.push(HeaderMatch { name: "h".into(), value, invert: true });
    let mut host = VirtualHost::new("v", &["v.test"]);
    host.include_request_attempt_count = true;
    host.metadata.insert("ns".into(), json!({"k": 2}));
    let millis = Duration::from_millis;
    let request = Request::get("/")
        .after(seconds(1))
        .concurrent()
        .disconnect_after(seconds(2))
        .http2()
        .wait(millis(3))
        .chunk("a")
        .wait(millis(4))
        .chunk("");
    let client = Script::new().send("a").receive_end().shut_down().wait(seconds(1)).patience(seconds(5));
    let expected = Scenario::new()
        .settings(|settings| settings.virtual_hosts.push(host))
        .route(route)
        .request(Request::get("/"))
        .request(request)
        .tcp_upstream(TcpUpstream::Script(Script::new().receive(1).reset()))
        .connection(client);
    assert_eq!(format!("{:?}", text.scenario()), format!("{expected:?}"));
}

#[test]
fn errors_name_the_file_and_the_field() {
    let unknown = "unknown field `expct`, expected one of `method`, `path`, `authority`, `headers`, `body`, \
                   `trailers`, `after`, `concurrent`, `disconnect_after`, `http2`, `certificate`, `server_name`, `peer`, `metadata`, `filter_state`, `expect`";
    wrong("requests: [{expct: 1}]", &format!("`s.yaml`: `requests[0].expct`: {unknown}"));
    wrong(
        "upstreams: [{name: a, answers: [{reply: {after: 5}}]}]",
        "`s.yaml`: `upstreams[0].answers[0].reply.after`: invalid duration `5`, expected a value such as `5ms`, `1.5s` or `2m`",
    );
    wrong(
        "requests: [{expect: {headers: {a: {regex: '('}}}}]",
        "`s.yaml`: `requests[0].expect.headers.a`: invalid regular expression `(`",
    );
    wrong(
        "requests: [{}, {certificate: a}]",
        "`s.yaml`: `requests[1].certificate`: needs TLS, expected `settings.tls` to be \
         `certificate_optional` or `certificate_required`",
    );
    wrong(
        "requests: [{server_name: a.test}]",
        "`s.yaml`: `requests[0].server_name`: needs TLS, expected `settings.tls` to be \
         `certificate_optional` or `certificate_required`",
    );
    wrong(
        "requests: [{peer: 10.0.0.1}]",
        "`s.yaml`: `requests[0].peer`: invalid peer `10.0.0.1`, expected an address in 127.0.0.0/8",
    );
    wrong(
        "requests: [{metadata: {ns: {}}}]",
        "`s.yaml`: `requests[0].metadata.ns`: expected names that are not empty, and at least one field",
    );
    wrong(
        "requests: [{filter_state: {s: ''}}]",
        "`s.yaml`: `requests[0].filter_state.s`: invalid text \"\", expected the value of a header",
    );
    for nothing in ["{}", "description: later", "settings: {workers: 2}"] {
        wrong(nothing, "`s.yaml`: `requests`: expected at least one request, or a filter");
    }
    wrong("[]", "`s.yaml`: `.`: invalid type: array, expected an object");
    wrong("requests: [[]]", "`s.yaml`: `requests[0]`: invalid type: array, expected an object");
    wrong(
        "requests: [{expect: {status: many}}]",
        "`s.yaml`: `requests[0].expect.status`: invalid number `\"many\"`, expected an integer or some of `at_least`, `at_most`, `not`",
    );
    wrong("filters: [{}]", "`s.yaml`: `filters[0]`: expected exactly one of `module`, `package`, `native`");
    wrong("filters: [{module: no.wasm}]", "`s.yaml`: `filters[0].module`: `no.wasm` is not a file");
    wrong("settings: {workers: 0}", "`s.yaml`: `settings.workers`: `0` is out of range, expected 1 to 64");
    wrong("upstreams: [{name: a}, {name: a}]", "`s.yaml`: `upstreams[1].name`: duplicate upstream `a`");
    wrong(
        "expect: {callouts: {auth: []}}",
        "`s.yaml`: `expect.callouts.auth`: unknown upstream, expected the name of one in `upstreams`",
    );
}

fn outcome() -> Outcome {
    let mut headers = Headers::default();
    headers.push("x-a", "1");
    let request = UpstreamRequest {
        cluster: "api".into(),
        ended: true,
        method: "GET".into(),
        path: "/p".into(),
        authority: "a.test".into(),
        headers,
        body: Vec::new(),
        trailers: Headers::default(),
    };
    let client =
        ClientView::Response(Response::new(200).header("x-b", "1").header("x-b", "2").chunk(r#"{"k": 1}"#));
    let exchange = Exchange {
        client,
        upstream: vec![request.clone()],
        details: "via_upstream".into(),
        flags: "-".into(),
    };
    let hang = Exchange {
        client: ClientView::Hang,
        upstream: Vec::new(),
        details: String::new(),
        flags: "DC".into(),
    };
    let mut outcome = crate::Host::Emulator.run(&Scenario::new());
    outcome.exchanges = vec![exchange, hang];
    outcome.callouts = BTreeMap::from([("auth".into(), vec![request])]);
    outcome.metrics = BTreeMap::from([("m".into(), 2)]);
    outcome.logs = vec![LogLine { level: LogLevel::Info, text: "hello".into() }];
    outcome
}

/// Checks the outcome against the expectations of two requests and of the run.
fn failures(first: &str, second: &str, run: &str) -> Vec<String> {
    let text = format!(
        "upstreams: [{{name: api}}, {{name: auth}}]\nrequests: [{{expect: {first}}}, {{expect: {second}}}]\nexpect: {run}"
    );
    parse(&text).check(Host::Emulator, &Ok(outcome())).iter().map(ToString::to_string).collect()
}

#[test]
fn reports_no_failure_if_all_expectations_are_met() {
    let first = r#"{status: 200, headers: {X-B: ["1", {regex: '\d'}], x-c: null}, body: {json: {k: 1}},
        details: via_upstream, upstream_requests: 1, flags: '-',
        upstream: {cluster: api, method: GET, path: {prefix: /}, headers: {x-a: 1}}}"#;
    let run = "{metrics: {m: 2}, logs: [{level: info, text: {contains: ell}}], not_logged: [{text: bye}], \
               callouts: {auth: [{authority: {suffix: .test}}]}}";
    assert_eq!(failures(first, "{end: hang, flags: DC, upstream_requests: 0}", run), Vec::<String>::new());
}

#[test]
fn each_failure_names_the_expectation_and_the_actual_value() {
    let first = r#"{status: 403, end: reset, headers: {x-b: 1, x-c: {prefix: a}}, body: ok, details: other,
        upstream_requests: 2, upstream: {headers: {x-a: null}, body: b}}"#;
    let run = "{refused: true, metrics: {m: 3, n: 0}, logs: [{level: warn, text: hello}], not_logged: [{text: hello}], \
               callouts: {auth: []}}";
    let seen = failures(first, "{status: 200, upstream: {}}", run);
    let expected = [
        "expect.refused: expected a proxy that rejects the filters, saw one that started",
        "expect.logs[0]: expected a line at Warn: \"hello\", saw Info: \"hello\"",
        "expect.not_logged[0]: expected no line: \"hello\", saw \"hello\"",
        "requests[0].expect.status: expected 403, saw 200 (via_upstream)",
        "requests[0].expect.end: expected a closed connection, saw a response with status 200",
        "requests[0].expect.headers.x-b: expected \"1\", saw [\"1\", \"2\"]",
        "requests[0].expect.headers.x-c: expected text that begins with \"a\", saw no such field (fields: `x-b`, `x-b`)",
        r#"requests[0].expect.body: expected "ok", saw "{\"k\": 1}""#,
        "requests[0].expect.details: expected \"other\", saw \"via_upstream\"",
        "requests[0].expect.upstream_requests: expected 2 requests, saw 1 request",
        "requests[0].expect.upstream.headers.x-a: expected no such field, saw \"1\"",
        "requests[0].expect.upstream.body: expected \"b\", saw \"\"",
        "requests[1].expect.status: expected 200, saw no response within `client_patience`",
        "requests[1].expect.upstream: expected 1 request, saw no request",
        "expect.metrics.m: expected 3, saw 2",
        "expect.metrics.n: expected 0, saw no such metric",
        "expect.callouts.auth: expected no request, saw 1 request",
    ];
    assert_eq!(seen, expected);
}

#[test]
fn an_unexpected_hang_is_a_failure() {
    assert_eq!(
        failures("{}", "{}", "{}"),
        ["requests[1].expect.end: expected a response, saw no response within `client_patience`"]
    );
}

#[test]
fn an_unexpected_rejection_is_the_only_failure() {
    let refused = || Refused {
        reason: "no".into(),
        logs: vec![LogLine { level: LogLevel::Critical, text: "because".into() }],
    };
    let plain = parse("requests: [{expect: {status: 200}}]").check(Host::Emulator, &Err(refused()));
    assert_eq!(
        plain.iter().map(ToString::to_string).collect::<Vec<_>>(),
        ["expect.refused: expected a proxy that starts, saw an error: no"]
    );
    let expected = "{requests: [{}], expect: {refused: true, logs: [{level: critical, text: because}]}}";
    assert_eq!(parse(expected).check(Host::Emulator, &Err(refused())), []);
}
