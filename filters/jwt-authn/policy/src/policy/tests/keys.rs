use super::*;

fn remote(changes: Value) -> Value {
    let provider = json!({
        "issuer": "a", "from_headers": [{ "name": "a" }],
        "remote_jwks": { "http_uri": { "uri": "https://id.example/jwks", "cluster": "id" } },
    });
    with(
        json!({ "providers": { "a": provider }, "rules": [{ "requires": { "provider_name": "a" } }] }),
        changes,
    )
}

fn judged(config: Value, world: &mut World, token: &str, may_wait: bool) -> Became {
    let pairs: Vec<(&[u8], &[u8])> = vec![(b"a", token.as_bytes())];
    let request = RequestFacts::from_pairs(&pairs);
    became(policy(config).decide(&request, world, UnixNanos(NOW * 1_000_000_000), may_wait))
}

fn bad_tokens() -> Vec<(String, Reason)> {
    vec![
        ("garbage".into(), Reason::BadFormat),
        (token("a", json!({ "exp": 1 })), Reason::Expired),
        (token("a", json!({ "nbf": NOW + 100 })), Reason::NotYetValid),
        (token("a", json!({ "iss": "b" })), Reason::UnknownIssuer),
        (signed(&json!({ "alg": "none" }), &json!({ "iss": "a" }), ""), Reason::UnknownAlgorithm),
    ]
}

#[test]
fn a_token_waits_for_keys_and_a_bad_one_does_not() {
    let mut world = World { keys: Keys::Pending, ..World::default() };
    assert_eq!(judged(remote(json!({})), &mut world, &good("a"), true), Became::Waits);
    for (token, reason) in bad_tokens() {
        assert_eq!(judged(remote(json!({})), &mut world, &token, true), Became::Refused(reason));
    }
    world.keys = Keys::Ready(key_set(&["a"]), 1);
    assert!(judged(remote(json!({})), &mut world, &good("a"), true).passed());
}

#[test]
fn on_error_decides_about_undecided_requests() {
    let allow = json!({ "on_error": "allow" });
    for (keys, may_wait) in [(Keys::Pending, false), (Keys::Unavailable, true), (Keys::Unavailable, false)] {
        let mut world = World { keys, ..World::default() };
        assert_eq!(
            judged(remote(json!({})), &mut world, &good("a"), may_wait),
            Became::Refused(Reason::KeysUnavailable)
        );
        let became = judged(remote(allow.clone()), &mut world, &good("a"), may_wait);
        let Became::Passed { edits, state, allowed_by, .. } = became else { panic!("{became:?}") };
        assert_eq!((edits.len(), allowed_by), (0, Some(AllowedBy::FailureMode(Reason::KeysUnavailable))));
        assert_eq!(state, ["jwt_authn.failure: jwks_unavailable"]);
        // Unavailable keys never make a bad token good.
        for (token, reason) in bad_tokens() {
            assert_eq!(judged(remote(allow.clone()), &mut world, &token, may_wait), Became::Refused(reason));
        }
    }
}

#[test]
fn an_unknown_kid_triggers_a_fetch_after_all_other_checks() {
    let mut world = World { keys: Keys::Ready(key_set(&["old"]), 1), refetch: true, ..World::default() };
    assert_eq!(judged(remote(json!({})), &mut world, &good("a"), true), Became::Waits);
    assert_eq!(judged(remote(json!({})), &mut world, &good("a"), false), Became::Refused(Reason::UnknownKey));
    let asked = world.refetched;
    assert_eq!(asked, 2);
    for (token, reason) in bad_tokens() {
        assert_eq!(judged(remote(json!({})), &mut world, &token, true), Became::Refused(reason));
    }
    // Without `kid`, with a wrong signature, or with the `kid` of a key for another algorithm, another fetch
    // would not help.
    let claims = json!({ "iss": "a" });
    for (header, reason) in [
        (json!({ "alg": "EdDSA" }), Reason::SignatureInvalid),
        (json!({ "alg": "EdDSA", "kid": "old" }), Reason::SignatureInvalid),
        (json!({ "alg": "ES256", "kid": "old" }), Reason::UnknownKey),
        (json!({ "alg": "ES256" }), Reason::UnknownKey),
    ] {
        let token = signed(&header, &claims, "forged");
        assert_eq!(judged(remote(json!({})), &mut world, &token, true), Became::Refused(reason), "{header}");
    }
    assert_eq!(world.refetched, asked);
    world.refetch = false;
    assert_eq!(judged(remote(json!({})), &mut world, &good("a"), true), Became::Refused(Reason::UnknownKey));
    // Keys in the configuration do not change.
    let local = signed(&json!({ "alg": "EdDSA", "kid": "z" }), &claims, "z");
    world = World { refetch: true, ..World::default() };
    assert_eq!(judged(only(json!({})), &mut world, &local, true), Became::Refused(Reason::UnknownKey));
    assert_eq!(world.refetched, 0);
}

/// Provider `a` with fetched keys, `b` and `c` with keys in the configuration.
fn mixed(requires: Value, changes: Value) -> Value {
    let mut config = abc(requires);
    config["providers"]["a"] = remote(json!({}))["providers"]["a"].clone();
    with(config, changes)
}

fn judged_mixed(config: Value, keys: Keys, tokens: &[(&str, &str)]) -> Became {
    decide(&mut policy(config), &mut World { keys, ..World::default() }, tokens, NOW)
}

#[test]
fn nobody_waits_for_what_is_known() {
    let any =
        json!({ "requires_any": { "requirements": [{ "provider_name": "a" }, { "provider_name": "b" }] } });
    let all =
        json!({ "requires_all": { "requirements": [{ "provider_name": "a" }, { "provider_name": "b" }] } });
    let (a, b, bad) = (good("a"), good("b"), token("b", json!({ "exp": 1 })));
    let allow = json!({ "on_error": "allow" });
    let pending = |config, tokens: &[(&str, &str)]| judged_mixed(config, Keys::Pending, tokens);
    let none = |config, tokens: &[(&str, &str)]| judged_mixed(config, Keys::Unavailable, tokens);
    let expired = Became::Refused(Reason::Expired);
    let unavailable = Became::Refused(Reason::KeysUnavailable);

    assert!(pending(mixed(any.clone(), json!({})), &[("a", &a), ("b", &b)]).passed());
    assert_eq!(pending(mixed(any.clone(), json!({})), &[("a", &a), ("b", &bad)]), Became::Waits);
    assert_eq!(pending(mixed(all.clone(), json!({})), &[("a", &a), ("b", &b)]), Became::Waits);
    assert_eq!(pending(mixed(all.clone(), json!({})), &[("a", &a), ("b", &bad)]), expired);
    assert_eq!(pending(mixed(all.clone(), json!({})), &[("a", &a)]), Became::Refused(Reason::Missing));

    assert!(none(mixed(any.clone(), json!({})), &[("a", &a), ("b", &b)]).passed());
    assert_eq!(none(mixed(any.clone(), json!({})), &[("a", &a), ("b", &bad)]), unavailable);
    assert_eq!(none(mixed(any, allow.clone()), &[("b", &bad)]), expired);
    assert_eq!(none(mixed(all.clone(), json!({})), &[("a", &a), ("b", &b)]), unavailable);
    assert_eq!(none(mixed(all, allow), &[("a", &a), ("b", &bad)]), expired);
    let failed = json!({ "requires_any": { "requirements": [{ "provider_name": "a" }, { "allow_missing_or_failed": {} }] } });
    assert_eq!(pending(mixed(failed.clone(), json!({})), &[("a", &a)]), Became::Waits);
    assert!(none(mixed(failed, json!({})), &[("a", &a)]).passed());
    assert_eq!(
        pending(mixed(json!({ "allow_missing_or_failed": {} }), json!({})), &[("a", &a)]),
        Became::Waits
    );
    assert!(none(mixed(json!({ "allow_missing_or_failed": {} }), json!({})), &[("a", &a)]).passed());
}

#[test]
fn a_valid_token_waits_for_the_list_of_what_is_revoked() {
    let list = |on_error: Value| {
        let remote = json!({ "http_uri": { "uri": "https://id.example/revoked", "cluster": "id" }, "on_error": on_error });
        with(only(json!({})), json!({ "revocation": { "remote": remote } }))
    };
    let mut world = World { list: RevocationList::Pending, ..World::default() };
    let deny = list(Value::Null);
    assert_eq!(judged(deny.clone(), &mut world, &good("a"), true), Became::Waits);
    let unavailable = Became::Refused(Reason::RevocationUnavailable);
    assert_eq!(judged(deny.clone(), &mut world, &good("a"), false), unavailable);
    let bad = token("a", json!({ "exp": 1 }));
    assert_eq!(judged(deny.clone(), &mut world, &bad, true), Became::Refused(Reason::Expired));
    world.list = RevocationList::Unavailable;
    assert_eq!(judged(deny.clone(), &mut world, &good("a"), true), unavailable);
    let became = judged(list(json!("allow")), &mut world, &good("a"), true);
    assert!(matches!(
        became,
        Became::Passed { allowed_by: Some(AllowedBy::FailureMode(Reason::RevocationUnavailable)), .. }
    ));
    world.list = RevocationList::Ready;
    assert!(judged(deny, &mut world, &good("a"), true).passed());
}
