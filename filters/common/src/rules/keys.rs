//! Required beginnings and ends of the hosts and paths of a rule.

use crate::path_matcher::Shape;
use crate::string_matcher::Literal;
use crate::{PathMatcher, StringMatcher};

/// A necessary condition for a matcher to match a value. The matcher may require more.
#[derive(Clone, Debug)]
pub(super) enum Must {
    /// The value equals this text.
    Be(Box<[u8]>),
    /// The value begins with this text.
    BeginWith(Box<[u8]>),
    /// The segment at this index, counted from 0, equals this text.
    Have(usize, Box<[u8]>),
}

impl Must {
    /// Returns a name that identifies the condition.
    #[inline(never)]
    pub(super) fn name(&self) -> Vec<u8> {
        match self {
            Self::Be(text) => [b"=", &**text].concat(),
            Self::BeginWith(text) => [b"^", &**text].concat(),
            Self::Have(place, text) => segment_name(*place, text),
        }
    }
}

/// Returns the name of a segment at an index. Names sort by index.
#[inline(never)]
pub(super) fn segment_name(place: usize, text: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes(), text].concat()
}

/// Returns the condition on a host, with the host reversed, because domains differ at their ends.
#[inline(never)]
pub(super) fn of_host(matcher: &StringMatcher) -> Option<Must> {
    let backwards = |text: &[u8]| -> Box<[u8]> {
        // Hosts are in lower case when they are matched.
        let lower = |byte: &u8| if matcher.ignores_case() { byte.to_ascii_lowercase() } else { *byte };
        text.iter().rev().map(lower).collect()
    };
    match matcher.literal()? {
        Literal::Exact(text) => Some(Must::Be(backwards(text))),
        Literal::Suffix(text) => Some(Must::BeginWith(backwards(text))),
        Literal::Prefix(_) | Literal::Contains(_) => None,
    }
}

/// Returns the conditions on a path, each of which is necessary. Empty if there is no such condition.
#[inline(never)]
pub(super) fn of_path(matcher: &PathMatcher) -> Vec<Must> {
    let (segments, rest) = match matcher.shape() {
        Shape::Text(matcher) if matcher.ignores_case() => return Vec::new(),
        Shape::Text(matcher) => {
            return match matcher.literal() {
                Some(Literal::Exact(text)) => vec![Must::Be(text.into())],
                Some(Literal::Prefix(text)) => vec![Must::BeginWith(text.into())],
                Some(Literal::Suffix(_) | Literal::Contains(_)) | None => Vec::new(),
            };
        }
        Shape::Template { segments, rest } => (segments, rest),
    };
    let literals = || segments.iter().map_while(|segment| *segment);
    let count = literals().count();
    let mut head: Vec<u8> = literals().flat_map(|text| [b"/", text]).flatten().copied().collect();
    let all = count == segments.len();
    // Another segment follows, or the template matches any path.
    if !all || segments.is_empty() {
        head.push(b'/');
    }
    let head = if all && !rest { Must::Be(head.into()) } else { Must::BeginWith(head.into()) };
    let later = segments.iter().enumerate().skip(count);
    let later = later.filter_map(|(place, segment)| segment.map(|text| Must::Have(place, text.into())));
    core::iter::once(head).chain(later).collect()
}
