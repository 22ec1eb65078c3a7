//! Matchers of paths.

use crate::Config;
use crate::string_matcher::{Fields, InvalidMatcher, StringMatcher};
use core::fmt;

/// Matches a path without its query: as a string, or by a template, `{"template": "/users/{id}/orders"}`.
///
/// In a template, `{name}` and `*` match one segment that is not empty, and `**` at the end matches any
/// number of segments. The matcher does not normalise paths. Let Envoy normalise `//`, `%2F` and `..` first
/// (`normalize_path`, `merge_slashes`, `path_with_escaped_slashes_action`). Otherwise a client can choose a
/// spelling that the matcher misses.
#[derive(Clone, Debug, Hash, Config)]
#[config(
    try_from = RawPathMatcher,
    blank = Self(Test::Template { segments: Box::default(), rest: false })
)]
pub struct PathMatcher(Test);

#[derive(Clone, Debug, Hash)]
enum Test {
    Text(StringMatcher),
    Template { segments: Box<[Segment]>, rest: bool },
}

#[derive(Clone, Debug, Hash)]
enum Segment {
    Literal(Box<[u8]>),
    Any,
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
                Shape::Template { segments: segments.collect(), rest: *rest }
            }
        }
    }

    /// Returns whether a path, without its query, matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let (segments, rest) = match &self.0 {
            Test::Text(matcher) => return matcher.matches(path),
            Test::Template { segments, rest } => (segments, *rest),
        };
        let Some(path) = path.strip_prefix(b"/") else { return false };
        let mut parts = path.split(|byte| *byte == b'/');
        let all = segments.iter().all(|segment| match (segment, parts.next()) {
            (Segment::Literal(text), Some(part)) => **text == *part,
            (Segment::Any, Some(part)) => !part.is_empty(),
            (_, None) => false,
        });
        all && (rest || parts.next().is_none())
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
    Ok(Test::Template { segments: segments.into(), rest })
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

    proptest! {
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
