use super::*;
use tollgate_policy::AllowedBy;

const DENIED: &str = "rbac_access_denied_matched_policy[admin]";

fn admin(options: Value) -> Value {
    let mut config = json!({
        "rules": [{"name": "admin", "action": "deny", "match": {"paths": [{"prefix": "/admin"}]}}],
        "default_action": "allow",
    });
    for (name, value) in options.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn get(path: &str) -> Req<'_> {
    Req("GET", "a.test", path, &[("x-request-id", "7"), ("authorization", "secret")])
}

#[test]
fn a_policy_chooses_its_response() {
    let options = json!({"policy_options": {"admin": {"response": {
        "status": 404, "grpc_status": 5, "body": "not found", "body_format": "json", "reveal_policy": true,
        "headers": [{"name": "x-hidden", "value": "1"}],
    }}}});
    decide(&policy(admin(options)), &Host::default(), &get("/admin"), |decision| {
        let refusal = decision.refusal.unwrap();
        assert_eq!((refusal.status, refusal.grpc_status), (404, 5));
        assert_eq!(refusal.body, br#"{"error":"not found","policy":"admin"}"#);
        let names: Vec<_> = refusal.headers.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["x-hidden", "content-type"]);
    });
}

#[test]
fn a_policy_in_shadow_mode_only_reports() {
    let options = json!({"policy_options": {"admin": {"shadow": true}}});
    decide(&policy(admin(options)), &Host::default(), &get("/admin"), |decision| {
        assert!(decision.refusal.is_none() && decision.allowed_by.is_none());
        let shadow = decision.shadow.unwrap();
        assert!(shadow.denied());
        let states = [("rbac.decision", "allowed_by[none]"), ("rbac.shadow", "denied_by[admin]")];
        assert_eq!(decision.filter_state, states.map(|(name, value)| (name, value.as_bytes().to_vec())));
    });
}

#[test]
fn shadow_mode_allows_and_reports() {
    decide(&policy(admin(json!({"shadow": true}))), &Host::default(), &get("/admin"), |decision| {
        assert!(decision.refusal.is_none());
        assert_eq!(decision.allowed_by, Some(AllowedBy::Shadow(crate::ReasonKind::Policy)));
        assert!(decision.shadow.unwrap().denied());
    });
}

#[test]
fn a_failed_host_call_is_handled_as_configured() {
    let config = |on_error: &str| {
        json!({
            "rules": [{"name": "a", "action": "allow", "attributes": [{"attribute": "remote.ip", "networks": ["10.0.0.0/8"]}]}],
            "on_error": on_error, "status_on_error": 599,
        })
    };
    decide(&policy(config("deny")), &Host::broken(), &get("/"), |decision| {
        let refusal = decision.refusal.unwrap();
        assert_eq!((refusal.status, refusal.grpc_status), (599, 14));
    });
    decide(&policy(config("allow")), &Host::broken(), &get("/"), |decision| {
        assert_eq!(decision.allowed_by, Some(AllowedBy::FailureMode(crate::ReasonKind::HostError)));
    });
}

#[test]
fn writes_a_bounded_audit_line() {
    let audit =
        json!({"on": "on_deny", "max_lines_per_second": 1, "headers": ["authorization", "x-request-id"]});
    let policy = policy(admin(json!({ "audit": audit })));
    let host = Host::default().with("source/address", "192.0.2.7:99");
    decide(&policy, &host, &get("/admin?token=1"), |decision| {
        let line = decision.audit.unwrap();
        let expected = r#"{"decision":"denied","policy":"admin","method":"GET","host":"a.test","source_ip":"192.0.2.7","path":"/admin","request_id":"7","headers":{"authorization":["<redacted>"],"x-request-id":["7"]}}"#;
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        assert_eq!(read(line.strip_prefix("rbac_audit ").unwrap()), read(expected));
    });
    decide(&policy, &host, &get("/admin"), |decision| {
        assert!(decision.audit_dropped && decision.audit.is_none())
    });
    decide(&policy, &host, &get("/"), |decision| {
        assert!(!decision.audit_dropped && decision.audit.is_none())
    });
}

#[test]
fn an_added_header_line_never_helps_the_client() {
    let rule = |action: &str, default: &str| {
        let matcher = json!({"headers": [{"name": "x-role", "exact": "admin"}]});
        let mut config =
            json!({"rules": [{"name": "r", "action": action, "match": matcher}], "default_action": default});
        if default == "allow" {
            config["default_action"] = "allow".into();
        }
        config
    };
    let both = &[("x-role", "admin"), ("x-role", "user")];
    let allow = verdict(&policy(rule("allow", "deny")), &Host::default(), &Req("GET", "a", "/", both));
    assert_eq!(allow, "rbac_access_denied_matched_policy[none]");
    let deny = verdict(&policy(rule("deny", "allow")), &Host::default(), &Req("GET", "a", "/", both));
    assert_eq!(deny, "rbac_access_denied_matched_policy[r]");
    assert_eq!(DENIED, verdict(&policy(admin(json!({}))), &Host::default(), &get("/admin")));
}

#[test]
fn no_spelling_of_a_path_bypasses_a_denial() {
    let deny = policy(admin(json!({})));
    for path in [
        "/admin",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/%61dmin",
        "/admin%2Fx",
        "/admin;a=b",
        "/x/..;/admin",
        "/x\\..\\admin",
        "/%2e%2e/admin",
        "/x%2f..%2fadmin",
        "/%252e%252e/admin",
        "/%2561dmin",
        "/admin%00",
        "/admin/.",
        "/admin//",
        "/admin?x",
        "/a/../x/%2e%2e/admin",
    ] {
        let verdict = verdict(&deny, &Host::default(), &Req("GET", "a", path, &[]));
        assert!(verdict == DENIED || verdict.starts_with("rbac_invalid_path{"), "{path}: {verdict}");
    }
    for path in ["/", "/x", "/ADMIN", "/x/admin"] {
        assert_eq!(verdict(&deny, &Host::default(), &Req("GET", "a", path, &[])), "allowed", "{path}");
    }
}

#[test]
fn no_spelling_of_a_path_extends_a_permission() {
    let allow = policy(json!({"rules": [{
        "name": "public", "action": "allow", "match": {"paths": [{"template": "/public/**"}]},
    }]}));
    for path in [
        "/public/../admin",
        "/public/..;/admin",
        "/public/%2e%2e/admin",
        "/public/..%2fadmin",
        "/public/..\\admin",
        "/public/%252e%252e/admin",
        "/public%2f..%2fadmin",
        "/public/x/../../admin",
    ] {
        assert_ne!(verdict(&allow, &Host::default(), &Req("GET", "a", path, &[])), "allowed", "{path}");
    }
    for path in ["/public/", "/public/a", "/public/a/b?c=/../d"] {
        assert_eq!(verdict(&allow, &Host::default(), &Req("GET", "a", path, &[])), "allowed", "{path}");
    }
}

#[test]
fn sends_the_normal_path_upstream_if_configured() {
    let normal = policy(admin(json!({"forward_normalized_path": true})));
    decide(&normal, &Host::default(), &Req("GET", "a", "/y/.//z?a=//", &[]), |decision| {
        assert!(decision.refusal.is_none());
        assert_eq!(decision.path.as_deref(), Some(&b"/y/z?a=//"[..]));
    });
    decide(&normal, &Host::default(), &Req("GET", "a", "/y", &[]), |decision| {
        assert_eq!(decision.path, None)
    });
}

#[test]
fn a_connect_request_has_no_path() {
    let allow = policy(json!({"rules": [
        {"name": "root", "action": "allow", "match": {"paths": [{"exact": "/"}, {"prefix": "/"}]}},
    ]}));
    let none = "rbac_access_denied_matched_policy[none]";
    assert_eq!(verdict(&allow, &Host::default(), &Req("CONNECT", "a:443", "", &[])), none);
}

fn condition(text: &str, action: &str) -> Policy {
    let default = if action == "deny" { "allow" } else { "deny" };
    let rule = json!({"name": "r", "action": action, "condition": text});
    policy(json!({"rules": [rule], "default_action": default}))
}

#[test]
fn conditions_read_attributes() {
    let host = Host::default()
        .with_claims(&json!({"sub": "ann", "tenants": ["a", "b"], "level": 3}))
        .with("source/address", "192.0.2.1:7")
        .with("source/port", 7_i64.to_le_bytes())
        .with("connection/mtls", [1])
        .with("request/time", 1_700_000_000_000_000_000_i64.to_le_bytes())
        .with("connection/uri_san_peer_certificate", "spiffe://td/ns/shop/sa/orders");
    let request =
        Req("GET", "A.test", "/b/c?q=1", &[("x-a", "1"), ("x-a", "2"), ("x-b", "1"), ("user-agent", "curl")]);
    for text in [
        "request.method == 'GET' && request.host == 'a.test'",
        "request.path == '/b/c?q=1' && request.url_path == '/b/c' && request.query == 'q=1'",
        "request.headers['x-b'] == '1' && request.useragent.startsWith('cu')",
        "'x-a' in request.headers && !('x-c' in request.headers)",
        "request.auth.claims.sub == 'ann' && 'b' in request.auth.claims.tenants",
        "request.auth.claims.level > 2 && !has(request.auth.claims.email)",
        "request.url_path.split('/')[1] in request.auth.claims.tenants",
        "source.address.startsWith('192.0.2.') && source.port == 7",
        "connection.mtls && source.namespace == 'shop' && source.service_account == 'shop/orders'",
        "request.time.getFullYear() == 2023",
    ] {
        assert_eq!(verdict(&condition(text, "allow"), &host, &request), "allowed", "{text}");
        let not = format!("!({text})");
        assert_ne!(verdict(&condition(&not, "allow"), &host, &request), "allowed", "{not}");
    }
}

#[test]
fn a_condition_that_fails_never_helps_the_client() {
    let request = Req("GET", "a", "/", &[]);
    for text in ["request.headers['x-a'] == '1'", "request.auth.claims.level > 2", "int(request.method) == 1"]
    {
        let allow = verdict(&condition(text, "allow"), &Host::default(), &request);
        assert_eq!(allow, "rbac_access_denied_matched_policy[none]", "{text}");
        let deny = verdict(&condition(text, "deny"), &Host::default(), &request);
        assert_eq!(deny, "rbac_access_denied_matched_policy[r]", "{text}");
    }
    // A line that was added.
    let header = "request.headers['x-role'] == 'admin'";
    for lines in [[("x-role", "admin"), ("x-role", "b")], [("x-role", "b"), ("x-role", "admin")]] {
        let request = Req("GET", "a", "/", &lines);
        assert_ne!(verdict(&condition(header, "allow"), &Host::default(), &request), "allowed");
        assert_ne!(verdict(&condition(header, "deny"), &Host::default(), &request), "allowed");
    }
    // A path that upstreams read differently.
    let path = "request.url_path.startsWith('/public/')";
    let ambiguous = Req("GET", "a", "/public/..;/admin", &[]);
    assert_ne!(verdict(&condition(path, "allow"), &Host::default(), &ambiguous), "allowed");
}

#[test]
fn a_condition_that_does_not_compile_is_rejected() {
    for (text, message) in [
        ("request.methd == 'GET'", "rules[0].condition: "),
        ("1 + 1", "rules[0].condition: "),
        ("request.method ==", "rules[0].condition: "),
    ] {
        let rule = json!({"name": "r", "action": "deny", "condition": text});
        let error = plan(json!({ "rules": [rule] })).unwrap_err();
        assert!(error.starts_with(message) && error.contains("column"), "{text}: {error}");
    }
}

#[test]
fn a_hidden_peer_never_helps_the_client() {
    let peer = json!({"attribute": "source.ip", "networks": ["192.0.2.0/24"]});
    let config = |action: &str, default: &str| json!({"rules": [{"name": "r", "action": action, "attributes": [peer]}], "default_action": default});
    let request = Req("GET", "a", "/", &[]);
    let host = |port: i64| {
        Host::default().with("source/address", "192.0.2.1:0").with("source/port", port.to_le_bytes())
    };
    let other =
        Host::default().with("source/address", "203.0.113.1:0").with("source/port", 0_i64.to_le_bytes());
    let (allow, deny) = (policy(config("allow", "deny")), policy(config("deny", "allow")));
    assert_eq!(verdict(&allow, &host(7), &request), "allowed");
    assert_ne!(verdict(&allow, &host(0), &request), "allowed");
    assert_ne!(verdict(&deny, &host(7), &request), "allowed");
    assert_ne!(verdict(&deny, &other, &request), "allowed");
}

/// A host that fails to provide claims, and provides everything else.
struct WithoutClaims;

impl Environment for WithoutClaims {
    fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        if path.starts_with("filter_state") { Err(Unavailable) } else { Ok(None) }
    }

    fn now(&self) -> Option<UnixNanos> {
        None
    }

    fn draw(&self) -> u64 {
        0
    }
}

#[test]
fn a_failure_in_a_shadow_policy_changes_no_decision() {
    let config = json!({
        "rules": [
            {"name": "new", "action": "deny", "attributes": [{"attribute": "request.auth.claims[a]", "present": true}]},
            {"name": "all", "action": "allow"},
        ],
        "policy_options": {"new": {"shadow": true}},
    });
    let pairs: [(&[u8], &[u8]); 3] = [(b":method", b"GET"), (b":authority", b"a"), (b":path", b"/")];
    let policy = policy(config);
    let decision = policy.decide(&RequestFacts::from_pairs(&pairs), &WithoutClaims);
    assert!(decision.refusal.is_none() && decision.allowed_by.is_none(), "{decision:?}");
    assert_eq!(decision.rule.map(|rule| &*rule.name.policy), Some("all"));
    assert_eq!(decision.shadow.unwrap().reason, Some(crate::ReasonKind::HostError));
}

#[test]
fn a_request_with_an_invalid_path_is_in_the_audit_log() {
    let config = |shadow: bool| admin(json!({"audit": {"on": "on_deny"}, "shadow": shadow}));
    for (shadow, decision) in [(false, "denied"), (true, "allowed")] {
        let line =
            decide(&policy(config(shadow)), &Host::default(), &get("/a%00"), |decision| decision.audit);
        let line = line.unwrap_or_default();
        assert!(line.contains(r#""path":"/a%00""#) && line.contains(decision), "{line}");
    }
}
