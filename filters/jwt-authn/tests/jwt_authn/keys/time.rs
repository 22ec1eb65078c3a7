//! Lifetime of keys, on a virtual clock.

use super::*;

#[test]
fn keys_are_fetched_again_ahead_of_their_time() {
    let mut emulator = start(&with(once(json!({"cache_duration": "100s"})), vec![set(&[&key(0)])]));
    emulator.advance(ms(79_000));
    assert_eq!(fetches(&emulator), 1);
    emulator.advance(ms(17_000));
    assert_eq!(fetches(&emulator), 2);
    emulator.advance(ms(900_000));
    let count = fetches(&emulator);
    assert!((10..=13).contains(&count), "{count} in 1000 s");
}

#[test]
fn cache_control_shortens_their_life() {
    let answer = Response::new(200).header("cache-control", "public, max-age=60").header("age", "20");
    let answer = reply(answer.chunk(jwks(&[&key(0)])));
    let mut emulator = start(&with(once(json!({})), vec![answer]));
    emulator.advance(ms(400_000));
    let count = fetches(&emulator);
    assert!((10..=13).contains(&count), "{count} in ten lives of 40 s");
}

#[test]
fn no_cache_does_not_mean_a_fetch_for_each_request() {
    let answer = Response::new(200).header("cache-control", "no-store, no-cache").chunk(jwks(&[&key(0)]));
    let mut emulator = start(&with(once(json!({})), vec![reply(answer)]));
    for _ in 0..100 {
        assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
        emulator.advance(ms(1000));
    }
    let count = fetches(&emulator);
    assert!((10..=14).contains(&count), "{count} in 100 s");
}

#[test]
fn old_keys_are_used_until_their_window_ends_and_then_no_more() {
    let remote = json!({"cache_duration": "10s", "stale_if_error": "20s"});
    let answers = vec![set(&[&key(0)]), reply(Response::new(500))];
    let mut emulator = start(&with(once(remote), answers));
    emulator.advance(ms(29_000));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    assert!(emulator.metric("jwt_authn.jwks_stale_used") > Some(0));
    emulator.advance(ms(3000));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 503);
    assert_eq!(emulator.metric("jwt_authn.jwks_fetch_success"), Some(1));
}

#[test]
fn without_a_window_they_end_with_their_time() {
    let remote = json!({"cache_duration": "10s", "stale_if_error": "0"});
    let mut emulator = start(&with(once(remote), vec![set(&[&key(0)]), reply(Response::new(500))]));
    emulator.advance(ms(9900));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    emulator.advance(ms(400));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 503);
}

#[test]
fn an_issuer_that_is_back_is_noticed_within_half_a_minute() {
    let mut answers = vec![reply(Response::new(500)); 20];
    answers.push(set(&[&key(0)]));
    let mut emulator = start(&with(once(json!({})), answers));
    // Delays of 1, 2, 4, 8, 16 s, and then 30 s each.
    emulator.advance(ms(490_000));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    assert_eq!(fetches(&emulator), 21);
}

#[test]
fn keys_that_have_not_changed_are_not_sent_again() {
    let first = Response::new(200).header("etag", "\"one\"").chunk(jwks(&[&key(0)]));
    let second = Response::new(200).header("etag", "\"two\"").chunk(jwks(&[&key(1)]));
    let answers = vec![reply(first), reply(Response::new(304)), reply(second), reply(Response::new(304))];
    let mut emulator = start(&with(once(json!({"cache_duration": "10s"})), answers));
    emulator.advance(ms(9700));
    assert_eq!(ask(&mut emulator, 0, &by(&key(0))), 200);
    // Otherwise the keys would have expired by now, but would still be used because of `stale_if_error`.
    emulator.advance(ms(9500));
    assert_eq!(ask(&mut emulator, 0, &by(&key(1))), 200);
    emulator.advance(ms(10_000));
    assert_eq!(ask(&mut emulator, 0, &by(&key(1))), 200);
    let sent: Vec<_> = emulator
        .received("keys")
        .iter()
        .map(|r| r.headers.get("if-none-match").map(<[u8]>::to_vec))
        .collect();
    let [one, two] = [b"\"one\"", b"\"two\""].map(|etag| Some(etag.to_vec()));
    assert_eq!(sent[..4], [None, one.clone(), one, two]);
    assert_eq!(emulator.metric("jwt_authn.jwks_fetch_failed"), Some(0));
}
