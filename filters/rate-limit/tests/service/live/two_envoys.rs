//! Several Envoys, one service: what they admit in sum.

use super::clients::{Tally, burst};
use super::proxy::Proxy;
use crate::support::config;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tollgate_limiter::{Behaviour, Limit, Limiter, Redis, Storage};

/// Workers of each Envoy.
const WORKERS: usize = 2;
/// Of both.
const ALL_WORKERS: u64 = 2 * WORKERS as u64;
/// What a lease has by default.
const LEASE: u64 = 10;

/// Two Envoys and what they were answered.
struct Two {
    limiter: Limiter,
    envoys: [Proxy; 2],
    _redis: Redis,
}

/// What clients of both were answered in sum, and in how many begun seconds.
struct Sum {
    seen: Tally,
    seconds: u64,
}

impl Two {
    /// With a limit of so many in an hour.
    fn start(limit: u64, headers: bool, cache: Value) -> Self {
        let redis = Redis::start();
        let limits = [Limit::new("shop", limit, 3600, &["client"])];
        let limiter = match headers {
            true => Limiter::start_with_headers(&limits, Storage::Redis(&redis)),
            false => Limiter::start(&limits, Storage::Redis(&redis)),
        };
        // Whoever is not answered is not admitted.
        let service = json!({"failure_mode": "deny", "cache": cache});
        let config = config(json!({"stat_prefix": "two", "rate_limit_service": service}));
        let envoys = [(); 2].map(|()| Proxy::start(WORKERS, &[("two", config.clone())], limiter.port()));
        Self { limiter, envoys, _redis: redis }
    }

    /// Four clients of each Envoy send so many requests each, all of one key.
    fn load(&mut self, requests: usize) -> Sum {
        let begun = Instant::now();
        let at: Vec<_> = self.envoys.iter().flat_map(|proxy| [proxy.envoy.listener("two"); 4]).collect();
        let seen = burst(&at, requests, "hot");
        let seconds = begun.elapsed().as_secs() + 1;
        assert_eq!(seen.all(), 8 * requests as u64);
        assert_eq!(seen.of(200) + seen.of(429), seen.all(), "{seen:?}");
        assert_eq!(seen.of_service, seen.of(429), "{seen:?}");
        for proxy in &mut self.envoys {
            proxy.is_well();
        }
        Sum { seen, seconds }
    }

    fn metric(&self, name: &str) -> u64 {
        self.envoys.iter().map(|proxy| proxy.metric("two", name)).sum()
    }
}

/// What is lost of leases at most: of each worker, and in each second, less than one lease.
fn lost(seconds: u64) -> u64 {
    (LEASE - 1) * ALL_WORKERS * (seconds + 1)
}

#[test]
fn without_leases_two_envoys_admit_the_limit_in_sum_and_not_one_more() {
    for headers in [false, true] {
        let mut two = Two::start(300, headers, json!({"lease_hits": 1}));
        let Sum { seen, .. } = two.load(100);
        assert_eq!(seen.of(200), 300, "{seen:?}");
        let calls = two.limiter.take_requests();
        assert!(calls.iter().all(|call| call.hits_addend == 1));
        // Each was a call, but for refusals that were known.
        assert_eq!(calls.len() as u64 + two.metric("limit.clients.cache_hit"), seen.all());
        assert!(two.metric("limit.clients.cache_hit") > 0);
        // Both had a part in it.
        for proxy in &two.envoys {
            assert!(proxy.metric("two", "limit.clients.ok") > 0);
        }
    }
}

#[test]
fn with_leases_two_envoys_admit_no_more_than_the_limit_and_little_less() {
    for headers in [false, true] {
        let limit = 1000;
        let mut two = Two::start(limit, headers, json!({}));
        let Sum { seen, seconds } = two.load(300);
        let least = limit.saturating_sub(lost(seconds));
        assert!((least..=limit).contains(&seen.of(200)), "{least}..={limit}, {seconds} s: {seen:?}");
    }
}

#[test]
fn leases_make_a_hot_key_cost_a_tenth_of_the_calls() {
    let limit = 1_000_000;
    let mut two = Two::start(limit, false, json!({}));
    let Sum { seen, seconds } = two.load(500);
    assert_eq!(seen.of(200), 4000, "{seen:?}");
    let calls = two.limiter.take_requests();
    // A key is not hot at first; then each call brings ten. A worker may fall idle for a second, and begin anew.
    let begins = ALL_WORKERS * LEASE * (seconds + 1);
    assert!(calls.len() as u64 <= seen.all() / LEASE + begins, "{} calls in {seconds} s", calls.len());
    // All that went on was counted, and hardly more.
    let counted: u64 = calls.iter().map(|call| u64::from(call.hits_addend)).sum();
    let most = seen.all() + lost(seconds);
    assert!((seen.all()..=most).contains(&counted), "{counted} of {} in {seconds} s", seen.all());
}

#[test]
fn with_overshoot_two_envoys_admit_no_more_than_that_on_each_worker_beside() {
    let (limit, overshoot) = (300, 20);
    let mut two = Two::start(limit, false, json!({"overshoot_hits": overshoot}));
    let Sum { seen, seconds } = two.load(150);
    let least = limit - lost(seconds).min(limit);
    let most = limit + ALL_WORKERS * overshoot;
    assert!((least..=most).contains(&seen.of(200)), "{least}..={most}: {seen:?}");
}

#[test]
fn a_service_that_is_killed_again_and_again_never_has_more_admitted_than_the_limit() {
    let limit = 600;
    let mut two = Two::start(limit, false, json!({}));
    let at: Vec<_> = two.envoys.iter().flat_map(|proxy| [proxy.envoy.listener("two"); 4]).collect();
    let done = AtomicBool::new(false);
    // As long as it takes to be killed between counting and answering.
    two.limiter.behave(Behaviour::Delay(Duration::from_millis(5)));
    let (mut seen, mut kills) = (Tally::default(), 0);
    std::thread::scope(|scope| {
        let load = scope.spawn(|| {
            let seen = burst(&at, 500, "hot");
            done.store(true, Ordering::Relaxed);
            seen
        });
        while !done.load(Ordering::Relaxed) {
            let (mut calls, begun) = (0, Instant::now());
            while calls < 20 && begun.elapsed().as_millis() < 500 {
                calls += two.limiter.take_requests().len();
                std::thread::yield_now();
            }
            // Whoever is asked just now does not get to answer.
            two.limiter.stop();
            kills += usize::from(calls >= 20);
            two.limiter.start_again();
        }
        seen = load.join().expect("all was answered");
    });
    assert!(kills > 0 && seen.of(500) > 0, "{kills} kills: {seen:?}");
    assert_eq!(seen.of(200) + seen.of(429) + seen.of(500), seen.all(), "{seen:?}");
    // It is well again, and gives what it has left, but for what it gave when nobody could hear it.
    let mut admitted = seen.of(200);
    let begun = Instant::now();
    loop {
        let more = burst(&at, 50, "hot");
        admitted += more.of(200);
        if more.of_service == more.all() {
            break;
        }
        assert!(begun.elapsed().as_secs() < 30, "{more:?}");
    }
    assert!(admitted > 0 && admitted <= limit, "{admitted} of {limit}, {kills} kills: {seen:?}");
    for proxy in &mut two.envoys {
        proxy.is_well();
    }
}
