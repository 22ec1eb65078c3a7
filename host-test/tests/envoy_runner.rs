//! Scenarios without filters on a real Envoy: client and upstream receive exactly what the other side sends.

#![allow(clippy::disallowed_methods, reason = "real processes, by the wall clock, within bounds")]
#![allow(clippy::panic, reason = "tests, their helpers among them")]

use std::time::{Duration, Instant};
use tollgate_host_test::{
    Answer, ClientView, Exchange, Headers, Host, Request, Response, Scenario, Upstream,
};

/// Runs a scenario with this upstream and this request. Returns its exchange.
fn exchange(upstream: Upstream, request: Request) -> Exchange {
    let mut outcome = Host::Envoy.run(&Scenario::new().upstream(upstream).request(request));
    assert_eq!(outcome.exchanges.len(), 1);
    outcome.exchanges.remove(0)
}

fn response(exchange: &Exchange) -> &Response {
    match &exchange.client {
        ClientView::Response(response) => response,
        other => panic!("{other:?} ({})", exchange.details),
    }
}

fn names(headers: &Headers) -> Vec<String> {
    headers.0.iter().map(|(n, _)| n.escape_ascii().to_string()).collect()
}

#[test]
fn the_default_upstream_answers_ok() {
    let started = Instant::now();
    let outcome = Host::Envoy.run(&Scenario::new().request(Request::get("/a?b=c").header("X-One", "1")));
    println!("one run took {:?}", started.elapsed());
    let exchange = &outcome.exchanges[0];
    let response = response(exchange);
    assert_eq!((response.status, response.body()), (200, b"ok".to_vec()));
    assert_eq!(names(&response.headers), ["content-length", "x-envoy-upstream-service-time", "server"]);
    assert_eq!(exchange.details, "via_upstream");
    let upstream = &exchange.upstream[0];
    assert_eq!((upstream.method.as_str(), upstream.path.as_str()), ("GET", "/a?b=c"));
    assert_eq!(upstream.authority, "tollgate.test");
    assert_eq!(
        names(&upstream.headers),
        ["x-one", "x-forwarded-proto", "x-request-id", "x-envoy-expected-rq-timeout-ms"]
    );
    assert!(outcome.metrics.is_empty() && outcome.logs.is_empty() && outcome.callouts.is_empty());
}

#[test]
fn header_bytes_order_and_repeats_are_kept() {
    let long = vec![b'x'; 50_000];
    let request =
        Request::get("/").header("B", b"\xff\x80").header("a", "1").header("b", "").header("long", &long);
    let reply = Response::new(299).header("R", b"\xff").header("q", "1").header("r", "2").chunk("");
    let exchange = exchange(Upstream::replies("u", reply), request);
    let seen = &exchange.upstream[0].headers;
    assert_eq!(names(seen)[..4], ["b", "a", "b", "long"]);
    assert_eq!(seen.get_all("b").collect::<Vec<_>>(), [b"\xff\x80".as_slice(), b""]);
    assert_eq!(seen.get("long"), Some(long.as_slice()));
    let response = response(&exchange);
    assert_eq!(response.status, 299);
    assert_eq!(names(&response.headers)[..3], ["r", "q", "r"]);
    assert_eq!(response.headers.get_all("r").collect::<Vec<_>>(), [b"\xff".as_slice(), b"2"]);
}

#[test]
fn bodies_and_trailers_are_kept() {
    let reply = Response::new(200).chunk("one").chunk([0, 255]).trailer("x-t", "r");
    let request = Request::post("/", "a").chunk("").chunk("bc").trailer("X-T", b"\xfe");
    let exchange = exchange(Upstream::replies("u", reply), request);
    let upstream = &exchange.upstream[0];
    assert_eq!(upstream.body, b"abc");
    assert_eq!(upstream.trailers.get("x-t"), Some(b"\xfe".as_slice()));
    assert_eq!(upstream.headers.get("transfer-encoding"), Some(b"chunked".as_slice()));
    let response = response(&exchange);
    assert_eq!(response.body(), b"one\x00\xff");
    assert_eq!(response.trailers.get("x-t"), Some(b"r".as_slice()));
}

#[test]
fn large_bodies_are_kept() {
    let large: Vec<u8> = (0..5_000_000u32).map(|i| i.to_le_bytes()[1]).collect();
    for http2 in [false, true] {
        let mut upstream = Upstream::replies("u", Response::new(200).chunk(&large));
        upstream.http2 = http2;
        let exchange = exchange(upstream, Request::post("/", &large));
        assert!(exchange.upstream[0].body == large && response(&exchange).body() == large, "http2: {http2}");
    }
}

#[test]
fn responses_to_head_and_204_have_no_body() {
    let head = exchange(Upstream::replies("u", Response::new(200).chunk("abc")), Request::new("HEAD", "/"));
    assert_eq!(response(&head).headers.get("content-length"), None);
    let head = Upstream::replies("u", Response::new(200).header("content-length", "3"));
    let head = exchange(head, Request::new("HEAD", "/"));
    assert_eq!(response(&head).headers.get("content-length"), Some(b"3".as_slice()));
    assert_eq!(response(&head).body(), b"");
    let empty = exchange(Upstream::replies("u", Response::new(204)), Request::get("/"));
    assert_eq!((response(&empty).status, response(&empty).body()), (204, Vec::new()));
}

#[test]
fn answers_are_given_in_order_and_the_last_repeats() {
    let reply = |n: &str| Answer::Reply { response: Response::new(200).chunk(n), after: Duration::ZERO };
    let mut scenario = Scenario::new().upstream(Upstream::answers("u", vec![reply("1"), reply("2")]));
    for path in ["/1", "/2", "/3"] {
        scenario = scenario.request(Request::get(path));
    }
    let outcome = Host::Envoy.run(&scenario);
    let bodies: Vec<_> = outcome.exchanges.iter().map(|e| response(e).body()).collect();
    assert_eq!(bodies, [b"1", b"2", b"2"]);
    let paths: Vec<_> = outcome.exchanges.iter().map(|e| e.upstream[0].path.as_str()).collect();
    assert_eq!(paths, ["/1", "/2", "/3"]);
}

#[test]
fn a_late_answer_exceeds_the_route_timeout() {
    let answer = Answer::Reply { response: Response::new(200), after: Duration::from_millis(600) };
    let scenario = |timeout| {
        let upstream = Upstream::answers("u", vec![answer.clone()]);
        let scenario = Scenario::new().upstream(upstream).request(Request::get("/"));
        scenario.settings(|s| s.route_timeout = Duration::from_millis(timeout))
    };
    let started = Instant::now();
    let outcome = Host::Envoy.run(&scenario(5000));
    assert!(started.elapsed() >= Duration::from_millis(600));
    assert_eq!(response(&outcome.exchanges[0]).status, 200);
    let outcome = Host::Envoy.run(&scenario(100));
    assert_eq!(response(&outcome.exchanges[0]).status, 504);
    assert_eq!(outcome.exchanges[0].details, "response_timeout");
    assert_eq!(outcome.exchanges[0].upstream.len(), 1);
}

#[test]
fn an_upstream_resets_before_and_during_its_answer() {
    for http2 in [false, true] {
        let of = |answer| Upstream { http2, ..Upstream::answers("u", vec![answer]) };
        let before = exchange(of(Answer::Reset), Request::post("/", "body"));
        assert_eq!(response(&before).status, 503);
        assert_eq!(before.details, "upstream_reset_before_response_started{connection_termination}");
        assert_eq!(before.upstream[0].body, b"body");
        let bodies =
            [Response::new(200), Response::new(200).chunk("abcd"), Response::new(200).chunk("a").chunk("b")];
        for body in bodies {
            let amid = exchange(of(Answer::ResetMidResponse(body)), Request::get("/"));
            assert_eq!(amid.client, ClientView::Reset, "http2: {http2}");
            // In HTTP/1, Envoy takes the end of the connection for the end of the message, which is
            // incomplete here.
            let why = if http2 { "connection_termination" } else { "protocol_error" };
            assert_eq!(amid.details, format!("upstream_reset_after_response_started{{{why}}}"));
            assert_eq!(amid.upstream.len(), 1);
        }
    }
}

#[test]
fn a_refusing_upstream_receives_nothing() {
    let refused = exchange(Upstream::answers("u", vec![Answer::Refuse]), Request::get("/"));
    assert_eq!(response(&refused).status, 503);
    assert!(refused.details.contains("connection_failure"), "{}", refused.details);
    assert!(refused.details.contains("Connection_refused"), "{}", refused.details);
    assert!(refused.upstream.is_empty());
}

#[test]
fn a_refusal_is_one_of_several_answers() {
    for http2 in [false, true] {
        let reply = Answer::Reply { response: Response::new(200), after: Duration::ZERO };
        let answers =
            vec![Answer::Refuse, reply.clone(), Answer::Refuse, Answer::Refuse, reply, Answer::Refuse];
        let mut scenario = Scenario::new().upstream(Upstream { http2, ..Upstream::answers("u", answers) });
        for _ in 0..7 {
            scenario = scenario.request(Request::get("/"));
        }
        let outcome = Host::Envoy.run(&scenario);
        let statuses: Vec<_> = outcome.exchanges.iter().map(|e| response(e).status).collect();
        assert_eq!(statuses, [503, 200, 503, 503, 200, 503, 503], "http2: {http2}");
    }
}

#[test]
fn a_hanging_upstream_times_out() {
    for http2 in [false, true] {
        let upstream = Upstream { http2, ..Upstream::answers("u", vec![Answer::Hang]) };
        let scenario = Scenario::new().upstream(upstream).request(Request::get("/"));
        let outcome = Host::Envoy.run(&scenario.settings(|s| s.route_timeout = Duration::from_millis(200)));
        assert_eq!(response(&outcome.exchanges[0]).status, 504);
    }
}

#[test]
fn a_client_gives_up_after_twenty_seconds() {
    let upstream = Upstream::answers("u", vec![Answer::Hang]);
    let scenario = Scenario::new().upstream(upstream).request(Request::get("/"));
    let outcome = Host::Envoy.run(&scenario.settings(|s| s.route_timeout = Duration::ZERO));
    assert_eq!(outcome.exchanges[0].client, ClientView::Hang);
    assert_eq!(outcome.exchanges[0].details, "downstream_remote_disconnect");
}

#[test]
fn http2_upstreams_receive_and_send_trailers() {
    let reply = Response::new(200).header("a", b"\xff").chunk("1").chunk("2").trailer("t", "v");
    let upstream = Upstream { http2: true, ..Upstream::replies("u", reply) };
    let exchange = exchange(upstream, Request::post("/p?q", "x").header("h", b"\xff").trailer("rt", "rv"));
    let seen = &exchange.upstream[0];
    assert_eq!(
        (seen.path.as_str(), seen.authority.as_str(), seen.body.as_slice()),
        ("/p?q", "tollgate.test", b"x".as_slice())
    );
    assert_eq!(
        (seen.headers.get("h"), seen.trailers.get("rt")),
        (Some(b"\xff".as_slice()), Some(b"rv".as_slice()))
    );
    let response = response(&exchange);
    assert_eq!((response.body(), response.headers.get("a")), (b"12".to_vec(), Some(b"\xff".as_slice())));
    assert_eq!(response.trailers.get("t"), Some(b"v".as_slice()));
}

#[test]
fn grpc_answers_have_frames_and_a_status() {
    let mut initial_metadata = Headers::default();
    initial_metadata.push("m", "d");
    let messages = vec![b"one".to_vec(), Vec::new()];
    let answer = Answer::Grpc {
        initial_metadata,
        messages,
        status: 5,
        message: b"none\xff".to_vec(),
        after: Duration::ZERO,
    };
    let request = Request::post("/s/m", b"\0\0\0\0\x01x")
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    let exchange = exchange(Upstream::grpc("u", vec![answer]), request);
    assert_eq!(exchange.upstream[0].body, b"\0\0\0\0\x01x");
    let response = response(&exchange);
    assert_eq!(response.body(), b"\0\0\0\0\x03one\0\0\0\0\0");
    assert_eq!(response.headers.get("m"), Some(b"d".as_slice()));
    assert_eq!(response.trailers.get("grpc-status"), Some(b"5".as_slice()));
    assert_eq!(response.trailers.get("grpc-message"), Some(b"none\xff".as_slice()));
}

#[test]
fn runs_do_not_disturb_each_other() {
    std::thread::scope(|scope| {
        let run = |i: u16| {
            let body = i.to_string();
            let exchange =
                exchange(Upstream::replies("u", Response::new(200).chunk(&body)), Request::get("/"));
            assert_eq!(response(&exchange).body(), body.into_bytes());
        };
        for i in 0..4 {
            scope.spawn(move || run(i));
        }
    });
}

#[test]
fn the_proxy_rejects_invalid_http() {
    let exchange = exchange(Upstream::replies("u", Response::new(200)), Request::get("/").header("a b", "c"));
    assert_eq!(response(&exchange).status, 400);
    assert_eq!(exchange.details, "http1.codec_error");
    assert!(exchange.upstream.is_empty());
}
