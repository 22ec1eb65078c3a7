//! Matching of headers and query parameters.

use crate::string_matcher::{Fields, InvalidMatcher, StringMatcher};
use crate::{HeaderName, Headers};
use serde::Deserialize;

/// Matches a header: `{"name": "x-env", "exact": "test"}`, `{"name": "authorization", "present": true}`.
///
/// Of a header that came several times it is enough that one line matches, as in Envoy since 1.39; a line is one value, with
/// its commas. An absent header matches only `"present": false`. `invert` turns the result around, also for an absent header
/// (in Envoy that matches neither way). Envoy's `string_match` and `present_match` are the same by other names.
#[derive(Clone, Debug, Hash, Deserialize)]
#[serde(try_from = "RawFieldMatcher<HeaderName>")]
pub struct HeaderMatcher {
    name: HeaderName,
    test: Test,
    invert: bool,
}

/// Matches a query parameter: `{"name": "debug", "present": true}`.
///
/// Names and values are percent-decoded first and `+` is a space, or `%64ebug=1` would get past. Of a parameter that
/// came several times, it is enough that one value matches.
#[derive(Clone, Debug, Hash, Deserialize)]
#[serde(try_from = "RawFieldMatcher<String>")]
pub struct QueryMatcher {
    name: String,
    test: Test,
    invert: bool,
}

#[derive(Clone, Debug, Hash)]
enum Test {
    Present(bool),
    Value(StringMatcher),
}

impl HeaderMatcher {
    /// Matches if there is such a header.
    pub fn present(name: HeaderName) -> Self {
        Self { name, test: Test::Present(true), invert: false }
    }

    /// Whether the headers match.
    pub fn matches(&self, headers: Headers<'_>) -> bool {
        let mut values = headers.all(self.name.as_ref());
        let result = match &self.test {
            Test::Present(present) => values.next().is_some() == *present,
            Test::Value(matcher) => values.any(|value| matcher.matches(value)),
        };
        result != self.invert
    }
}

impl QueryMatcher {
    /// Whether a query, without its `?`, matches.
    pub fn matches(&self, query: &[u8]) -> bool {
        let mut values =
            query.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).filter_map(|pair| {
                let mut halves = pair.splitn(2, |byte| *byte == b'=');
                let name = crate::form_decoded(halves.next()?);
                (*name == *self.name.as_bytes())
                    .then(|| crate::form_decoded(halves.next().unwrap_or_default()))
            });
        let result = match &self.test {
            Test::Present(present) => values.next().is_some() == *present,
            Test::Value(matcher) => values.any(|value| matcher.matches(&value)),
        };
        result != self.invert
    }
}

crate::read::read_through!(
    HeaderMatcher,
    RawFieldMatcher<HeaderName>,
    Self { name: crate::Read::blank(), test: Test::Present(false), invert: false }
);
crate::read::read_through!(
    QueryMatcher,
    RawFieldMatcher<String>,
    Self { name: String::new(), test: Test::Present(false), invert: false }
);
crate::read_object!(
    RawFieldMatcher<N> = Self {
        name: N::blank(),
        present: None,
        string_match: None,
        exact: None,
        prefix: None,
        suffix: None,
        contains: None,
        regex: None,
        ignore_case: false,
        invert: false,
    };
    name (required), present or "present_match", string_match, exact, prefix, suffix, contains, regex, ignore_case, invert;
    instead [
        ("exact_match", "it is `exact`"),
        ("prefix_match", "it is `prefix`"),
        ("suffix_match", "it is `suffix`"),
        ("contains_match", "it is `contains`"),
        ("safe_regex_match", "it is `regex`"),
        ("range_match", "there is `regex`"),
        ("invert_match", "it is `invert`, which what is not there matches too"),
    ]
);

#[cfg(feature = "schema")]
crate::text::schema_of!(HeaderMatcher, RawFieldMatcher<HeaderName>);
#[cfg(feature = "schema")]
crate::text::schema_of!(QueryMatcher, RawFieldMatcher<String>);

#[derive(Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
struct RawFieldMatcher<N> {
    /// The name.
    name: N,
    /// Whether it must be there (`true`) or must not (`false`), whatever its value. Also `present_match`.
    #[serde(alias = "present_match")]
    present: Option<bool>,
    /// The value, as Envoy writes it: an object with one of the next five.
    string_match: Option<StringMatcher>,
    /// The whole value.
    exact: Option<String>,
    /// How the value begins.
    prefix: Option<String>,
    /// How the value ends.
    suffix: Option<String>,
    /// What is somewhere in the value.
    contains: Option<String>,
    /// A regular expression that matches the whole value.
    regex: Option<String>,
    /// Whether ASCII letters match in either case. Default: `false`.
    #[serde(default)]
    ignore_case: bool,
    /// Whether the result is turned around. Default: `false`.
    #[serde(default)]
    invert: bool,
}

impl<N> RawFieldMatcher<N> {
    fn parts(self) -> Result<(N, Test, bool), InvalidMatcher> {
        let Self { name, present, string_match, exact, prefix, suffix, contains, regex, ignore_case, invert } =
            self;
        let fields = Fields { exact, prefix, suffix, contains, regex };
        let test = match (present, string_match) {
            (None, None) => Test::Value(StringMatcher::of(fields, ignore_case)?),
            (Some(present), None) if fields.is_empty() => Test::Present(present),
            // Whether its case counts it says itself.
            (None, Some(matcher)) if fields.is_empty() && !ignore_case => Test::Value(matcher),
            _ => return Err(InvalidMatcher::NotOne),
        };
        Ok((name, test, invert))
    }
}

impl TryFrom<RawFieldMatcher<HeaderName>> for HeaderMatcher {
    type Error = InvalidMatcher;

    fn try_from(raw: RawFieldMatcher<HeaderName>) -> Result<Self, InvalidMatcher> {
        let (name, test, invert) = raw.parts()?;
        Ok(Self { name, test, invert })
    }
}

impl TryFrom<RawFieldMatcher<String>> for QueryMatcher {
    type Error = InvalidMatcher;

    fn try_from(raw: RawFieldMatcher<String>) -> Result<Self, InvalidMatcher> {
        let (name, test, invert) = raw.parts()?;
        Ok(Self { name, test, invert })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn header(json: &str, values: &[&str]) -> bool {
        let pairs: Vec<(&[u8], &[u8])> = values.iter().map(|v| (&b"a"[..], v.as_bytes())).collect();
        serde_json::from_str::<HeaderMatcher>(json).unwrap().matches(Headers(&pairs))
    }

    fn query(json: &str, query: &str) -> bool {
        serde_json::from_str::<QueryMatcher>(json).unwrap().matches(query.as_bytes())
    }

    #[test]
    fn a_header_is_matched_by_value_or_presence() {
        assert!(header(r#"{"name": "A", "exact": "1"}"#, &["1"]));
        assert!(!header(r#"{"name": "a", "exact": "1"}"#, &[]));
        assert!(header(r#"{"name": "a", "exact": "1", "invert": true}"#, &[]));
        assert!(header(r#"{"name": "a", "present": true}"#, &[""]));
        assert!(header(r#"{"name": "a", "present": false}"#, &[]));
        assert!(!header(r#"{"name": "a", "present": true, "invert": true}"#, &["1"]));
    }

    #[test]
    fn of_a_repeated_header_any_line_matches() {
        assert!(header(r#"{"name": "a", "exact": "2"}"#, &["1", "2"]));
        assert!(!header(r#"{"name": "a", "exact": "1,2"}"#, &["1", "2"]));
        assert!(header(r#"{"name": "a", "exact": "1,2"}"#, &["1,2"]));
        assert!(!header(r#"{"name": "a", "exact": "2", "invert": true}"#, &["1", "2"]));
        assert!(header(r#"{"name": "a", "exact": "3", "invert": true}"#, &["1", "2"]));
    }

    #[test]
    fn envoys_spellings_are_the_same() {
        assert!(header(r#"{"name": "a", "string_match": {"prefix": "AB", "ignore_case": true}}"#, &["abc"]));
        assert!(!header(r#"{"name": "a", "string_match": {"prefix": "AB"}}"#, &["abc"]));
        assert!(header(r#"{"name": "a", "present_match": false}"#, &[]));
        assert!(query(r#"{"name": "a", "string_match": {"exact": "b"}}"#, "a=b"));
        for both in [r#""present_match": true"#, r#""exact": "b""#, r#""ignore_case": true"#] {
            let json = format!(r#"{{"name": "a", "string_match": {{"exact": "b"}}, {both}}}"#);
            let error = serde_json::from_str::<HeaderMatcher>(&json).unwrap_err().to_string();
            assert!(error.starts_with("a matcher has exactly one of"), "{error}");
        }
    }

    #[test]
    fn spellings_that_would_mean_something_else_are_refused_with_what_to_write() {
        for (name, instead) in
            [("exact_match", "`exact`"), ("invert_match", "`invert`"), ("range_match", "`regex`")]
        {
            let tree = serde_json::json!({"name": "a", name: "b"});
            let error = crate::read::<HeaderMatcher>(&tree).unwrap_err().to_string();
            assert!(error.contains(instead), "{error}");
        }
    }

    #[test]
    fn a_query_parameter_is_decoded_and_any_of_its_values_matches() {
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
    fn refuses_presence_beside_a_pattern() {
        for json in [r#"{"name": "a"}"#, r#"{"name": "a", "present": true, "exact": "b"}"#] {
            let error = serde_json::from_str::<HeaderMatcher>(json).unwrap_err().to_string();
            assert!(error.starts_with("a matcher has exactly one of"), "{error}");
        }
        let error = serde_json::from_str::<HeaderMatcher>(r#"{"name": "a b", "present": true}"#).unwrap_err();
        assert!(error.to_string().starts_with("`a b` is not the name of a header"));
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
}
