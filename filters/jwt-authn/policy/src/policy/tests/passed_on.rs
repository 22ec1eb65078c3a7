use super::*;

fn outputs(name: &str) -> Value {
    let header = format!("x-{name}");
    with(provider(name), json!({ "claim_to_headers": [{ "header_name": header, "claim_name": "sub" }] }))
}

fn config(requires: Value) -> Value {
    json!({
        "providers": { "a": outputs("a"), "b": outputs("b"), "c": outputs("c") },
        "rules": [{ "match": { "paths": [{ "prefix": "/in" }] }, "requires": requires }],
    })
}

const FORGED: [(&str, &str); 3] = [("x-a", "root"), ("x-b", "root"), ("x-c", "root")];

fn judged(requires: Value, headers: &[(&str, &str)]) -> Vec<String> {
    let headers: Vec<_> = [&[(":path", "/in")], headers, &FORGED].concat();
    at_first(config(requires), &headers).edits().to_vec()
}

#[test]
fn what_a_client_forged_is_removed_of_every_request_that_passes() {
    let removed = ["-x-a", "-x-b", "-x-c"];
    let preflight =
        [(":method", "OPTIONS"), ("origin", "o"), ("access-control-request-method", "GET"), (":path", "/in")];
    let bypass = with(config(json!({ "provider_name": "a" })), json!({ "bypass_cors_preflight": true }));
    let shadow = with(config(json!({ "provider_name": "a" })), json!({ "shadow": true }));
    for (config, headers) in [
        (config(json!({ "provider_name": "a" })), vec![(":path", "/out"), ("a", "garbage")]),
        (config(json!({ "allow_missing": {} })), vec![(":path", "/in")]),
        (config(json!({ "allow_missing_or_failed": {} })), vec![(":path", "/in")]),
        (config(json!({ "extract_only_without_validation": {} })), vec![(":path", "/in")]),
        (bypass, preflight.to_vec()),
        (shadow, vec![(":path", "/in")]),
    ] {
        let headers = [headers.as_slice(), &FORGED].concat();
        assert_eq!(at_first(config, &headers).edits(), removed, "{headers:?}");
    }
}

#[test]
fn a_token_that_failed_and_was_allowed_does_not_go_upstream() {
    let any = |list: Value| json!({ "requires_any": { "requirements": list } });
    let [a, b] = ["a", "b"].map(|name| json!({ "provider_name": name }));
    let lenient = json!({ "allow_missing_or_failed": {} });
    for (requires, gone) in [
        (lenient.clone(), &["-a", "-b", "-c"][..]),
        (json!({ "extract_only_without_validation": {} }), &["-a", "-b", "-c"]),
        (any(json!([lenient, { "allow_missing": {} }])), &["-a", "-b", "-c"]),
        // No provider reads the others.
        (any(json!([a, b, lenient])), &["-a", "-b"]),
    ] {
        let edits = judged(requires, &[("a", "garbage"), ("b", "garbage"), ("c", "garbage")]);
        assert_eq!(edits, [gone, &["-x-a", "-x-b", "-x-c"]].concat());
    }
}

#[test]
fn only_what_verified_is_passed_on() {
    let [a, b, c] = ["a", "b", "c"].map(|name| token(name, json!({ "sub": name })));
    let expired = token("a", json!({ "sub": "a", "exp": 1 }));
    let any = |list: Value| json!({ "requires_any": { "requirements": list } });
    let of = |name: &str| json!({ "provider_name": name });
    let all = |list: Value| json!({ "requires_all": { "requirements": list } });
    assert_eq!(
        judged(any(json!([of("a"), of("b")])), &[("a", &expired), ("b", &b)]),
        ["-a", "-b", "=x-b: b", "-x-a", "-x-c"]
    );
    assert_eq!(
        judged(all(json!([of("a"), of("b")])), &[("a", &a), ("b", &b)]),
        ["-a", "-b", "=x-a: a", "=x-b: b", "-x-c"]
    );
    // A part that failed leaves nothing.
    assert_eq!(
        judged(any(json!([all(json!([of("a"), of("b")])), of("c")])), &[("a", &a), ("c", &c)]),
        ["-a", "-c", "=x-c: c", "-x-a", "-x-b"]
    );
    assert_eq!(
        judged(json!({ "allow_missing_or_failed": {} }), &[("a", &expired), ("b", &b)]),
        ["-a", "-b", "=x-b: b", "-x-a", "-x-c"]
    );
    assert_eq!(
        judged(any(json!([of("a"), { "allow_missing_or_failed": {} }])), &[("a", &expired)]),
        ["-a", "-x-a", "-x-b", "-x-c"]
    );
}

#[test]
fn a_token_that_is_forwarded_stays_and_another_goes() {
    let mut config = config(json!({ "allow_missing": {} }));
    config["providers"]["b"]["forward"] = true.into();
    for name in ["a", "b", "c"] {
        config["providers"][name]["from_headers"] =
            json!([{ "name": "authorization", "value_prefix": "Bearer " }]);
    }
    let [a, b] = ["a", "b"].map(|name| format!("Bearer {}", token(name, json!({ "sub": name }))));
    let headers = [(":path", "/in"), ("authorization", a.as_str()), ("authorization", b.as_str())];
    let became = at_first(config, &headers);
    assert_eq!(became.edits(), ["-authorization", &format!("+authorization: {b}"), "=x-a: a", "=x-b: b"]);
}

#[test]
fn unverified_tokens_are_marked_and_leave_no_principal() {
    let forged = signed(&json!({ "alg": "EdDSA" }), &json!({ "iss": "a", "sub": "ann", "exp": 1 }), "nobody");
    let extract = json!({ "extract_only_without_validation": {} });
    let headers = [(":path", "/in"), ("a", forged.as_str()), ("x-jwt-signature-verified", "true")];
    let Became::Passed { edits, state, .. } = at_first(config(extract.clone()), &headers) else { panic!() };
    assert_eq!(edits, ["-a", "=x-a: ann", "-x-jwt-signature-verified", "=x-jwt-signature-verified: false"]);
    assert_eq!(state, [""; 0]);
    assert_eq!(
        judged(extract.clone(), &[("x-jwt-signature-verified", "true")]),
        ["-x-a", "-x-b", "-x-c", "-x-jwt-signature-verified"]
    );
    // Beside other requirements it comes last, at any position.
    let good = token("a", json!({ "sub": "good" }));
    let either = json!({ "requires_any": { "requirements": [extract, { "provider_name": "a" }] } });
    assert!(!judged(either.clone(), &[("a", &good)]).iter().any(|edit| edit.contains("signature-verified")));
    assert!(judged(either, &[("a", &forged)]).contains(&"=x-jwt-signature-verified: false".into()));
}

#[test]
fn a_header_that_marks_may_be_named_or_left_out() {
    let forged = signed(&json!({ "alg": "EdDSA" }), &json!({ "iss": "a", "sub": "ann" }), "nobody");
    let extract =
        |name: &str| json!({ "extract_only_without_validation": { "verification_status_header": name } });
    assert!(judged(extract("x-mark"), &[("a", &forged)]).contains(&"=x-mark: false".into()));
    assert_eq!(judged(extract("-"), &[("a", &forged)]), ["-a", "=x-a: ann", "-x-b", "-x-c"]);
}

#[test]
fn the_route_is_chosen_anew_if_claims_are_in_headers() {
    let clears = |output: Value, sub: Value| {
        let config = only(with(output, json!({ "clear_route_cache": true })));
        let token = token("a", sub);
        let pairs: Vec<(&[u8], &[u8])> = vec![(b"a", token.as_bytes())];
        let request = RequestFacts::from_pairs(&pairs);
        let mut policy = policy(config);
        match policy.decide(&request, &mut World::default(), UnixNanos(NOW * 1_000_000_000), true) {
            Decision::Pass(pass) => pass.clear_route_cache,
            other => panic!("{other:?}"),
        }
    };
    let output = json!({ "claim_to_headers": [{ "header_name": "x-sub", "claim_name": "sub" }] });
    assert!(clears(output.clone(), json!({ "sub": "ann" })));
    assert!(!clears(output, json!({})));
    assert!(!clears(json!({}), json!({ "sub": "ann" })));
}

#[test]
fn principal_and_payload_are_of_the_first_token() {
    let [a, b] = ["a", "b"].map(|name| token(name, json!({ "sub": name })));
    let both =
        json!({ "requires_all": { "requirements": [{ "provider_name": "b" }, { "provider_name": "a" }] } });
    let became = at_first(config(both), &[(":path", "/in"), ("a", &a), ("b", &b)]);
    let Became::Passed { state, .. } = became else { panic!("{became:?}") };
    assert!(state.contains(&"jwt_authn.principal: b/b".into()), "{state:?}");
    assert!(state.contains(&"jwt_authn.provider: b".into()), "{state:?}");
    assert!(state.iter().any(|one| one.starts_with("jwt_authn.payload: ") && one.contains(r#""sub":"b""#)));
}

#[test]
fn a_token_that_meets_two_requirements_sets_headers_once() {
    let with_audience = |audience: &str| json!({ "provider_and_audiences": { "provider_name": "a", "audiences": [audience] } });
    let all = |list: Value| json!({ "requires_all": { "requirements": list } });
    let both = all(json!([with_audience("x"), with_audience("y")]));
    let token_of = |sub: &str, jti: &str| token("a", json!({ "sub": sub, "jti": jti, "aud": ["x", "y"] }));
    let ann = token_of("ann", "1");
    for cache in [0, 10] {
        let config = with(config(both.clone()), json!({ "jwt_cache_config": { "jwt_cache_size": cache } }));
        let mut policy = policy(config);
        for _ in 0..2 {
            let became = decide(&mut policy, &mut World::default(), &[(":path", "/in"), ("a", &ann)], NOW);
            let Became::Passed { edits, state, .. } = became else { panic!("{became:?}") };
            assert_eq!(edits, ["-a", "=x-a: ann"]);
            assert!(!state.iter().any(|one| one.starts_with("jwt_authn.payloads")), "{state:?}");
        }
    }
    // Two tokens still set two values, also equal ones.
    let (first, second) = (token_of("ann", "2"), token_of("ann", "3"));
    let edits = judged(both.clone(), &[("a", &first), ("a", &second)]);
    assert_eq!(edits[..3], ["-a", "=x-a: ann", "+x-a: ann"]);
    // A requirement that is nested, or named twice, counts as well.
    let nested =
        all(json!([{ "provider_name": "a" }, all(json!([with_audience("x"), { "provider_name": "a" }]))]));
    assert_eq!(judged(nested, &[("a", &ann)])[..2], ["-a", "=x-a: ann"]);
    let unverified = all(json!([{ "extract_only_without_validation": {} }, { "provider_name": "a" }]));
    assert_eq!(judged(unverified, &[("a", &ann)])[..2], ["-a", "=x-a: ann"]);
}

#[test]
fn a_token_of_two_providers_sets_each_value_once() {
    let shared = |claims: Value| {
        let changes = json!({ "issuer": "a", "from_headers": [{ "name": "a" }], "claim_to_headers": claims });
        with(provider("a"), changes)
    };
    let output = |claim: &str| json!({ "header_name": "x-user", "claim_name": claim });
    let all =
        json!({ "requires_all": { "requirements": [{ "provider_name": "p" }, { "provider_name": "q" }] } });
    let config = json!({
        "providers": { "p": shared(json!([output("sub")])), "q": shared(json!([output("sub")])) },
        "rules": [{ "requires": all }],
    });
    let ann = token("a", json!({ "sub": "ann", "email": "ann@a" }));
    let became = at_first(config.clone(), &[("a", &ann)]);
    let Became::Passed { edits, state, .. } = became else { panic!("{became:?}") };
    assert_eq!(edits, ["-a", "=x-user: ann"]);
    // Filter state lists the token for each provider.
    assert!(state.iter().any(|one| one.matches("\"provider\"").count() == 2), "{state:?}");
    let mut other = config;
    other["providers"]["q"]["claim_to_headers"] = json!([output("email")]);
    assert_eq!(at_first(other, &[("a", &ann)]).edits(), ["-a", "=x-user: ann", "+x-user: ann@a"]);
}

#[test]
fn a_claim_path_names_a_claim_as_in_envoy() {
    let output =
        |claim: Value| json!({ "claim_to_headers": [with(json!({ "header_name": "x-tenant" }), claim)] });
    let token = token(
        "a",
        json!({ "https://a.example/tenant": "t1", "a": { "b.c": "deep", "b": { "c": "other" } } }),
    );
    for (claim, expected) in [
        (json!({ "claim_path": [{ "key": "https://a.example/tenant" }] }), "t1"),
        (json!({ "claim_path": [{ "key": "a" }, { "key": "b.c" }] }), "deep"),
        (json!({ "claim_name": "a.b.c" }), "other"),
    ] {
        let edits = at_first(only(output(claim)), &[("a", &token)]).edits().to_vec();
        assert_eq!(edits, ["-a".to_owned(), format!("=x-tenant: {expected}")]);
    }
}

#[test]
fn metadata_of_a_resource_needs_no_token() {
    let resource = json!({ "protected_resources": [{ "resource": "https://api.example/x" }] });
    for more in
        [json!({}), json!({ "shadow": true }), json!({ "path_normalization": { "dot_segments": "reject" } })]
    {
        let config = with(with(only(json!({})), resource.clone()), more);
        let path = "/.well-known/oauth-protected-resource/x";
        let request = |method, path, host| [(":method", method), (":path", path), (":authority", host)];
        let became = at_first(config.clone(), &request("GET", path, "api.example"));
        let Became::Metadata(json) = became else { panic!("{became:?}") };
        assert!(json.starts_with(r#"{"resource":"https://api.example/x""#), "{json}");
        for other in [request("POST", path, "api.example"), request("GET", path, "b.example")] {
            let became = at_first(config.clone(), &other);
            assert!(!matches!(became, Became::Metadata(_)), "{became:?}");
        }
    }
}
