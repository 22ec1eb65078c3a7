//! Several Envoys with one service, and the sum of what they admit.

use super::clients::{Tally, burst};
use super::proxy::Proxy;
use crate::support::config;
use serde_json::{Value, json};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tollgate_limiter::{Behaviour, Limit, Limiter, Redis, Storage};

/// Workers of each Envoy.
const WORKERS: usize = 2;
/// Number of workers of both Envoys.
const ALL_WORKERS: u64 = 2 * WORKERS as u64;
/// Default of `lease_hits`.
const LEASE: u64 = 10;

/// Two Envoys and what they were answered.
struct Two {
    limiter: Limiter,
    envoys: [Proxy; 2],
    _redis: Redis,
}

/// Summary of the answers to clients of both Envoys, and the number of begun seconds.
struct Sum {
    seen: Tally,
    seconds: u64,
}

impl Two {
    /// Starts with a limit of `limit` per hour.
    fn start(limit: u64, headers: bool, cache: Value) -> Self {
        let redis = Redis::start();
        let limits = [Limit::new("shop", limit, 3600, &["client"])];
        let limiter = match headers {
            true => Limiter::start_with_headers(&limits, Storage::Redis(&redis)),
            false => Limiter::start(&limits, Storage::Redis(&redis)),
        };
        // A request without an answer is not admitted.
        let service = json!({"failure_mode": "deny", "cache": cache});
        let config = config(json!({"stat_prefix": "two", "rate_limit_service": service}));
        let envoys = [(); 2].map(|()| Proxy::start(WORKERS, &[("two", config.clone())], limiter.port()));
        Self { limiter, envoys, _redis: redis }
    }

    /// Runs four clients for each Envoy, each with a number of requests, all with the same key.
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

/// Returns the maximum number of unused hits: less than one lease per worker and second.
fn lost(seconds: u64) -> u64 {
    (LEASE - 1) * ALL_WORKERS * (seconds + 1)
}

#[test]
fn two_envoys_admit_exactly_the_limit_without_leases() {
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
fn two_envoys_admit_nearly_the_limit_with_leases() {
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
    // Leases start small; then each call takes ten hits. A worker may be idle for a second, and start again.
    let begins = ALL_WORKERS * LEASE * (seconds + 1);
    assert!(calls.len() as u64 <= seen.all() / LEASE + begins, "{} calls in {seconds} s", calls.len());
    // All admitted requests were counted, and hardly more.
    let counted: u64 = calls.iter().map(|call| u64::from(call.hits_addend)).sum();
    let most = seen.all() + lost(seconds);
    assert!((seen.all()..=most).contains(&counted), "{counted} of {} in {seconds} s", seen.all());
}

#[test]
fn two_envoys_exceed_the_limit_only_by_the_overshoot() {
    let (limit, overshoot) = (300, 20);
    let mut two = Two::start(limit, false, json!({"overshoot_hits": overshoot}));
    let Sum { seen, seconds } = two.load(150);
    let least = limit - lost(seconds).min(limit);
    let most = limit + ALL_WORKERS * overshoot;
    assert!((least..=most).contains(&seen.of(200)), "{least}..={most}: {seen:?}");
}

#[test]
fn never_exceeds_the_limit_while_the_service_is_killed() {
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
            // Pending calls are not answered.
            two.limiter.stop();
            kills += usize::from(calls >= 20);
            two.limiter.start_again();
        }
        seen = load.join().expect("all was answered");
    });
    assert!(kills > 0 && seen.of(503) > 0, "{kills} kills: {seen:?}");
    assert_eq!(seen.of(200) + seen.of(429) + seen.of(503), seen.all(), "{seen:?}");
    // The service has recovered, and admits the rest, except for hits in answers that were lost.
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
