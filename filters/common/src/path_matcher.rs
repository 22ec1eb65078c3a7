//! Matchers of paths.

use crate::paths::upper_case_escapes;
use crate::string_matcher::{Fields, InvalidMatcher, Literal, StringMatcher};
use crate::{Config, InvalidPath, PathNormalization};
use core::fmt;

/// Matches a path without its query: as a string, or by a template, `{"template": "/users/{id}/orders"}`.
///
/// Rejects patterns that no path matches: with a query, or with a beginning other than `/`. Escapes in a
/// pattern are written as in a reading, so that `/%7euser` matches `/~user`. An expression stays as it is.
///
/// In a template, `{name}` and `*` match one segment that is not empty, and `**` at the end matches any
/// number of segments. The matcher does not normalise paths: match each of the
/// [readings](crate::PathNormalization) of a path. Otherwise a client can choose a spelling that the matcher
/// misses.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawPathMatcher,
    blank = Self(Test::Template { segments: Box::default(), rest: Rest::None })
)]
pub struct PathMatcher(Test);

#[derive(Clone, Debug, Hash)]
enum Test {
    Text(StringMatcher),
    Template { segments: Box<[Segment]>, rest: Rest },
}

#[derive(Clone, Debug, Hash)]
enum Segment {
    Literal(Box<[u8]>),
    Any,
}

/// The part of a path after the segments of a template.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Rest {
    /// No part.
    None,
    /// Any number of segments.
    Segments,
    /// A slash, and then any text with this end.
    SlashAndEnd(Box<[u8]>),
}

/// The parts of a path matcher. A segment of a template that is not literal is `None`.
pub(crate) enum Shape<'m> {
    Text(&'m StringMatcher),
    Template { segments: Vec<Option<&'m [u8]>>, rest: bool },
}

impl PathMatcher {
    /// Returns the parts of the matcher.
    pub(crate) fn shape(&self) -> Shape<'_> {
        match &self.0 {
            Test::Text(matcher) => Shape::Text(matcher),
            Test::Template { segments, rest } => {
                let segments = segments.iter().map(|segment| match segment {
                    Segment::Literal(text) => Some(&**text),
                    Segment::Any => None,
                });
                Shape::Template { segments: segments.collect(), rest: *rest != Rest::None }
            }
        }
    }

    /// Returns whether a path, without its query, matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let (segments, rest) = match &self.0 {
            Test::Text(matcher) => return matcher.matches(path),
            Test::Template { segments, rest } => (segments, rest),
        };
        let mut left = path.strip_prefix(b"/");
        for segment in segments {
            let Some(text) = left else { return false };
            let end = text.iter().position(|byte| *byte == b'/');
            let part = end.and_then(|end| text.get(..end)).unwrap_or(text);
            left = end.and_then(|end| text.get(end + 1..));
            match segment {
                Segment::Literal(literal) if **literal != *part => return false,
                Segment::Any if part.is_empty() => return false,
                Segment::Literal(_) | Segment::Any => {}
            }
        }
        match rest {
            Rest::None => left.is_none(),
            Rest::Segments => !segments.is_empty() || left.is_some(),
            Rest::SlashAndEnd(end) => left.is_some_and(|left| left.ends_with(end)),
        }
    }

    /// Returns a matcher of a path as a string.
    pub fn from_text(matcher: StringMatcher) -> Result<Self, InvalidPathMatcher> {
        match never_of_path(&matcher) {
            Some(error) => Err(InvalidPathMatcher::Text(error)),
            None => Ok(Self(Test::Text(matcher.map_literal(upper_case_escapes)))),
        }
    }

    /// Returns whether any path matches if paths are read in this way. Evaluates one path that the pattern
    /// matches as it is written; an expression always counts as reachable.
    pub fn is_reachable(&self, normalization: &PathNormalization) -> bool {
        let Some(path) = self.sample() else { return true };
        match normalization.readings(&path) {
            Ok(readings) => readings.iter().any(|reading| self.matches(reading)),
            Err(InvalidPath::Rejected(_)) => false,
            // Such a text may be the reading of another path.
            Err(_) => true,
        }
    }

    /// As [`Self::is_reachable`], but for the one reading that keys count by
    /// ([`PathNormalization::resolved_of`]).
    pub fn is_reachable_resolved(&self, normalization: &PathNormalization) -> bool {
        self.is_reachable(&normalization.resolving())
    }

    /// Returns a path that matches.
    fn sample(&self) -> Option<Vec<u8>> {
        Some(match &self.0 {
            Test::Text(matcher) => match matcher.literal()? {
                Literal::Exact(text) => text.to_vec(),
                Literal::Prefix(text) => [text, b"x"].concat(),
                Literal::Suffix(text) => [b"/x", text].concat(),
                Literal::Contains(text) => [b"/x", text, b"x"].concat(),
            },
            Test::Template { segments, rest } => {
                let mut path = Vec::new();
                for segment in segments {
                    path.push(b'/');
                    match segment {
                        Segment::Literal(text) => path.extend_from_slice(text),
                        Segment::Any => path.push(b'x'),
                    }
                }
                match rest {
                    Rest::None => {}
                    Rest::Segments => path.extend(b"/x"),
                    Rest::SlashAndEnd(end) => path.extend([b"/x", &**end].concat()),
                }
                path
            }
        })
    }

    /// Returns a matcher of a URI template, as in Envoy's `UriTemplateMatchConfig` and in Istio, but
    /// without named variables. `*` matches one segment that is not empty. `**` matches any text, also of
    /// several segments, and is the last operator: `/a/**` matches `/a/` and `/a/b/c`, but not `/a`;
    /// `/a/**/b` matches `/a/x/y/b`.
    ///
    /// Envoy's operators match only the characters of RFC 3986. These match any character, so that a client
    /// cannot bypass a rule that rejects.
    pub fn from_uri_template(text: &str) -> Result<Self, InvalidPathMatcher> {
        let invalid = |reason| InvalidPathMatcher::Template { text: text.into(), reason };
        let path = text.strip_prefix('/').ok_or_else(|| invalid("must begin with `/`"))?;
        let mut segments = Vec::new();
        let mut rest = Rest::None;
        let count = path.split('/').count();
        for (index, part) in path.split('/').enumerate() {
            let is_literal = part.bytes().all(is_literal) && (!part.is_empty() || index + 1 == count);
            match (&mut rest, part) {
                (Rest::None, "*") => segments.push(Segment::Any),
                (Rest::None, "**") => rest = Rest::SlashAndEnd(Box::default()),
                (_, "*" | "**") => return Err(invalid("`**` must be the last operator")),
                (Rest::None, _) if is_literal => segments.push(literal(part)),
                (Rest::SlashAndEnd(end), _) if is_literal => {
                    *end = [end, &b"/"[..], &upper_case_escapes(part.as_bytes())].concat().into()
                }
                _ if part.contains(['*', '{', '}']) => {
                    return Err(invalid("`*` and `**` must be whole segments"));
                }
                _ if part.is_empty() => return Err(invalid("must not contain an empty segment")),
                _ => return Err(invalid("has a character that is not allowed in a path")),
            }
        }
        Ok(Self(Test::Template { segments: segments.into(), rest }))
    }
}

/// Returns whether a segment of a URI template may contain a character literally, as in Envoy.
fn is_literal(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()+,;:@=".contains(&byte)
}

/// Describes the matcher: `matches the template "/users/*"`.
impl fmt::Display for PathMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (segments, rest) = match &self.0 {
            Test::Text(matcher) => return matcher.fmt(f),
            Test::Template { segments, rest } => (segments, rest),
        };
        let mut text = String::new();
        for segment in segments {
            text.push('/');
            match segment {
                Segment::Literal(literal) => text.push_str(&String::from_utf8_lossy(literal)),
                Segment::Any => text.push('*'),
            }
        }
        match rest {
            Rest::None => {}
            Rest::Segments => text.push_str("/**"),
            Rest::SlashAndEnd(end) => {
                text.push_str("/**");
                text.push_str(&String::from_utf8_lossy(end));
            }
        }
        write!(f, "matches the template {text:?}")
    }
}

impl From<StringMatcher> for PathMatcher {
    fn from(matcher: StringMatcher) -> Self {
        Self(Test::Text(matcher))
    }
}

fn literal(part: &str) -> Segment {
    Segment::Literal(upper_case_escapes(part.as_bytes()).into())
}

/// Returns why no path matches, if none does. `CONNECT` has an empty path, and `OPTIONS` may have `*`.
fn never_of_path(matcher: &StringMatcher) -> Option<InvalidMatcher> {
    const START: &str = "a path that begins with `/`";
    let never = |field, text: &[u8], expected| {
        Some(InvalidMatcher::Never { field, text: String::from_utf8_lossy(text).into(), expected })
    };
    let Some(literal) = matcher.literal() else {
        // A literal character at the beginning, which is not optional and not one of several alternatives.
        let text = matcher.regex_text()?.trim_start_matches('^');
        let optional = matches!(text.as_bytes().get(1), Some(b'?' | b'*' | b'{'));
        let other = text.starts_with(|first: char| first.is_ascii_alphanumeric());
        let never_starts = other && !optional && !text.contains('|');
        return if never_starts { never("regex", text.as_bytes(), START) } else { None };
    };
    let (field, text) = literal.parts();
    if text.iter().any(|byte| matches!(byte, b'?' | b'#')) {
        return never(field, text, "a path without `?` and `#`: use `query` for the query");
    }
    let starts = match literal {
        Literal::Exact(text) => matches!(text, [b'/', ..] | b"" | b"*"),
        Literal::Prefix(text) => matches!(text, [b'/', ..] | b"*"),
        Literal::Suffix(_) | Literal::Contains(_) => true,
    };
    if starts { None } else { never(field, text, START) }
}

fn template(text: &str) -> Result<Test, InvalidPathMatcher> {
    let invalid = |reason| InvalidPathMatcher::Template { text: text.into(), reason };
    let mut parts: Vec<&str> =
        text.strip_prefix('/').ok_or_else(|| invalid("must begin with `/`"))?.split('/').collect();
    let rest = parts.last() == Some(&"**");
    if rest {
        parts.pop();
    }
    let mut names = Vec::new();
    let mut segments = Vec::new();
    for part in parts {
        let name = part.strip_prefix('{').and_then(|part| part.strip_suffix('}'));
        segments.push(match name {
            _ if part == "*" => Segment::Any,
            Some(name) if names.contains(&name) => return Err(invalid("duplicate placeholder name")),
            Some(name) if is_name(name) => {
                names.push(name);
                Segment::Any
            }
            _ if part.contains(['{', '}', '*']) => {
                return Err(invalid("`{name}` and `*` must be whole segments, and `**` the last one"));
            }
            _ if part.contains(['?', '#']) => return Err(invalid("must not contain `?` or `#`")),
            _ => literal(part),
        });
    }
    Ok(Test::Template { segments: segments.into(), rest: if rest { Rest::Segments } else { Rest::None } })
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

#[derive(Config)]
#[config(min_properties = 1)]
struct RawPathMatcher {
    /// Matches segments with placeholders: `/users/{id}`, `/static/**`.
    template: Option<String>,
    /// Matches the whole path.
    exact: Option<String>,
    /// Matches the beginning of the path. `/api` also matches `/apiary`; the template `/api/**` does not.
    prefix: Option<String>,
    /// Matches the end of the path.
    suffix: Option<String>,
    /// Matches any part of the path.
    contains: Option<String>,
    /// Regular expression that must match the whole path.
    regex: Option<String>,
    /// Whether to ignore the case of ASCII letters; not allowed with `template`. Default: `false`.
    #[config(default)]
    ignore_case: bool,
}

impl TryFrom<RawPathMatcher> for PathMatcher {
    type Error = InvalidPathMatcher;

    fn try_from(raw: RawPathMatcher) -> Result<Self, InvalidPathMatcher> {
        let RawPathMatcher { template: path, exact, prefix, suffix, contains, regex, ignore_case } = raw;
        let fields = Fields { exact, prefix, suffix, contains, regex };
        match path {
            Some(_) if !fields.is_empty() || ignore_case => Err(InvalidPathMatcher::NotOne),
            Some(text) => template(&text).map(Self),
            None if fields.is_empty() => Err(InvalidPathMatcher::NotOne),
            None => {
                let matcher = StringMatcher::of(fields, ignore_case).map_err(InvalidPathMatcher::Text)?;
                Self::from_text(matcher)
            }
        }
    }
}

/// Why the fields of a configuration do not form a path matcher.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPathMatcher {
    /// No pattern is given, or another field is given together with `template`.
    NotOne,
    /// The template is malformed.
    Template {
        /// The template.
        text: Box<str>,
        /// Description of the error.
        reason: &'static str,
    },
    /// The pattern is malformed.
    Text(InvalidMatcher),
}

impl fmt::Display for InvalidPathMatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOne => f.write_str(
                "expected either `template`, or exactly one of `exact`, `prefix`, `suffix`, `contains`, `regex`",
            ),
            Self::Template { text, reason } => write!(f, "`template` `{}`: {reason}", text.escape_debug()),
            Self::Text(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for InvalidPathMatcher {}

#[cfg(test)]
mod tests;
