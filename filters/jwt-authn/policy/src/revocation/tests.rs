use super::*;
use crate::config::{RevokedSubject, RevokedToken};
use proptest::prelude::*;

const NOW: UnixNanos = UnixNanos(1_000_000 * 1_000_000_000);
const SEED: [u8; 16] = [5; 16];
const ISS: &str = "https://id.example";

fn none() -> Revocations {
    Revocations::from_config(&Revocation::default(), 60, SEED)
}

fn listed(text: &str) -> Revocations {
    let mut revocations = none();
    revocations.set_list(text.as_bytes(), NOW).unwrap();
    revocations
}

fn why(text: &str) -> String {
    none().set_list(text.as_bytes(), NOW).unwrap_err().to_string()
}

#[test]
fn a_token_is_revoked_by_its_issuer_and_id_alone() {
    let revocations = listed(r#"{"tokens": [{"iss": "https://id.example", "jti": "a"}]}"#);
    assert!(revocations.is_revoked(ISS, Some("a"), None, None));
    assert!(revocations.is_revoked(ISS, Some("a"), Some("alice"), Some(2_000_000)));
    for (iss, jti) in [(ISS, Some("b")), (ISS, Some("A")), (ISS, Some("")), ("https://id.exampl", Some("a"))]
    {
        assert!(!revocations.is_revoked(iss, jti, Some("a"), None), "{iss} {jti:?}");
    }
    assert!(!revocations.is_revoked(ISS, None, None, None), "without `jti` it cannot be named");
}

#[test]
fn of_a_subject_what_was_issued_before_is_revoked() {
    let list = r#"{"subjects": [{"iss": "https://id.example", "sub": "mallory", "issued_before": 100},
        {"iss": "https://id.example", "sub": "mallory", "issued_before": 50}]}"#;
    let revocations = listed(list);
    for (iat, revoked) in [(Some(99), true), (Some(0), true), (None, true), (Some(100), false)] {
        assert_eq!(revocations.is_revoked(ISS, Some("a"), Some("mallory"), iat), revoked, "{iat:?}");
    }
    assert!(!revocations.is_revoked(ISS, None, Some("alice"), None));
    assert!(!revocations.is_revoked("", None, Some("mallory"), None));
    assert!(!revocations.is_revoked(ISS, Some("mallory"), None, None), "a `jti` is not a `sub`");
}

#[test]
fn a_new_list_does_not_replace_the_configuration() {
    let config = Revocation {
        tokens: vec![RevokedToken { iss: ISS.into(), jti: "configured".into() }],
        subjects: vec![RevokedSubject { iss: ISS.into(), sub: "mallory".into(), issued_before: 10 }],
        remote: None,
    };
    let mut revocations = Revocations::from_config(&config, 0, SEED);
    let revoked =
        |r: &Revocations| ["configured", "one", "two"].map(|jti| r.is_revoked(ISS, Some(jti), None, None));
    assert_eq!((revoked(&revocations), revocations.len()), ([true, false, false], 2));
    let list = |jti: &str| format!(r#"{{"tokens": [{{"iss": "{ISS}", "jti": "{jti}"}}]}}"#);
    revocations.set_list(list("one").as_bytes(), NOW).unwrap();
    assert_eq!(revoked(&revocations), [true, true, false]);
    revocations.set_list(list("two").as_bytes(), NOW).unwrap();
    assert_eq!((revoked(&revocations), revocations.len()), ([true, false, true], 3));
    assert!(revocations.is_revoked(ISS, None, Some("mallory"), Some(9)));
}

#[test]
fn a_bad_list_leaves_the_one_before() {
    let mut revocations = listed(r#"{"tokens": [{"iss": "https://id.example", "jti": "a"}]}"#);
    let before = revocations.generation();
    // In the last one, a valid entry comes before an invalid one.
    for bad in [
        "",
        "[]",
        "{}",
        "null",
        "<html>",
        r#"{"error": "try again"}"#,
        r#"{"tokens": null}"#,
        r#"{"tokens": {}}"#,
        r#"{"tokens": ["a"]}"#,
        r#"{"tokens": [["i", "a", 1]]}"#,
        r#"{"tokens": [{"jti": "a"}]}"#,
        r#"{"tokens": [{"iss": "i"}]}"#,
        r#"{"tokens": [{"iss": "i", "jti": 1}]}"#,
        r#"{"tokens": [{"iss": "i", "jti": "a", "jti": "b"}]}"#,
        r#"{"tokens": [{"iss": "i", "jti": "a", "exp": "soon"}]}"#,
        r#"{"tokens": []} x"#,
        r#"{"tokens": [], "tokens": []}"#,
        r#"{"subjects": [{"iss": "i", "sub": "s"}]}"#,
        r#"{"subjects": [{"iss": "i", "sub": "s", "issued_before": -1}]}"#,
        r#"{"subjects": [{"iss": "i", "sub": "s", "issued_before": "1"}]}"#,
        r#"{"tokens": [{"iss": "i", "jti": "c"}, {"iss": "i", "jti": "d"]}"#,
    ] {
        assert!(revocations.set_list(bad.as_bytes(), NOW).is_err(), "{bad}");
    }
    assert!(revocations.is_revoked(ISS, Some("a"), None, None));
    assert!(!revocations.is_revoked("i", Some("c"), None, None));
    assert_eq!(revocations.generation(), before);
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    assert_eq!(why("{}"), "revocation list: missing field `tokens` at line 1 column 2");
    assert_eq!(
        why("{\"tokens\": [\n{\"iss\": \"i\"}]}"),
        "revocation list: missing field `jti` at line 2 column 12"
    );
}

#[test]
fn an_empty_list_is_a_list() {
    for text in [r#"{"tokens": []}"#, r#"{"subjects": []}"#] {
        assert!(listed(text).is_empty());
    }
}

#[test]
fn members_that_are_not_known_are_read_past() {
    let revocations = listed(
        r#"{"version": 2, "tokens": [{"reason": {"a": [1]}, "iss": "i", "jti": "a", "revoked_at": 1}], "next": null}"#,
    );
    assert!(revocations.is_revoked("i", Some("a"), None, None));
}

#[test]
fn names_are_compared_as_text_and_not_as_json() {
    let revocations = listed(r#"{"tokens": [{"iss": "i\u00e9", "jti": "\"\u0000"}]}"#);
    assert!(revocations.is_revoked("ié", Some("\"\0"), None, None));
}

#[test]
fn tokens_that_expired_are_left_out_once_the_skew_is_over_too() {
    let list = |exp: &str| format!(r#"{{"tokens": [{{"iss": "i", "jti": "a", "exp": {exp}}}]}}"#);
    for (exp, revoked) in [("1000001", true), ("999940", true), ("999939.5", false), ("1", false)] {
        assert_eq!(listed(&list(exp)).is_revoked("i", Some("a"), None, None), revoked, "{exp}");
    }
}

#[test]
fn the_generation_changes_when_what_is_revoked_does() {
    let mut revocations = none();
    let mut generation_after = |text: &str| {
        revocations.set_list(text.as_bytes(), NOW).unwrap();
        revocations.generation()
    };
    let empty = generation_after(r#"{"tokens": []}"#);
    assert_eq!(generation_after(r#"{"tokens": [], "subjects": []}"#), empty);
    let one = generation_after(r#"{"tokens": [{"iss": "i", "jti": "a"}]}"#);
    assert_ne!(one, empty);
    assert_eq!(generation_after(r#" {"tokens": [{"jti": "a", "iss": "i"}], "x": 1}"#), one);
    let others = [
        r#"{"tokens": [{"iss": "i", "jti": "b"}]}"#,
        r#"{"tokens": [{"iss": "j", "jti": "b"}]}"#,
        r#"{"subjects": [{"iss": "j", "sub": "b", "issued_before": 1}]}"#,
        r#"{"subjects": [{"iss": "j", "sub": "b", "issued_before": 2}]}"#,
    ];
    let mut before = one;
    for other in others {
        let now = generation_after(other);
        assert_ne!(now, before, "{other}");
        before = now;
    }
}

#[test]
fn a_hundred_thousand_tokens_fit_in_a_few_megabytes() {
    let id = |i: u32| format!("{i:08x}-7d4a-4e5b-9c6f-1a2b3c4d5e6f");
    let entries: Vec<_> = (0..100_000).map(|i| format!(r#"{{"iss":"{ISS}","jti":"{}"}}"#, id(i))).collect();
    let revocations = listed(&format!(r#"{{"tokens":[{}]}}"#, entries.join(",")));
    assert_eq!(revocations.len(), 100_000);
    let bytes = revocations.fetched.as_ref().unwrap().bytes();
    assert!(bytes < 6_000_000, "{bytes}");
    assert!((0..100_000).step_by(97).all(|i| revocations.is_revoked(ISS, Some(&id(i)), None, None)));
    assert!((100_000..110_000).all(|i| !revocations.is_revoked(ISS, Some(&id(i)), None, None)));
}

/// Names that begin with each other, so that their ends matter.
fn name() -> impl Strategy<Value = String> {
    "[ab]{0,3}"
}

proptest! {
    #[test]
    fn what_is_listed_is_revoked_and_nothing_else(
        tokens in proptest::collection::vec((name(), name()), 0..20),
        subjects in proptest::collection::vec((name(), name(), 0..5u64), 0..20),
        asked in proptest::collection::vec((name(), proptest::option::of(name()), proptest::option::of(name()), proptest::option::of(0..5u64)), 20),
        split in 0..20usize,
    ) {
        // Some in the configuration, the others in the list.
        let token = |(iss, jti): &(String, String)| RevokedToken { iss: iss.clone(), jti: jti.clone() };
        let configured = &tokens[..split.min(tokens.len())];
        let config = Revocation { tokens: configured.iter().map(token).collect(), ..Revocation::default() };
        let mut revocations = Revocations::from_config(&config, 60, SEED);
        let fetched: Vec<_> = tokens[configured.len()..].iter().map(|(iss, jti)| serde_json::json!({"iss": iss, "jti": jti})).collect();
        let by_subject: Vec<_> = subjects.iter().map(|(iss, sub, before)| serde_json::json!({"iss": iss, "sub": sub, "issued_before": before})).collect();
        let list = serde_json::json!({"tokens": fetched, "subjects": by_subject}).to_string();
        revocations.set_list(list.as_bytes(), NOW).unwrap();
        prop_assert_eq!(revocations.len(), tokens.len() + subjects.len());
        for (iss, jti, sub, iat) in asked {
            let by_id = tokens.iter().any(|(i, j)| *i == iss && Some(j) == jti.as_ref());
            let by_sub = subjects.iter().any(|(i, s, before)| *i == iss && Some(s) == sub.as_ref() && iat.is_none_or(|iat| iat < *before));
            prop_assert_eq!(revocations.is_revoked(&iss, jti.as_deref(), sub.as_deref(), iat), by_id || by_sub);
        }
    }

    #[test]
    fn no_text_panics(text in "[\\[\\]{}:,\"a-z0-9 ]{0,80}") {
        let mut revocations = none();
        if revocations.set_list(text.as_bytes(), NOW).is_err() {
            prop_assert!(revocations.is_empty() && revocations.generation() == 0);
        }
    }
}
