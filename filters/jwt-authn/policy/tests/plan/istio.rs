//! Istio's `jwtRules`.

use crate::{ED25519, plan, refused};
use serde_json::{Value, json};
use tollgate_jwt_authn_policy::config::{ArrayFormat, Url};
use tollgate_jwt_authn_policy::plan::{From, Plan, Source};
use tollgate_policy::RequestFacts;

fn rules(rules: Value) -> Plan {
    plan(json!({"jwtRules": rules})).unwrap()
}

fn rule_refused(rule: Value) -> String {
    refused(json!({"jwtRules": [{"issuer": "https://a.example", "jwks": ED25519}, rule]}))
}

fn required(plan: &Plan) -> String {
    format!("{:?}", plan.rules.last().unwrap().required)
}

#[test]
fn every_field_of_the_resource_is_taken() {
    let plan = rules(json!([{
        "issuer": "https://a.example",
        "audiences": ["bookstore"],
        "jwks": ED25519,
        "fromHeaders": [{"name": "X-Token", "prefix": "JWT "}, {"name": "authorization"}],
        "fromParams": ["token"],
        "fromCookies": ["session"],
        "outputPayloadToHeader": "x-payload",
        "forwardOriginalToken": true,
        "outputClaimToHeaders": [{"header": "x-sub", "claim": "nested.sub"}],
        "timeout": "3s",
        "spaceDelimitedClaims": ["roles"],
    }]));
    let provider = &plan.providers[0];
    assert_eq!(provider.name, "jwtRules[0]");
    let config = &provider.config;
    assert_eq!(
        (config.issuer.as_str(), &config.audiences[..]),
        ("https://a.example", &["bookstore".into()][..])
    );
    let headers =
        config.from_headers.iter().map(|header| (header.name.as_str(), header.value_prefix.as_str()));
    assert_eq!(headers.collect::<Vec<_>>(), [("x-token", "JWT "), ("authorization", "")]);
    assert_eq!(
        (&config.from_params[..], &config.from_cookies[..]),
        (&["token".into()][..], &["session".into()][..])
    );
    assert_eq!(config.forward_payload_header.as_ref().map(|name| name.as_str()), Some("x-payload"));
    assert!(config.forward && !config.require_expiration);
    let claim = &config.claim_to_headers[0];
    assert_eq!((claim.header_name.as_str(), claim.array_format), ("x-sub", ArrayFormat::Base64));
    assert_eq!(config.normalize_payload.space_delimited_claims, ["scope", "permission", "roles"]);
    assert_eq!(config.clock_skew_seconds.0, 60);
    assert!(matches!(plan.sources[0], Source::Local(_)));
}

#[test]
fn what_is_empty_is_not_there() {
    let uri = "https://a.example/keys";
    let plan = rules(
        json!([{"issuer": "https://a.example", "jwks": "", "jwksUri": uri, "outputPayloadToHeader": ""}]),
    );
    assert!(matches!(&plan.sources[0], Source::Remote(_)));
    assert!(plan.sanitized.is_empty());
}

#[test]
fn one_rule_lets_in_without_a_token_or_with_a_valid_one() {
    let plan = rules(json!([{"issuer": "https://a.example", "jwks": ED25519}]));
    assert_eq!(required(&plan), "Any([Provider(0, None), AllowMissing])");
}

#[test]
fn of_several_rules_one_must_be_satisfied_or_none_violated() {
    let rule = |issuer: &str| json!({"issuer": issuer, "jwks": ED25519});
    let plan = rules(json!([rule("https://b.example"), rule("https://a.example")]));
    assert_eq!(
        required(&plan),
        "Any([Provider(1, None), Provider(0, None), \
         All([Any([Provider(1, None), AllowMissing]), Any([Provider(0, None), AllowMissing])])])"
    );
}

#[test]
fn a_preflight_request_needs_no_token() {
    let plan = rules(json!([{"issuer": "https://a.example", "jwks": ED25519}]));
    let required = |method: &'static [u8], headers: &[(&[u8], &[u8])]| {
        let facts =
            RequestFacts { method, headers: tollgate_policy::Headers(headers), ..RequestFacts::default() };
        format!("{:?}", plan.select(&facts).unwrap().first.unwrap().required)
    };
    let preflight: [(&[u8], &[u8]); 2] =
        [(b"origin", b"https://x"), (b"access-control-request-method", b"PUT")];
    assert_eq!(required(b"OPTIONS", &preflight), "Nothing");
    assert_ne!(required(b"OPTIONS", &preflight[..1]), "Nothing");
    assert_ne!(required(b"GET", &preflight), "Nothing");
}

#[test]
fn a_rule_without_an_issuer_has_a_uri() {
    for rule in [
        json!({"jwksUri": "https://a.example/keys"}),
        json!({"issuer": "", "jwks_uri": "https://a.example/keys"}),
        json!({"jwksUri": "https://a.example/keys", "jwks": ""}),
    ] {
        let plan = rules(json!([rule]));
        assert_eq!((plan.providers_of("https://anyone.example"), plan.warnings.len()), (&[0][..], 0));
    }
}

#[test]
fn required_tokens_are_all_required() {
    let rule = |issuer: &str, presence: Option<&str>| {
        let mut rule = json!({"issuer": issuer, "jwks": ED25519, "fromHeaders": [{"name": issuer}]});
        rule.as_object_mut().unwrap().extend(presence.map(|presence| ("presence".into(), presence.into())));
        rule
    };
    let required = |list: Value| format!("{:?}", rules(list).rules[1].required);
    let (yes, no) = (Some("REQUIRED"), Some("OPTIONAL"));
    assert_eq!(required(json!([rule("a", yes)])), "Provider(0, None)");
    assert_eq!(required(json!([rule("a", no)])), "Any([Provider(0, None), AllowMissing])");
    let both = "All([Provider(0, None), Provider(1, None)])";
    assert_eq!(required(json!([rule("a", yes), rule("b", yes)])), both);
    let mixed = "All([Provider(0, None), Any([Provider(1, None), AllowMissing])])";
    assert_eq!(required(json!([rule("a", yes), rule("b", no)])), mixed);
    assert_eq!(required(json!([rule("a", yes), rule("b", None)])), mixed);
    // Sorted by issuer.
    let mixed = "All([Any([Provider(1, None), AllowMissing]), Provider(0, None)])";
    assert_eq!(required(json!([rule("b", yes), rule("a", None)])), mixed);
    assert_eq!(
        required(json!([rule("a", no), rule("b", no)])),
        required(json!([rule("a", None), rule("b", None)]))
    );
    let message = rule_refused(json!({"issuer": "i", "jwks": ED25519, "presence": "required"}));
    assert!(
        message.contains("presence: unknown variant `required`, expected `OPTIONAL` or `REQUIRED`"),
        "{message}"
    );
}

#[test]
fn they_stand_behind_the_rules() {
    let plan = plan(json!({
        "jwtRules": [{"issuer": "https://a.example", "jwks": ED25519}],
        "rules": [{"match": {"paths": [{"exact": "/health"}]}}],
    }));
    let plan = plan.unwrap();
    let facts = |path| RequestFacts { path, ..RequestFacts::default() };
    let required = |path| format!("{:?}", plan.select(&facts(path)).unwrap().first.unwrap().required);
    assert_eq!(required(b"/health"), "Nothing");
    assert_eq!(required(b"/"), "Any([Provider(0, None), AllowMissing])");
    let message = refused(json!({
        "jwtRules": [{"issuer": "https://a.example", "jwks": ED25519}],
        "rules": [{"requires": {"provider_name": "jwtRules[0]"}}],
    }));
    assert!(message.ends_with("unknown provider `jwtRules[0]`, none is configured"), "{message}");
}

#[test]
fn keys_are_fetched_through_istios_clusters() {
    let cluster = |uri: &str| {
        let rule = json!({"issuer": "https://a.example", "jwksUri": uri, "timeout": "2s"});
        let clusters = json!({"known.example": "known"});
        let plan = plan(json!({"jwtRules": [rule], "jwks_clusters": clusters})).unwrap();
        let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
        let From::Uri(uri) = &source.from else { panic!("{source:?}") };
        assert_eq!(uri.timeout.map(|timeout| timeout.as_nanos()), Some(2_000_000_000));
        assert_eq!(source.cache_duration.as_nanos(), 300_000_000_000);
        uri.cluster.clone()
    };
    assert_eq!(cluster("https://a.example/keys"), "outbound|443||a.example");
    assert_eq!(cluster("http://a.ns.svc.cluster.local:8080/keys"), "outbound|8080||a.ns.svc.cluster.local");
    assert_eq!(cluster("http://a.example"), "outbound|80||a.example");
    assert_eq!(cluster("https://known.example:8443/keys"), "known");
}

#[test]
fn without_keys_the_issuer_is_asked() {
    let plan = plan(json!({
        "jwtRules": [{"issuer": "https://accounts.example"}],
        "jwks_clusters": {"keys.example": "keys"},
    }));
    let plan = plan.unwrap();
    let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
    let From::Discovery { issuer, discovery } = &source.from else { panic!("{source:?}") };
    assert_eq!(
        (issuer.as_str(), discovery.cluster.as_str()),
        ("https://accounts.example", "outbound|443||accounts.example")
    );
    let cluster = |url| discovery.cluster_of(&Url::parse(url).unwrap()).into_owned();
    assert_eq!(cluster("https://www.example/certs"), "outbound|443||www.example");
    assert_eq!(cluster("https://keys.example/certs"), "keys");
}

#[test]
fn the_keys_of_a_provider_that_discovers_come_from_its_cluster() {
    let cluster = |fields: Value| {
        let remote = json!({"oidc_discovery": fields});
        let provider = json!({"issuer": "https://a.example", "remote_jwks": remote});
        let plan = plan(json!({"providers": {"a": provider}})).unwrap();
        let Source::Remote(source) = &plan.sources[0] else { panic!("{:?}", plan.sources) };
        let From::Discovery { discovery, .. } = &source.from else { panic!("{source:?}") };
        discovery.cluster_of(&Url::parse("https://b.example/").unwrap()).into_owned()
    };
    assert_eq!(cluster(json!({"cluster": "a"})), "a");
    assert_eq!(cluster(json!({"cluster": "a", "jwks_cluster": "b"})), "b");
}

#[test]
fn several_rules_may_have_an_issuer_in_common() {
    let keys = |id: &str| ED25519.replace('}', &format!(r#","kid":"{id}"}}"#));
    let rule = |id: &str| json!({"issuer": "https://kubernetes.default.svc", "jwks": keys(id)});
    assert_eq!(rules(json!([rule("a"), rule("b")])).providers_of("https://kubernetes.default.svc"), [0, 1]);
}

#[test]
fn what_the_resource_itself_forbids_is_refused() {
    for (rule, message) in [
        (json!({"jwks": ED25519}), "issuer: must not be empty without `jwksUri`"),
        (json!({"issuer": "", "jwks": ED25519}), "issuer: must not be empty without `jwksUri`"),
        (json!({"jwksUri": ""}), "issuer: must not be empty without `jwksUri`"),
        (
            json!({"issuer": "i", "jwks": ED25519, "jwksUri": "https://a.example/keys"}),
            ": `jwks` and `jwksUri` cannot both be set",
        ),
        (
            json!({"issuer": "i", "jwksUri": "file:///keys"}),
            "jwksUri: `file:///keys` must begin with `https://` or `http://`",
        ),
        (json!({"issuer": "i", "jwks": ED25519, "audiences": [""]}), "audiences[0]: must not be empty"),
        (
            json!({"issuer": "i", "jwks": ED25519, "fromParams": [""]}),
            "fromParams[0]: invalid parameter name ``, expected a text without control characters",
        ),
        (
            json!({"issuer": "i", "jwks": ED25519, "fromCookies": [""]}),
            "fromCookies[0]: invalid cookie name ``, expected printable ASCII without spaces and `=;,\"`",
        ),
        (
            json!({"issuer": "i", "jwks": ED25519, "outputClaimToHeaders": [{"header": "x", "claim": ""}]}),
            "outputClaimToHeaders[0].claim: the name of a claim must not be empty",
        ),
        (
            json!({"issuer": "i", "jwksUri": "https://a.example/keys", "timeout": "0.5ms"}),
            "timeout: must be at least `1ms`",
        ),
    ] {
        let expected = format!("jwtRules[1].{message}").replace(".:", ":");
        assert_eq!(rule_refused(rule), expected);
    }
    let message = rule_refused(json!({"issuer": "i", "jwks": ED25519, "fromHeaders": [{"name": ""}]}));
    assert!(message.starts_with("jwtRules[1].fromHeaders[0].name: "), "{message}");
    let message = rule_refused(json!({"issuer": "i"}));
    assert!(message.starts_with("jwtRules[1]: neither `jwks` nor `jwksUri` is set"), "{message}");
    let message = rule_refused(json!({"issuer": "i", "jwks": "not keys"}));
    assert!(message.starts_with("jwtRules[1].jwks: not a JSON object"), "{message}");
}
