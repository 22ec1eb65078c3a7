//! Requests for keys, and keys that are skipped.

use super::*;
use tollgate_host_test::{LogLevel, on_both_hosts};

const USER_AGENT: &str = concat!("tollgate/", env!("CARGO_PKG_VERSION"));

/// Keys by discovery and a revocation list, with these headers.
fn all_fetches(headers: &Value) -> Scenario {
    let config = json!({
        "providers": {"a": {
            "issuer": "http://id.test",
            "remote_jwks": {"oidc_discovery": {"cluster": "keys", "timeout": "1s"}, "headers": headers},
        }},
        "rules": [{"requires": {"provider_name": "a"}}],
        "revocation": {"remote": {"http_uri": {"uri": "http://id.test/revoked", "cluster": "keys"}, "headers": headers}},
    });
    let discovery = json!({"issuer": "http://id.test", "jwks_uri": "http://id.test/keys"});
    let body = |text: String| vec![reply(Response::new(200).chunk(text))];
    let keys = Upstream::answers("keys", vec![reply(Response::new(404))])
        .on("/.well-known/openid-configuration", body(discovery.to_string()))
        .on("/keys", vec![set(&[&key(0)])])
        .on("/revoked", body(json!({"tokens": []}).to_string()));
    Scenario::new()
        .filter(filter().config(config))
        .upstream(Upstream::replies("backend", Response::new(200)))
        .upstream(keys)
        .request(with_token(&key(0).token(&json!({"iss": "http://id.test", "exp": 4_000_000_000u64}))))
}

/// Keys of several kinds, of which one can be used.
fn mixed() -> Answer {
    let keys = json!({"keys": [
        {"kty": "AKP", "alg": "ML-DSA-65", "kid": "pq", "pub": "AA"},
        {"kty": "OKP", "crv": "X25519", "kid": "dh", "x": "AA"},
        {"kty": "oct", "kid": "weak\n", "k": "c2hvcnQ"},
        key(0).public_jwk(),
    ]});
    reply(Response::new(200).chunk(keys.to_string()))
}

on_both_hosts! {
    fn all_fetches_have_a_user_agent(host) {
        let outcome = host.run(&all_fetches(&json!([])));
        outcome.has_statuses(&[200]);
        assert_eq!(outcome.callouts["keys"].len(), 3);
        for index in 0..3 {
            outcome.callout("keys", index).header("user-agent", USER_AGENT).header("accept", "application/json");
        }
    }

    fn all_fetches_have_the_configured_headers(host) {
        let headers = json!([{"name": "User-Agent", "value": "edge/1"}, {"name": "x-api-key", "value": "k%ENVIRONMENT(KEY)%"}]);
        let mut scenario = all_fetches(&headers);
        scenario.filters[0].environment.push(("KEY".into(), "7".into()));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[200]);
        assert_eq!(outcome.callouts["keys"].len(), 3);
        for index in 0..3 {
            outcome.callout("keys", index).header("user-agent", "edge/1").header("x-api-key", "k7");
        }
    }

    fn a_skipped_key_of_a_fetched_set_is_logged_and_counted(host) {
        let outcome = host.run(&with(once(json!({})), vec![mixed()]).request(by(&key(0))));
        outcome.has_statuses(&[200]).has_metric("jwt_authn.jwks_keys_skipped", 3);
        let place = "http://keys.test/jwks: skipping key";
        outcome
            .has_logged(LogLevel::Warn, &format!("{place} 0 `pq`: `AKP` is not supported"))
            .has_logged(LogLevel::Warn, &format!("{place} 1 `dh`: `X25519` is not supported"))
            .has_logged(LogLevel::Warn, &format!(r"{place} 2 `weak\n`: too weak: secret has less than 32 bytes"));
    }
}

/// Fetches of the same set say nothing new.
#[test]
fn a_skipped_key_is_logged_once_for_all_workers() {
    let config = once(json!({"cache_duration": "10s"}));
    let scenario = with(config, vec![mixed()]).settings(|settings| settings.workers = 3);
    let mut emulator = start(&scenario);
    emulator.advance(ms(60_000));
    assert!(fetches(&emulator) > 4);
    for worker in 0..3 {
        assert_eq!(ask(&mut emulator, worker, &by(&key(0))), 200);
    }
    assert_eq!(emulator.metric("jwt_authn.jwks_keys_skipped"), Some(3));
    assert_eq!(emulator.logs().iter().filter(|line| line.text.contains("skipping key")).count(), 3);
}
