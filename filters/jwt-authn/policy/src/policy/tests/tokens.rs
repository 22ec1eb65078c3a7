use super::*;

fn refused(config: Value, token: &str) -> Option<Reason> {
    match at_first(config, &[("a", token)]) {
        Became::Passed { allowed_by: None, .. } => None,
        Became::Refused(reason) => Some(reason),
        other => panic!("{other:?}"),
    }
}

fn header(changes: Value) -> Value {
    with(json!({ "alg": "EdDSA", "kid": "a" }), changes)
}

#[test]
fn what_a_token_is_refused_for_is_told_in_envoys_order() {
    use Reason::*;
    let claims =
        |changes: Value| with(json!({ "iss": "a", "exp": NOW + 60, "aud": "x", "sub": "ann" }), changes);
    let config = only(json!({
        "audiences": ["x"], "subjects": { "exact": "ann" }, "max_lifetime": "100s", "allowed_types": ["at+jwt"],
        "required_claims": [{ "claim": "tier", "number": 1 }], "required_scopes": ["s"],
    }));
    let typ = json!({ "typ": "AT+jwt" });
    let rest = json!({ "tier": 1.0, "scope": "s t" });
    // Each also has all the errors that are checked later.
    for (token, expected) in [
        ("x.y".to_owned(), Some(BadFormat)),
        (
            signed(&header(json!({ "alg": "none" })), &claims(json!({ "iss": 1 })), "x"),
            Some(UnknownAlgorithm),
        ),
        (signed(&header(json!({})), &json!([]), "x"), Some(PayloadNotJson)),
        (signed(&header(json!({})), &claims(json!({ "iss": 1, "exp": 1 })), "x"), Some(BadIssuer)),
        (signed(&header(json!({})), &claims(json!({ "iss": "b", "exp": 1 })), "x"), Some(UnknownIssuer)),
        (signed(&header(json!({})), &claims(json!({ "exp": 1, "aud": "y" })), "x"), Some(Expired)),
        (signed(&header(json!({})), &claims(json!({ "nbf": NOW + 61, "aud": "y" })), "x"), Some(NotYetValid)),
        (signed(&header(json!({})), &claims(json!({ "iat": NOW + 61, "aud": "y" })), "x"), Some(NotYetValid)),
        (
            signed(&header(json!({})), &claims(json!({ "aud": "y", "sub": "bob" })), "x"),
            Some(AudienceNotAllowed),
        ),
        (
            signed(&header(json!({})), &claims(json!({ "sub": "bob", "exp": NOW + 101 })), "x"),
            Some(SubjectNotAllowed),
        ),
        (signed(&header(json!({})), &claims(json!({ "exp": NOW + 101 })), "x"), Some(LifetimeTooLong)),
        (signed(&header(json!({})), &claims(json!({})), "x"), Some(TypeNotAllowed)),
        (signed(&header(json!({ "typ": "AT+jwt", "kid": "z" })), &claims(json!({})), "x"), Some(UnknownKey)),
        (signed(&header(typ.clone()), &claims(json!({})), "x"), Some(SignatureInvalid)),
        (signed(&header(typ.clone()), &claims(json!({})), "a"), Some(ClaimNotAllowed)),
        (signed(&header(typ.clone()), &claims(json!({ "tier": 1 })), "a"), Some(InsufficientScope)),
        (
            signed(&header(typ.clone()), &claims(with(rest.clone(), json!({ "cnf": {} }))), "a"),
            Some(CertificateMismatch),
        ),
        (signed(&header(typ), &claims(rest), "a"), None),
    ] {
        assert_eq!(refused(config.clone(), &token), expected, "{token}");
    }
}

#[test]
fn reveals_claims_and_scopes_only_after_the_signature() {
    let config =
        only(json!({ "required_scopes": ["s"], "required_claims": [{ "claim": "x", "present": true }] }));
    let forged = signed(&header(json!({})), &json!({ "iss": "a" }), "forged");
    assert_eq!(refused(config, &forged), Some(Reason::SignatureInvalid));
}

#[test]
fn the_provider_and_the_key_say_which_algorithm() {
    let both = jwks(&[jwk(Some("a"), "OKP"), jwk(Some("e"), "EC")]);
    let config = |allowed: Value| {
        only(json!({ "local_jwks": { "inline_string": both }, "allowed_algorithms": allowed }))
    };
    let claims = json!({ "iss": "a" });
    let ed = signed(&header(json!({})), &claims, "a");
    let es = signed(&header(json!({ "alg": "ES256", "kid": "e" })), &claims, "e");
    let confused = signed(&header(json!({ "alg": "ES256", "kid": "a" })), &claims, "a");
    let secret = signed(&header(json!({ "alg": "HS256", "kid": "a" })), &claims, "a");
    assert_eq!(refused(config(json!([])), &ed), None);
    assert_eq!(refused(config(json!([])), &es), None);
    assert_eq!(refused(config(json!(["ES256"])), &ed), Some(Reason::AlgorithmNotAllowed));
    assert_eq!(refused(config(json!(["ES256"])), &es), None);
    assert_eq!(refused(config(json!([])), &confused), Some(Reason::UnknownKey));
    assert_eq!(refused(config(json!([])), &secret), Some(Reason::UnknownKey));
    let without_kid = signed(&json!({ "alg": "ES256" }), &claims, "e");
    assert_eq!(refused(config(json!([])), &without_kid), None);
    let wrong_key = signed(&json!({ "alg": "ES256" }), &claims, "a");
    assert_eq!(refused(config(json!([])), &wrong_key), Some(Reason::SignatureInvalid));
}

#[test]
fn rejects_a_token_signed_with_another_issuers_key() {
    // `b` signs a token with the issuer `a`, and vice versa.
    let config = abc(json!({ "allow_missing": {} }));
    let header = |kid: &str| json!({ "alg": "EdDSA", "kid": kid });
    for (place, kid, issuer, expected) in [
        ("a", "b", "a", Reason::UnknownKey),
        ("b", "b", "a", Reason::UnknownIssuer),
        ("a", "a", "b", Reason::UnknownIssuer),
    ] {
        let token = signed(&header(kid), &json!({ "iss": issuer }), kid);
        assert_eq!(at_first(config.clone(), &[(place, &token)]), Became::Refused(expected));
    }
}

#[test]
fn prefers_the_provider_of_the_issuer_to_one_without_issuer() {
    let place = json!([{ "name": "t" }]);
    let mut config = abc(json!({ "allow_missing": {} }));
    config["providers"]["a"] = with(provider("a"), json!({ "issuer": "", "from_headers": place }));
    config["providers"]["b"]["from_headers"] = place;
    // `a` accepts any issuer, but the issuer `b` belongs to provider `b`.
    let by_a = signed(&json!({ "alg": "EdDSA", "kid": "a" }), &json!({ "iss": "b" }), "a");
    let mut policy = policy(config.clone());
    let mut world = World::default();
    for _ in 0..2 {
        assert_eq!(
            decide(&mut policy, &mut world, &[("t", &by_a)], NOW),
            Became::Refused(Reason::UnknownKey)
        );
        assert!(decide(&mut policy, &mut world, &[("t", &good("b"))], NOW).passed());
        let any = signed(&json!({ "alg": "EdDSA", "kid": "a" }), &json!({ "iss": "whoever" }), "a");
        assert!(decide(&mut policy, &mut world, &[("t", &any)], NOW).passed());
        let none = signed(&json!({ "alg": "EdDSA", "kid": "a" }), &json!({}), "a");
        assert!(decide(&mut policy, &mut world, &[("t", &none)], NOW).passed());
    }
    // A rule for `a` has cached it, but where the issuer selects the provider, it still belongs to `b`.
    config["rules"] = json!([
        { "match": { "paths": [{ "exact": "/a" }] }, "requires": { "provider_name": "a" } },
        { "requires": { "allow_missing": {} } },
    ]);
    let mut policy = super::policy(config);
    assert!(decide(&mut policy, &mut world, &[(":path", "/a"), ("t", &by_a)], NOW).passed());
    assert_eq!(
        decide(&mut policy, &mut world, &[(":path", "/"), ("t", &by_a)], NOW),
        Became::Refused(Reason::UnknownKey)
    );
}

#[test]
fn a_bound_token_is_of_use_to_its_owner_alone() {
    let thumbprint = base64url::encode(&[7; 32]);
    let bound = token("a", json!({ "cnf": { "x5t#S256": thumbprint } }));
    let mut policy = policy(only(json!({})));
    let mut world = World::default();
    for (certificate, passes) in
        [(Some([7; 32]), true), (Some([8; 32]), false), (None, false), (Some([7; 32]), true)]
    {
        world.certificate = certificate;
        let became = decide(&mut policy, &mut world, &[("a", &bound)], NOW);
        assert_eq!(became.passed(), passes, "{became:?}");
        assert!(passes || became == Became::Refused(Reason::CertificateMismatch));
    }
    assert_eq!(world.verified, 1);
    let required = only(json!({ "certificate_binding": "require" }));
    assert_eq!(refused(required, &good("a")), Some(Reason::CertificateMismatch));
    let ignored = only(json!({ "certificate_binding": "ignore" }));
    assert_eq!(refused(ignored, &bound), None);
}
