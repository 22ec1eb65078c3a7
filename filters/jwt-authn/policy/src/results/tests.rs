use super::*;
use crate::plan::PlannedProvider;
use proptest::prelude::*;
use tollgate_jose::Algorithms;

/// Parses JSON as in a token's payload, but not strictly; `tollgate_jose` tests that.
fn json(value: &serde_json::Value) -> Json {
    match value {
        serde_json::Value::Null => Json::Null,
        serde_json::Value::Bool(truth) => Json::Bool(*truth),
        serde_json::Value::Number(number) => Json::parse(number.to_string().as_bytes()).unwrap(),
        serde_json::Value::String(text) => Json::String(text.as_str().into()),
        serde_json::Value::Array(elements) => Json::Array(elements.iter().map(json).collect()),
        serde_json::Value::Object(members) => {
            Json::Object(members.iter().map(|(name, member)| (name.as_str().into(), json(member))).collect())
        }
    }
}

fn claims(text: &str) -> Json {
    Json::parse(text.as_bytes()).unwrap()
}

fn provider(json: &str) -> Provider {
    crate::test_json::config(json)
}

/// The header value of the claim `c`.
fn header(claim: &str, how: &str) -> Option<String> {
    let provider =
        provider(&format!(r#"{{"claim_to_headers": [{{"header_name": "x", "claim_name": "c"{how}}}]}}"#));
    let payload = format!(r#"{{"c": {claim}}}"#);
    let rendered = render(&provider, &claims(&payload), payload.as_bytes());
    let request = RequestFacts::default();
    let edits = edits(&[], &request, [(&provider, &rendered)].into_iter());
    assert!(edits.len() <= 1);
    edits.first().map(|edit| String::from_utf8(edit.value().unwrap().to_vec()).unwrap())
}

const JSON: &str = r#", "array_format": "json""#;
const BASE64: &str = r#", "array_format": "base64""#;

#[test]
fn a_text_is_a_value_as_it_is_or_none() {
    for (claim, expected) in [
        (r#""a b, c""#, Some("a b, c")),
        (r#""Jos\u00e9""#, Some("José")),
        (r#""""#, None),
        (r#""a\r\nx-admin: 1""#, None),
        (r#""a\u0000""#, None),
        (r#""a\u007f""#, None),
        (r#"" admin""#, None),
        (r#""admin\t""#, None),
        ("null", None),
    ] {
        for how in ["", JSON, BASE64] {
            assert_eq!(header(claim, how).as_deref(), expected, "{claim}");
        }
    }
}

#[test]
fn integers_are_exact_and_no_number_is_long() {
    for (claim, expected) in [
        ("0", "0"),
        ("-1", "-1"),
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551615", "18446744073709551615"),
        ("-9223372036854775808", "-9223372036854775808"),
        ("100000000000000000000", "100000000000000000000"),
        ("18446744073709551616", "18446744073709551616"),
        ("18446744073709551617", "18446744073709551617"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("340282366920938463463374607431768211457", "340282366920938463463374607431768211457"),
        ("18446744073709551617.0", "18446744073709551617"),
        ("1.8446744073709551617e19", "18446744073709551617"),
        ("1.0", "1"),
        ("1e3", "1000"),
        ("1.5", "1.5"),
        ("-0.0", "-0"),
        ("1e-7", "0.0000001"),
        ("1e-8", "1e-8"),
        ("1e21", "1e+21"),
        ("-1e300", "-1e+300"),
        ("true", "true"),
        ("false", "false"),
    ] {
        assert_eq!(header(claim, "").as_deref(), Some(expected));
    }
}

#[test]
fn an_array_is_joined_if_it_can_be_taken_apart_again() {
    for (claim, how, expected) in [
        (r#"["a", 1, true]"#, "", "a,1,true"),
        (r#"["a", "b"]"#, r#", "separator": " ""#, "a b"),
        (r#"["a", "b"]"#, r#", "separator": """#, "ab"),
        (r#"["a,b", "c"]"#, r#", "separator": "|""#, "a,b|c"),
        // base64 of the JSON after it.
        (r#"["a,b"]"#, "", "WyJhLGIiXQ=="),         // ["a,b"]
        (r#"[["a"]]"#, "", "W1siYSJdXQ=="),         // [["a"]]
        (r#"[null]"#, "", "W251bGxd"),              // [null]
        (r#"["a", " b"]"#, "", "WyJhIiwiIGIiXQ=="), // ["a"," b"]
        (r#"["\n"]"#, "", "WyJcdTAwMGEiXQ=="),      // ["\u000a"]
        (r#"{"a": 1.0}"#, "", "eyJhIjoxfQ=="),      // {"a":1}
        (r#"["a", "b"]"#, BASE64, "WyJhIiwiYiJd"),  // ["a","b"]
        (r#"["a", "b"]"#, JSON, r#"["a","b"]"#),
        (r#"{"é": "\"\\\n😀"}"#, JSON, r#"{"\u00e9":"\"\\\u000a\ud83d\ude00"}"#),
        ("[]", JSON, "[]"),
    ] {
        assert_eq!(header(claim, how).as_deref(), Some(expected), "{claim}");
    }
    assert_eq!(header("[]", ""), None);
    assert_eq!(header(r#"["a", "b"]"#, r#", "separator": "\n""#), None);
}

#[test]
fn a_claim_is_found_by_its_whole_name_first() {
    let claims = claims(r#"{"a.b": 1, "a": {"b": 2, "c.d": 3, "c": {"d": null}}, "n": null, "": {"": 4}}"#);
    let find = |path: &str| {
        let path: crate::config::ClaimPath = crate::test_json::config(path);
        claim_path::find(&path, &claims).map(|claim| claim.as_i64().unwrap_or(-1))
    };
    for (path, expected) in [
        (r#""a.b""#, Some(1)),
        (r#"["a", "b"]"#, Some(2)),
        (r#"["a", "c.d"]"#, Some(3)),
        (r#""a""#, Some(-1)),
        (r#"".""#, Some(4)),
        (r#""a.c.d""#, None),
        (r#""a.b.c""#, None),
        (r#""n""#, None),
        (r#""x""#, None),
        (r#"["x", "y"]"#, None),
    ] {
        assert_eq!(find(path), expected, "{path}");
    }
}

#[test]
fn the_payload_is_passed_on_as_it_was_signed() {
    let payload = br#"{"sub":"a?>"}"#;
    for (padded, expected) in [(false, "eyJzdWIiOiJhPz4ifQ"), (true, "eyJzdWIiOiJhPz4ifQ==")] {
        let provider = provider(&format!(
            r#"{{"forward_payload_header": "x-payload", "pad_forward_payload_header": {padded}}}"#
        ));
        let rendered = render(&provider, &claims(r#"{"sub":"a?>"}"#), payload);
        let request = RequestFacts::default();
        let edits = edits(&[], &request, [(&provider, &rendered)].into_iter());
        let name = "x-payload".parse().unwrap();
        assert_eq!(edits, [HeaderEdit::Set(&name, expected.as_bytes().into())]);
        assert_eq!(rendered.payload(), payload);
        assert_eq!(rendered.bytes(), payload.len() + expected.len());
    }
}

#[test]
fn a_principal_needs_an_issuer_and_a_subject() {
    for (payload, expected) in [
        (r#"{"iss": "https://i", "sub": "s/t"}"#, Some("https://i/s/t")),
        (r#"{"iss": "https://i", "sub": ""}"#, None),
        (r#"{"iss": "", "sub": "s"}"#, None),
        (r#"{"iss": "https://i", "sub": 1}"#, None),
        (r#"{"iss": "https://i"}"#, None),
    ] {
        let rendered = render(&Provider::default(), &claims(payload), payload.as_bytes());
        assert_eq!(rendered.principal(), expected);
    }
}

fn two() -> (PlannedProvider, PlannedProvider) {
    let make = |name: &str, json: &str| PlannedProvider {
        name: name.into(),
        config: provider(json),
        source: 0,
        allowed: Algorithms::default(),
    };
    (
        make(
            "a\"",
            r#"{"claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"},
                                     {"header_name": "x-role", "claim_name": "role"}]}"#,
        ),
        make("b", r#"{"claim_to_headers": [{"header_name": "x-sub", "claim_name": "sub"}]}"#),
    )
}

#[test]
fn removes_forged_headers_and_adds_values_of_several_tokens() {
    let (a, b) = two();
    let name = |name: &str| -> HeaderName { name.parse().unwrap() };
    let sanitized = [name("x-sub"), name("x-role"), name("x-other"), name("x-absent")];
    let pairs: Vec<(&[u8], &[u8])> =
        vec![(b"x-role", b"admin"), (b"x-sub", b"root"), (b"x-other", b"1"), (b"x-kept", b"1")];
    let request = RequestFacts::from_pairs(&pairs);
    let rendered = [(&a, "1"), (&b, "2")]
        .map(|(p, sub)| render(&p.config, &claims(&format!(r#"{{"sub": {sub}}}"#)), b"{}"));
    let verified = [(&a.config, &rendered[0]), (&b.config, &rendered[1])];
    assert_eq!(
        edits(&sanitized, &request, verified.into_iter()),
        [
            HeaderEdit::Set(&sanitized[0], b"1".into()),
            HeaderEdit::Add(&sanitized[0], b"2".into()),
            HeaderEdit::Remove(&sanitized[1]),
            HeaderEdit::Remove(&sanitized[2]),
        ]
    );
    let removed = edits(&sanitized, &request, std::iter::empty());
    assert_eq!(removed.len(), 3);
    assert!(removed.iter().all(|edit| edit.value().is_none()));
}

#[test]
fn the_filter_state_tells_tokens_apart() {
    let (a, b) = two();
    let payloads = [r#"{"iss":"i","sub":"s"}"#, r#"{"sub":"t"}"#];
    let rendered = payloads.map(|text| render(&Provider::default(), &claims(text), text.as_bytes()));
    let state = |config: &FilterState, verified: &[(&PlannedProvider, &Rendered)]| -> Vec<(String, String)> {
        let state = filter_state(config, verified.iter().copied());
        state.iter().map(|(n, v)| ((*n).to_owned(), String::from_utf8(v.to_vec()).unwrap())).collect()
    };
    let all = FilterState::default();
    let owned = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
    };
    let one = owned(&[(PROVIDER, "a\""), (PRINCIPAL, "i/s"), (PAYLOAD, payloads[0])]);
    assert_eq!(state(&all, &[(&a, &rendered[0])]), one);
    let both = state(&all, &[(&a, &rendered[0]), (&b, &rendered[1])]);
    assert_eq!(both[..3], one);
    assert_eq!(
        both[3..],
        owned(&[(
            PAYLOADS,
            r#"[{"provider":"a\"","payload":{"iss":"i","sub":"s"}},{"provider":"b","payload":{"sub":"t"}}]"#
        )])
    );
    assert_eq!(state(&all, &[(&b, &rendered[1])]), owned(&[(PROVIDER, "b"), (PAYLOAD, payloads[1])]));
    assert_eq!(state(&all, &[]), []);
    let nothing = FilterState { principal: false, payload: false, failure: true };
    assert_eq!(state(&nothing, &[(&a, &rendered[0]), (&b, &rendered[1])]), []);
}

fn any_json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        // These are exact in decimal; `serde_json` may parse others with an error in the last bit.
        any::<i32>().prop_map(|number| (f64::from(number) / 16.0).into()),
        any::<String>().prop_map(Into::into),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
            proptest::collection::btree_map(any::<String>(), inner, 0..4)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}

/// Converts numbers to doubles.
fn as_doubles(value: &serde_json::Value) -> serde_json::Value {
    match value {
        serde_json::Value::Number(number) => number.as_f64().into(),
        serde_json::Value::Array(elements) => elements.iter().map(as_doubles).collect(),
        serde_json::Value::Object(members) => {
            members.iter().map(|(name, member)| (name.clone(), as_doubles(member))).collect()
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn no_claim_makes_a_value_that_could_not_be_sent(claim in any_json(), separator: String) {
        for format in ["join", "json", "base64"] {
            let output = serde_json::json!({
                "header_name": "x", "claim_name": "c", "array_format": format, "separator": separator,
            });
            let output = tollgate_policy::config::read(&output).unwrap();
            if let Some(value) = header::value(&json(&claim), &output) {
                prop_assert!(tollgate_policy::is_valid_value(&value));
                prop_assert_eq!(value.trim_ascii().len(), value.len());
                prop_assert!(!value.is_empty());
            }
        }
    }

    #[test]
    fn a_float_is_written_as_short_as_rust_writes_it(float in prop_oneof![any::<f64>(), 1e-7..1e21, -1e21..-1e-7, -1e4..1e4]) {
        let claim = json(&float.into());
        let value = header::value(&claim, &crate::test_json::config(r#"{"header_name": "x", "claim_name": "c"}"#));
        if float == 0.0 || (1e-7..1e21).contains(&float.abs()) {
            // Two texts of the same length can be equally near, such as `1e15 + 0.2` and `+ 0.3` for `+
            // 0.25`.
            let (value, expected) = (String::from_utf8(value.unwrap()).unwrap(), float.to_string());
            prop_assert_eq!((value.parse(), value.len()), (Ok(float), expected.len()), "{} {}", value, expected);
        }
    }

    #[test]
    fn json_in_a_header_is_ascii_and_says_the_same(claim in any_json()) {
        let claim = serde_json::Value::Array(vec![claim]);
        let output = r#"{"header_name": "x", "claim_name": "c", "array_format": "json"}"#;
        let value = header::value(&json(&claim), &crate::test_json::config(output)).unwrap();
        prop_assert!(value.is_ascii());
        let back: serde_json::Value = serde_json::from_slice(&value).unwrap();
        prop_assert_eq!(as_doubles(&back), as_doubles(&claim));
    }

    #[test]
    fn a_joined_array_can_be_taken_apart(elements in proptest::collection::vec("[a-c, ]{1,3}", 1..4)) {
        let claim: serde_json::Value = elements.iter().cloned().collect();
        let output = r#"{"header_name": "x", "claim_name": "c"}"#;
        let value = header::value(&json(&claim), &crate::test_json::config(output)).unwrap();
        let value = String::from_utf8(value).unwrap();
        let plain = elements.iter().all(|element| !element.contains(',') && element.trim() == element);
        let apart: Vec<_> = value.split(',').map(str::to_owned).collect();
        prop_assert_eq!(apart == elements, plain);
    }
}
