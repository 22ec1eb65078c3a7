//! Matchers of paths.

use crate::Config;
use crate::string_matcher::{Fields, InvalidMatcher, StringMatcher};
use core::fmt;

/// Matches a path without its query: as a string, or by a template, `{"template": "/users/{id}/orders"}`.
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
                (Rest::None, _) if is_literal => segments.push(Segment::Literal(part.as_bytes().into())),
                (Rest::SlashAndEnd(end), _) if is_literal => {
                    *end = [end, &b"/"[..], part.as_bytes()].concat().into()
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
            _ => Segment::Literal(part.as_bytes().into()),
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
                Ok(Self(Test::Text(matcher)))
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
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn matches(template: &str, path: &str) -> bool {
        let json = serde_json::json!({ "template": template }).to_string();
        crate::config::parse::<PathMatcher>(&json).unwrap().matches(path.as_bytes())
    }

    #[test]
    fn a_placeholder_matches_one_segment() {
        for (template, yes, no) in [
            (
                "/users/{id}",
                vec!["/users/7", "/users/a.b"],
                vec!["/users", "/users/", "/users/7/", "/users/7/x", "users/7"],
            ),
            ("/users/*/orders", vec!["/users/7/orders"], vec!["/users//orders", "/users/7/8/orders"]),
            ("/static/**", vec!["/static", "/static/", "/static/a/b"], vec!["/statics", "/", ""]),
            ("/**", vec!["/", "/a/b"], vec!["", "*"]),
            ("/", vec!["/"], vec!["", "/a", "//"]),
            ("/a/", vec!["/a/"], vec!["/a", "/a//"]),
        ] {
            for path in yes {
                assert!(matches(template, path), "{template} {path}");
            }
            for path in no {
                assert!(!matches(template, path), "{template} {path}");
            }
        }
    }

    #[test]
    fn matches_a_path_as_a_string() {
        let matcher: PathMatcher =
            crate::config::parse(r#"{"prefix": "/API", "ignore_case": true}"#).unwrap();
        assert!(matcher.matches(b"/api/x") && !matcher.matches(b"/x/api"));
    }

    #[test]
    fn rejects_invalid_matchers() {
        for (json, message) in [
            ("{}", "expected either `template`, or"),
            (r#"{"template": "/a", "exact": "/a"}"#, "expected either `template`, or"),
            (r#"{"template": "/a", "ignore_case": true}"#, "expected either `template`, or"),
            (r#"{"template": "a"}"#, "`template` `a`: must begin with `/`"),
            (
                r#"{"template": "/{id}.json"}"#,
                "`template` `/{id}.json`: `{name}` and `*` must be whole segments",
            ),
            (r#"{"template": "/**/a"}"#, "`template` `/**/a`: `{name}`"),
            (r#"{"template": "/{}"}"#, "`template` `/{}`: `{name}`"),
            (r#"{"template": "/{a}/{a}"}"#, "`template` `/{a}/{a}`: duplicate placeholder name"),
            (r#"{"template": "/a?b"}"#, "`template` `/a?b`: must not contain `?` or `#`"),
            (r#"{"prefix": "/a", "exact": "/a"}"#, "expected exactly one of"),
        ] {
            let error = crate::config::parse::<PathMatcher>(json).unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn matches_uri_templates_as_envoy_does() {
        for (template, yes, no) in [
            ("/a/*", vec!["/a/b", "/a/%20"], vec!["/a", "/a/", "/a/b/", "/a/b/c", "/b/b"]),
            ("/a/**", vec!["/a/", "/a/b", "/a/b/c/"], vec!["/a", "/ab", "/"]),
            ("/**", vec!["/", "/a/b"], vec!["", "*"]),
            ("/*/b/**", vec!["/a/b/", "/a/b/c"], vec!["/a/b", "//b/c", "/a/c/b/"]),
            ("/a/**/b", vec!["/a//b", "/a/x/b", "/a/x/y/b"], vec!["/a/b", "/a/x/bc", "/a/x/b/"]),
            ("/**/x.json/", vec!["/a/x.json/", "//x.json/"], vec!["/x.json/", "/a/x.json"]),
            ("/a/*/", vec!["/a/b/"], vec!["/a/b"]),
        ] {
            let matcher = PathMatcher::from_uri_template(template).unwrap();
            assert!(yes.iter().all(|path| matcher.matches(path.as_bytes())), "{template}");
            assert!(!no.iter().any(|path| matcher.matches(path.as_bytes())), "{template}");
        }
    }

    #[test]
    fn rejects_invalid_uri_templates() {
        for (template, reason) in [
            ("a/*", "must begin with `/`"),
            ("/**/*", "`**` must be the last operator"),
            ("/**/a/**", "`**` must be the last operator"),
            ("/a*", "`*` and `**` must be whole segments"),
            ("/**/{a}", "`*` and `**` must be whole segments"),
            ("/a//*", "must not contain an empty segment"),
            ("/*?a=b", "`*` and `**` must be whole segments"),
            ("/*/a?b", "has a character that is not allowed in a path"),
        ] {
            let error = PathMatcher::from_uri_template(template).unwrap_err().to_string();
            assert_eq!(error, format!("`template` `{template}`: {reason}"));
        }
    }

    proptest! {
        /// Envoy translates a template to this regular expression.
        #[test]
        fn a_uri_template_matches_like_a_regex(
            template in "(/(a|b|\\*)){0,3}(/\\*\\*)?(/(a|b)){0,2}/?",
            path in "(/|a|b){0,8}",
        ) {
            let Ok(matcher) = PathMatcher::from_uri_template(&template) else {
                prop_assert!(template.is_empty());
                return Ok(());
            };
            let regex = template.replace("**", "\0").replace('*', "[^/]+").replace('\0', ".*");
            let json = serde_json::json!({ "regex": regex }).to_string();
            let regex: StringMatcher = crate::config::parse(json).unwrap();
            prop_assert_eq!(matcher.matches(path.as_bytes()), regex.matches(path.as_bytes()));
        }

        #[test]
        fn a_filled_in_template_matches(parts in proptest::collection::vec("[a-z]{1,4}", 1..5), holes: u8) {
            let template: String = parts.iter().enumerate().map(|(i, part)| {
                if holes >> i & 1 == 1 { format!("/{{p{i}}}") } else { format!("/{part}") }
            }).collect();
            let path = format!("/{}", parts.join("/"));
            let longer = format!("{path}/x");
            prop_assert!(matches(&template, &path));
            prop_assert!(!matches(&template, &longer));
        }
    }
}
