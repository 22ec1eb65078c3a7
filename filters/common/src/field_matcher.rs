//! Matchers of headers and query parameters.

use crate::elements::{separator, split};
use crate::string_matcher::{Fields, InvalidMatcher, Literal, StringMatcher};
use crate::{Config, HeaderName, Headers, Many};

/// Matches a header: `{"name": "x-env", "exact": "test"}`, `{"name": "authorization", "present": true}`.
///
/// Each line of a repeated header is one value. In a rule, so is each element of a line that Envoy may have
/// joined ([`crate::elements()`]). By default one matching value is enough, as in Envoy since 1.39; but in a
/// rule that loosens what is required, all values must match. An absent header matches only
/// `"present": false`. `invert` inverts the result, also for an absent header (in Envoy an absent header
/// matches neither way). Envoy's spellings `string_match` and `present_match` are accepted too.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawFieldMatcher<HeaderName>,
    blank = Self { name: Config::blank(), separator: None, check: Check::PRESENT }
)]
pub struct HeaderMatcher {
    name: HeaderName,
    /// Byte between the values of a line that Envoy may have joined.
    separator: Option<u8>,
    check: Check,
}

/// Matches a query parameter: `{"name": "debug", "present": true}`.
///
/// Names and values are percent-decoded first, and `+` becomes a space: otherwise `%64ebug=1` would bypass
/// the matcher. If a parameter is repeated, one matching value is enough; but in a rule that loosens what is
/// required, all values must match.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawFieldMatcher<String>,
    blank = Self { name: String::new(), check: Check::PRESENT }
)]
pub struct QueryMatcher {
    name: String,
    check: Check,
}

#[derive(Clone, Debug, Hash)]
struct Check {
    test: Test,
    invert: bool,
    values: Option<Many>,
}

#[derive(Clone, Debug, Hash)]
enum Test {
    Present(bool),
    Value(StringMatcher),
}

impl Check {
    const PRESENT: Self = Self { test: Test::Present(true), invert: false, values: None };

    /// Returns how many values must match, before the result is inverted. Outside of rules, `many` is `None`.
    fn many(&self, many: Option<Many>) -> Many {
        let of_rule = many.map(|many| if self.invert { many.of_negated() } else { many });
        self.values.or(of_rule).unwrap_or(Many::Any)
    }

    /// Evaluates the values. `count` evaluates a matcher on them.
    fn result(&self, is_present: bool, count: impl FnOnce(&StringMatcher) -> bool) -> bool {
        let result = match &self.test {
            Test::Present(present) => is_present == *present,
            Test::Value(matcher) => is_present && count(matcher),
        };
        result != self.invert
    }
}

impl HeaderMatcher {
    /// Returns a matcher that matches if the header is present.
    pub fn present(name: HeaderName) -> Self {
        Self { name, separator: None, check: Check::PRESENT }
    }

    /// Returns whether the lines of the header match. Does not split them, as in Envoy.
    pub fn matches(&self, headers: Headers<'_>) -> bool {
        self.evaluate(headers, self.check.many(None), None)
    }

    /// Returns whether the header matches in a rule, for which `many` of its values must match.
    pub fn matches_in_rule(&self, headers: Headers<'_>, many: Many) -> bool {
        self.evaluate(headers, self.check.many(Some(many)), self.separator)
    }

    fn evaluate(&self, headers: Headers<'_>, many: Many, separator: Option<u8>) -> bool {
        let name = match self.name.as_ref() {
            b"host" => b":authority",
            name => name,
        };
        let mut lines = headers.all(name);
        self.check.result(headers.has(name), |matcher| match many {
            // The whole line too, because a matcher may contain the separator.
            Many::Any => lines.any(|line| {
                matcher.matches(line)
                    || (separator.is_some() && split(line, separator).any(|value| matcher.matches(value)))
            }),
            Many::All => lines.all(|line| split(line, separator).all(|value| matcher.matches(value))),
        })
    }
}

/// The parts of a matcher of headers or query parameters.
#[derive(Clone, Copy, Debug)]
pub struct FieldTest<'m> {
    /// Matcher of a value; `None` tests only whether there is one.
    pub value: Option<&'m StringMatcher>,
    /// Number of values that must match, if the configuration has it.
    pub values: Option<Many>,
    /// Whether the result is negated.
    pub negated: bool,
}

impl Check {
    fn parts(&self) -> FieldTest<'_> {
        let (value, negated) = match &self.test {
            Test::Present(present) => (None, *present == self.invert),
            Test::Value(matcher) => (Some(matcher), self.invert),
        };
        FieldTest { value, values: self.values, negated }
    }
}

impl HeaderMatcher {
    /// Returns the name and the parts of the matcher.
    pub fn parts(&self) -> (&HeaderName, FieldTest<'_>) {
        (&self.name, self.check.parts())
    }
}

impl QueryMatcher {
    /// Returns the name and the parts of the matcher.
    pub fn parts(&self) -> (&str, FieldTest<'_>) {
        (&self.name, self.check.parts())
    }

    /// Returns whether a query string, without its `?`, matches.
    pub fn matches(&self, query: &[u8]) -> bool {
        self.evaluate(query, self.check.many(None))
    }

    /// Returns whether a query string matches in a rule, for which `many` of the values must match.
    pub fn matches_in_rule(&self, query: &[u8], many: Many) -> bool {
        self.evaluate(query, self.check.many(Some(many)))
    }

    fn evaluate(&self, query: &[u8], many: Many) -> bool {
        let mut values = crate::uri::query_values(query, self.name.as_bytes()).peekable();
        self.check.result(values.peek().is_some(), |matcher| match many {
            Many::Any => values.any(|value| matcher.matches(&value)),
            Many::All => values.all(|value| matcher.matches(&value)),
        })
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
    /// How many of several values must match, before the result is inverted. Default: in the `match` of a
    /// rule, as many as are safe (see the page of the filter); elsewhere `any`.
    values: Option<Many>,
}

impl<N> RawFieldMatcher<N> {
    fn parts(self) -> Result<(N, Check), InvalidMatcher> {
        let Self { name, present, string_match, exact, prefix, suffix, contains, regex, .. } = self;
        let (ignore_case, invert, values) = (self.ignore_case, self.invert, self.values);
        let fields = Fields { exact, prefix, suffix, contains, regex };
        let test = match (present, string_match) {
            (None, None) => Test::Value(StringMatcher::of(fields, ignore_case)?),
            (Some(present), None) if fields.is_empty() => Test::Present(present),
            // The string matcher has its own `ignore_case`.
            (None, Some(matcher)) if fields.is_empty() && !ignore_case => Test::Value(matcher),
            _ => return Err(InvalidMatcher::NotOne),
        };
        if present.is_some() && values.is_some() {
            return Err(InvalidMatcher::ValuesOfPresence);
        }
        Ok((name, Check { test, invert, values }))
    }
}

impl TryFrom<RawFieldMatcher<HeaderName>> for HeaderMatcher {
    type Error = InvalidMatcher;

    fn try_from(raw: RawFieldMatcher<HeaderName>) -> Result<Self, InvalidMatcher> {
        let (name, check) = raw.parts()?;
        if let Test::Value(matcher) = &check.test {
            never_of_header(matcher)?;
        }
        Ok(Self { separator: separator(name.as_ref()), name, check })
    }
}

/// Rejects a pattern that no value of a header matches.
fn never_of_header(matcher: &StringMatcher) -> Result<(), InvalidMatcher> {
    let Some(literal) = matcher.literal() else { return Ok(()) };
    let (field, text) = literal.parts();
    let (starts, ends) = match literal {
        Literal::Exact(_) => (true, true),
        Literal::Prefix(_) => (true, false),
        Literal::Suffix(_) => (false, true),
        Literal::Contains(_) => (false, false),
    };
    let is_trimmed = (!starts || text.trim_ascii_start() == text) && (!ends || text.trim_ascii_end() == text);
    if is_trimmed && crate::is_valid_value(text) {
        return Ok(());
    }
    let expected = "a text without control characters, and without white space at the ends of a value";
    Err(InvalidMatcher::Never { field, text: String::from_utf8_lossy(text).into(), expected })
}

impl TryFrom<RawFieldMatcher<String>> for QueryMatcher {
    type Error = InvalidMatcher;

    fn try_from(raw: RawFieldMatcher<String>) -> Result<Self, InvalidMatcher> {
        let (name, check) = raw.parts()?;
        Ok(Self { name, check })
    }
}

#[cfg(test)]
mod tests;
