//! HTTP and gRPC callouts, with every possible outcome.

use crate::support::{request, with};
use serde_json::json;
use std::time::Duration;
use tollgate_host_test::{
    Answer, Headers, LogLevel, Outcome, Request, Response, Scenario, Upstream, on_both_hosts,
};

/// The filter calls `auth` over HTTP, which answers with `answers`.
fn auth(answers: Vec<Answer>) -> Scenario {
    let count = answers.len();
    let scenario = with(json!({}))
        .upstream(Upstream::replies("backend", Response::new(200).chunk("ok")))
        .upstream(Upstream::answers("auth", answers));
    (0..count).fold(scenario, |scenario, _| scenario.request(request("http")))
}

/// The filter calls `grpc`, which answers with `answer`.
fn grpc(answer: Answer) -> Scenario {
    with(json!({}))
        .upstream(Upstream::replies("backend", Response::new(200).chunk("ok")))
        .upstream(Upstream::grpc("grpc", vec![answer]))
        .request(request("grpc"))
}

/// The filter exchanges messages with `grpc`, which answers with `answer`.
fn exchanging(answer: Answer) -> Scenario {
    with(json!({}))
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(Upstream::grpc("grpc", vec![answer]))
        .request(request("stream"))
}

fn reply(response: Response) -> Answer {
    Answer::Reply { response, after: Duration::from_millis(5) }
}

fn status(status: u32, messages: Vec<Vec<u8>>) -> Answer {
    Answer::Grpc {
        initial_metadata: Headers::default(),
        messages,
        status,
        message: b"denied by test".to_vec(),
        after: Duration::ZERO,
    }
}

/// The operator corrects the configuration, which contains the cluster.
#[track_caller]
fn names_the_cluster(outcome: &Outcome, call: &str, cluster: &str) {
    outcome.has_logged(LogLevel::Error, &format!("host call `{call}` to cluster `{cluster}` failed: "));
}

on_both_hosts! {
    fn an_http_callout_decides_on_a_held_request(host) {
        let outcome = host.run(&auth(vec![reply(Response::new(202).chunk("welcome"))]));
        outcome.upstream(0).header("x-auth-status", "202").header("x-auth-body", "welcome");
        outcome.callout("auth", 0).start("POST auth.test /check").body("who");
        outcome.client(0).start("200");
    }

    fn distinguishes_a_timeout_an_unreachable_host_and_a_reset(host) {
        let mid = Answer::ResetMidResponse(Response::new(200).header("content-length", "10").chunk("part"));
        let outcome = host.run(&auth(vec![Answer::Hang, Answer::Reset, mid]));
        outcome.has_statuses(&[503, 503, 503]);
        outcome.has_details(0, "auth_timeout").has_details(1, "auth_unavailable").has_details(2, "auth_reset");
    }

    fn an_upstreams_own_error_is_a_response(host) {
        let outcome = host.run(&auth(vec![reply(Response::new(504)), reply(Response::new(503).chunk("busy"))]));
        outcome.upstream(0).header("x-auth-status", "504");
        outcome.upstream(1).header("x-auth-status", "503");
    }

    fn rejects_a_response_over_the_maximum_size(host) {
        let outcome = host.run(&auth(vec![reply(Response::new(200).chunk("a".repeat(17)))]));
        outcome.has_statuses(&[503]).has_details(0, "auth_too_large");
    }

    fn a_callout_that_cannot_be_sent_returns_an_error(host) {
        let scenario =
            with(json!({})).request(request("http-unknown")).request(request("http-no-timeout")).request(Request::get("/"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[500, 500, 200]).has_details(0, "tollgate_host_error");
        names_the_cluster(&outcome, "http_call", "nowhere");
    }

    fn a_grpc_callout_decides_on_a_held_request(host) {
        let outcome = host.run(&grpc(status(0, vec![b"answer".to_vec()])));
        outcome.upstream(0).header("x-grpc-status", "0").header("x-grpc-text", "answer");
        outcome.callout("grpc", 0).start("POST grpc /test.Service/Method").header("x-meta", "data");
    }

    fn a_grpc_error_keeps_its_status_and_message(host) {
        let outcome = host.run(&grpc(status(7, Vec::new())));
        // Envoy appends details to the message.
        outcome.upstream(0).header("x-grpc-status", "7").header_that("x-grpc-text", "the message", |text| {
            text.starts_with("denied by test")
        });
    }

    fn distinguishes_a_grpc_timeout_from_an_unreachable_service(host) {
        for (answer, timed_out) in [(Answer::Hang, "true"), (Answer::Reset, "false"), (status(14, Vec::new()), "false")] {
            let outcome = host.run(&grpc(answer));
            outcome.upstream(0).header("x-grpc-status", "14").header("x-grpc-timed-out", timed_out);
        }
    }

    fn a_grpc_stream_reports_each_event_in_order(host) {
        let mut initial_metadata = Headers::default();
        initial_metadata.push("x-initial", "yes");
        let messages = vec![b"a".to_vec(), b"b".to_vec()];
        let answer = Answer::Grpc {
            initial_metadata,
            messages,
            status: 0,
            message: Vec::new(),
            after: Duration::ZERO,
        };
        let outcome = host.run(&exchanging(answer));
        outcome.upstream(0).header("x-stream", "initial=yes message=a message=b trailing=0 closed=0");
        let sent = outcome.callout("grpc", 0);
        sent.start("POST grpc /test.Service/Chat").header("x-meta", "data").body(b"\0\0\0\0\x03one\0\0\0\0\x03two");
    }

    fn a_grpc_stream_ends_with_the_status_of_its_failure(host) {
        for (answer, closed) in [(status(7, vec![]), 7), (Answer::Reset, 14), (Answer::Refuse, 14)] {
            let outcome = host.run(&exchanging(answer));
            outcome.upstream(0).header_that("x-stream", "the status", |seen| {
                seen.ends_with(&format!("closed={closed}"))
            });
        }
    }

    fn a_grpc_stream_to_an_unknown_cluster_returns_an_error(host) {
        let scenario = with(json!({})).request(request("stream-unknown")).request(Request::get("/"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[500, 200]);
        names_the_cluster(&outcome, "grpc_stream", "users");
    }

    /// Envoy aborts if it receives a bare cluster name that is also valid protobuf.
    fn a_grpc_callout_to_an_unknown_cluster_returns_an_error(host) {
        let outcome = host.run(&with(json!({})).request(request("grpc-unknown")).request(Request::get("/")));
        outcome.has_statuses(&[500, 200]);
        names_the_cluster(&outcome, "grpc_call", "users");
    }
}
