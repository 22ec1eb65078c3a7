use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// A token of `a` to `c`: its issuer, its signer, its expiration and its scopes.
fn some_token() -> impl Strategy<Value = String> {
    let claims = (
        select(vec!["a", "b", "c", "x"]),
        select(vec!["a", "b", "c", "forged"]),
        proptest::option::of(0..5u64),
        0..5u64,
        select(vec!["", "s", "s t"]),
        select(vec!["", "x", "y"]),
    );
    let jwt = claims.prop_map(|(iss, kid, exp, nbf, scope, aud)| {
        let mut claims = json!({ "iss": iss, "sub": "ann", "nbf": NOW + nbf, "scope": scope, "aud": aud });
        if let Some(exp) = exp {
            claims["exp"] = (NOW + exp).into();
        }
        signed(&json!({ "alg": "EdDSA", "kid": kid }), &claims, kid)
    });
    prop_oneof![9 => jwt, 1 => "[a-z.]{0,8}"]
}

fn requirement() -> impl Strategy<Value = Value> {
    let provider = select(vec!["a", "b", "c"]);
    let leaf = prop_oneof![
        4 => provider.clone().prop_map(|name| json!({ "provider_name": name })),
        1 => provider.prop_map(|name| json!({
            "provider_and_audiences": { "provider_name": name, "audiences": ["x"] }
        })),
        1 => Just(json!({ "allow_missing": {} })),
        1 => Just(json!({ "allow_missing_or_failed": {} })),
        1 => Just(json!({ "extract_only_without_validation": {} })),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        (select(vec!["requires_any", "requires_all"]), vec(inner, 2..4))
            .prop_map(|(kind, list)| json!({ kind: { "requirements": list } }))
    })
}

fn config(requires: &Value, cache: usize) -> Value {
    let outputs = |name: &str, changes: Value| {
        let claims = json!([{ "header_name": format!("x-{name}"), "claim_name": "sub" }]);
        with(provider(name), with(json!({ "claim_to_headers": claims, "clock_skew_seconds": 1 }), changes))
    };
    json!({
        "providers": {
            "a": outputs("a", json!({})),
            "b": outputs("b", json!({ "required_scopes": ["s"] })),
            "c": outputs("c", json!({ "audiences": ["x"], "require_expiration": true })),
        },
        "rules": [
            { "match": { "methods": ["PUT"] }, "requires": requires, "required_scopes": ["t"] },
            { "requires": requires },
        ],
        "jwt_cache_config": { "jwt_cache_size": cache },
    })
}

type Request = (&'static str, Vec<(&'static str, String)>, u64);

fn request() -> impl Strategy<Value = Request> {
    let header = (select(vec!["a", "a", "b", "b", "c", "c", "x-a", "x-b", "x-c"]), some_token());
    (select(vec!["GET", "PUT"]), vec(header, 0..4), 0..8u64)
}

fn judged(policy: &mut Policy, world: &mut World, (method, headers, at): &Request) -> Became {
    let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
    let headers: Vec<_> = [(":method", *method), (":path", "/")].into_iter().chain(headers).collect();
    decide(policy, world, &headers, NOW + at)
}

/// Reverses lists of requirements.
fn reversed(requires: &Value) -> Value {
    match requires {
        Value::Array(list) => list.iter().rev().map(reversed).collect(),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), reversed(value))).collect())
        }
        other => other.clone(),
    }
}

proptest! {
    // Without optimisation, creating a policy takes milliseconds, because its keys are points of curves.
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// The cache changes no decision: neither the accepted tokens, nor the reason, nor the values that are
    /// passed on.
    #[test]
    fn a_warm_cache_decides_as_a_cold_one(
        requires in requirement(),
        pool in vec(request(), 1..4),
        order in vec((0..4usize, 0..8u64), 1..12),
    ) {
        let mut warm = policy(config(&requires, 3));
        let mut cold = policy(config(&requires, 0));
        for (index, at) in order {
            let (method, headers, _) = pool[index % pool.len()].clone();
            let request = (method, headers, at);
            let expected = judged(&mut cold, &mut World::default(), &request);
            prop_assert_eq!(judged(&mut warm, &mut World::default(), &request), expected);
        }
    }

    #[test]
    fn the_order_of_requirements_is_of_no_account_for_what_passes(
        requires in requirement(),
        request in request(),
    ) {
        let forth = judged(&mut policy(config(&requires, 0)), &mut World::default(), &request);
        let back = judged(&mut policy(config(&reversed(&requires), 0)), &mut World::default(), &request);
        prop_assert_eq!(forth.passed(), back.passed());
    }

    /// An output header is in the request only if the filter set it, to a claim of a signed token.
    #[test]
    fn nothing_forged_is_left(requires in requirement(), request in request(), shadow: bool) {
        let mut policy = policy(with(config(&requires, 3), json!({ "shadow": shadow })));
        let became = judged(&mut policy, &mut World::default(), &request);
        if let Became::Passed { edits, .. } = became {
            for name in ["x-a", "x-b", "x-c"] {
                let sent = request.1.iter().any(|(sent, _)| *sent == name);
                let set = edits.iter().any(|edit| edit.starts_with(&format!("={name}: ann")));
                let removed = edits.contains(&format!("-{name}"));
                prop_assert!(!sent || set || removed, "{name}: {edits:?}");
            }
        }
    }

    /// With any contents of the cache, at any time.
    #[test]
    fn an_expired_token_never_passes(times in vec(0..10u64, 1..12), exp in 0..6u64) {
        let mut policy = policy(only(json!({ "clock_skew_seconds": 1 })));
        let mut world = World::default();
        let token = token("a", json!({ "exp": NOW + exp }));
        for at in times {
            let passed = decide(&mut policy, &mut world, &[("a", &token)], NOW + at).passed();
            prop_assert_eq!(passed, at <= exp + 1);
        }
    }

    /// When the time to wait is over, the request is decided with any keys.
    #[test]
    fn who_may_not_wait_is_answered(requires in requirement(), request in request(), keys in 0..3, refetch: bool) {
        let mut config = config(&requires, 3);
        for name in ["a", "b"] {
            let provider = config["providers"][name].as_object_mut().unwrap();
            provider.remove("local_jwks");
            let remote = json!({ "http_uri": { "uri": format!("https://{name}.example/"), "cluster": "id" } });
            provider.insert("remote_jwks".into(), remote);
        }
        let keys = [Keys::Pending, Keys::Unavailable, Keys::Ready(key_set(&["b"]), 1)][keys as usize].clone();
        let mut world = World { keys, refetch, ..World::default() };
        let (method, headers, at) = &request;
        let headers = headers.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<_> = [(":method", *method)].into_iter().chain(headers).collect();
        let pairs: Vec<(&[u8], &[u8])> =
            headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
        let facts = RequestFacts::from_pairs(&pairs);
        let mut policy = policy(config);
        let decision = policy.decide(&facts, &mut world, UnixNanos((NOW + at) * 1_000_000_000), false);
        prop_assert!(!matches!(decision, Decision::Wait));
    }

    /// Tokens of other providers change nothing in a request that meets a provider's requirement.
    #[test]
    fn ignores_tokens_of_unused_providers(
        names in subsequence(vec!["b", "c"], 0..3),
        garbage in some_token(),
    ) {
        let good = good("a");
        let mut headers = vec![("a", good.as_str())];
        headers.extend(names.iter().map(|name| (*name, garbage.as_str())));
        let config = abc(json!({ "provider_name": "a" }));
        prop_assert!(at_first(config, &headers).passed());
    }
}
