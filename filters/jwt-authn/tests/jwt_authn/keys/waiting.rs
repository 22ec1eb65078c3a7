//! Requests that arrive before the keys.

use super::*;
use tollgate_host_test::on_both_hosts;

on_both_hosts! {
    fn a_request_waits_for_the_first_keys(host) {
        let late = Answer::Reply { response: Response::new(200).chunk(jwks(&[&key(0)])), after: ms(300) };
        let outcome = host.run(&with(once(json!({})), vec![late]).request(by(&key(0))).request(by(&key(0))));
        outcome.has_statuses(&[200, 200]);
        outcome.has_metric("jwt_authn.jwks_fetch_success", 1).has_metric("jwt_authn.jwks_fetch_failed", 0);
        assert_eq!(outcome.callouts["keys"].len(), 1);
        outcome.callout("keys", 0).start("GET keys.test /jwks").header("accept", "application/json");
    }

    fn requests_do_not_wait_for_keys_that_they_do_not_need(host) {
        let mut config = once(json!({}));
        config["rules"] = json!([{"match": {"paths": [{"prefix": "/open"}]}}, {"requires": {"provider_name": "a"}}]);
        let open = Request::get("/open");
        let outcome = host.run(&with(config, vec![Answer::Hang]).request(open).request(Request::get("/")));
        outcome.has_statuses(&[200, 401]);
        outcome.has_metric("jwt_authn.waited", 0);
    }
}

fn slow_keys(after: u64) -> Vec<Answer> {
    vec![Answer::Reply { response: Response::new(200).chunk(jwks(&[&key(0)])), after: ms(after) }]
}

#[test]
fn all_that_wait_are_woken_by_one_answer() {
    let mut emulator = start(&with(once(json!({})), slow_keys(400)));
    let waiting: Vec<_> = (0..20).map(|_| emulator.request(0, &by(&key(0)))).collect();
    let forged = emulator.request(0, &by(&Signer::new("EdDSA", 1).with_kid("k0")));
    emulator.advance(ms(390));
    assert!(waiting.iter().all(|handle| status(&emulator, *handle) == 0));
    emulator.advance(ms(30));
    assert!(waiting.iter().all(|handle| status(&emulator, *handle) == 200));
    assert_eq!((status(&emulator, forged), fetches(&emulator)), (401, 1));
    assert_eq!(emulator.metric("jwt_authn.waited"), Some(21));
}

#[test]
fn no_more_wait_than_may() {
    let mut config = once(json!({}));
    config["max_waiting_requests"] = json!(3);
    let mut emulator = start(&with(config, slow_keys(400)));
    let [a, b, c, overflow] = [0; 4].map(|_| emulator.request(0, &by(&key(0))));
    emulator.advance(ms(2));
    assert_eq!([a, b, c, overflow].map(|handle| status(&emulator, handle)), [0, 0, 0, 503]);
    // A client that disconnects makes room.
    emulator.hang_up(b);
    let d = emulator.request(0, &by(&key(0)));
    emulator.advance(ms(450));
    assert_eq!([a, c, d].map(|handle| status(&emulator, handle)), [200, 200, 200]);
    assert_eq!(emulator.metric("jwt_authn.waiting_overflow"), Some(1));
    assert_eq!(emulator.metric(UNAVAILABLE), Some(1));
}

#[test]
fn nobody_waits_for_longer_than_an_answer_can_take() {
    // With retries, the fetch takes longer than this. A later request has its own time to wait.
    let mut emulator = start(&with(config(json!({"retry_policy": {"num_retries": 3}})), vec![Answer::Hang]));
    let first = emulator.request(0, &by(&key(0)));
    emulator.advance(ms(1000));
    let second = emulator.request(0, &by(&key(0)));
    emulator.advance(ms(499));
    assert_eq!(status(&emulator, first), 0);
    emulator.advance(ms(3));
    assert_eq!((status(&emulator, first), status(&emulator, second)), (503, 0));
    emulator.advance(ms(1000));
    assert_eq!(status(&emulator, second), 503);
    let exchange = emulator.take_exchange(second).expect("answered");
    assert_eq!(exchange.details, "jwt_authn_access_denied{jwks_unavailable}");
}

#[test]
fn once_a_fetch_has_failed_requests_are_answered_at_once() {
    let mut emulator = start(&with(once(json!({})), vec![reply(Response::new(500))]));
    let waiting = emulator.request(0, &by(&key(0)));
    emulator.advance(ms(50));
    assert_eq!(status(&emulator, waiting), 503);
    let next = emulator.request(0, &by(&key(0)));
    assert_eq!(status(&emulator, next), 503);
}

#[test]
fn a_client_that_hangs_up_while_it_waits_is_forgotten() {
    let mut emulator = start(&with(once(json!({})), slow_keys(100)));
    let handle = emulator.request(0, &by(&key(0)));
    emulator.advance(ms(50));
    emulator.hang_up(handle);
    emulator.advance(ms(200));
    assert_eq!((emulator.open_streams(), emulator.traps().len()), (0, 0));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
}

#[test]
fn with_on_error_allow_a_request_continues_without_claims() {
    let mut config = once(json!({}));
    config["on_error"] = json!("allow");
    config["providers"]["a"]["claim_to_headers"] = json!([{"header_name": "x-sub", "claim_name": "sub"}]);
    let mut emulator = start(&with(config, vec![reply(Response::new(500))]));
    let handle = emulator.request(0, &by(&key(0)).header("x-sub", "forged"));
    let exchange = emulator.finish_request(handle);
    assert_eq!(status_of(&exchange), 200);
    assert_eq!(exchange.upstream[0].headers.get("x-sub"), None);
}
