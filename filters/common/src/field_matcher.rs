//! Matchers of headers and query parameters.

use crate::string_matcher::{Fields, InvalidMatcher, StringMatcher};
use crate::{Config, HeaderName, Headers};

/// Matches a header: `{"name": "x-env", "exact": "test"}`, `{"name": "authorization", "present": true}`.
///
/// If a header is repeated, one matching line is enough, as in Envoy since 1.39. A line is one value: it is
/// not split at commas. An absent header matches only `"present": false`. `invert` inverts the result, also
/// for an absent header (in Envoy an absent header matches neither way). Envoy's spellings `string_match` and
/// `present_match` are accepted too.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawFieldMatcher<HeaderName>,
    blank = Self { name: Config::blank(), test: Test::Present(false), invert: false }
)]
pub struct HeaderMatcher {
    name: HeaderName,
    test: Test,
    invert: bool,
}

/// Matches a query parameter: `{"name": "debug", "present": true}`.
///
/// Names and values are percent-decoded first, and `+` becomes a space: otherwise `%64ebug=1` would bypass
/// the matcher. If a parameter is repeated, one matching value is enough.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawFieldMatcher<String>,
    blank = Self { name: String::new(), test: Test::Present(false), invert: false }
)]
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
    /// Returns a matcher that matches if the header is present.
    pub fn present(name: HeaderName) -> Self {
        Self { name, test: Test::Present(true), invert: false }
    }

    /// Returns whether the headers match.
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
    /// Returns whether a query string, without its `?`, matches.
    pub fn matches(&self, query: &[u8]) -> bool {
        let mut values = crate::uri::query_values(query, self.name.as_bytes());
        let result = match &self.test {
            Test::Present(present) => values.next().is_some() == *present,
            Test::Value(matcher) => values.any(|value| matcher.matches(&value)),
        };
        result != self.invert
    }
}

#[derive(Config)]
#[config(instead = [
    ("exact_match", "use `exact`"),
    ("prefix_match", "use `prefix`"),
    ("suffix_match", "use `suffix`"),
    ("contains_match", "use `contains`"),
    ("safe_regex_match", "use `regex`"),
    ("range_match", "not supported, use `regex`"),
    ("invert_match", "use `invert`, which inverts the result for an absent header too"),
])]
struct RawFieldMatcher<N> {
    /// Name of the header or the query parameter.
    name: N,
    /// Whether it must be present (`true`) or absent (`false`), with any value. Also accepted as
    /// `present_match`.
    #[config(alias = "present_match")]
    present: Option<bool>,
    /// Object with one of `exact`, `prefix`, `suffix`, `contains`, `regex`, as in Envoy.
    string_match: Option<StringMatcher>,
    /// Matches the whole value.
    exact: Option<String>,
    /// Matches the beginning of the value.
    prefix: Option<String>,
    /// Matches the end of the value.
    suffix: Option<String>,
    /// Matches any part of the value.
    contains: Option<String>,
    /// Regular expression that must match the whole value.
    regex: Option<String>,
    /// Whether to ignore the case of ASCII letters. Default: `false`.
    #[config(default)]
    ignore_case: bool,
    /// Whether to invert the result. Default: `false`.
    #[config(default)]
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
            // The string matcher has its own `ignore_case`.
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
}
