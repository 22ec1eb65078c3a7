//! What the hosts and paths of a rule have to begin or end with.

use crate::path_matcher::Shape;
use crate::string_matcher::Literal;
use crate::{PathMatcher, StringMatcher};

/// What a value must be or begin with for a matcher to match. The matcher may ask for more.
#[derive(Clone, Debug)]
pub(super) enum Must {
    /// It is this.
    Be(Box<[u8]>),
    /// It begins with this.
    BeginWith(Box<[u8]>),
    /// Of its segments, counted from 0, one is this.
    Have(usize, Box<[u8]>),
}

impl Must {
    /// A name that no other one has.
    #[inline(never)]
    pub(super) fn name(&self) -> Vec<u8> {
        match self {
            Self::Be(text) => [b"=", &**text].concat(),
            Self::BeginWith(text) => [b"^", &**text].concat(),
            Self::Have(place, text) => segment_name(*place, text),
        }
    }
}

/// The name of a segment in that place. In the order of names they are in the order of places.
#[inline(never)]
pub(super) fn segment_name(place: usize, text: &[u8]) -> Vec<u8> {
    [&place.to_be_bytes(), text].concat()
}

/// Of a host, read backwards: domains are told apart by their ends.
#[inline(never)]
pub(super) fn of_host(matcher: &StringMatcher) -> Option<Must> {
    let backwards = |text: &[u8]| -> Box<[u8]> {
        // A matcher sees hosts in lower case.
        let lower = |byte: &u8| if matcher.ignores_case() { byte.to_ascii_lowercase() } else { *byte };
        text.iter().rev().map(lower).collect()
    };
    match matcher.literal()? {
        Literal::Exact(text) => Some(Must::Be(backwards(text))),
        Literal::Suffix(text) => Some(Must::BeginWith(backwards(text))),
        Literal::Prefix(_) => None,
    }
}

/// Of a path: any of what is returned could be asked. None, if there is nothing.
#[inline(never)]
pub(super) fn of_path(matcher: &PathMatcher) -> Vec<Must> {
    let (segments, rest) = match matcher.shape() {
        Shape::Text(matcher) if matcher.ignores_case() => return Vec::new(),
        Shape::Text(matcher) => {
            return match matcher.literal() {
                Some(Literal::Exact(text)) => vec![Must::Be(text.into())],
                Some(Literal::Prefix(text)) => vec![Must::BeginWith(text.into())],
                Some(Literal::Suffix(_)) | None => Vec::new(),
            };
        }
        Shape::Template { segments, rest } => (segments, rest),
    };
    let literals = || segments.iter().map_while(|segment| *segment);
    let count = literals().count();
    let mut head: Vec<u8> = literals().flat_map(|text| [b"/", text]).flatten().copied().collect();
    let all = count == segments.len();
    // Another segment follows, or any path.
    if !all || segments.is_empty() {
        head.push(b'/');
    }
    let head = if all && !rest { Must::Be(head.into()) } else { Must::BeginWith(head.into()) };
    let behind = segments.iter().enumerate().skip(count);
    let behind = behind.filter_map(|(place, segment)| segment.map(|text| Must::Have(place, text.into())));
    core::iter::once(head).chain(behind).collect()
}
