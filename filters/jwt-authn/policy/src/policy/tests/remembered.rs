use super::*;
use crate::CacheLookups;

#[test]
fn a_token_that_comes_again_is_not_verified_again() {
    let config = only(json!({ "claim_to_headers": [{ "header_name": "x-sub", "claim_name": "sub" }] }));
    let mut policy = policy(config);
    let mut world = World::default();
    let [one, two] = ["one", "two"].map(|sub| token("a", json!({ "sub": sub })));
    for _ in 0..3 {
        for (token, sub) in [(&one, "one"), (&two, "two")] {
            let became = decide(&mut policy, &mut world, &[("a", token), ("x-sub", "root")], NOW);
            assert_eq!(became.edits(), ["-a".to_owned(), format!("=x-sub: {sub}")]);
        }
    }
    assert_eq!(world.verified, 2);
    assert_eq!(policy.take_cache_lookups(), CacheLookups { hits: 4, misses: 2 });
    assert_eq!(policy.take_cache_lookups(), CacheLookups::default());
}

#[test]
fn only_what_was_verified_is_remembered() {
    let mut policy = policy(only(json!({ "required_scopes": ["s"] })));
    let mut world = World::default();
    let forged = signed(&json!({ "alg": "EdDSA" }), &json!({ "iss": "a", "scope": "s" }), "forged");
    for token in [good("a"), forged, token("a", json!({ "exp": 1 })), "garbage".into()] {
        for _ in 0..2 {
            assert!(!decide(&mut policy, &mut world, &[("a", &token)], NOW).passed());
        }
    }
    assert_eq!(policy.take_cache_lookups(), CacheLookups { hits: 0, misses: 8 });
    assert!(policy.memory.verified.is_empty());
}

#[test]
fn a_token_of_one_provider_is_not_known_to_another() {
    let place = json!({ "issuer": "", "from_headers": [{ "name": "t" }] });
    let mut config = abc(json!({ "provider_name": "a" }));
    config["providers"]["a"] = with(provider("a"), place.clone());
    config["providers"]["b"] = with(provider("b"), place);
    config["rules"] = json!([
        { "match": { "paths": [{ "exact": "/a" }] }, "requires": { "provider_name": "a" } },
        { "requires": { "provider_name": "b" } },
    ]);
    let mut policy = policy(config);
    let mut world = World::default();
    let token = signed(&json!({ "alg": "EdDSA" }), &json!({}), "a");
    assert!(decide(&mut policy, &mut world, &[(":path", "/a"), ("t", &token)], NOW).passed());
    let other = decide(&mut policy, &mut world, &[(":path", "/b"), ("t", &token)], NOW);
    assert_eq!(other, Became::Refused(Reason::SignatureInvalid));
}

#[test]
fn time_is_looked_at_each_time() {
    let config = only(json!({ "max_lifetime": "700s", "clock_skew_seconds": 10 }));
    let mut policy = policy(config);
    let mut world = World::default();
    let token = token("a", json!({ "nbf": NOW - 100 }));
    let mut at = |now| decide(&mut policy, &mut world, &[("a", &token)], now);
    assert!(at(NOW).passed() && at(NOW + 610).passed());
    assert_eq!(at(NOW + 611), Became::Refused(Reason::Expired));
    assert_eq!(at(NOW + 612), Became::Refused(Reason::Expired));
    // After the clock is set back, removed entries are still not found.
    assert!(at(NOW).passed());
    assert_eq!(at(NOW - 101), Became::Refused(Reason::LifetimeTooLong));
    assert_eq!(at(NOW - 111), Became::Refused(Reason::NotYetValid));
}

#[test]
fn keys_that_change_make_a_token_be_verified_again() {
    let mut config = only(json!({}));
    let provider = &mut config["providers"]["a"];
    provider.as_object_mut().unwrap().remove("local_jwks");
    provider["remote_jwks"] = json!({ "http_uri": { "uri": "https://id.example/jwks", "cluster": "id" } });
    let mut policy = policy(config);
    let mut world = World { keys: Keys::Ready(key_set(&["a"]), 1), ..World::default() };
    let token = good("a");
    let mut judge = |world: &mut World| decide(&mut policy, world, &[("a", &token)], NOW);
    assert!(judge(&mut world).passed() && judge(&mut world).passed());
    assert_eq!(world.verified, 1);
    world.keys = Keys::Ready(key_set(&["a", "b"]), 2);
    assert!(judge(&mut world).passed() && judge(&mut world).passed());
    assert_eq!(world.verified, 2);
    world.keys = Keys::Ready(key_set(&["b"]), 3);
    assert_eq!(judge(&mut world), Became::Refused(Reason::UnknownKey));
    world.keys = Keys::Unavailable;
    assert_eq!(judge(&mut world), Became::Refused(Reason::KeysUnavailable));
}

#[test]
fn what_is_revoked_is_looked_at_whenever_it_changes() {
    let remote = json!({ "http_uri": { "uri": "https://id.example/revoked", "cluster": "id" } });
    let configured = json!([{ "iss": "a", "jti": "written" }]);
    let mut policy =
        policy(with(only(json!({})), json!({ "revocation": { "remote": remote, "tokens": configured } })));
    let mut world = World::default();
    let [one, two, written] = ["one", "two", "written"].map(|jti| token("a", json!({ "jti": jti })));
    let mut judge = |policy: &mut Policy, token: &str| decide(policy, &mut world, &[("a", token)], NOW);
    let revoked = Became::Refused(Reason::Revoked);
    for _ in 0..2 {
        assert!(judge(&mut policy, &one).passed() && judge(&mut policy, &two).passed());
        assert_eq!(judge(&mut policy, &written), revoked);
    }
    let list = br#"{"tokens": [{"iss": "a", "jti": "one"}]}"#;
    policy.revocations_mut().set_list(list, UnixNanos(NOW * 1_000_000_000)).unwrap();
    for _ in 0..2 {
        assert_eq!(judge(&mut policy, &one), revoked);
        assert!(judge(&mut policy, &two).passed());
    }
    policy.revocations_mut().set_list(br#"{"tokens": []}"#, UnixNanos(NOW * 1_000_000_000)).unwrap();
    assert!(judge(&mut policy, &one).passed());
}

#[test]
fn without_a_cache_each_token_is_verified() {
    let config = with(only(json!({})), json!({ "jwt_cache_config": { "jwt_cache_size": 0 } }));
    let mut policy = policy(config);
    let mut world = World::default();
    for n in 1..4 {
        assert!(decide(&mut policy, &mut world, &[("a", &good("a"))], NOW).passed());
        assert_eq!(world.verified, n);
    }
}
