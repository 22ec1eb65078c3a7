//! Retries by the filter, for what the router cannot handle.

use crate::support::{attempts, config, filter, grpc, reply, status, with_rule};
use serde_json::{Value, json};
use tollgate_host_test::{Answer, Headers, Request, Response, Scenario, Upstream, on_both_hosts};

/// A rule whose retries are all made by the filter.
fn replay(replay: Value) -> Scenario {
    with_rule(
        json!({"num_retries": 0, "replay": replay, "safe": {"grpc_methods": [{"prefix": "/shop.Stock/"}]}}),
    )
}

fn call(path: &str) -> Request {
    Request::post(path, "\0\0\0\0\x01?").header("content-type", "application/grpc").header("te", "trailers")
}

on_both_hosts! {
    fn a_status_is_replayed(host) {
        let upstream = Upstream::answers("upstream", vec![
            reply(Response::new(503).header("x-from", "first").chunk("a long body of the first response")),
            reply(Response::new(201).header("x-from", "second").header("set-cookie", "a").header("set-cookie", "b").chunk("ok")),
        ]);
        let scenario = replay(json!({"retriable_status_codes": ["5xx"]})).upstream(upstream);
        let request = Request::new("PUT", "/a?b=c").header("x-own", "1").chunk("the ").chunk("body");
        let outcome = host.run(&scenario.request(request));
        outcome.has_statuses(&[201]).has_metric("retry.retries.status", 1).has_metric("retry.succeeded_after_retry", 1);
        outcome.client(0).body("ok").header("x-from", "second").header("x-attempts", "2").headers("set-cookie", &["a", "b"]);
        let repeated = &outcome.callouts["upstream"][0];
        assert_eq!((repeated.method.as_str(), repeated.path.as_str()), ("PUT", "/a?b=c"));
        assert_eq!((repeated.authority.as_str(), repeated.body.as_slice()), ("tollgate.test", b"the body".as_slice()));
        assert_eq!(repeated.headers.get("x-own"), Some(b"1".as_slice()));
    }

    /// The host lets no filter add a body to a response without one.
    fn a_response_without_a_body_is_replaced_by_a_reply(host) {
        let upstream = Upstream::answers("upstream", vec![reply(Response::new(503)), status(200)]);
        let scenario = replay(json!({"retriable_status_codes": [503]})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]).has_details(0, "retry_replayed");
        outcome.client(0).body("200").header("x-attempts", "2");
    }

    fn a_head_request_is_replayed(host) {
        let ok = reply(Response::new(200).header("content-length", "7").header("x-from", "second"));
        let upstream = Upstream::answers("upstream", vec![reply(Response::new(503)), ok]);
        let scenario = replay(json!({"retriable_status_codes": [503]})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::new("HEAD", "/")));
        outcome.has_statuses(&[200]);
        outcome.client(0).header("x-from", "second").body("");
    }

    fn a_header_is_replayed(host) {
        let again = reply(Response::new(200).header("x-again", "yes").chunk("no"));
        let upstream = Upstream::answers("upstream", vec![again, status(200)]);
        let scenario = replay(json!({"retriable_headers": [{"name": "x-again", "exact": "yes"}]})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.client(0).body("200");
        outcome.has_metric("retry.retries.header", 1);
    }

    fn a_field_of_the_body_is_replayed(host) {
        let json = |body: &str| reply(Response::new(200).header("content-type", "application/json").chunk(body));
        let upstream = Upstream::answers("upstream", vec![
            json(r#"{"error": {"code": "overloaded"}}"#),
            json(r#"{"data": 1}"#),
            json(r#"{"data": 2}"#),
        ]);
        let rule = json!({"num_retries": 0, "replay": {
            "retriable_body": {"field": "/error/code", "value": {"exact": "overloaded"}},
        }});
        let mut filter = filter().config(config(rule));
        filter.allow_on_headers_stop_iteration = true;
        let scenario = Scenario::new().filter(filter).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")).request(Request::get("/")));
        outcome.has_statuses(&[200, 200]).has_metric("retry.retries.body", 1);
        outcome.client(0).body(r#"{"data": 1}"#).header("x-attempts", "2");
        outcome.client(1).body(r#"{"data": 2}"#).header("x-attempts", "1");
    }

    /// Envoy issue 11049.
    fn a_grpc_status_in_the_trailers_is_replayed(host) {
        let upstream = Upstream::grpc("upstream", vec![grpc("partial", 14), grpc("stock", 0)]);
        let scenario = replay(json!({"retriable_grpc_statuses": ["UNAVAILABLE"]})).upstream(upstream);
        let outcome = host.run(&scenario.request(call("/shop.Stock/Get")));
        outcome.client(0).body("\0\0\0\0\x05stock").trailer("grpc-status", "0");
        outcome.has_metric("retry.retries.grpc_status", 1).has_metric("retry.succeeded_after_retry", 1);
        assert_eq!(outcome.callouts["upstream"][0].body, b"\0\0\0\0\x01?");
    }

    /// The headers of the first response have passed, so that the status belongs into the trailers.
    fn a_status_in_the_headers_of_a_replay_reaches_the_client(host) {
        let gone = Response::new(200).header("content-type", "application/grpc").header("grpc-status", "5");
        let spare = Upstream::answers("spare", vec![
            reply(gone.header("grpc-message", "gone")),
            reply(Response::new(404).header("content-type", "text/html").chunk("<html>")),
        ]);
        let scenario = replay(json!({"retriable_grpc_statuses": ["UNAVAILABLE"], "cluster": "spare"}));
        let scenario = scenario.upstream(Upstream::grpc("upstream", vec![grpc("partial", 14)])).upstream(spare);
        let outcome = host.run(&scenario.request(call("/shop.Stock/Get")).request(call("/shop.Stock/Get")));
        outcome.client(0).body("").trailer("grpc-status", "5").trailer("grpc-message", "gone");
        outcome.client(1).body("").trailer("grpc-status", "12").trailer("grpc-message", "HTTP status 404");
    }

    fn a_grpc_method_that_is_not_listed_is_sent_once(host) {
        let upstream = Upstream::grpc("upstream", vec![grpc("partial", 14), grpc("stock", 0)]);
        let scenario = replay(json!({"retriable_grpc_statuses": ["UNAVAILABLE"]})).upstream(upstream);
        let outcome = host.run(&scenario.request(call("/shop.Orders/Put")));
        outcome.client(0).trailer("grpc-status", "14");
        assert_eq!(attempts(&outcome), 1);
    }

    fn trailers_without_a_message_pass_and_are_counted(host) {
        let upstream = Upstream::grpc("upstream", vec![grpc("", 14), grpc("stock", 0)]);
        let scenario = replay(json!({"retriable_grpc_statuses": ["UNAVAILABLE"]})).upstream(upstream);
        let outcome = host.run(&scenario.request(call("/shop.Stock/Get")));
        outcome.client(0).trailer("grpc-status", "14");
        outcome.has_metric("retry.undeliverable", 1);
        assert_eq!(attempts(&outcome), 1);
    }

    fn a_stream_of_messages_passes(host) {
        let stream = Answer::Grpc {
            initial_metadata: Default::default(),
            messages: vec![b"one".to_vec(), b"two".to_vec()],
            status: 14,
            message: Vec::new(),
            after: Default::default(),
        };
        let upstream = Upstream::grpc("upstream", vec![stream]);
        let scenario = replay(json!({"retriable_grpc_statuses": ["UNAVAILABLE"]})).upstream(upstream);
        let outcome = host.run(&scenario.request(call("/shop.Stock/Watch")));
        outcome.client(0).body("\0\0\0\0\x03one\0\0\0\0\x03two").trailer("grpc-status", "14");
        assert_eq!(attempts(&outcome), 1);
    }

    fn a_grpc_fallback_response_has_a_status(host) {
        let upstream = Upstream::grpc("upstream", vec![grpc("partial", 14)]);
        let scenario = replay(json!({
            "retriable_grpc_statuses": ["UNAVAILABLE"], "fallback_response": {"grpc_status": 8, "body": "later"},
        }));
        let outcome = host.run(&scenario.upstream(upstream).request(call("/shop.Stock/Get")));
        outcome.client(0).body("").trailer("grpc-status", "8").trailer("grpc-message", "later");
    }

    /// The callbacks of the trailers follow at once, and find a status that is retriable.
    fn a_fallback_without_a_callout_is_no_second_failure(host) {
        let upstream = Upstream::grpc("upstream", vec![grpc("partial", 14)]);
        let scenario = replay(json!({
            "retriable_grpc_statuses": ["UNAVAILABLE"], "num_retries": 0, "fallback_response": {"grpc_status": 14},
        }));
        let outcome = host.run(&scenario.upstream(upstream).request(call("/shop.Stock/Get")));
        outcome.client(0).body("").trailer("grpc-status", "14");
        outcome.has_metric("retry.fallback_response_used", 1).has_metric("retry.undeliverable", 0);
    }

    /// Envoy issues 38841 and 46640.
    fn the_fallback_cluster_answers_when_retries_run_out(host) {
        let scenario = replay(json!({
            "retriable_status_codes": [429], "num_retries": 1,
            "fallback_cluster": {"cluster": "spare", "authority": "spare.test"},
        }));
        let spare = Upstream::replies("spare", Response::new(200).chunk("spare"));
        let scenario = scenario.upstream(Upstream::answers("upstream", vec![status(429)])).upstream(spare);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.client(0).body("spare").header("x-attempts", "3");
        assert_eq!(outcome.callouts["spare"][0].authority, "spare.test");
        outcome.has_metric("retry.fallback_used", 1).has_metric("retry.replay_exhausted", 1);
    }

    fn the_fallback_response_is_the_last_resort(host) {
        let scenario = replay(json!({
            "retriable_status_codes": ["5xx"], "num_retries": 0, "fallback_cluster": {"cluster": "spare"},
            "fallback_response": {"status": 200, "body": "[]", "headers": [{"name": "content-type", "value": "application/json"}]},
        }));
        let failing = Upstream::answers("upstream", vec![status(503)]);
        let scenario = scenario.upstream(failing).upstream(Upstream::empty("spare"));
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.fallback_response_used", 1);
        outcome.client(0).body("[]").header("content-type", "application/json");
    }

    fn the_last_response_stays_when_attempts_run_out(host) {
        let fails = |code: u16, number: &str| reply(Response::new(code).header("x-number", number).chunk(number));
        let upstream = Upstream::answers("upstream", vec![fails(500, "1"), fails(502, "2"), fails(503, "3")]);
        let scenario = replay(json!({"retriable_status_codes": ["5xx"], "num_retries": 2})).upstream(upstream);
        let outcome = host.run(&scenario.request(Request::get("/")));
        outcome.has_statuses(&[503]).has_metric("retry.replay_exhausted", 1);
        outcome.client(0).header("x-number", "3").body("3").header("x-attempts", "3");
    }

    fn retry_after_delays_a_replay(host) {
        let busy = reply(Response::new(429).header("retry-after", "1").chunk("busy"));
        let upstream = Upstream::answers("upstream", vec![busy, status(200)]);
        // The time that remains shows when the callout was sent.
        let scenario = with_rule(json!({
            "num_retries": 0, "replay": {"retriable_status_codes": [429]},
            "deadline": {"max": "20s", "header": {"name": "x-deadline-ms"}},
        }));
        let outcome = host.run(&scenario.upstream(upstream).request(Request::get("/")));
        outcome.has_statuses(&[200]).has_metric("retry.retries.status", 1);
        let remaining = |headers: &Headers| {
            std::str::from_utf8(headers.get("x-deadline-ms").unwrap()).unwrap().parse::<u64>().unwrap()
        };
        let first = remaining(&outcome.exchanges[0].upstream[0].headers);
        let delay = first - remaining(&outcome.callouts["upstream"][0].headers);
        assert!((1_000..5_000).contains(&delay), "{delay} ms");
        // Longer than `max_retry_after`.
        let busy = reply(Response::new(429).header("retry-after", "6").chunk("busy"));
        let upstream = Upstream::answers("upstream", vec![busy, status(200)]);
        let scenario = replay(json!({"retriable_status_codes": [429]})).upstream(upstream);
        host.run(&scenario.request(Request::get("/"))).has_statuses(&[429]);
    }

    fn replays_share_the_budget_of_the_router(host) {
        let config = json!({
            "rules": [{"num_retries": 0, "replay": {"retriable_status_codes": [503], "num_retries": 3}}],
            "retry_budget": {"budget_percent": 25, "min_retries_per_second": 0},
        });
        let upstream = Upstream::answers("upstream", vec![status(503)]);
        let mut scenario = Scenario::new().filter(filter().config(config)).upstream(upstream);
        scenario.requests = vec![Request::get("/"); 20];
        let outcome = host.run(&scenario);
        assert_eq!(attempts(&outcome), 25);
    }
}
