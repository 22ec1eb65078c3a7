//! Traffic: concurrent and slow requests, disconnects, slow responses, bodies from files.

use crate::{guests, meets, run, wrong};
use std::path::Path;
use tollgate_host_test::scenario::text::ScenarioText;
use tollgate_host_test::{Host, on_both_hosts};

on_both_hosts! {
    fn concurrent_requests_are_in_progress_together(host) {
        let text = format!(
            "filters: [{{module: {}}}]
upstreams: [{{name: api, answers: [{{reply: {{after: 1s}}}}]}}]
requests:
  - {{path: /a, expect: {{status: 200, upstream: {{path: /a}}}}}}
  - {{path: /b, concurrent: true, after: 10ms, expect: {{status: 200, upstream: {{path: /b}}}}}}
  - {{path: /c, expect: {{status: 200, upstream: {{path: /c}}}}}}
expect: {{metrics: {{peak: 2, requests: 3}}}}",
            guests::counts()
        );
        meets(host, &text);
        meets(host, &text.replace("concurrent: true, after: 10ms, ", "").replace("peak: 2", "peak: 1"));
    }

    fn each_concurrent_client_gives_up(host) {
        let text = "upstreams: [{name: api, answers: [hang], by_path: {/ok: [{reply: {after: 100ms}}]}}]
settings: {client_patience: 2s}
requests:
  - {expect: {end: hang}}
  - {concurrent: true, path: /ok, expect: {status: 200}}
  - {concurrent: true, expect: {end: hang}}";
        meets(host, text);
    }

    fn a_client_disconnects_while_it_waits(host) {
        let text = format!(
            "filters: [{{module: {}}}]
upstreams: [{{name: api, answers: [hang]}}]
requests:
  - {{disconnect_after: 1s, expect: {{flags: DC, details: downstream_remote_disconnect, upstream_requests: 1}}}}
  - {{disconnect_after: 300ms, expect: {{end: reset}}}}",
            guests::pass()
        );
        meets(host, &text);
    }

    fn a_client_disconnects_between_two_pieces(host) {
        let text = format!(
            "filters: [{{module: {}}}]
requests:
  - {{method: POST, body: [one, {{wait: 60s}}, two], disconnect_after: 1s, expect: {{upstream: {{body: one, ended: false}}}}}}
expect: {{logs: [{{text: piece, count: 1}}]}}",
            guests::logs()
        );
        meets(host, &text);
        let (_, failures) = run(host, &text.replace("ended: false", "ended: true"));
        let ended = "requests[0].expect.upstream.ended: expected a whole request, saw a part of a request";
        assert_eq!(failures, [ended]);
    }

    fn slow_pieces_arrive_one_by_one(host) {
        let text = format!(
            "filters: [{{module: {}}}]
requests:
  - {{method: POST, body: [{{wait: 50ms}}, one, {{wait: 50ms}}, two, {{wait: 50ms}}],
     expect: {{status: 200, upstream: {{body: onetwo, ended: true}}}}}}
expect: {{log_order: [{{text: headers}}, {{text: piece}}, {{text: piece}}], logs: [{{text: piece, count: 3}}]}}",
            guests::logs()
        );
        meets(host, &text);
    }

    fn a_client_gives_up_between_pieces_of_a_response(host) {
        let text = "upstreams: [{name: api, answers: [{reply: {body: [one, {wait: 60s}, two]}}]}]
settings: {client_patience: 300ms}
requests: [{expect: {end: hang}}]";
        meets(host, text);
    }

    fn a_slow_response_arrives_whole(host) {
        let text = "upstreams: [{name: api, answers: [{reply: {body: [{wait: 50ms}, one, {wait: 50ms}, two]}}]}]
requests: [{expect: {status: 200, body: onetwo}}]";
        meets(host, text);
        meets(host, &text.replace("name: api,", "name: api, http2: true,"));
    }

    fn bodies_come_from_files(host) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("body.bin"), [0, 159, 146, 150]).unwrap();
        let text = "upstreams: [{name: api, answers: [{reply: {body: {file: body.bin}}}]}]
requests: [{method: POST, body: {file: body.bin}, expect: {body: {file: body.bin}, upstream: {body: {base64: AJ+Slg==}}}}]";
        let scenario = ScenarioText::parse(text, &folder.path().join("s.yaml")).unwrap();
        let outcome = host.try_run(scenario.scenario());
        assert_eq!(scenario.check(host, &outcome), []);
    }
}

#[test]
fn a_callout_waits_for_a_slow_response() {
    use serde_json::json;
    use std::time::Duration;
    use tollgate_host_test::{Answer, Filter, Request, Response, Scenario, Upstream, Wasm};
    let filter = Filter::new(Wasm::package("tollgate-example-authorize")).config(json!({"cluster": "auth"}));
    let slow = |wait| {
        let response = Response::new(200).chunk("a").wait(Duration::from_millis(wait)).chunk("b");
        Upstream::answers("auth", vec![Answer::Reply { response, after: Duration::ZERO }])
    };
    let scenario = |wait| {
        let request = Request::get("/").header("authorization", "Bearer x");
        let api = Upstream::replies("api", Response::new(200));
        Scenario::new().filter(filter.clone()).upstream(api).upstream(slow(wait)).request(request)
    };
    let waited = |wait| {
        let scenario = scenario(wait);
        let mut emulator = tollgate_host_test::emulator::Emulator::new(&scenario).unwrap();
        let handle = emulator.request(0, &scenario.requests[0]);
        emulator.finish_request(handle);
        emulator.now()
    };
    let (short, long) = (waited(10), waited(20));
    assert_eq!(long - short, Duration::from_millis(10));
    for host in [Host::Emulator, Host::Envoy] {
        host.run(&scenario(10)).has_statuses(&[200]);
    }
}

#[test]
fn http2_clients_send_and_receive_every_part() {
    let text = format!(
        "filters: [{{module: {}}}]
upstreams: [{{name: api, answers: [{{reply: {{headers: {{x-a: [1, 2]}}, body: [one, two], trailers: {{x-t: v}}}}}}, hang]}}]
requests:
  - {{http2: true, method: POST, body: [a, {{wait: 20ms}}, b], trailers: {{x-u: w}},
     expect: {{status: 200, headers: {{x-a: ['1', '2']}}, body: onetwo, trailers: {{x-t: v}},
       upstream: {{body: ab, trailers: {{x-u: w}}}}}}}}
  - {{http2: true, disconnect_after: 1s, expect: {{flags: DC, upstream_requests: 1}}}}
  - {{http2: true, expect: {{end: hang}}}}
settings: {{client_patience: 2s}}
expect: {{logs: [{{text: headers, count: 3}}]}}",
        guests::logs()
    );
    tollgate_host_test::on_envoy(|| meets(Host::Envoy, &text));
    let why = crate::parse(&text).unsupported(Host::Emulator).unwrap();
    assert_eq!(why, "`requests[0].http2`: only Envoy has HTTP/2 clients, run the scenario on Envoy");
}

#[test]
fn errors_name_the_field() {
    wrong(
        "settings: {tls: certificate_optional}\nrequests: [{http2: true}]",
        "`requests[0].http2`: is not possible with TLS, expected `settings.tls` to be `off`",
    );
    wrong(
        "requests: [{http2: true, headers: {'a b': c}}]",
        "`requests[0].http2`: HTTP/2 cannot carry `a b: c`",
    );
    wrong(
        "requests: [{concurrent: true}]",
        "`requests[0].concurrent`: no request comes before it, expected `false`",
    );
    wrong("requests: [{disconnect_after: 0s}]", "`requests[0].disconnect_after`: expected more than `0s`");
    wrong(
        "upstreams: [{name: a, answers: [reset, {reset_mid_response: {body: [a, {wait: 1s}, b]}}]}]\nrequests: [{}]",
        "`upstreams[0].answers[1].reset_mid_response.body`: `wait` is not possible here",
    );
    wrong(
        "requests: [{body: {file: gone.bin}}]",
        "`requests[0].body`: cannot read `gone.bin`: No such file or directory (os error 2)",
    );
    assert!(ScenarioText::read(Path::new("gone.yaml")).is_err());
}
