//! Matchers of one string.

use crate::Config;
use core::fmt;
use core::hash::{Hash, Hasher};

/// Matches a string: `{"prefix": "/api/"}`, `{"exact": "GET", "ignore_case": true}`. Has exactly one of
/// `exact`, `prefix`, `suffix`, `contains` and `regex`, as in Envoy's `StringMatcher`.
///
/// Compares bytes. `ignore_case` ignores only the case of ASCII letters, as protocols do.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawStringMatcher,
    blank = Self { pattern: Pattern::Exact(Box::default()), ignore_case: false }
)]
pub struct StringMatcher {
    pattern: Pattern,
    ignore_case: bool,
}

#[derive(Clone, Debug)]
enum Pattern {
    Exact(Box<[u8]>),
    Prefix(Box<[u8]>),
    Suffix(Box<[u8]>),
    Contains(Box<[u8]>),
    #[cfg(feature = "regex")]
    Regex(regex_lite::Regex),
}

/// Hashes the text of the pattern, because a compiled regular expression does not implement `Hash`.
impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let (kind, text) = match self {
            Self::Exact(text) => (0, &**text),
            Self::Prefix(text) => (1, &**text),
            Self::Suffix(text) => (2, &**text),
            Self::Contains(text) => (3, &**text),
            #[cfg(feature = "regex")]
            Self::Regex(regex) => (4, regex.as_str().as_bytes()),
        };
        state.write_u8(kind);
        text.hash(state);
    }
}

/// See [`StringMatcher::literal`].
#[derive(Clone, Copy)]
pub(crate) enum Literal<'m> {
    Exact(&'m [u8]),
    Prefix(&'m [u8]),
    Suffix(&'m [u8]),
    Contains(&'m [u8]),
}

impl<'m> Literal<'m> {
    /// Returns the field of the configuration and the text.
    pub(crate) fn parts(self) -> (&'static str, &'m [u8]) {
        match self {
            Self::Exact(text) => ("exact", text),
            Self::Prefix(text) => ("prefix", text),
            Self::Suffix(text) => ("suffix", text),
            Self::Contains(text) => ("contains", text),
        }
    }
}

impl StringMatcher {
    /// Returns a matcher of one text.
    pub fn from_exact(text: &str) -> Self {
        Self { pattern: Pattern::Exact(text.as_bytes().into()), ignore_case: false }
    }

    /// Returns a matcher of texts with this beginning, which must not be empty.
    pub fn from_prefix(text: &str) -> Result<Self, InvalidMatcher> {
        Ok(Self { pattern: Pattern::Prefix(not_empty("prefix", text)?), ignore_case: false })
    }

    /// Returns a matcher of texts with this end, which must not be empty.
    pub fn from_suffix(text: &str) -> Result<Self, InvalidMatcher> {
        Ok(Self { pattern: Pattern::Suffix(not_empty("suffix", text)?), ignore_case: false })
    }

    /// Returns a matcher of texts that match a regular expression as a whole.
    pub fn from_regex(text: &str) -> Result<Self, InvalidMatcher> {
        Ok(Self { pattern: regex_pattern(text.into(), false)?, ignore_case: false })
    }

    /// Returns whether the value matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        let same = |a: &[u8], b: &[u8]| if self.ignore_case { a.eq_ignore_ascii_case(b) } else { a == b };
        match &self.pattern {
            Pattern::Exact(text) => same(value, text),
            Pattern::Prefix(text) => value.get(..text.len()).is_some_and(|start| same(start, text)),
            Pattern::Suffix(text) => {
                let start = value.len().checked_sub(text.len());
                start.and_then(|start| value.get(start..)).is_some_and(|end| same(end, text))
            }
            Pattern::Contains(text) => value.windows(text.len()).any(|window| same(window, text)),
            // Bytes that are not UTF-8 become U+FFFD. If they matched nothing, a client could bypass every
            // rule that rejects by regex with one such byte.
            #[cfg(feature = "regex")]
            Pattern::Regex(regex) => regex.is_match(&String::from_utf8_lossy(value)),
        }
    }

    /// Returns the text of an `exact` matcher that does not ignore case, so that callers can index matchers
    /// by it.
    pub fn exact(&self) -> Option<&[u8]> {
        match &self.pattern {
            Pattern::Exact(text) if !self.ignore_case => Some(text),
            _ => None,
        }
    }

    /// Returns the text of a pattern that is not an expression.
    pub(crate) fn literal(&self) -> Option<Literal<'_>> {
        match &self.pattern {
            Pattern::Exact(text) => Some(Literal::Exact(text)),
            Pattern::Prefix(text) => Some(Literal::Prefix(text)),
            Pattern::Suffix(text) => Some(Literal::Suffix(text)),
            Pattern::Contains(text) => Some(Literal::Contains(text)),
            #[cfg(feature = "regex")]
            Pattern::Regex(_) => None,
        }
    }

    /// Returns the text of an expression as it was configured.
    pub(crate) fn regex_text(&self) -> Option<&str> {
        match &self.pattern {
            #[cfg(feature = "regex")]
            Pattern::Regex(regex) => regex.as_str().strip_prefix(WHOLE.0)?.strip_suffix(WHOLE.1),
            _ => None,
        }
    }

    /// Returns a matcher of values in lower case that matches them in any case.
    pub(crate) fn in_lower_case(self) -> Result<Self, InvalidMatcher> {
        if let Some(text) = self.regex_text() {
            return Ok(Self { pattern: regex_pattern(text.into(), true)?, ignore_case: true });
        }
        Ok(self.map_literal(<[u8]>::to_ascii_lowercase))
    }

    /// Changes the text of a pattern that is not an expression.
    pub(crate) fn map_literal(mut self, change: impl Fn(&[u8]) -> Vec<u8>) -> Self {
        match &mut self.pattern {
            Pattern::Exact(text)
            | Pattern::Prefix(text)
            | Pattern::Suffix(text)
            | Pattern::Contains(text) => {
                *text = change(text).into();
            }
            #[cfg(feature = "regex")]
            Pattern::Regex(_) => {}
        }
        self
    }

    /// Returns whether the matcher ignores case.
    pub(crate) fn ignores_case(&self) -> bool {
        self.ignore_case
    }

    /// Builds a matcher from the fields of a configuration, exactly one of which must be given.
    pub(crate) fn of(fields: Fields, ignore_case: bool) -> Result<Self, InvalidMatcher> {
        let Fields { exact, prefix, suffix, contains, regex } = fields;
        let pattern = match (exact, prefix, suffix, contains, regex) {
            (Some(text), None, None, None, None) => Pattern::Exact(text.into_bytes().into()),
            (None, Some(text), None, None, None) => Pattern::Prefix(not_empty("prefix", &text)?),
            (None, None, Some(text), None, None) => Pattern::Suffix(not_empty("suffix", &text)?),
            (None, None, None, Some(text), None) => Pattern::Contains(not_empty("contains", &text)?),
            (None, None, None, None, Some(text)) => regex_pattern(text, ignore_case)?,
            _ => return Err(InvalidMatcher::NotOne),
        };
        Ok(Self { pattern, ignore_case })
    }
}

/// Describes the matcher: `begins with "/api/"`.
impl fmt::Display for StringMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, text) = match &self.pattern {
            Pattern::Exact(text) => ("is", &**text),
            Pattern::Prefix(text) => ("begins with", &**text),
            Pattern::Suffix(text) => ("ends with", &**text),
            Pattern::Contains(text) => ("contains", &**text),
            #[cfg(feature = "regex")]
            Pattern::Regex(regex) => ("matches", regex.as_str().as_bytes()),
        };
        write!(f, "{verb} {:?}", String::from_utf8_lossy(text))?;
        if self.ignore_case { f.write_str(" (ignoring case)") } else { Ok(()) }
    }
}

fn not_empty(field: &'static str, text: &str) -> Result<Box<[u8]>, InvalidMatcher> {
    if text.is_empty() { Err(InvalidMatcher::Empty(field)) } else { Ok(text.as_bytes().into()) }
}

/// Compiles a regular expression. It must match the whole string, as with Envoy's `safe_regex`: to match a
/// part, write `.*` around it.
#[cfg(feature = "regex")]
fn regex_pattern(text: String, ignore_case: bool) -> Result<Pattern, InvalidMatcher> {
    // Compiled alone first, or `a)|(b` would escape the group.
    let own = compile(&text, false);
    let whole = own.and_then(|_| compile(&[WHOLE.0, &text, WHOLE.1].concat(), ignore_case));
    whole.map(Pattern::Regex).map_err(|error| InvalidMatcher::Regex { text, reason: error.to_string() })
}

/// Beginning and end that make an expression match the whole string.
#[cfg(feature = "regex")]
const WHOLE: (&str, &str) = (r"\A(?:", r")\z");

#[cfg(feature = "regex")]
fn compile(text: &str, ignore_case: bool) -> Result<regex_lite::Regex, regex_lite::Error> {
    regex_lite::RegexBuilder::new(text).case_insensitive(ignore_case).size_limit(REGEX_SIZE).build()
}

/// Maximum size of a compiled expression in bytes. Linear memory never shrinks, and a match takes time in
/// proportion to the size.
#[cfg(feature = "regex")]
const REGEX_SIZE: usize = 64 << 10;

#[cfg(not(feature = "regex"))]
fn regex_pattern(text: String, _: bool) -> Result<Pattern, InvalidMatcher> {
    Err(InvalidMatcher::Regex {
        text,
        reason: "this filter is built without support for regular expressions".into(),
    })
}

/// The fields of a matcher, exactly one of which must be given.
pub(crate) struct Fields {
    pub(crate) exact: Option<String>,
    pub(crate) prefix: Option<String>,
    pub(crate) suffix: Option<String>,
    pub(crate) contains: Option<String>,
    pub(crate) regex: Option<String>,
}

impl Fields {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { exact, prefix, suffix, contains, regex } = self;
        [exact, prefix, suffix, contains, regex].iter().all(|field| field.is_none())
    }
}

#[derive(Config)]
#[config(min_properties = 1, instead = [("safe_regex", "use `regex`, with the expression as its value")])]
struct RawStringMatcher {
    /// Matches the whole string.
    exact: Option<String>,
    /// Matches the beginning of the string.
    prefix: Option<String>,
    /// Matches the end of the string.
    suffix: Option<String>,
    /// Matches any part of the string.
    contains: Option<String>,
    /// Regular expression that must match the whole string.
    regex: Option<String>,
    /// Whether to ignore the case of ASCII letters. Default: `false`.
    #[config(default)]
    ignore_case: bool,
}

impl TryFrom<RawStringMatcher> for StringMatcher {
    type Error = InvalidMatcher;

    fn try_from(raw: RawStringMatcher) -> Result<Self, InvalidMatcher> {
        let RawStringMatcher { exact, prefix, suffix, contains, regex, ignore_case } = raw;
        Self::of(Fields { exact, prefix, suffix, contains, regex }, ignore_case)
    }
}

/// Why the fields of a configuration do not form a matcher.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidMatcher {
    /// No pattern is given, or several are.
    NotOne,
    /// The pattern is empty, and would match everything.
    Empty(&'static str),
    /// `values` is given together with `present`.
    ValuesOfPresence,
    /// No value of this kind matches the pattern.
    Never {
        /// Field of the pattern.
        field: &'static str,
        /// The pattern.
        text: Box<str>,
        /// Description of patterns that can match.
        expected: &'static str,
    },
    /// The regular expression is invalid or too large.
    Regex {
        /// The expression.
        text: String,
        /// Description of the error.
        reason: String,
    },
}

impl fmt::Display for InvalidMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOne => {
                f.write_str("expected exactly one of `exact`, `prefix`, `suffix`, `contains`, `regex`")?;
                f.write_str(" (or `present`, for a header or a query parameter)")
            }
            Self::ValuesOfPresence => f.write_str("`values` needs a pattern: `present` compares no value"),
            Self::Never { field, text, expected } => {
                write!(f, "`{field}` `{}` never matches, expected {expected}", text.escape_debug())
            }
            Self::Empty(field) => write!(f, "`{field}` is empty and would match everything"),
            Self::Regex { text, reason } => write!(f, "`regex` `{}`: {reason}", text.escape_debug()),
        }
    }
}

impl std::error::Error for InvalidMatcher {}

#[cfg(test)]
mod tests {
    use super::*;

    fn matcher(json: &str) -> StringMatcher {
        crate::config::parse(json).unwrap()
    }

    #[test]
    fn matches_each_kind_of_pattern() {
        for (json, yes, no) in [
            (r#"{"exact": "ab"}"#, vec!["ab"], vec!["", "a", "abc", "AB"]),
            (r#"{"exact": ""}"#, vec![""], vec!["a"]),
            (r#"{"prefix": "ab"}"#, vec!["ab", "abc"], vec!["", "a", "cab", "Abc"]),
            (r#"{"suffix": "ab"}"#, vec!["ab", "cab"], vec!["", "b", "abc"]),
            (r#"{"contains": "ab"}"#, vec!["ab", "cabd"], vec!["", "a", "acb"]),
            (r#"{"contains": "ab", "ignore_case": true}"#, vec!["cAbd"], vec!["ac"]),
            (r#"{"prefix": "Ab", "ignore_case": true}"#, vec!["aBc"], vec!["b"]),
            (r#"{"suffix": "Ab", "ignore_case": true}"#, vec!["caB"], vec!["b"]),
            (r#"{"exact": "Ä", "ignore_case": true}"#, vec!["Ä"], vec!["ä"]),
        ] {
            let matcher = matcher(json);
            assert!(yes.iter().all(|value| matcher.matches(value.as_bytes())), "{json}");
            assert!(!no.iter().any(|value| matcher.matches(value.as_bytes())), "{json}");
        }
        assert!(matcher(r#"{"suffix": "a"}"#).matches(b"\xff\xfea"));
    }

    #[test]
    fn rejects_no_several_and_empty_patterns() {
        for (json, message) in [
            ("{}", "expected exactly one of"),
            (r#"{"exact": "a", "prefix": "b"}"#, "expected exactly one of"),
            (r#"{"prefix": ""}"#, "`prefix` is empty and would match everything"),
            (r#"{"contains": ""}"#, "`contains` is empty"),
            (r#"{"exakt": "a"}"#, "exakt: unknown field `exakt`"),
        ] {
            let error = crate::config::parse::<StringMatcher>(json).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_regex_matches_the_whole_string() {
        let numbers = matcher(r#"{"regex": "[0-9]+|x"}"#);
        assert!(numbers.matches(b"12") && numbers.matches(b"x"));
        assert!(
            !numbers.matches(b"a12")
                && !numbers.matches(b"12a")
                && !numbers.matches(b"")
                && !numbers.matches(b"1x")
        );
        assert!(matcher(r#"{"regex": "ab", "ignore_case": true}"#).matches(b"AB"));
        assert!(matcher(r#"{"regex": "a.*"}"#).matches(b"a\xff"), "a byte that is not UTF-8 must match too");
    }

    #[test]
    fn rejects_invalid_regexes() {
        // The comment in the last one would hide the end of the group that makes it match the whole string.
        for text in ["(", "a)|(b", "a{1000}{1000}", "(?x) a #"] {
            let json = serde_json::json!({ "regex": text }).to_string();
            let error = crate::config::parse::<StringMatcher>(&json).unwrap_err().to_string();
            assert!(error.starts_with("`regex` `"), "{text}: {error}");
        }
    }
}
