//! Checks of claims, and of `typ` in the header.

use super::SPACE_DELIMITED;
use crate::config::{ClaimMatcher, ClaimPath, NormalizePayload};
use crate::results::claim_path;
use tollgate_jose::{Json, decimal};

/// Whether a claim matches.
pub fn matches(matcher: &ClaimMatcher, claims: &Json, normalize: &NormalizePayload) -> bool {
    let value = claim_path::find(&matcher.claim, claims);
    let found = match matcher.present {
        Some(present) => value.is_some() == present,
        None => value.is_some_and(|value| {
            if let (Json::String(text), true) = (value, is_list(&matcher.claim, normalize)) {
                return text.split(' ').filter(|part| !part.is_empty()).any(|part| text_is(matcher, part));
            }
            match value {
                Json::Array(list) => list.iter().any(|element| is(matcher, element)),
                one => is(matcher, one),
            }
        }),
    };
    found != matcher.invert_match
}

/// Whether the text of a claim is a list separated by spaces. Only top-level claims can be, as in Envoy.
fn is_list(path: &ClaimPath, normalize: &NormalizePayload) -> bool {
    let name = match path {
        ClaimPath::Dotted(name) => name,
        ClaimPath::Names(names) => match names.as_slice() {
            [name] => name,
            _ => return false,
        },
    };
    SPACE_DELIMITED.contains(&name.as_str()) || normalize.space_delimited_claims.contains(name)
}

fn is(matcher: &ClaimMatcher, value: &Json) -> bool {
    match value {
        Json::String(text) => text_is(matcher, text),
        Json::Number(_) | Json::Decimal(..) => {
            matcher.number.as_ref().is_some_and(|wanted| same(value, wanted))
        }
        Json::Bool(boolean) => matcher.boolean == Some(*boolean),
        Json::Null | Json::Array(_) | Json::Object(_) => false,
    }
}

fn text_is(matcher: &ClaimMatcher, text: &str) -> bool {
    matcher.string_match.as_ref().is_some_and(|wanted| wanted.matches(text.as_bytes()))
}

/// Whether two numbers are equal; `1` equals `1.0`. Compares digits, because floats cannot represent all
/// numbers.
fn same(number: &Json, wanted: &serde_json::Number) -> bool {
    let (a, b) = (number.to_string(), decimal(&wanted.to_string()));
    a == b || (a.trim_start_matches('-') == "0" && b.trim_start_matches('-') == "0")
}

/// Whether `typ` is accepted (RFC 8725 section 3.11). It is a media type: its case is ignored, and
/// `application/` may be omitted (RFC 7515 section 4.1.9).
pub fn type_allowed(allowed: &[String], typ: Option<&str>) -> bool {
    let is = |typ: &str| allowed.iter().any(|one| bare(one).eq_ignore_ascii_case(bare(typ)));
    allowed.is_empty() || typ.is_some_and(is)
}

fn bare(typ: &str) -> &str {
    let (Some(start), Some(rest)) = (typ.get(.."application/".len()), typ.get("application/".len()..)) else {
        return typ;
    };
    if start.eq_ignore_ascii_case("application/") && !rest.contains('/') { rest } else { typ }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_json::json;

    const CLAIMS: &str = r#"{
        "name": "ann", "groups": ["dev", "ops"], "age": 7, "ratio": 1.0, "big": 9007199254740993, "admin": true,
        "nothing": null, "scope": "read write", "roles": "a b", "realm_access": {"roles": ["x", "y"]},
        "mixed": [1, "one", true, ["deep"]], "empty": [], "huge": 18446744073709551617, "price": 0.10,
        "rounded": 9007199254740993.0, "negative": -0.0
    }"#;

    fn matches_in(claims: &str, matcher: &str) -> bool {
        let normalize = NormalizePayload { space_delimited_claims: vec!["roles".into()] };
        matches(&crate::test_json::config(matcher), &json(claims), &normalize)
    }

    #[test]
    fn a_claim_is_what_it_must_be() {
        for (matcher, expected) in [
            (r#"{"claim": "name", "string_match": {"exact": "ann"}}"#, true),
            (r#"{"claim": "name", "string_match": {"exact": "bob"}}"#, false),
            (r#"{"claim": "name", "string_match": {"exact": "bob"}, "invert_match": true}"#, true),
            (r#"{"claim": "none", "string_match": {"exact": "bob"}, "invert_match": true}"#, true),
            (r#"{"claim": "none", "string_match": {"exact": "bob"}}"#, false),
            (r#"{"claim": "groups", "string_match": {"exact": "ops"}}"#, true),
            (r#"{"claim": "groups", "string_match": {"prefix": "d"}}"#, true),
            (r#"{"claim": "groups", "string_match": {"exact": "dev ops"}}"#, false),
            (r#"{"claim": "empty", "string_match": {"regex": ".*"}}"#, false),
            (r#"{"claim": "realm_access.roles", "string_match": {"exact": "y"}}"#, true),
            (r#"{"claim": ["realm_access", "roles"], "string_match": {"exact": "y"}}"#, true),
            (r#"{"claim": "realm_access", "string_match": {"regex": ".*"}}"#, false),
            (r#"{"claim": "age", "number": 7}"#, true),
            (r#"{"claim": "age", "number": 7.0}"#, true),
            (r#"{"claim": "age", "number": 7.5}"#, false),
            (r#"{"claim": "ratio", "number": 1}"#, true),
            (r#"{"claim": "big", "number": 9007199254740992}"#, false),
            (r#"{"claim": "big", "number": 9007199254740993}"#, true),
            (r#"{"claim": "huge", "number": 18446744073709551615}"#, false),
            // The configuration has the nearest float, 2^64.
            (r#"{"claim": "huge", "number": 18446744073709551617}"#, false),
            (r#"{"claim": "price", "number": 0.1}"#, true),
            (r#"{"claim": "price", "number": 0.11}"#, false),
            (r#"{"claim": "rounded", "number": 9007199254740993}"#, true),
            (r#"{"claim": "rounded", "number": 9007199254740992}"#, false),
            (r#"{"claim": "negative", "number": 0}"#, true),
            (r#"{"claim": "age", "string_match": {"exact": "7"}}"#, false),
            (r#"{"claim": "name", "number": 7}"#, false),
            (r#"{"claim": "admin", "boolean": true}"#, true),
            (r#"{"claim": "admin", "boolean": false}"#, false),
            (r#"{"claim": "mixed", "boolean": true}"#, true),
            (r#"{"claim": "mixed", "number": 1}"#, true),
            (r#"{"claim": "mixed", "string_match": {"exact": "deep"}}"#, false),
            (r#"{"claim": "name", "present": true}"#, true),
            (r#"{"claim": "nothing", "present": true}"#, false),
            (r#"{"claim": "nothing", "present": false}"#, true),
            (r#"{"claim": "none", "present": false}"#, true),
            (r#"{"claim": "empty", "present": true}"#, true),
            (r#"{"claim": "name", "present": true, "invert_match": true}"#, false),
        ] {
            assert_eq!(matches_in(CLAIMS, matcher), expected, "{matcher}");
        }
    }

    #[test]
    fn splits_text_at_spaces_where_configured() {
        for (matcher, expected) in [
            (r#"{"claim": "scope", "string_match": {"exact": "write"}}"#, true),
            (r#"{"claim": ["scope"], "string_match": {"exact": "write"}}"#, true),
            (r#"{"claim": "scope", "string_match": {"exact": "read write"}}"#, false),
            (r#"{"claim": "roles", "string_match": {"exact": "b"}}"#, true),
            (r#"{"claim": "roles", "string_match": {"exact": ""}}"#, false),
        ] {
            assert_eq!(matches_in(CLAIMS, matcher), expected, "{matcher}");
        }
        let nested = r#"{"a": {"scope": "x y"}}"#;
        assert!(!matches_in(nested, r#"{"claim": ["a", "scope"], "string_match": {"exact": "x"}}"#));
    }

    #[test]
    fn a_type_is_a_media_type() {
        let allowed = ["at+jwt".to_owned(), "application/secevent+jwt".to_owned()];
        for (typ, expected) in [
            (Some("at+jwt"), true),
            (Some("AT+JWT"), true),
            (Some("application/at+jwt"), true),
            (Some("APPLICATION/At+Jwt"), true),
            (Some("secevent+jwt"), true),
            (Some("JWT"), false),
            (Some("application/application/at+jwt"), false),
            (Some("text/at+jwt"), false),
            (Some("aé+jwt"), false),
            (Some(""), false),
            (None, false),
        ] {
            assert_eq!(type_allowed(&allowed, typ), expected, "{typ:?}");
        }
        assert!(type_allowed(&[], None) && type_allowed(&[], Some("anything")));
    }
}
