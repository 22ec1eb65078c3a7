//! Outages of the service of all kinds, and the handling of requests during and after them.

use super::clients::{Load, Tally, burst};
use super::proxy::{Proxy, grpc};
use crate::support::{CLUSTER, config};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};
use std::time::{Duration, Instant};
use tollgate_host_test::envoy::bootstrap::cluster;
use tollgate_limiter::{Behaviour, Limit, Limiter, Storage};

/// Values of `failure_mode`.
const MODES: [&str; 3] = ["allow", "deny", "local"];

/// No answer may take longer, on a machine with much else to do: the service has 200 ms.
const BOUND: Duration = Duration::from_secs(10);

/// Requests of one client, one after the other.
const REQUESTS: u64 = 40;

/// Number of requests that the fallback rates admit.
const LOCAL: u64 = 5;

fn of_mode(mode: &str, name: &str, cluster: &str) -> Value {
    let more = match mode {
        "allow" | "deny" => json!({}),
        "local" => {
            let bucket = json!({"max_tokens": LOCAL, "fill_interval": "1h"});
            json!({"limits": {"clients": {"service": {"fallback_rates": [{"token_bucket": bucket}]}}}})
        }
        _ => json!({"rate_limit_service": {"failure_mode_deny_percent": 50}}),
    };
    let mut config = config(more);
    if MODES.contains(&mode) {
        config["rate_limit_service"]["failure_mode"] = json!(mode);
    }
    config["rate_limit_service"]["timeout"] = json!("200ms");
    config["rate_limit_service"]["cluster"] = json!(cluster);
    config["stat_prefix"] = json!(name);
    config
}

/// Kind of an outage.
struct Illness {
    name: &'static str,
    behaviour: Option<Behaviour>,
    /// Whether the filter makes fewer calls during the outage.
    is_spared: bool,
}

fn illnesses() -> Vec<Illness> {
    let illness = |name, behaviour, is_spared| Illness { name, behaviour: Some(behaviour), is_spared };
    let garbage = |bytes: &[u8]| Behaviour::Garbage(bytes.to_vec());
    vec![
        Illness { name: "killed", behaviour: None, is_spared: true },
        illness("slow", Behaviour::Delay(Duration::from_secs(2)), true),
        illness("dropped", Behaviour::Drop, true),
        illness("unavailable", Behaviour::Status(14), true),
        illness("exhausted", Behaviour::Status(8), true),
        illness("internal", Behaviour::Status(13), false),
        illness("garbage", garbage(b"\xff\xff garbage"), false),
        // A message, and no decision.
        illness("undecided", garbage(b""), false),
        illness("endless", garbage(&vec![0; 100_000]), false),
    ]
}

fn fall_ill(limiter: &mut Limiter, illness: &Illness) {
    match &illness.behaviour {
        None => limiter.stop(),
        Some(behaviour) => limiter.behave(behaviour.clone()),
    }
}

fn get_well(limiter: &mut Limiter) {
    limiter.behave(Behaviour::Decide);
    limiter.start_again();
}

fn limiter() -> Limiter {
    Limiter::start(&[Limit::new("shop", 1, 3600, &["client"])], Storage::Memory)
}

fn start(limiter: &Limiter) -> Proxy {
    let configs = MODES.map(|mode| (mode, of_mode(mode, mode, CLUSTER)));
    Proxy::start(1, &configs, limiter.port())
}

/// Requests that cannot be decided by the service came to what is configured, and were counted so.
#[track_caller]
fn is_as_configured(what: &str, mode: &str, seen: &Tally, counted: impl Fn(&str) -> u64) {
    let what = format!("{what}, {mode}: {seen:?}");
    let all = seen.all();
    let statuses = match mode {
        "allow" => (all, 0, 0),
        "deny" => (0, all, 0),
        _ => (LOCAL, 0, all - LOCAL),
    };
    assert_eq!((seen.of(200), seen.of(503), seen.of(429)), statuses, "{what}");
    assert_eq!(seen.of_service, 0, "{what}");
    assert!(seen.slowest < BOUND, "{what}");
    let names = ["limit.clients.error", "failure_mode_allowed", "denied.rate_limiter_error"];
    let expected = match mode {
        "allow" => [all, all, 0],
        "deny" => [all, 0, all],
        _ => [all, 0, 0],
    };
    assert_eq!(names.map(&counted), expected, "{what}");
    if mode == "local" {
        let names = ["limit.clients.ok", "limit.clients.rate_limited", "denied.local_rate_limited"];
        assert_eq!(names.map(counted), [LOCAL, all - LOCAL, all - LOCAL], "{what}");
    }
}

/// Waits until it is the service that decides: a client that never came before may once.
#[track_caller]
fn decides_again(proxy: &Proxy, listener: &str, what: &str) {
    let (mut client, mut turn) = (proxy.client(listener), 0);
    proxy.until(&format!("{listener}: the service decides after {what}"), || {
        turn += 1;
        let name = format!("{listener} after {what} {turn}");
        let first = client.get(&name);
        first.status == 200 && client.get(&name).is_of_service()
    });
}

#[test]
fn applies_failure_mode_during_an_outage_and_recovers() {
    let mut limiter = limiter();
    let mut proxy = start(&limiter);
    for illness in illnesses() {
        for mode in MODES {
            decides_again(&proxy, mode, illness.name);
        }
        fall_ill(&mut limiter, &illness);
        for mode in MODES {
            limiter.take_requests();
            let (name, before) = (format!("{mode} {}", illness.name), proxy.metrics(mode));
            let seen = burst(&[proxy.envoy.listener(mode)], REQUESTS as usize, &name);
            assert_eq!(seen.all(), REQUESTS);
            let after = proxy.metrics(mode);
            is_as_configured(illness.name, mode, &seen, |name| after[name] - before[name]);
            let calls = limiter.take_requests().len() as u64;
            match illness.is_spared {
                // Five in a row, and then one after 50 ms, 100 ms, ... A second of pauses are five more.
                true => assert!(calls <= 12, "{}, {mode}: {calls} calls", illness.name),
                false => assert_eq!(calls, REQUESTS, "{}, {mode}", illness.name),
            }
        }
        get_well(&mut limiter);
    }
    for mode in MODES {
        decides_again(&proxy, mode, "all");
    }
    proxy.is_well();
}

#[test]
fn loses_no_request_under_load_during_outages() {
    let mut limiter = limiter();
    let mut proxy = start(&limiter);
    let loads = MODES.map(|mode| Load::start(proxy.envoy.listener(mode), mode));
    // The service rejects requests over the limit. All other rejections are due to the outage.
    let by_service = |load: &Load| load.seen().of_service;
    let of_illness = |load: &Load| load.seen().all() - by_service(load);
    let all_grow = |proxy: &Proxy, what: &str, count: &dyn Fn(&Load) -> u64| {
        let before: Vec<_> = loads.iter().map(count).collect();
        proxy.until(what, || loads.iter().zip(&before).all(|(load, before)| count(load) > before + 20));
    };
    for illness in illnesses() {
        all_grow(&proxy, &format!("the service refuses before {}", illness.name), &by_service);
        fall_ill(&mut limiter, &illness);
        all_grow(&proxy, illness.name, &of_illness);
        get_well(&mut limiter);
    }
    all_grow(&proxy, "the service refuses", &by_service);
    let seen = loads.map(Load::finish);
    for (mode, seen) in MODES.iter().zip(&seen) {
        let expected = if *mode == "deny" { 503 } else { 200 };
        assert!(seen.statuses.keys().all(|status| [200, 429, expected].contains(status)), "{mode}: {seen:?}");
        // The one that the service let pass, and those while it was ill.
        let passed = match *mode {
            "deny" => seen.of(200) == 1 && seen.of(503) > 0,
            "local" => seen.of(200) == 1 + LOCAL,
            _ => seen.of(200) > 100,
        };
        assert!(passed, "{mode}: {seen:?}");
        assert!(seen.slowest < BOUND, "{mode}: {seen:?}");
        let count = |name: &str| proxy.metric(mode, name);
        // Each request is one or the other.
        let decided = count("limit.clients.ok") + count("limit.clients.rate_limited");
        let error = count("limit.clients.error");
        match *mode {
            // It was decided by the limits of this Envoy.
            "local" => assert_eq!(decided, seen.all(), "{mode}: {seen:?}"),
            _ => assert_eq!(decided + error, seen.all(), "{mode}: {seen:?}"),
        }
        assert_eq!(count("denied.request_rate_limited"), seen.of_service, "{mode}: {seen:?}");
        assert_eq!(count("denied.rate_limiter_error"), seen.of(503), "{mode}: {seen:?}");
    }
    proxy.is_well();
}

#[test]
fn a_service_that_never_ran_counts_as_unavailable() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let clusters = [cluster("empty", None, true), grpc("closed", port)];
    let mut names = Vec::new();
    for cluster in ["empty", "closed", "unknown"] {
        names.extend(
            MODES.map(|mode| {
                (format!("{mode}_{cluster}"), of_mode(mode, &format!("{mode}_{cluster}"), cluster))
            }),
        );
    }
    names.push(("half".into(), of_mode("half", "half", "empty")));
    let configs: Vec<_> = names.iter().map(|(name, config)| (name.as_str(), config.clone())).collect();
    let mut proxy = Proxy::start_with(2, &configs, &clusters);
    for (name, _) in &configs {
        let begun = Instant::now();
        let at = proxy.envoy.listener(name);
        let requests = if *name == "half" { 100 } else { 10 };
        let seen = burst(&[at; 4], requests, name);
        assert_eq!(seen.all(), 4 * requests as u64);
        match name.split_once('_') {
            Some((mode, _)) => is_as_configured(name, mode, &seen, |counter| proxy.metric(name, counter)),
            // Of 400 that are drawn, one in a hundred million times there are less or more.
            None => {
                assert!((140..=260).contains(&seen.of(503)), "{seen:?}");
                assert_eq!(seen.of(200) + seen.of(503), 400, "{seen:?}");
                assert_eq!(proxy.metric(name, "failure_mode_allowed"), seen.of(200));
            }
        }
        assert!(begun.elapsed() < 2 * BOUND, "{name}: {:?}", begun.elapsed());
    }
    proxy.is_well();
}

#[test]
fn disconnects_during_calls_leak_nothing() {
    let limiter = limiter();
    let mut config = of_mode("deny", "gone", CLUSTER);
    config["limits"]["clients"]["concurrency"] = json!({"max_requests": 20});
    config["rate_limit_service"]["timeout"] = json!("10s");
    let mut proxy = Proxy::start(2, &[("gone", config)], limiter.port());
    limiter.behave(Behaviour::Delay(Duration::from_millis(500)));
    for round in 0..3 {
        let clients: Vec<_> = (0..20)
            .map(|_| {
                let mut client = proxy.client("gone");
                client.say("/", &[("host", "shop.test"), ("x-client", &format!("gone {round}"))]);
                client
            })
            .collect();
        proxy.until("all are in flight", || proxy.client("gone").get(&format!("gone {round}")).status == 429);
        drop(clients);
    }
    limiter.behave(Behaviour::Decide);
    proxy.until("nothing is in flight", || {
        let mut client = proxy.client("gone");
        let answers = [client.get("new"), client.get("new")];
        answers[1].is_of_service()
    });
    decides_again(&proxy, "gone", "hanging up");
    proxy.is_well();
}
