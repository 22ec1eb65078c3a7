//! Providers.

use crate::{ED25519, plan, provider, provider_refused, refused, rule_refused};
use serde_json::{Value, json};

#[test]
fn texts_are_not_empty() {
    for (field, value) in [
        ("audiences", json!(["a", ""])),
        ("allowed_types", json!(["at+jwt", ""])),
        ("required_scopes", json!(["read", ""])),
        ("from_params", json!(["a", ""])),
        ("from_cookies", json!(["a", ""])),
    ] {
        let message = provider_refused(json!({field: value}));
        assert!(message.starts_with(&format!("{field}[1]: ")), "{message}");
    }
    let message = provider_refused(json!({"normalize_payload": {"space_delimited_claims": [""]}}));
    assert_eq!(message, "normalize_payload.space_delimited_claims[0]: must not be empty");
    let claims = vec!["x"; 65];
    let message = provider_refused(json!({"normalize_payload": {"space_delimited_claims": claims}}));
    assert!(message.ends_with("`65` claims, expected at most 64"), "{message}");
}

#[test]
fn times_have_bounds() {
    let message = provider_refused(json!({"clock_skew_seconds": 86401}));
    assert_eq!(message, "clock_skew_seconds: `86401` is not a number from 0 to 86400");
    let message = provider_refused(json!({"max_lifetime": "999ms"}));
    assert_eq!(message, "max_lifetime: must be at least `1s`");
    let message = provider_refused(json!({"max_lifetime": "1"}));
    assert!(message.starts_with("max_lifetime: `1` is not a duration"), "{message}");
}

#[test]
fn a_claim_has_one_test_and_a_name() {
    let matcher = |fields: serde_json::Value| provider_refused(json!({"required_claims": [fields]}));
    let message = matcher(json!({"claim": "a"}));
    assert!(
        message.starts_with("required_claims[0]: `0` tests, expected exactly one of `string_match`"),
        "{message}"
    );
    let message = matcher(json!({"claim": "a", "number": 1, "present": true}));
    assert!(message.starts_with("required_claims[0]: `2` tests"), "{message}");
    for claim in [json!(""), json!([]), json!(["a", ""])] {
        let message = matcher(json!({"claim": claim, "present": true}));
        assert_eq!(message, "required_claims[0].claim: the name of a claim must not be empty");
    }
    let deep = vec!["a"; 33].join(".");
    let message = matcher(json!({"claim": deep, "present": true}));
    assert_eq!(message, "required_claims[0].claim: `33` is not a number from 1 to 32");
    let message = matcher(json!({"claim": 1, "present": true}));
    assert!(
        message.contains("expected a claim, such as `realm_access.roles`, or a list of names"),
        "{message}"
    );
    let claims =
        json!([{"claim": ["https://a.example/roles"], "boolean": false}, {"claim": "a.b", "number": 1.5}]);
    plan(json!({"providers": {"a": provider(json!({"required_claims": claims}))}})).unwrap();
}

#[test]
fn tokens_are_in_places_that_there_are() {
    let message = provider_refused(json!({"from_headers": [{"name": ":authority"}]}));
    assert!(message.starts_with("from_headers[0].name: `:authority` is a pseudo-header"), "{message}");
    let message = provider_refused(json!({"from_headers": [{"name": "host"}]}));
    assert!(message.starts_with("from_headers[0].name: `host` belongs to the connection"), "{message}");
    let message = provider_refused(json!({"from_headers": [{"name": "a", "value_prefix": "x\n"}]}));
    assert_eq!(
        message,
        "from_headers[0].value_prefix: invalid prefix `x\\n`, expected a text without control characters"
    );
    let message = provider_refused(json!({"from_cookies": ["a=b"]}));
    assert_eq!(
        message,
        "from_cookies[0]: invalid cookie name `a=b`, expected printable ASCII without spaces and `=;,\"`"
    );
    let message = provider_refused(json!({"from_params": ["a\u{0}"]}));
    assert_eq!(
        message,
        "from_params[0]: invalid parameter name `a\\0`, expected a text without control characters"
    );
}

#[test]
fn headers_that_frame_a_message_are_not_written() {
    for name in ["host", "content-length", "transfer-encoding", "connection", "upgrade"] {
        let claims =
            json!([{"header_name": "x-a", "claim_name": "a"}, {"header_name": name, "claim_name": "b"}]);
        let message = provider_refused(json!({"claim_to_headers": claims}));
        let expected = format!("claim_to_headers[1].header_name: `{name}` belongs to the connection");
        assert!(message.starts_with(&expected), "{message}");
        let message = provider_refused(json!({"forward_payload_header": name}));
        assert!(message.starts_with(&format!("forward_payload_header: `{name}` belongs to")), "{message}");
        let extract = json!({"extract_only_without_validation": {"verification_status_header": name}});
        let message = rule_refused(json!({"requires": extract}));
        let place = "requires.extract_only_without_validation.verification_status_header";
        assert!(message.starts_with(&format!("{place}: `{name}` belongs to")), "{message}");
    }
}

#[test]
fn a_header_has_one_meaning() {
    let sub = json!({"header_name": "x-sub", "claim_name": "sub"});
    let message =
        provider_refused(json!({"claim_to_headers": [sub, {"header_name": "X-Sub", "claim_name": "b"}]}));
    assert_eq!(
        message,
        "claim_to_headers[1].header_name: `x-sub` is already the output header of another claim"
    );
    let message = provider_refused(json!({"claim_to_headers": [sub], "forward_payload_header": "x-sub"}));
    assert_eq!(message, "forward_payload_header: `x-sub` is already the output header of a claim");
    let message = provider_refused(json!({"forward_payload_header": "authorization"}));
    assert_eq!(
        message,
        "forward_payload_header: `authorization` is a token location and cannot also be an output header"
    );
    let cookie = json!([{"header_name": "cookie", "claim_name": "sub"}]);
    let message = provider_refused(json!({"from_cookies": ["session"], "claim_to_headers": cookie}));
    assert_eq!(
        message,
        "claim_to_headers[0].header_name: `cookie` is a token location and cannot also be an output header"
    );
    let extract = json!({"extract_only_without_validation": {"verification_status_header": "authorization"}});
    assert!(rule_refused(json!({"requires": extract})).ends_with("and cannot also be an output header"));
}

#[test]
fn no_provider_writes_where_another_reads() {
    let message = refused(json!({"providers": {
        "a": {"local_jwks": {"inline_string": ED25519}, "forward_payload_header": "x-token"},
        "b": {"local_jwks": {"inline_string": ED25519}, "from_headers": [{"name": "x-token"}]},
    }}));
    assert_eq!(
        message,
        "providers.a.forward_payload_header: `x-token` is a token location and cannot also be an output header"
    );
}

#[test]
fn removes_client_headers_that_the_filter_writes() {
    let claims = json!([{"header_name": "X-Sub", "claim_name": "sub"}]);
    let extract = json!({"extract_only_without_validation": {}});
    let plan = plan(json!({
        "providers": {
            "a": provider(json!({"claim_to_headers": claims, "forward_payload_header": "x-payload"})),
            "b": provider(json!({"claim_to_headers": claims})),
        },
        "requirement_map": {"e": {"requires_any": {"requirements": [extract, {"provider_name": "a"}]}}},
    }));
    let plan = plan.unwrap();
    let names: Vec<_> = plan.sanitized.iter().map(|name| name.as_str()).collect();
    assert_eq!(names, ["x-jwt-signature-verified", "x-payload", "x-sub"]);
    let none = json!({"extract_only_without_validation": {"verification_status_header": "-"}});
    assert!(crate::plan(json!({"rules": [{"requires": none}]})).unwrap().sanitized.is_empty());
}

#[test]
fn what_separates_values_can_stand_in_a_header() {
    for separator in ["", "\r\n", "\u{0}"] {
        let claim = json!({"header_name": "x-a", "claim_name": "a", "separator": separator});
        let message = provider_refused(json!({"claim_to_headers": [claim]}));
        assert!(message.starts_with("claim_to_headers[0].separator: invalid separator `"), "{message}");
    }
}

#[test]
fn a_claim_is_named_in_one_way() {
    let outputs = |claim: Value| {
        let mut output = json!({"header_name": "x"});
        output.as_object_mut().unwrap().extend(claim.as_object().unwrap().clone());
        json!({"claim_to_headers": [output]})
    };
    let one = "exactly one of `claim_name` and `claim_path` must be set";
    for (claim, message) in [
        (json!({}), format!("claim_to_headers[0]: {one}")),
        (json!({"claim_path": []}), format!("claim_to_headers[0]: {one}")),
        (json!({"claim_name": "a", "claim_path": [{"key": "a"}]}), format!("claim_to_headers[0]: {one}")),
        (
            json!({"claim_path": [{"key": "a"}, {"key": ""}]}),
            "claim_to_headers[0].claim_path: the name of a claim must not be empty".into(),
        ),
        (
            json!({"claim_name": ""}),
            "claim_to_headers[0].claim_name: the name of a claim must not be empty".into(),
        ),
    ] {
        assert_eq!(provider_refused(outputs(claim)), message);
    }
}

#[test]
fn a_number_that_is_rounded_is_rejected() {
    for number in ["18446744073709551616", "9007199254740992.0", "-1e300"] {
        let number: Value = serde_json::from_str(number).unwrap();
        let claims = json!({"required_claims": [{"claim": "a", "number": number}]});
        let message = provider_refused(claims);
        assert!(message.contains("required_claims[0].number: ") && message.contains("exactly"), "{message}");
    }
    for number in ["18446744073709551615", "-9223372036854775808", "1.5", "1e3"] {
        let number: Value = serde_json::from_str(number).unwrap();
        let provider = provider(json!({"required_claims": [{"claim": "a", "number": number}]}));
        plan(json!({"providers": {"a": provider}})).unwrap();
    }
}
