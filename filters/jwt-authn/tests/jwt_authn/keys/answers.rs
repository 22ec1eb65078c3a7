//! Invalid responses of the server of the keys, and recovery after them.

use super::*;
use tollgate_host_test::{Host, Outcome, on_both_hosts};

/// Responses without keys, by their error.
fn bad() -> Vec<(&'static str, Answer)> {
    let body = |text: &str| reply(Response::new(200).chunk(text));
    let weak = json!({"keys": [{"kty": "oct", "kid": "k0", "alg": "HS256", "k": "c2hvcnQ"}]}).to_string();
    let many = json!({"keys": vec![key(0).public_jwk(); 101]}).to_string();
    let good = jwks(&[&key(0)]);
    vec![
        ("error", reply(Response::new(500).chunk(&good))),
        ("not-found", reply(Response::new(404))),
        ("redirect", reply(Response::new(302).header("location", "http://keys.test/other"))),
        ("no-content", reply(Response::new(204))),
        ("not-modified", reply(Response::new(304))),
        ("accepted", reply(Response::new(202).chunk(&good))),
        ("garbage", body("<html>not found</html>")),
        ("truncated", body(&good[..good.len() / 2])),
        ("nothing", body("")),
        ("empty-set", body(r#"{"keys": []}"#)),
        ("no-usable-key", body(&weak)),
        ("error-object", body(r#"{"error": "temporarily_unavailable"}"#)),
        ("too-many", body(&many)),
        ("too-large", body(&format!("{good}{}", " ".repeat(300_000)))),
        ("hangs", Answer::Hang),
        ("resets", Answer::Reset),
        (
            "breaks-off",
            Answer::ResetMidResponse(Response::new(200).header("content-length", "1000").chunk(&good)),
        ),
    ]
}

/// One provider for each list of responses, with its path and its rule. The server returns the responses in
/// order and repeats the last. A failed fetch is retried after 80 to 100 % of `failed_refetch`.
fn each(failed_refetch: &str, answers: impl Fn(Answer) -> Vec<Answer>) -> Scenario {
    let mut providers = json!({});
    let mut rules = Vec::new();
    let mut keys = Upstream::answers("keys", vec![reply(Response::new(404))]);
    for (name, answer) in bad() {
        let uri = format!("http://keys.test/{name}");
        providers[name] = json!({
            "issuer": format!("{ISSUER}/{name}"),
            "remote_jwks": {
                "http_uri": {"uri": uri, "cluster": "keys", "timeout": "2s"},
                "retry_policy": {"num_retries": 0},
                "async_fetch": {"failed_refetch_duration": failed_refetch},
            },
        });
        rules.push(
            json!({"match": {"paths": [{"exact": format!("/{name}")}]}, "requires": {"provider_name": name}}),
        );
        keys = keys.on(&format!("/{name}"), answers(answer));
    }
    Scenario::new()
        .filter(filter().config(json!({"providers": providers, "rules": rules})))
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(keys)
}

fn to(name: &str) -> Request {
    let token = key(0).token(&json!({"iss": format!("{ISSUER}/{name}"), "exp": 4_000_000_000u64}));
    Request { path: format!("/{name}"), ..with_token(&token) }
}

/// Each document was fetched once with this result. In real time, some fetches happen before the count
/// starts, and others happen twice, if a delayed worker lost its lease.
#[track_caller]
fn fetched_each(host: Host, outcome: &Outcome, results: &[&str]) {
    for result in results.iter().filter(|_| host == Host::Emulator) {
        outcome.has_metric(&format!("jwt_authn.jwks_fetch_{result}"), bad().len() as u64);
    }
}

/// Longer than any response takes.
fn refusing(failed_refetch: &str, answers: Vec<Answer>) -> Scenario {
    let mut config = once(json!({"async_fetch": {"failed_refetch_duration": failed_refetch}}));
    config["providers"]["a"]["remote_jwks"]["http_uri"]["timeout"] = json!("10s");
    with(config, answers)
}

// Envoy does not start exactly at the first request, so use two proxies before and after a fetch.
on_both_hosts! {
    fn whatever_is_no_key_set_lets_nobody_in(host) {
        let scenario = each("60s", |answer| vec![answer]);
        let outcome = host.run(&bad().iter().fold(scenario, |scenario, (name, _)| scenario.request(to(name))));
        outcome.has_statuses(&[503].repeat(bad().len()));
        for index in 0..bad().len() {
            outcome.has_details(index, "jwt_authn_access_denied{jwks_unavailable}");
        }
        fetched_each(host, &outcome, &["failed"]);
    }

    fn whatever_is_no_key_set_is_asked_for_again(host) {
        let scenario = each("1s", |answer| vec![answer, set(&[&key(0)])]);
        let wait = scenario.request(Request::get("/").after(ms(9000)));
        let outcome = host.run(&bad().iter().fold(wait, |scenario, (name, _)| scenario.request(to(name))));
        outcome.has_statuses(&[200].repeat(1 + bad().len()));
        fetched_each(host, &outcome, &["failed", "success"]);
    }

    fn nobody_listens(host) {
        let outcome = host.run(&refusing("60s", vec![Answer::Refuse]).request(by(&key(0))));
        outcome.has_statuses(&[503]);
    }

    fn nobody_listens_and_then_somebody_does(host) {
        let scenario = refusing("2s", vec![Answer::Refuse, set(&[&key(0)])]);
        let outcome = host.run(&scenario.request(by(&key(0)).after(ms(2500))));
        outcome.has_statuses(&[200]);
    }

    fn a_cluster_that_is_not_there_is_an_answer_too(host) {
        let mut config = once(json!({}));
        config["providers"]["a"]["remote_jwks"]["http_uri"]["cluster"] = json!("nowhere");
        let outcome = host.run(&with(config, vec![Answer::Hang]).request(by(&key(0))));
        outcome.has_statuses(&[503]);
        let scenario = with(once(json!({})), vec![]).upstream(Upstream::empty("none"));
        let mut scenario = scenario.request(by(&key(0)));
        let mut config = once(json!({}));
        config["providers"]["a"]["remote_jwks"]["http_uri"]["cluster"] = json!("none");
        scenario.filters[0] = filter().config(config);
        host.run(&scenario).has_statuses(&[503]);
    }

    fn a_retry_is_part_of_the_fetch(host) {
        let back_off = json!({"num_retries": 2, "retry_back_off": {"base_interval": "100ms", "max_interval": "100ms"}});
        let answers = vec![reply(Response::new(500)), Answer::Reset, set(&[&key(0)])];
        let outcome = host.run(&with(config(json!({"retry_policy": back_off})), answers).request(by(&key(0))));
        outcome.has_statuses(&[200]);
        outcome.has_metric("jwt_authn.jwks_fetch_failed", 0).has_metric("jwt_authn.jwks_fetch_success", 1);
        assert_eq!(outcome.callouts["keys"].len(), 3);
    }
}

/// Envoy buffers 10 MB for the filter, but they do not enter the VM.
#[test]
fn an_answer_that_is_too_large_does_not_make_memory_grow() {
    let huge = reply(Response::new(200).chunk("a".repeat(10_000_000)));
    let mut emulator = start(&with(once(json!({})), vec![huge]));
    let before = emulator.memory(0, 0);
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 503);
    emulator.advance(ms(100_000));
    assert!(fetches(&emulator) > 4);
    assert!(emulator.memory(0, 0) < before + 2_000_000, "{before} to {}", emulator.memory(0, 0));
    assert!(emulator.traps().is_empty());
}
