//! One fetch for all workers, even if some of them die.

use super::*;
use tollgate_host_test::emulator::schedule::Interleaved;
use tollgate_host_test::emulator::{Effect, Which};
use tollgate_host_test::{Configuration, FailurePolicy};

fn with_workers(config: Value, keys: Vec<Answer>, workers: usize) -> Scenario {
    with(config, keys).settings(|settings| settings.workers = workers)
}

#[test]
fn one_worker_fetches_for_all() {
    let mut emulator =
        start(&with_workers(once(json!({"cache_duration": "100s"})), vec![set(&[&key(0)])], 8));
    let waiting: Vec<_> = (0..8).map(|worker| emulator.request(worker, &by(&key(0)))).collect();
    emulator.advance(ms(30));
    assert!(waiting.iter().all(|handle| status(&emulator, *handle) == 200));
    assert_eq!(fetches(&emulator), 1);
    emulator.advance(ms(960_000));
    let count = fetches(&emulator);
    assert!((10..=13).contains(&count), "{count} in ten lives");
}

/// Keys are available before the first request, also in workers that receive none.
#[test]
fn news_reaches_every_worker_within_a_moment() {
    let answers = vec![set(&[&key(0)]), set(&[&key(1)])];
    let mut emulator = start(&with_workers(once(json!({"refetch_on_unknown_kid": "1s"})), answers, 4));
    emulator.advance(ms(2000));
    assert_eq!(ask(&mut emulator, 3, &by(&key(1))), 200);
    emulator.advance(ms(1500));
    for worker in 0..4 {
        assert_eq!(ask(&mut emulator, worker, &by(&key(0))), 401, "worker {worker}");
    }
}

#[test]
fn an_update_of_the_listener_has_the_keys_at_once() {
    let config = once(json!({}));
    let mut emulator = start(&with_workers(config.clone(), vec![set(&[&key(0)])], 2));
    emulator.advance(ms(2000));
    emulator.reconfigure(0, &Configuration::Text(config.to_string().into_bytes())).expect("the same");
    for worker in 0..2 {
        assert_eq!(ask(&mut emulator, worker, &by(&key(0))), 200);
    }
    emulator.advance(ms(10_000));
    assert_eq!((fetches(&emulator), emulator.metric("jwt_authn.waited")), (1, Some(0)));
}

#[test]
fn rules_that_differ_do_not_share() {
    let mut emulator = start(&with_workers(once(json!({})), vec![set(&[&key(0), &key(1)])], 1));
    emulator.advance(ms(2000));
    let other = once(json!({"max_keys": 1})).to_string();
    emulator.reconfigure(0, &Configuration::Text(other.into_bytes())).expect("it loads");
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 503);
    assert_eq!(fetches(&emulator), 2);
}

fn reloading(mut scenario: Scenario) -> Scenario {
    scenario.filters[0].failure_policy = FailurePolicy::FailReload;
    scenario.filters[0].reload_after = ms(100);
    scenario
}

#[test]
fn a_vm_that_is_started_anew_has_the_keys_at_once() {
    let scenario = reloading(with_workers(once(json!({})), vec![set(&[&key(0)])], 1));
    let mut emulator = start(&scenario);
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    let mut emulator = emulator.fault("proxy_get_header_map_pairs", Which::Nth(1), Effect::Trap);
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 503);
    emulator.advance(ms(500));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    // The first request did.
    assert_eq!((fetches(&emulator), emulator.metric("jwt_authn.waited")), (1, Some(1)));
}

/// The lease expires, and another worker fetches.
#[test]
fn a_worker_that_dies_in_a_fetch_delays_others_briefly() {
    let scenario = with_workers(once(json!({})), vec![set(&[&key(0)])], 3);
    let emulator = Emulator::builder(&scenario).fault("proxy_http_call", Which::Nth(1), Effect::Trap).start();
    let mut emulator = emulator.expect("it loads");
    // A second for the response, and a margin of two.
    emulator.advance(ms(2900));
    assert_eq!(fetches(&emulator), 0);
    emulator.advance(ms(400));
    assert_eq!(fetches(&emulator), 1);
    let statuses: Vec<_> = (0..3).map(|worker| ask(&mut emulator, worker, &by(&key(0)))).collect();
    // The VM of a worker or of the main thread has died.
    assert!(statuses.iter().filter(|status| **status == 200).count() >= 2, "{statuses:?}");
}

/// Two workers that poll, lease, publish and read at the same time.
#[test]
fn no_order_of_two_workers_makes_two_fetches() {
    let scenario = with_workers(once(json!({})), vec![set(&[&key(0)])], 2);
    let two = Interleaved::new(&scenario).send(0, by(&key(0))).send(1, by(&key(0))).linger(ms(30));
    let report = two
        .seeded(0, 50, |end| {
            let statuses: Vec<_> = end.exchanges.iter().map(status_of).collect();
            let fetches = end.emulator.received("keys").len();
            if (statuses.as_slice(), fetches) == (&[200, 200], 1) {
                Ok(())
            } else {
                Err(format!("{statuses:?} {fetches}"))
            }
        })
        .unwrap();
    assert!(report.schedules.len() > 1, "{report:?}");
}
