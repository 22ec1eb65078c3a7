//! Keys that change: a token signed with a newly published key.

use super::*;
use tollgate_host_test::on_both_hosts;

on_both_hosts! {
    fn a_key_that_is_not_there_makes_the_keys_be_fetched_again(host) {
        let scenario = with(once(json!({})), vec![set(&[&key(0)]), set(&[&key(0), &key(1)])]);
        let outcome = host.run(&scenario.request(by(&key(0))).request(by(&key(1))).request(by(&key(0))));
        outcome.has_statuses(&[200, 200, 200]);
        outcome.has_metric("jwt_authn.jwks_refetch_unknown_kid", 1);
        assert_eq!(outcome.callouts["keys"].len(), 2);
    }

    fn a_key_that_nobody_has_makes_them_be_fetched_once(host) {
        let scenario = with(once(json!({})), vec![set(&[&key(0)])]).request(by(&key(0)));
        let scenario = (0..5).fold(scenario, |scenario, n| scenario.request(by(&key(n).with_kid(&format!("x{n}")))));
        let outcome = host.run(&scenario.request(by(&key(0))));
        outcome.has_statuses(&[200, 401, 401, 401, 401, 401, 200]);
        assert_eq!(outcome.callouts["keys"].len(), 2);
    }

    fn a_key_that_is_gone_is_not_accepted_any_more(host) {
        let answers = vec![set(&[&key(0)]), set(&[&key(1)])];
        let scenario = with(once(json!({"refetch_on_unknown_kid": "100ms"})), answers);
        let scenario = scenario.request(by(&key(0))).request(by(&key(0))).request(by(&key(1))).request(by(&key(0)));
        let outcome = host.run(&scenario);
        // Rejected although it is in the cache.
        outcome.has_statuses(&[200, 200, 200, 401]);
    }
}

#[test]
fn a_refetch_is_not_more_often_than_allowed_over_all_workers() {
    let config = once(json!({"refetch_on_unknown_kid": "30s", "cache_duration": "1h"}));
    let mut emulator = start(&with(config, vec![set(&[&key(0)])]).settings(|s| s.workers = 4));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    for n in 0..300usize {
        assert_eq!(ask(&mut emulator, n % 4, &by(&key(0).with_kid(&format!("x{n}")))), 401);
        emulator.advance(ms(200));
    }
    // A minute: at 0, 30 and 60 s.
    let count = fetches(&emulator);
    assert!((3..=4).contains(&count), "{count}");
    assert_eq!(emulator.metric("jwt_authn.jwks_refetch_unknown_kid"), Some(count as u64 - 1));
}

#[test]
fn it_can_be_turned_off() {
    let config = once(json!({"refetch_on_unknown_kid": "0"}));
    let mut emulator = start(&with(config, vec![set(&[&key(0)]), set(&[&key(1)])]));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    assert_eq!(ask(&mut emulator, 0, &by(&key(1))), 401);
    emulator.advance(ms(10_000));
    assert_eq!(fetches(&emulator), 1);
}

#[test]
fn many_tokens_by_a_new_key_wait_for_one_fetch() {
    let late = Answer::Reply { response: Response::new(200).chunk(jwks(&[&key(1)])), after: ms(300) };
    let scenario = with(once(json!({})), vec![set(&[&key(0)]), late]).settings(|s| s.workers = 2);
    let mut emulator = start(&scenario);
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    emulator.advance(ms(2000));
    let waiting: Vec<_> = (0..20).map(|n| emulator.request(n % 2, &by(&key(1)))).collect();
    emulator.advance(ms(350));
    assert!(waiting.iter().all(|handle| status(&emulator, *handle) == 200));
    assert_eq!(fetches(&emulator), 2);
}

/// While the server is down, the old keys are used. A token of another key is rejected after the fetch fails.
#[test]
fn a_refetch_that_fails_costs_nobody_else() {
    let mut emulator = start(&with(once(json!({})), vec![set(&[&key(0)]), reply(Response::new(500))]));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    let unknown = emulator.request(0, &by(&key(1)));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    emulator.advance(ms(50));
    assert_eq!(status(&emulator, unknown), 401);
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
}
