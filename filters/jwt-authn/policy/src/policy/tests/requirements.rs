use super::*;
use crate::plan::Required;

const GET: &[(&str, &str)] = &[(":method", "GET"), (":path", "/x")];

fn refused(reason: Reason) -> Became {
    Became::Refused(reason)
}

fn any(list: &[Value]) -> Value {
    json!({ "requires_any": { "requirements": list } })
}

fn all(list: &[Value]) -> Value {
    json!({ "requires_all": { "requirements": list } })
}

fn of(name: &str) -> Value {
    json!({ "provider_name": name })
}

fn missing() -> Value {
    json!({ "allow_missing": {} })
}

fn failed() -> Value {
    json!({ "allow_missing_or_failed": {} })
}

/// Tokens by header: `a` and so on are valid, `a!` is expired, `a?` has another issuer, `a~` is not a token.
fn tokens(which: &[&str]) -> Vec<(String, String)> {
    let token = |which: &&str| {
        let (name, kind) = which.split_at(1);
        let token = match kind {
            "" => good(name),
            "!" => token(name, json!({ "exp": 1 })),
            "?" => good("other"),
            "#" => signed(&json!({"alg": "EdDSA"}), &json!({"iss": name}), "forged"),
            _ => "garbage".to_owned(),
        };
        (name.to_owned(), token)
    };
    which.iter().map(token).collect()
}

fn judged(requires: Value, which: &[&str]) -> Became {
    let tokens = tokens(which);
    let headers: Vec<_> = tokens.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    at_first(abc(requires), &headers)
}

#[test]
fn a_requirement_is_met_or_its_failure_told_as_envoy_does() {
    use Reason::*;
    let cases: &[(Value, &[&str], Option<Reason>)] = &[
        (of("a"), &["a"], None),
        (of("a"), &[], Some(Missing)),
        (of("a"), &["b"], Some(Missing)),
        (of("a"), &["a!"], Some(Expired)),
        (of("a"), &["a?"], Some(UnknownIssuer)),
        (of("a"), &["a~"], Some(BadFormat)),
        (of("a"), &["a#"], Some(SignatureInvalid)),
        (of("a"), &["a", "b!"], None),
        // Any: the first that is met, or else the most specific failure, or else the last.
        (any(&[of("a"), of("b")]), &["a"], None),
        (any(&[of("a"), of("b")]), &["b"], None),
        (any(&[of("a"), of("b")]), &["a!", "b"], None),
        (any(&[of("a"), of("b")]), &["a", "b~"], None),
        (any(&[of("a"), of("b")]), &[], Some(Missing)),
        (any(&[of("a"), of("b")]), &["a!"], Some(Expired)),
        (any(&[of("a"), of("b")]), &["b!"], Some(Expired)),
        (any(&[of("a"), of("b")]), &["a!", "b~"], Some(BadFormat)),
        (any(&[of("a"), of("b")]), &["a~", "b!"], Some(Expired)),
        (any(&[of("a"), of("b")]), &["a?"], Some(UnknownIssuer)),
        (any(&[of("a"), of("b")]), &["b?"], Some(UnknownIssuer)),
        (any(&[of("a"), of("b")]), &["a!", "b?"], Some(Expired)),
        (any(&[of("a"), of("b")]), &["a?", "b!"], Some(Expired)),
        // Beside other requirements, `allow_missing` refers only to these.
        (any(&[of("a"), missing()]), &[], None),
        (any(&[missing(), of("a")]), &["a"], None),
        (any(&[of("a"), missing()]), &["a!"], Some(Expired)),
        (any(&[of("a"), missing()]), &["a?"], Some(UnknownIssuer)),
        (any(&[of("a"), missing()]), &["b!"], None),
        (any(&[of("a"), failed()]), &["a!"], None),
        (any(&[of("a"), failed()]), &[], None),
        (any(&[missing(), failed(), of("a")]), &["a~"], None),
        (any(&[missing(), failed()]), &["a~"], None),
        (any(&[missing(), missing()]), &["a~"], Some(BadFormat)),
        // All: the first that fails.
        (all(&[of("a"), of("b")]), &["a", "b"], None),
        (all(&[of("a"), of("b")]), &["a"], Some(Missing)),
        (all(&[of("a"), of("b")]), &["a!", "b~"], Some(Expired)),
        (all(&[of("a"), of("b")]), &["a", "b~"], Some(BadFormat)),
        (all(&[of("a"), of("b")]), &["b!"], Some(Expired)),
        (all(&[of("b"), of("a")]), &["b!"], Some(Expired)),
        (all(&[of("a"), failed()]), &["a", "b~"], None),
        (all(&[of("a"), missing()]), &["a"], None),
        (all(&[of("a"), missing()]), &["a", "b~"], Some(BadFormat)),
        // Alone, `allow_missing` refers to the tokens of all providers.
        (missing(), &[], None),
        (missing(), &["a", "b", "c"], None),
        (missing(), &["a", "b!"], Some(Expired)),
        (missing(), &["a!", "b"], Some(Expired)),
        (missing(), &["a?"], Some(UnknownIssuer)),
        (failed(), &["a!", "b~", "c?"], None),
        (failed(), &[], None),
        // Nested.
        (any(&[all(&[of("a"), of("b")]), of("c")]), &["a", "c"], None),
        (any(&[all(&[of("a"), of("b")]), of("c")]), &["a", "b"], None),
        (any(&[all(&[of("a"), of("b")]), of("c")]), &["a"], Some(Missing)),
        (any(&[all(&[of("a"), of("b")]), of("c")]), &["a", "b!"], Some(Expired)),
        (any(&[all(&[of("a"), of("b")]), missing()]), &["b!"], Some(Expired)),
        (any(&[all(&[of("b"), of("a")]), missing()]), &["b!"], Some(Expired)),
        (any(&[all(&[of("a"), of("b")]), missing()]), &["b"], None),
        (all(&[any(&[of("a"), missing()]), any(&[of("b"), missing()])]), &["b"], None),
        (all(&[any(&[of("a"), missing()]), any(&[of("b"), missing()])]), &["a", "b!"], Some(Expired)),
        (all(&[any(&[of("a"), of("b")]), of("c")]), &["b", "c"], None),
    ];
    for (requires, which, expected) in cases {
        let became = judged(requires.clone(), which);
        match expected {
            None => assert!(became.passed(), "{requires} {which:?}: {became:?}"),
            Some(reason) => assert_eq!(became, refused(*reason), "{requires} {which:?}"),
        }
    }
}

#[test]
fn every_token_of_a_provider_must_verify() {
    let mut config = only(json!({ "from_params": ["t"], "from_cookies": ["t"] }));
    config["providers"]["a"]["from_headers"] = json!([{ "name": "x-1" }, { "name": "x-2" }]);
    let (good, bad) = (good("a"), token("a", json!({ "exp": 1 })));
    let path = |token: &str| format!("/?t={token}");
    let cookie = |token: &str| format!("t={token}");
    for (headers, passes) in [
        (vec![("x-1", good.clone()), ("x-2", good.clone())], true),
        (vec![("x-1", good.clone()), ("x-2", bad.clone())], false),
        (vec![("x-1", bad.clone()), ("x-2", good.clone())], false),
        (vec![("x-1", good.clone()), ("x-1", bad.clone())], false),
        (vec![("x-1", good.clone()), (":path", path(&bad))], false),
        (vec![(":path", path(&bad)), ("cookie", cookie(&good))], false),
        (vec![("x-1", good.clone()), ("cookie", cookie(&bad))], false),
        (vec![(":path", path(&good)), ("cookie", cookie(&good)), ("x-1", good.clone())], true),
    ] {
        let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(at_first(config.clone(), &headers).passed(), passes, "{headers:?}");
    }
}

#[test]
fn the_first_rule_decides_and_what_no_rule_is_about_passes() {
    let mut config = abc(of("a"));
    config["rules"] = json!([
        { "match": { "paths": [{ "exact": "/open" }] } },
        { "match": { "paths": [{ "prefix": "/b" }] }, "requires": of("b") },
        { "match": { "paths": [{ "prefix": "/named" }] }, "requirement_name": "both" },
        { "match": { "paths": [{ "prefix": "/" }], "methods": ["POST"] }, "requires": of("a") },
    ]);
    config["requirement_map"] = json!({ "both": all(&[of("a"), of("b")]) });
    let (a, b) = (good("a"), good("b"));
    for (method, path, expected) in [
        ("GET", "/open", None),
        ("GET", "/b", None),
        ("GET", "/named", None),
        ("POST", "/x", None),
        ("GET", "/x", None),
    ] {
        let became = at_first(config.clone(), &[(":method", method), (":path", path), ("a", &a), ("b", &b)]);
        assert_eq!(became.passed(), expected.is_none(), "{method} {path}");
        let expected = if path == "/open" || (path == "/x" && method == "GET") {
            None
        } else {
            expected.or(Some(Reason::Missing))
        };
        let became = at_first(config.clone(), &[(":method", method), (":path", path)]);
        match expected {
            None => assert!(became.passed(), "{method} {path}"),
            Some(reason) => assert_eq!(became, refused(reason), "{method} {path}"),
        }
    }
}

#[test]
fn a_filter_state_chooses_for_what_no_rule_is_about() {
    let mut config = abc(of("a"));
    config["rules"] = json!([{ "match": { "paths": [{ "exact": "/a" }] }, "requires": of("a") }]);
    config["filter_state_rules"] = json!({ "name": "tenant", "requires": { "strict": of("b") } });
    let judge = |state, headers: &[(&str, &str)]| {
        let mut world = World { state, ..World::default() };
        decide(&mut policy(config.clone()), &mut world, headers, NOW)
    };
    assert_eq!(judge(Ok(Some(b"strict")), GET), refused(Reason::Missing));
    assert!(judge(Ok(Some(b"strict")), &[("b", &good("b"))]).passed());
    assert!(judge(Ok(Some(b"other")), GET).passed());
    assert!(judge(Ok(Some(b"\xff")), GET).passed());
    assert!(judge(Ok(None), GET).passed());
    assert_eq!(judge(Ok(Some(b"other")), &[(":path", "/a")]), refused(Reason::Missing));
}

#[test]
fn rejects_if_the_filter_state_cannot_be_read() {
    for more in [json!({}), json!({"on_error": "allow"}), json!({"shadow": true})] {
        let mut config = with(abc(of("a")), more);
        config["rules"] = json!([]);
        config["filter_state_rules"] = json!({ "name": "tenant", "requires": { "strict": of("b") } });
        let mut world = World { state: Err(Reason::HostError), ..World::default() };
        assert_eq!(decide(&mut policy(config), &mut world, GET, NOW), refused(Reason::HostError));
    }
}

/// A plan cannot name a provider that does not exist. If one did, `allow_missing` would accept the request.
#[test]
fn rejects_if_a_provider_does_not_exist() {
    let mut config = abc(of("a"));
    config["rules"] = json!([]);
    config["filter_state_rules"] = json!({ "name": "tenant", "requires": { "any": of("a") } });
    let mut plan = Plan::new(tollgate_policy::config::read(&config).unwrap(), |_| None).unwrap();
    let required = Required::Any(vec![Required::Provider(7, None), Required::AllowMissing]);
    let mut requires = tollgate_policy::Named::default();
    requires.insert("any".into(), required);
    plan.by_filter_state = Some(("tenant".into(), requires));
    let mut world = World { state: Ok(Some(b"any")), ..World::default() };
    let became = decide(&mut Policy::new(plan, [7; 16]), &mut world, GET, NOW);
    assert_eq!(became, refused(Reason::UnknownRequirement));
}

#[test]
fn a_preflight_request_passes_only_if_it_is_one_and_may() {
    let preflight = [
        (":method", "OPTIONS"),
        (":path", "/"),
        ("origin", "https://o.example"),
        ("access-control-request-method", "POST"),
    ];
    let config = with(abc(of("a")), json!({ "bypass_cors_preflight": true }));
    assert!(at_first(config.clone(), &preflight).passed());
    assert_eq!(at_first(abc(of("a")), &preflight), refused(Reason::Missing));
    for left_out in 0..preflight.len() {
        let mut headers = preflight.to_vec();
        headers.remove(left_out);
        let passed = at_first(config.clone(), &headers).passed();
        assert_eq!(passed, preflight[left_out].0 == ":path", "{headers:?}");
    }
    for (index, value) in [(0, "GET"), (0, "options"), (2, ""), (3, "")] {
        let mut headers = preflight;
        headers[index].1 = value;
        assert!(!at_first(config.clone(), &headers).passed(), "{headers:?}");
    }
}

#[test]
fn audiences_of_a_requirement_are_in_place_of_the_providers() {
    let mut config = only(json!({ "audiences": ["own"] }));
    let and = |audiences: &[&str]| json!({ "provider_and_audiences": { "provider_name": "a", "audiences": audiences } });
    config["rules"] = json!([
        { "match": { "paths": [{ "exact": "/own" }] }, "requires": of("a") },
        { "match": { "paths": [{ "exact": "/x" }] }, "requires": and(&["x", "y"]) },
    ]);
    let mut policy = policy(config);
    let mut world = World::default();
    let mut judge = |path: &str, aud: Value| {
        let token = token("a", json!({ "aud": aud }));
        // Twice: once verified, once from the cache.
        let became = decide(&mut policy, &mut world, &[(":path", path), ("a", &token)], NOW);
        assert_eq!(decide(&mut policy, &mut world, &[(":path", path), ("a", &token)], NOW), became);
        became
    };
    for _ in 0..2 {
        assert!(judge("/own", json!("own")).passed());
        assert_eq!(judge("/x", json!("own")), refused(Reason::AudienceNotAllowed));
        assert!(judge("/x", json!(["z", "https://y/"])).passed());
        assert_eq!(judge("/own", json!(["z", "https://y/"])), refused(Reason::AudienceNotAllowed));
        assert!(judge("/x", json!(["own", "x"])).passed() && judge("/own", json!(["own", "x"])).passed());
        assert_eq!(judge("/x", json!([])), refused(Reason::AudienceNotAllowed));
    }
}

#[test]
fn scopes_of_a_rule_are_required_besides_those_of_the_provider() {
    let mut config = only(json!({ "required_scopes": ["base"] }));
    config["rules"] = json!([
        { "match": { "paths": [{ "exact": "/w" }] }, "requires": of("a"), "required_scopes": ["write"] },
        { "requires": of("a") },
    ]);
    let mut policy = policy(config);
    let mut world = World::default();
    for _ in 0..2 {
        for (path, scope, passes) in [
            ("/w", "base write", true),
            ("/w", "base", false),
            ("/w", "write", false),
            ("/", "base", true),
            ("/", "write", false),
        ] {
            let token = token("a", json!({ "scope": scope }));
            let became = decide(&mut policy, &mut world, &[(":path", path), ("a", &token)], NOW);
            let expected = if passes { None } else { Some(refused(Reason::InsufficientScope)) };
            assert!(expected.map_or(became.passed(), |refused| became == refused), "{path} {scope}");
        }
    }
}

#[test]
fn a_token_without_scopes_is_told_which() {
    let mut config = only(json!({ "required_scopes": ["base"] }));
    config["rules"] = json!([{ "requires": of("a"), "required_scopes": ["write"] }]);
    let token = token("a", json!({ "scope": "base" }));
    let pairs: Vec<(&[u8], &[u8])> = vec![(b"a", token.as_bytes()), (b":authority", b"h"), (b":path", b"/")];
    let mut policy = policy(config);
    let request = RequestFacts::from_pairs(&pairs);
    let decision = policy.decide(&request, &mut World::default(), UnixNanos(NOW * 1_000_000_000), true);
    let Decision::Refuse(refusal) = decision else { panic!("{decision:?}") };
    let (_, challenge) = refusal.headers.iter().find(|(name, _)| *name == "www-authenticate").unwrap();
    let challenge = String::from_utf8_lossy(challenge).into_owned();
    assert_eq!(refusal.status, 403);
    assert!(challenge.contains("insufficient_scope"), "{challenge}");
    assert!(challenge.contains("write") && challenge.contains("base"), "{challenge}");
}

#[test]
fn more_tokens_than_anybody_needs_are_refused() {
    let tokens: Vec<_> = (0..9).map(|n| token("a", json!({ "jti": n.to_string() }))).collect();
    let headers: Vec<_> = tokens.iter().map(|token| ("a", token.as_str())).collect();
    assert!(at_first(only(json!({})), &headers[..8]).passed());
    assert_eq!(at_first(only(json!({})), &headers), refused(Reason::TooManyTokens));
    assert_eq!(at_first(abc(missing()), &headers), refused(Reason::TooManyTokens));
    assert!(at_first(abc(failed()), &headers).passed());
}

#[test]
fn shadow_and_on_error_allow_as_if_without_a_token() {
    let output = json!({ "claim_to_headers": [{ "header_name": "x-sub", "claim_name": "sub" }] });
    let shadow = with(only(output.clone()), json!({ "shadow": true }));
    let bad = token("a", json!({ "sub": "ann", "exp": 1 }));
    assert_eq!(
        at_first(shadow.clone(), &[("a", &bad), ("x-sub", "root")]),
        Became::Passed {
            edits: vec!["-x-sub".into()],
            path: None,
            state: vec!["jwt_authn.failure: expired".into()],
            allowed_by: Some(AllowedBy::Shadow(Reason::Expired)),
        }
    );
    let good = token("a", json!({ "sub": "ann" }));
    assert!(at_first(shadow, &[("a", &good), ("x-sub", "root")]).edits().contains(&"=x-sub: ann".into()));
}
