//! Rules and paths that can be read in several ways, and repeated header lines.

use super::*;

const SPELLINGS: [&str; 30] = [
    "/admin",
    "//admin",
    "/./admin",
    "/x/../admin",
    "/%61dmin",
    "/%2561dmin",
    "/%2e%2e/admin",
    "/%252e%252e/admin",
    "/x%2f..%2fadmin",
    "/x%252f..%252fadmin",
    r"/x\..\admin",
    "/x%5c..%5cadmin",
    r"/\admin",
    "/x/..;/admin",
    "/x/..;a=b/admin",
    "/x/..%3B/admin",
    "/;/admin",
    "/admin;a=b",
    "/admin%3Ba=b",
    "/admin%00",
    "/admin%2F",
    r"/admin\",
    "/admin/",
    "/admin//",
    "/admin/.",
    "/admin/x/..",
    "/x%c0%afadmin",
    "/%u0061dmin",
    "/admin#x",
    "/admin?x",
];

/// Decides a request to a path without a token.
fn at(rules: &Value, path: &str) -> Became {
    let mut config = abc(json!({}));
    config["rules"] = rules.clone();
    at_first(config, &[(":method", "GET"), (":path", path)])
}

/// A matcher of a path and all below it.
fn below(path: &str) -> Value {
    json!({"paths": [{"template": format!("{path}/**")}]})
}

#[test]
fn no_spelling_bypasses_a_rule_that_requires_a_token() {
    let rules = json!([{"match": below("/admin"), "requires": {"provider_name": "a"}}]);
    for path in SPELLINGS {
        assert!(matches!(at(&rules, path), Became::Refused(_)), "{path}");
    }
    for path in ["/", "/ADMIN", "/x/admin", "/admins", "/admin%20"] {
        assert!(!matches!(at(&rules, path), Became::Refused(_)), "{path}");
    }
}

#[test]
fn no_spelling_makes_a_path_exempt_from_a_token() {
    let rules = json!([
        {"match": {"paths": [{"prefix": "/public/"}, {"exact": "/healthz"}]}},
        {"requires": {"provider_name": "a"}},
    ]);
    for path in ["/public/x", "/public/%61", "/healthz", "/healthz?x", "/public/a%20b", "/public/a;b"] {
        assert!(!matches!(at(&rules, path), Became::Refused(_)), "{path}");
    }
    for path in [
        "/public/../admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/..;/admin",
        r"/public/..\admin",
        "/public/%252e%252e/admin",
        "/admin/../public/x",
        "//healthz",
        "/healthz;x",
        "/x/../healthz",
        "/admin%2f..%2fhealthz",
    ] {
        assert!(matches!(at(&rules, path), Became::Refused(_)), "{path}");
    }
}

#[test]
fn rejects_readings_with_different_requirements() {
    let rules = json!([
        {"match": below("/a"), "requires": {"provider_name": "a"}},
        {"match": below("/b")},
        {"match": below("/c"), "requires": {"allow_missing": {}}},
        {"match": below("/d"), "requires": {"provider_name": "b"}},
        {"match": below("/e"), "requires": {"provider_name": "b"}, "required_scopes": ["x"]},
        {"requires": {"provider_name": "b"}},
    ]);
    for (path, reason) in [
        ("//a", Some(Reason::AmbiguousPath)),
        ("/a;x/y", Some(Reason::AmbiguousPath)),
        ("//b", Some(Reason::Missing)),
        ("//c", Some(Reason::AmbiguousPath)),
        ("//d", Some(Reason::Missing)),
        ("//e", Some(Reason::AmbiguousPath)),
        ("/a//x", Some(Reason::Missing)),
        ("/b//x", None),
        ("//x", Some(Reason::Missing)),
        ("/a%00", Some(Reason::InvalidPath)),
        ("x", Some(Reason::InvalidPath)),
        ("?x", Some(Reason::InvalidPath)),
    ] {
        let became = at(&rules, path);
        match reason {
            Some(reason) => assert_eq!(became, Became::Refused(reason), "{path}"),
            None => assert!(!matches!(became, Became::Refused(_)), "{path}"),
        }
    }
}

#[test]
fn the_requirement_of_a_filter_state_counts_too() {
    let config = with(
        abc(json!({})),
        json!({
            "rules": [{"match": below("/b")}],
            "filter_state_rules": {"name": "tier", "requires": {"gold": {"provider_name": "a"}}},
        }),
    );
    let mut policy = policy(config);
    let mut world = World { state: Ok(Some(b"gold")), ..World::default() };
    let mut at = |path: &str| {
        let pairs: [(&[u8], &[u8]); 1] = [(b":path", path.as_bytes())];
        let request = RequestFacts::from_pairs(&pairs);
        match policy.decide(&request, &mut world, UnixNanos(NOW * 1_000_000_000), false) {
            Decision::Refuse(refusal) => Some(refusal.reason),
            _ => None,
        }
    };
    assert_eq!((at("/b"), at("//b"), at("/x")), (None, Some(Reason::Missing), Some(Reason::Missing)));
}

#[test]
fn a_path_is_not_read_if_no_rule_needs_it() {
    let rules = json!([{"match": {"methods": ["POST"]}, "requires": {"provider_name": "a"}}]);
    assert!(!matches!(at(&rules, "/a%00"), Became::Refused(_)));
}

#[test]
fn the_operator_selects_the_readings() {
    let config = |normalization: Value| {
        let rules =
            json!([{"match": {"paths": [{"exact": "/healthz"}]}}, {"requires": {"provider_name": "a"}}]);
        with(abc(json!({})), json!({"rules": rules, "path_normalization": normalization}))
    };
    let at = |normalization: Value| at_first(config(normalization), &[(":path", "//healthz")]);
    assert_eq!(at(json!({})), Became::Refused(Reason::Missing));
    assert!(!matches!(at(json!({"duplicate_slashes": "normalize"})), Became::Refused(_)));
    assert_eq!(at(json!({"duplicate_slashes": "keep"})), Became::Refused(Reason::Missing));
    assert_eq!(at(json!({"duplicate_slashes": "reject"})), Became::Refused(Reason::InvalidPath));
}

#[test]
fn shadow_mode_allows_an_invalid_path() {
    let mut config = abc(json!({"provider_name": "a"}));
    config["rules"][0]["match"] = below("/a");
    config["shadow"] = true.into();
    let mut policy = policy(config);
    let pairs: [(&[u8], &[u8]); 1] = [(b":path", b"/a%00")];
    let request = RequestFacts::from_pairs(&pairs);
    match policy.decide(&request, &mut World::default(), UnixNanos(NOW * 1_000_000_000), false) {
        Decision::Pass(pass) => assert_eq!(pass.allowed_by, Some(AllowedBy::Shadow(Reason::InvalidPath))),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_added_header_line_never_makes_a_request_exempt() {
    let rules = |loosens: Value, restricts: Value| {
        json!([
            {"match": {"headers": [{"name": "accept", "exact": "x-internal"}]}, "requires": loosens},
            {"match": {"headers": [{"name": "x-zone", "exact": "outer"}]}, "requires": restricts},
        ])
    };
    let send = |requires: Value, headers: &[(&str, &str)]| {
        let mut config = abc(json!({}));
        config["rules"] = rules(requires, json!({"provider_name": "a"}));
        let pairs: Vec<_> = [(":path", "/x")].iter().chain(headers).copied().collect();
        matches!(at_first(config, &pairs), Became::Refused(_))
    };
    for loosens in [json!({"allow_missing": {}}), json!({"allow_missing_or_failed": {}})] {
        assert!(!send(loosens.clone(), &[("accept", "x-internal"), ("x-zone", "outer")]));
        assert!(send(loosens.clone(), &[("accept", "*/*"), ("accept", "x-internal"), ("x-zone", "outer")]));
        assert!(send(loosens.clone(), &[("accept", "*/*,x-internal"), ("x-zone", "outer")]));
        assert!(send(loosens, &[("x-zone", "inner"), ("x-zone", "outer")]));
    }
}
