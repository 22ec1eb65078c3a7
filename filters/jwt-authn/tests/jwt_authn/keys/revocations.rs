//! The revocation list, which is fetched like keys.

use super::*;
use tollgate_host_test::on_both_hosts;

fn revoking(poll: &str, lists: Vec<Answer>) -> Scenario {
    let mut config = once(json!({}));
    config["revocation"] = json!({"remote": {
        "http_uri": {"uri": "http://lists.test/revoked", "cluster": "lists", "timeout": "500ms"},
        "poll_interval": poll,
        "stale_if_error": "10s",
    }});
    with(config, vec![set(&[&key(0)])]).upstream(Upstream::answers("lists", lists))
}

fn of(token_id: &str) -> Request {
    with_token(&key(0).token(&json!({"iss": ISSUER, "jti": token_id, "exp": 4_000_000_000u64})))
}

fn list(token_id: &str) -> Answer {
    let list = json!({"tokens": [{"iss": ISSUER, "jti": token_id}]});
    reply(Response::new(200).chunk(list.to_string()))
}

on_both_hosts! {
    fn a_request_waits_for_the_first_list_and_is_judged_by_it(host) {
        let scenario = revoking("1m", vec![list("a")]).request(of("a")).request(of("b"));
        let outcome = host.run(&scenario);
        outcome.has_statuses(&[401, 200]).has_details(0, "jwt_authn_access_denied{revoked}");
        outcome.has_metric("jwt_authn.revocation_fetch_success", 1);
    }

    fn without_a_list_nobody_is_let_in(host) {
        let outcome = host.run(&revoking("1m", vec![reply(Response::new(200).chunk("{}"))]).request(of("b")));
        outcome.has_statuses(&[503]);
    }
}

#[test]
fn the_list_is_polled_and_kept_for_a_while() {
    let mut emulator = start(&revoking("10s", vec![list("a"), list("b"), reply(Response::new(500))]));
    emulator.advance(ms(1000));
    assert_eq!([ask(&mut emulator, 0, &of("a")), ask(&mut emulator, 0, &of("b"))], [401, 200]);
    emulator.advance(ms(9000));
    assert_eq!([ask(&mut emulator, 0, &of("a")), ask(&mut emulator, 0, &of("b"))], [200, 401]);
    // The second list arrived after 8 to 9.5 s, and remains in use for 20 s.
    emulator.advance(ms(17_000));
    assert_eq!([ask(&mut emulator, 0, &of("a")), ask(&mut emulator, 0, &of("b"))], [200, 401]);
    emulator.advance(ms(4000));
    assert_eq!(ask(&mut emulator, 0, &of("a")), 503);
}
