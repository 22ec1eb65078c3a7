use super::*;
use proptest::prelude::*;

fn plan(json: &str) -> Plan {
    let mut config: serde_json::Value = serde_json::from_str(json).unwrap();
    config["rules"] = serde_json::json!([{"requires": {"allow_missing": {}}}]);
    Plan::new(tollgate_policy::config::read(&config).unwrap(), |_| None).unwrap()
}

type Pairs<'a> = Vec<(&'a [u8], &'a [u8])>;

fn request<'a>(path: &'a str, headers: &[(&'a str, &'a str)]) -> Pairs<'a> {
    let fixed = [
        (":method", "GET"),
        (":authority", "a.example:8443"),
        ("x-forwarded-proto", "https"),
        (":path", path),
    ];
    headers.iter().chain(&fixed).map(|(n, v)| (n.as_bytes(), v.as_bytes())).collect()
}

fn refused(reason: Reason, plan: &Plan, pairs: &Pairs<'_>) -> Refusal {
    refusal(reason, ["read", "write:a"].into_iter(), &RequestFacts::from_pairs(pairs), plan)
}

fn header(refusal: &Refusal, name: &str) -> Option<String> {
    let values: Vec<_> = refusal.headers.iter().filter(|(n, _)| *n == name).collect();
    assert!(values.len() <= 1, "{values:?}");
    values.first().map(|(_, value)| String::from_utf8(value.clone()).unwrap())
}

fn text(refusal: &Refusal) -> &str {
    std::str::from_utf8(&refusal.body).unwrap()
}

#[test]
fn a_missing_token_is_answered_as_by_envoy() {
    let refusal = refused(Reason::Missing, &plan("{}"), &request("/a/b?c=d", &[]));
    assert_eq!((refusal.status, refusal.grpc_status, text(&refusal)), (401, 16, "Jwt is missing"));
    let headers = [("www-authenticate".into(), br#"Bearer realm="https://a.example:8443/a/b""#.to_vec())];
    assert_eq!(refusal.headers, headers);
}

#[test]
fn the_challenge_says_what_is_wrong() {
    for (reason, status, expected) in [
        (Reason::Expired, 401, r#", error="invalid_token", error_description="Jwt is expired""#),
        (
            Reason::AudienceNotAllowed,
            403,
            r#", error="invalid_token", error_description="Audiences in Jwt are not allowed""#,
        ),
        (
            Reason::InsufficientScope,
            403,
            r#", error="insufficient_scope", error_description="Scopes in Jwt are insufficient", scope="read write:a""#,
        ),
        (
            Reason::ClaimNotAllowed,
            403,
            r#", error="insufficient_scope", error_description="Claims in Jwt are not allowed""#,
        ),
        (
            Reason::TooManyTokens,
            401,
            r#", error="invalid_request", error_description="Too many Jwts in the request""#,
        ),
    ] {
        let refusal = refused(reason, &plan("{}"), &request("/", &[]));
        assert_eq!(refusal.status, status);
        let challenge = header(&refusal, "www-authenticate").unwrap();
        assert_eq!(challenge, format!(r#"Bearer realm="https://a.example:8443/"{expected}"#));
    }
}

#[test]
fn no_scopes_make_no_empty_parameter() {
    let pairs = request("/", &[]);
    let facts = RequestFacts::from_pairs(&pairs);
    let challenge = challenge::of(Reason::InsufficientScope, Some("r"), std::iter::empty(), None, &facts);
    assert!(challenge.ends_with(br#"insufficient""#));
    let challenge =
        challenge::of(Reason::InsufficientScope, Some("r"), ["a\"\r\n b", "c"].into_iter(), None, &facts);
    assert!(challenge.ends_with(br#", scope="ab c""#));
}

#[test]
fn the_challenge_names_the_metadata_of_the_resource() {
    let plan = plan(
        r#"{"protected_resources": [{"resource": "https://a.example/mcp"}, {"resource": "https://b.example"}]}"#,
    );
    let parameter = r#", resource_metadata="https://a.example/.well-known/oauth-protected-resource/mcp""#;
    for (reason, path, expected) in [
        (Reason::Missing, "/mcp", parameter.to_owned()),
        (Reason::Missing, "/other", String::new()),
        (
            Reason::Expired,
            "/mcp/x?y",
            [r#", error="invalid_token", error_description="Jwt is expired""#, parameter].concat(),
        ),
    ] {
        let challenge = header(&refused(reason, &plan, &request(path, &[])), "www-authenticate").unwrap();
        let path = path.split('?').next().unwrap();
        assert_eq!(challenge, format!(r#"Bearer realm="https://a.example:8443{path}"{expected}"#));
    }
    let scopes =
        header(&refused(Reason::InsufficientScope, &plan, &request("/mcp", &[])), "www-authenticate");
    assert!(scopes.unwrap().ends_with(&[r#", scope="read write:a""#, parameter].concat()));
}

#[test]
fn a_configured_realm_stands_in_place_of_the_url() {
    let mut plan = plan("{}");
    plan.config.failure_response.realm = Some("my \"api\"\\ \u{7}".into());
    let challenge = header(&refused(Reason::Missing, &plan, &request("/", &[])), "www-authenticate");
    assert_eq!(challenge.unwrap(), r#"Bearer realm="my \"api\"\\ ""#);
}

#[test]
fn a_long_path_is_cut_and_the_scheme_is_the_clients() {
    let path = format!("/{}", "a".repeat(1000));
    let mut pairs = request(&path, &[]);
    pairs.retain(|(name, _)| *name != b"x-forwarded-proto");
    pairs.push((b":scheme", b"http"));
    let challenge = header(&refused(Reason::Missing, &plan("{}"), &pairs), "www-authenticate").unwrap();
    assert_eq!(challenge, format!(r#"Bearer realm="http://a.example:8443/{}""#, "a".repeat(255)));
}

#[test]
fn what_cannot_be_decided_is_no_fault_of_the_token() {
    for reason in Reason::ALL.iter().copied().filter(|reason| reason.status() == 0) {
        let refusal = refused(reason, &plan("{}"), &request("/", &[]));
        assert_eq!((refusal.status, refusal.grpc_status), (503, 14));
        assert_eq!(refusal.headers, [("retry-after".into(), b"1".to_vec())]);
        let refusal = refused(reason, &plan(r#"{"status_on_error": 401}"#), &request("/", &[]));
        assert_eq!(refusal.status, 401);
        let challenge = header(&refusal, "www-authenticate").unwrap();
        assert_eq!(challenge, r#"Bearer realm="https://a.example:8443/""#);
        let refusal = refused(reason, &plan(r#"{"status_on_error": 500}"#), &request("/", &[]));
        assert_eq!((refusal.status, refusal.headers), (500, Vec::new()));
    }
}

#[test]
fn bodies_are_in_the_form_that_is_asked_for() {
    let body = |reason, format: &str| {
        let plan = plan(&format!(r#"{{"failure_response": {{"body_format": "{format}"}}}}"#));
        let refusal = refused(reason, &plan, &request("/", &[]));
        (header(&refusal, "content-type"), text(&refusal).to_owned())
    };
    let json = |reason, format: &str, content_type: &str, expected: serde_json::Value| {
        let (found, body) = body(reason, format);
        assert_eq!(found.as_deref(), Some(content_type));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&body).unwrap(), expected);
    };
    assert_eq!(body(Reason::Expired, "text"), (None, "Jwt is expired".into()));
    assert_eq!(body(Reason::Expired, "empty"), (None, String::new()));
    for (reason, error) in [
        (Reason::Expired, "invalid_token"),
        (Reason::Missing, "unauthorized"),
        (Reason::InsufficientScope, "insufficient_scope"),
        (Reason::KeysUnavailable, "temporarily_unavailable"),
        (Reason::HostError, "server_error"),
        (Reason::UnknownRequirement, "access_denied"),
    ] {
        let expected = serde_json::json!({
            "error": error, "error_description": reason.text(), "reason": reason.name(),
        });
        json(reason, "json", "application/json", expected);
    }
    let expected = serde_json::json!({
        "type": "about:blank", "title": "Forbidden", "status": 403,
        "detail": "Audiences in Jwt are not allowed", "reason": "audience_not_allowed",
    });
    json(Reason::AudienceNotAllowed, "problem", "application/problem+json", expected);
}

#[test]
fn a_stripped_refusal_says_only_its_status() {
    let plan = plan(r#"{"strip_failure_response": true, "failure_response": {"body_format": "json"}}"#);
    for reason in Reason::ALL {
        let refusal = refused(*reason, &plan, &request("/", &[]));
        assert!(refusal.body.is_empty());
        assert!(refusal.headers.iter().all(|(name, _)| *name == "retry-after"));
    }
}

#[test]
fn grpc_gets_text_and_no_redirect() {
    let plan = plan(
        r#"{"failure_response": {"body_format": "json", "redirect": {"location": "https://login.example/"}}}"#,
    );
    for content_type in ["application/grpc", "application/grpc+proto", "application/grpc;x"] {
        let headers = [("content-type", content_type), ("accept", "text/html")];
        let refusal = refused(Reason::Missing, &plan, &request("/", &headers));
        assert_eq!((refusal.status, text(&refusal)), (401, "Jwt is missing"));
        assert_eq!(header(&refusal, "content-type"), None);
    }
    let web = [("content-type", "application/grpc-web"), ("accept", "text/html")];
    assert_eq!(refused(Reason::Missing, &plan, &request("/", &web)).status, 302);
}

fn redirecting(more: &str) -> Plan {
    let mut plan = plan(&format!(
        r#"{{"failure_response": {{"redirect": {{"location": "https://login.example/?to={{url}}&x=1"{more}}}}}}}"#
    ));
    // Its keys are not checked.
    plan.providers.push(crate::plan::PlannedProvider {
        name: "a".into(),
        config: crate::test_json::config(r#"{"from_params": ["access_token"]}"#),
        source: 0,
        allowed: tollgate_jose::Algorithms::default(),
    });
    plan
}

#[test]
fn a_browser_is_sent_to_log_in_and_brings_the_url() {
    let page = [("accept", "application/xhtml+xml, Text/HTML;q=0.9"), ("sec-fetch-mode", "navigate")];
    let refusal =
        refused(Reason::Expired, &redirecting(""), &request("/a?b=c&access_token=a.b.c&d=%20 \"", &page));
    assert_eq!(refusal.status, 302);
    assert_eq!(
        header(&refusal, "location").unwrap(),
        "https://login.example/?to=https%3A%2F%2Fa.example%3A8443%2Fa%3Fb%3Dc%26d%3D%2520%20%22&x=1"
    );
    assert_eq!(header(&refusal, "cache-control").as_deref(), Some("no-store"));
    assert_eq!((refusal.headers.len(), refusal.body.len()), (2, 0));
    let see_other = redirecting(r#", "status": 303"#);
    assert_eq!(refused(Reason::Expired, &see_other, &request("/", &page)).status, 303);
    // Logging in again would not help.
    assert_eq!(refused(Reason::AudienceNotAllowed, &see_other, &request("/", &page)).status, 403);
    assert_eq!(refused(Reason::KeysUnavailable, &see_other, &request("/", &page)).status, 503);
}

#[test]
fn a_long_url_is_cut_to_its_origin() {
    let path = format!("/{}", "a".repeat(3000));
    let refusal = refused(Reason::Missing, &redirecting(""), &request(&path, &[("accept", "text/html")]));
    assert_eq!(
        header(&refusal, "location").unwrap(),
        "https://login.example/?to=https%3A%2F%2Fa.example%3A8443%2F&x=1"
    );
}

#[test]
fn scripts_and_other_methods_get_their_401() {
    let plan = redirecting("");
    for headers in [
        &[("accept", "*/*")][..],
        &[("accept", "text/htmlx")],
        &[],
        &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")],
        &[("accept", "text/html"), ("sec-fetch-mode", "cors")],
        &[("accept", "text/html"), (":method", "POST")],
    ] {
        let mut pairs = request("/", headers);
        if headers.iter().any(|(name, _)| *name == ":method") {
            pairs.retain(|pair| *pair != (b":method", b"GET"));
        }
        assert_eq!(refused(Reason::Missing, &plan, &pairs).status, 401, "{headers:?}");
    }
    let mine = redirecting(r#", "headers": [{"name": "x-ui", "exact": "1"}]"#);
    assert_eq!(refused(Reason::Missing, &mine, &request("/", &[("x-ui", "1")])).status, 302);
    assert_eq!(refused(Reason::Missing, &mine, &request("/", &[("accept", "text/html")])).status, 401);
}

proptest! {
    #[test]
    fn no_request_breaks_out_of_a_header(
        path in proptest::collection::vec(any::<u8>(), 0..300),
        authority in proptest::collection::vec(any::<u8>(), 0..300),
        scheme in proptest::collection::vec(any::<u8>(), 0..10),
        html: bool,
    ) {
        let plan = redirecting("");
        let mut pairs: Pairs<'_> = vec![
            (b":method", b"GET"), (b":path", &path), (b":authority", &authority), (b"x-forwarded-proto", &scheme),
        ];
        if html {
            pairs.push((b"accept", b"text/html"));
        }
        for reason in Reason::ALL {
            let refusal = refused(*reason, &plan, &pairs);
            for (name, value) in &refusal.headers {
                prop_assert!(value.iter().all(|byte| matches!(byte, b' '..=b'~')), "{} {:?}", name, value);
                match &**name {
                    "location" => {
                        let middle = value.strip_prefix(b"https://login.example/?to=").unwrap();
                        let middle = middle.strip_suffix(b"&x=1").unwrap();
                        prop_assert!(middle.iter().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(b)));
                    }
                    "www-authenticate" => {
                        let value = std::str::from_utf8(value).unwrap();
                        let realm = value.strip_prefix("Bearer realm=\"").unwrap();
                        let (realm, rest) = realm.split_once('"').unwrap();
                        prop_assert!(!realm.contains(['\\', '?']));
                        prop_assert!(rest.is_empty() || rest.starts_with(", error=\""), "{}", rest);
                    }
                    _ => {}
                }
            }
        }
    }
}
