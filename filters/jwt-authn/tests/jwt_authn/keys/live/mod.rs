//! Keys that change under load, on a real Envoy with two workers, and a server that fails.

#![allow(clippy::disallowed_methods, reason = "an issuer and clients of its own, which live in real time")]

mod issuer;
mod load;

use super::{ISSUER, filter, key, token};
use issuer::{Health, Issuer};
use load::{Connection, Load};
use serde_json::json;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::bootstrap::{
    INGRESS, any_host, bootstrap, cluster, connection_manager, listener, wasm,
};
use tollgate_host_test::envoy::{Options, Process};

/// Longer than any outage of a test takes, also on a busy machine.
const LONG: &str = "600s";

/// An Envoy with a direct response, and the issuer of its tokens.
struct Proxy {
    envoy: Process,
    issuer: Issuer,
}

impl Proxy {
    /// Starts both. Keys stay valid for `stale_if_error` after they should have been fetched again.
    fn start(stale_if_error: &str) -> Self {
        let issuer = Issuer::start();
        let config = json!({
            "providers": {"a": {
                "issuer": ISSUER,
                "remote_jwks": {
                    "http_uri": {"uri": "http://keys.test/jwks", "cluster": "keys", "timeout": "2s"},
                    "cache_duration": "1s",
                    "stale_if_error": stale_if_error,
                    "refetch_on_unknown_kid": "50ms",
                    "retry_policy": {"num_retries": 0},
                    "async_fetch": {"failed_refetch_duration": "200ms"},
                },
            }},
            "rules": [{"requires": {"provider_name": "a"}}],
        });
        let answers = json!({"match": {"prefix": "/"}, "direct_response": {"status": 200}});
        let manager = connection_manager(vec![wasm(&filter().config(config))], &[any_host(&[answers])]);
        let listener = listener(INGRESS, ([127, 0, 0, 1], 0).into(), manager);
        let bootstrap = bootstrap(&[listener], &[cluster("keys", issuer.at, false)]);
        let options = Options { workers: 2, ..Options::default() };
        let envoy = Process::start(&bootstrap, &options).unwrap_or_else(|error| panic!("{error}"));
        Self { envoy, issuer }
    }

    fn metric(&self, name: &str) -> u64 {
        let stats = self.envoy.stats_matching(&format!("jwt_authn.{name}")).expect("statistics");
        stats
            .iter()
            .find(|(stat, _)| stat.ends_with(&format!("jwt_authn.{name}")))
            .map_or(0, |(_, value)| *value)
    }

    fn load(&self) -> Load {
        Load::start(4, self.envoy.listener(INGRESS), &self.issuer)
    }

    fn status(&self, token: &str) -> u16 {
        Connection::to(self.envoy.listener(INGRESS)).status(token)
    }

    /// Waits until the condition is true.
    fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let begun = Instant::now();
        while !is_so(self) {
            assert!(
                begun.elapsed() < Duration::from_secs(20),
                "not in 20 s: {what}\n{}",
                self.envoy.log_text()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits for this number of fetches. The first may have begun already.
    fn until_fetched(&self, times: u64) {
        let before = self.metric("jwks_fetch_success");
        self.until("keys are fetched", |proxy| proxy.metric("jwks_fetch_success") >= before + times);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.issuer.stop();
    }
}

#[test]
fn rotating_keys_fail_no_valid_request() {
    let proxy = Proxy::start(LONG);
    let load = proxy.load();
    let begun = Instant::now();
    // As issuers do: publish the next key before using it, and keep the previous one for a while.
    for next in 1..=2 {
        proxy.issuer.publish(&[next - 1, next]);
        proxy.until_fetched(2);
        proxy.issuer.sign_with(next);
        proxy.until_fetched(1);
        proxy.issuer.publish(&[next]);
    }
    assert_eq!(proxy.metric("jwks_refetch_unknown_kid"), 0);
    // A harder case: use the new key at once.
    for next in 3..=10 {
        proxy.issuer.publish(&[next - 1, next]);
        proxy.issuer.sign_with(next);
        let before = load.seen.good.load(Ordering::Relaxed);
        proxy.until("clients have used it", |_| load.seen.good.load(Ordering::Relaxed) > before + 200);
    }
    let seconds = begun.elapsed().as_secs_f64();
    let seen = load.finish();
    let refetched = proxy.metric("jwks_refetch_unknown_kid");
    assert!(refetched > 0);
    assert_eq!(proxy.metric("jwks_fetch_failed"), 0);
    // One of three VMs (two workers and the main thread) fetches, at most every 0.8 s.
    let most = seconds / 0.8 + refetched as f64 + 2.0;
    assert!(
        proxy.issuer.asked() as f64 <= most,
        "{} in {seconds} s, {refetched} refetched",
        proxy.issuer.asked()
    );
    assert!(seen.good.load(Ordering::Relaxed) > 500 && seen.bad.load(Ordering::Relaxed) > 500);
    // A removed key is rejected on both workers.
    for gone in 1..=8 {
        proxy.until("a removed key is rejected", |proxy| {
            (0..4).all(|_| proxy.status(&token(&key(gone))) == 401)
        });
    }
}

#[test]
fn an_issuer_outage_has_no_effect_on_valid_keys() {
    let proxy = Proxy::start(LONG);
    proxy.until("keys are here", |proxy| proxy.status(&proxy.issuer.token()) == 200);
    let load = proxy.load();
    for health in [
        Health::Says(200, b"<html>".to_vec()),
        Health::Says(500, b"{}".to_vec()),
        Health::Says(200, br#"{"keys": []}"#.to_vec()),
        Health::Says(200, vec![b'a'; 10_000_000]),
        Health::Slow(Duration::from_millis(2500)),
        Health::Gone,
    ] {
        let failed = proxy.metric("jwks_fetch_failed");
        proxy.issuer.is(health.clone());
        proxy
            .until(&format!("a fetch fails: {health:?}"), |proxy| proxy.metric("jwks_fetch_failed") > failed);
        proxy.issuer.is(Health::Well);
        proxy.until_fetched(1);
    }
    load.finish();
    assert!(proxy.metric("jwks_stale_used") > 0);
}

#[test]
fn expired_keys_are_unavailable_until_the_issuer_recovers() {
    let proxy = Proxy::start("1s");
    proxy.until("keys are here", |proxy| proxy.status(&proxy.issuer.token()) == 200);
    proxy.issuer.is(Health::Gone);
    proxy.until("keys are too old", |proxy| (0..4).all(|_| proxy.status(&proxy.issuer.token()) == 503));
    // The server recovers, with another key.
    proxy.issuer.publish(&[1]);
    proxy.issuer.sign_with(1);
    proxy.issuer.is(Health::Well);
    proxy.until("the server has recovered", |proxy| {
        (0..4).all(|_| proxy.status(&proxy.issuer.token()) == 200)
    });
    // A worker that served none of these requests may still lack the new keys.
    proxy.until("the old key is rejected", |proxy| (0..4).all(|_| proxy.status(&token(&key(0))) == 401));
}
