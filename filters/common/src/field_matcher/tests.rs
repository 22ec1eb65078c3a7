use super::*;
use proptest::prelude::*;

fn header(json: &str, values: &[&str]) -> bool {
    let pairs: Vec<(&[u8], &[u8])> = values.iter().map(|v| (&b"a"[..], v.as_bytes())).collect();
    crate::config::parse::<HeaderMatcher>(json).unwrap().matches(Headers(&pairs))
}

fn query(json: &str, query: &str) -> bool {
    crate::config::parse::<QueryMatcher>(json).unwrap().matches(query.as_bytes())
}

#[test]
fn matches_a_header_by_value_or_presence() {
    assert!(header(r#"{"name": "A", "exact": "1"}"#, &["1"]));
    assert!(!header(r#"{"name": "a", "exact": "1"}"#, &[]));
    assert!(header(r#"{"name": "a", "exact": "1", "invert": true}"#, &[]));
    assert!(header(r#"{"name": "a", "present": true}"#, &[""]));
    assert!(header(r#"{"name": "a", "present": false}"#, &[]));
    assert!(!header(r#"{"name": "a", "present": true, "invert": true}"#, &["1"]));
}

#[test]
fn any_line_of_a_repeated_header_matches() {
    assert!(header(r#"{"name": "a", "exact": "2"}"#, &["1", "2"]));
    assert!(!header(r#"{"name": "a", "exact": "1,2"}"#, &["1", "2"]));
    assert!(header(r#"{"name": "a", "exact": "1,2"}"#, &["1,2"]));
    assert!(!header(r#"{"name": "a", "exact": "2", "invert": true}"#, &["1", "2"]));
    assert!(header(r#"{"name": "a", "exact": "3", "invert": true}"#, &["1", "2"]));
}

/// Whether a matcher of `accept` matches in a rule that restricts, and in one that loosens.
fn in_rules(json: &str, values: &[&str]) -> (bool, bool) {
    let pairs: Vec<(&[u8], &[u8])> = values.iter().map(|v| (&b"accept"[..], v.as_bytes())).collect();
    let json = format!(r#"{{"name": "accept", {json}}}"#);
    let matcher = crate::config::parse::<HeaderMatcher>(&json).unwrap();
    let matches = |many| matcher.matches_in_rule(Headers(&pairs), many);
    (matches(Many::Any), matches(Many::All))
}

#[test]
fn an_added_value_never_loosens() {
    for (json, values, expected) in [
        (r#""exact": "a""#, &["a"][..], (true, true)),
        (r#""exact": "a""#, &["a", "b"], (true, false)),
        (r#""exact": "a""#, &["b,a"], (true, false)),
        (r#""exact": "a""#, &["a, a"], (true, true)),
        (r#""exact": "b,a""#, &["b,a"], (true, false)),
        (r#""exact": "a""#, &["b"], (false, false)),
        (r#""exact": "a""#, &[], (false, false)),
        (r#""exact": "a", "invert": true"#, &["b"], (true, true)),
        (r#""exact": "a", "invert": true"#, &["a"], (false, false)),
        (r#""exact": "a", "invert": true"#, &["a,b"], (true, false)),
        (r#""exact": "a", "invert": true"#, &[], (true, true)),
        (r#""present": true"#, &["a,b"], (true, true)),
        (r#""present": false"#, &["a,b"], (false, false)),
        (r#""exact": "a", "values": "any""#, &["a", "b"], (true, true)),
        (r#""exact": "a", "values": "all""#, &["a,b"], (false, false)),
        (r#""exact": "a", "values": "any", "invert": true"#, &["a", "b"], (false, false)),
    ] {
        assert_eq!(in_rules(json, values), expected, "{json} {values:?}");
    }
}

#[test]
fn an_added_parameter_never_loosens() {
    let matcher = |json| crate::config::parse::<QueryMatcher>(json).unwrap();
    let debug = matcher(r#"{"name": "debug", "exact": "1"}"#);
    let in_rules = |query: &[u8]| [Many::Any, Many::All].map(|many| debug.matches_in_rule(query, many));
    assert_eq!(in_rules(b"debug=1"), [true, true]);
    assert_eq!(in_rules(b"debug=1&debug=0"), [true, false]);
    assert_eq!(in_rules(b"x=1"), [false, false]);
    assert!(debug.matches(b"debug=1&debug=0"));
    assert!(!matcher(r#"{"name": "debug", "exact": "1", "values": "all"}"#).matches(b"debug=1&debug=0"));
}

#[test]
fn rejects_patterns_that_no_value_of_a_header_matches() {
    for pattern in [
        r#""exact": " a""#,
        r#""exact": "a\t""#,
        r#""prefix": " a""#,
        r#""suffix": "a ""#,
        r#""exact": "a\r\nb""#,
        r#""contains": "\u0000""#,
        r#""string_match": {"exact": "a "}"#,
        r#""exact": "a ", "invert": true"#,
    ] {
        let json = format!(r#"{{"name": "a", {pattern}}}"#);
        let error = crate::config::parse::<HeaderMatcher>(&json).unwrap_err().to_string();
        assert!(error.contains("never matches, expected a text without control"), "{pattern}: {error}");
    }
    for (pattern, value) in
        [(r#""prefix": "a ""#, "a b"), (r#""suffix": " b""#, "a b"), (r#""contains": " ""#, "a b")]
    {
        assert!(header(&format!(r#"{{"name": "a", {pattern}}}"#), &[value]), "{pattern}");
    }
    assert!(header(r#"{"name": "a", "exact": ""}"#, &[""]));
}

#[test]
fn accepts_the_spellings_of_envoy() {
    assert!(header(r#"{"name": "a", "string_match": {"prefix": "AB", "ignore_case": true}}"#, &["abc"]));
    assert!(!header(r#"{"name": "a", "string_match": {"prefix": "AB"}}"#, &["abc"]));
    assert!(header(r#"{"name": "a", "present_match": false}"#, &[]));
    assert!(query(r#"{"name": "a", "string_match": {"exact": "b"}}"#, "a=b"));
    for both in [r#""present_match": true"#, r#""exact": "b""#, r#""ignore_case": true"#] {
        let json = format!(r#"{{"name": "a", "string_match": {{"exact": "b"}}, {both}}}"#);
        let error = crate::config::parse::<HeaderMatcher>(&json).unwrap_err().to_string();
        assert!(error.starts_with("expected exactly one of `exact`"), "{error}");
    }
}

#[test]
fn an_error_for_an_envoy_field_says_what_to_use() {
    for (name, instead) in
        [("exact_match", "`exact`"), ("invert_match", "`invert`"), ("range_match", "`regex`")]
    {
        let tree = serde_json::json!({"name": "a", name: "b"});
        let error = crate::config::read::<HeaderMatcher>(&tree).unwrap_err().to_string();
        assert!(error.contains(instead), "{error}");
    }
}

#[test]
fn decodes_query_parameters_and_matches_any_value() {
    let debug = r#"{"name": "debug", "exact": "a b"}"#;
    for text in ["debug=a+b", "x=1&debug=a%20b", "%64ebug=%61%20b", "debug=&debug=a+b", "&&debug=a b"] {
        assert!(query(debug, text), "{text}");
    }
    for text in ["", "debug", "debug=a", "Debug=a+b", "xdebug=a+b", "debug=a%2", "debug=a%2gb"] {
        assert!(!query(debug, text), "{text}");
    }
    assert!(query(r#"{"name": "debug", "present": true}"#, "debug"));
    assert!(query(r#"{"name": "debug", "present": false}"#, "x=debug"));
}

#[test]
fn rejects_presence_together_with_a_pattern() {
    for json in [r#"{"name": "a"}"#, r#"{"name": "a", "present": true, "exact": "b"}"#] {
        let error = crate::config::parse::<HeaderMatcher>(json).unwrap_err().to_string();
        assert!(error.starts_with("expected exactly one of `exact`"), "{error}");
    }
    let error = crate::config::parse::<HeaderMatcher>(r#"{"name": "a", "present": true, "values": "all"}"#);
    assert_eq!(error.unwrap_err().to_string(), "`values` needs a pattern: `present` compares no value");
    let error = crate::config::parse::<HeaderMatcher>(r#"{"name": "a b", "present": true}"#).unwrap_err();
    assert!(error.to_string().starts_with("name: `a b` is not a valid header name"));
}

proptest! {
    #[test]
    fn decoding_undoes_encoding(value in proptest::collection::vec(any::<u8>(), 0..20)) {
        let encoded: String = value.iter().map(|byte| format!("%{byte:02x}")).collect();
        prop_assert_eq!(&*crate::form_decoded(encoded.as_bytes()), &value[..]);
    }

    #[test]
    fn decoding_never_panics(value in "[%+0-9a-g]{0,20}") {
        prop_assert!(crate::form_decoded(value.as_bytes()).len() <= value.len());
    }
}
