//! Readings of a path.
//!
//! Servers read `/a/%2e%2e/b`, `/a//b`, `/a%2Fb`, `/a\b`, `/a;x=1/b` and `/%2561` in different ways. If a
//! rule looked at one spelling only, a client could choose another that the upstream reads alike. A path is
//! expanded to its readings: the paths that upstreams may take it for. A rule that restricts must apply if
//! *any* reading matches, and a rule that loosens must apply only if *all* readings match.
//!
//! Two spellings that are equal by RFC 3986 section 6.2.2 have the same readings: escapes of unreserved
//! characters are decoded, and other escapes have upper-case digits. `%7euser` is `~user`; `%c3` is `%C3`.
//!
//! A path is rejected if its readings cannot be known. Then the result would depend on the order of an
//! upstream's steps: `/a%2Fb/../c` is `/c` if `..` is resolved first, and `/a/c` otherwise.

#[cfg(test)]
mod reference;
mod steps;
#[cfg(test)]
mod tests;

use crate::{Config, RequestFacts};
use core::fmt;
use std::borrow::Cow;
pub(crate) use steps::upper_case_escapes;
use steps::{is_plain, separator_in_parameter};

/// Maximum number of readings of a path: three notations that servers read differently. A path with more is
/// rejected.
const MAX_READINGS: usize = 8;

/// Maximum number of times that a path is decoded after the escapes of unreserved characters.
const MAX_DECODINGS: usize = 2;

/// Readings of a path that servers can read in several ways. By default, rules apply however the upstream
/// reads it.
///
/// The options correspond to Envoy's `normalize_path`, `merge_slashes` and
/// `path_with_escaped_slashes_action`, and to Istio's `pathNormalization`. Unlike those, they do not change
/// the path that is sent upstream.
///
/// The following are always rejected with status 400: `%00`, control characters, `#`, escapes of overlong
/// UTF-8 (`%C0%AF`), a path that does not begin with `/` (except `*`), and `..` in a path with another
/// notation that is read in both ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Config)]
#[config(default)]
pub struct PathNormalization {
    /// The segments `.` and `..`, also as `%2e`: `/x/../admin` is `/admin` (RFC 3986 section 5.2.4).
    /// Default: `both`.
    pub dot_segments: Notation,
    /// Repeated slashes: `//admin` is `/admin`. Default: `both`.
    pub duplicate_slashes: Notation,
    /// The escapes `%2F` and `%5C`: `/a%2Fb` is `/a/b`, and `/a%5Cb` is `/a\b`. Default: `both`.
    pub escaped_slashes: Notation,
    /// Backslashes: `/a\b` is `/a/b`. Default: `both`.
    pub backslashes: Notation,
    /// Parameters of segments: `/a;x=1/b` is `/a/b`, and `/x/..;/b` is `/x/../b`. Default: `both`.
    pub path_parameters: Notation,
    /// Escapes of other characters: `/a%20b` is `/a b`. With `both`, a path that is encoded twice is decoded
    /// once and twice (`/%2561` is `/%61` and `/a`); one that is encoded more often is rejected. With
    /// `normalize`, it is decoded twice. Default: `both`.
    pub percent_encoding: Notation,
    /// A `%` without two hexadecimal digits after it. Default: `reject`.
    pub invalid_escapes: InvalidEscapes,
}

impl Default for PathNormalization {
    fn default() -> Self {
        Self {
            // An upstream that keeps `..` serves `/x/../public` by its handler for `/x/`.
            dot_segments: Notation::Both,
            duplicate_slashes: Notation::Both,
            escaped_slashes: Notation::Both,
            backslashes: Notation::Both,
            path_parameters: Notation::Both,
            percent_encoding: Notation::Both,
            invalid_escapes: InvalidEscapes::Reject,
        }
    }
}

/// Readings of a notation that some servers resolve, and others keep.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Config)]
pub enum Notation {
    /// In both ways: a rule that restricts applies if the path matches in one of them, and a rule that
    /// loosens if it matches in both.
    #[default]
    Both,
    /// Only resolved. For upstreams that resolve the notation.
    Normalize,
    /// Only as it is written. For upstreams that do not resolve the notation.
    Keep,
    /// A path with this notation is rejected with status 400.
    Reject,
}

/// Reading of a `%` without two hexadecimal digits after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Config)]
pub enum InvalidEscapes {
    /// The path is rejected with status 400, as most servers do.
    #[default]
    Reject,
    /// As the character `%`.
    Keep,
}

impl PathNormalization {
    /// Returns the readings of a path. `path` has no query and no fragment. A path of usual form has one
    /// reading, which is borrowed.
    #[inline]
    pub fn readings<'p>(&self, path: &'p [u8]) -> Result<Readings<'p>, InvalidPath> {
        if is_plain(path) {
            return Ok(Readings { first: Cow::Borrowed(path), others: Vec::new() });
        }
        self.readings_of_unusual(path)
    }

    /// Returns the readings of the path of a request.
    #[inline]
    pub fn readings_of<'p>(&self, facts: &RequestFacts<'p>) -> Result<Readings<'p>, InvalidPath> {
        let path = facts.path_only();
        // `?x` is not a path; an upstream may read it as `/?x`.
        if path.is_empty() && !facts.path.is_empty() {
            return Err(InvalidPath::NotAbsolute);
        }
        self.readings(path)
    }

    /// Returns the path in canonical form, to be sent upstream. Dot segments are resolved and slashes are
    /// merged, unless they are kept. Escapes other than those of unreserved characters stay. All other
    /// notations change only if the option is `normalize`, because they may be part of a name.
    pub fn canonical<'p>(&self, path: &'p [u8]) -> Result<Cow<'p, [u8]>, InvalidPath> {
        let or = |notation, other| if notation == Notation::Both { other } else { notation };
        let single = Self {
            dot_segments: or(self.dot_segments, Notation::Normalize),
            duplicate_slashes: or(self.duplicate_slashes, Notation::Normalize),
            escaped_slashes: or(self.escaped_slashes, Notation::Keep),
            backslashes: or(self.backslashes, Notation::Keep),
            path_parameters: or(self.path_parameters, Notation::Keep),
            percent_encoding: match self.percent_encoding {
                Notation::Reject => Notation::Reject,
                _ => Notation::Keep,
            },
            invalid_escapes: self.invalid_escapes,
        };
        Ok(single.readings(path)?.first)
    }

    /// Returns the most resolved reading of the path of a request, to count by: every notation is resolved
    /// that the upstream may resolve. All spellings that an upstream may read alike have one, so a client
    /// cannot choose another one to be counted separately. Two resources that an upstream distinguishes by
    /// such a notation are counted together, which is the less harmful mistake.
    #[inline]
    pub fn resolved_of<'p>(&self, facts: &RequestFacts<'p>) -> Result<Cow<'p, [u8]>, InvalidPath> {
        let readings = self.readings_of(facts)?;
        if readings.others.is_empty() { Ok(readings.first) } else { self.resolved(facts.path_only()) }
    }

    #[cold]
    #[inline(never)]
    fn resolved<'p>(&self, path: &'p [u8]) -> Result<Cow<'p, [u8]>, InvalidPath> {
        Ok(self.resolving().readings(path)?.first)
    }

    /// Returns the options with which a path has one reading, the most resolved one.
    pub(crate) fn resolving(&self) -> Self {
        let resolve = |notation| if notation == Notation::Both { Notation::Normalize } else { notation };
        Self {
            dot_segments: resolve(self.dot_segments),
            duplicate_slashes: resolve(self.duplicate_slashes),
            escaped_slashes: resolve(self.escaped_slashes),
            backslashes: resolve(self.backslashes),
            path_parameters: resolve(self.path_parameters),
            percent_encoding: resolve(self.percent_encoding),
            invalid_escapes: self.invalid_escapes,
        }
    }

    #[cold]
    #[inline(never)]
    fn readings_of_unusual<'p>(&self, path: &'p [u8]) -> Result<Readings<'p>, InvalidPath> {
        // `CONNECT` has no path, and `OPTIONS` of the whole server has `*`.
        if matches!(path, b"" | b"*") {
            return Ok(Readings { first: Cow::Borrowed(path), others: Vec::new() });
        }
        let path = steps::unreserved_decoded(path, self.invalid_escapes)?;
        let mut set = Set { list: vec![path], ambiguous: false };
        set.decode(self.percent_encoding)?;
        let reads = |notation| matches!(notation, Notation::Both | Notation::Normalize);
        if reads(self.path_parameters)
            && (reads(self.escaped_slashes) || reads(self.backslashes))
            && set.list.iter().any(|text| separator_in_parameter(text))
        {
            return Err(InvalidPath::SeparatorInParameter);
        }
        set.apply(self.escaped_slashes, false, "escaped_slashes", steps::slashes_unescaped)?;
        set.apply(self.backslashes, false, "backslashes", steps::backslashes_replaced)?;
        set.apply(self.path_parameters, false, "path_parameters", steps::parameters_removed)?;
        set.apply(self.duplicate_slashes, true, "duplicate_slashes", steps::slashes_merged)?;
        if reads(self.dot_segments) && set.ambiguous && set.list.iter().any(|text| steps::has_parent(text)) {
            return Err(InvalidPath::AmbiguousParent);
        }
        set.apply(self.dot_segments, true, "dot_segments", steps::dots_resolved)?;
        let mut all = set.list.into_iter();
        let first = all.next().unwrap_or_default();
        Ok(Readings { first, others: all.collect() })
    }
}

/// Different readings, while steps are applied to them. The first one becomes the canonical one.
struct Set<'p> {
    list: Vec<Cow<'p, [u8]>>,
    /// Whether there are several readings that differ in the boundaries of their segments.
    ambiguous: bool,
}

impl Set<'_> {
    /// Adds what the first reading becomes by percent-decoding.
    fn decode(&mut self, notation: Notation) -> Result<(), InvalidPath> {
        let Some(first) = self.list.first_mut().filter(|_| notation != Notation::Keep) else { return Ok(()) };
        let mut next = steps::decoded(first)?;
        if next.is_some() && notation == Notation::Reject {
            return Err(InvalidPath::Rejected("percent_encoding"));
        }
        let mut decoded = Vec::new();
        while let Some(text) = next {
            if decoded.len() == MAX_DECODINGS {
                return Err(InvalidPath::NestedEscapes);
            }
            next = steps::decoded(&text)?;
            decoded.push(Cow::Owned(text));
        }
        if notation == Notation::Both {
            self.ambiguous = decoded.len() > 1;
            self.list.append(&mut decoded);
        } else if let Some(last) = decoded.pop() {
            *first = last;
        }
        Ok(())
    }

    /// Applies a step to all readings. With [`Notation::Both`], the results are added. `replaces_first` is
    /// whether the changed form of the first reading becomes the first one.
    fn apply(
        &mut self,
        notation: Notation,
        replaces_first: bool,
        name: &'static str,
        step: fn(&[u8]) -> Option<Vec<u8>>,
    ) -> Result<(), InvalidPath> {
        if notation == Notation::Keep {
            return Ok(());
        }
        let mut added = Vec::new();
        for (index, text) in self.list.iter_mut().enumerate() {
            let Some(changed) = step(text) else { continue };
            if notation == Notation::Reject {
                return Err(InvalidPath::Rejected(name));
            }
            if notation == Notation::Normalize {
                *text = Cow::Owned(changed);
            } else if replaces_first && index == 0 {
                added.push(core::mem::replace(text, Cow::Owned(changed)));
            } else {
                added.push(Cow::Owned(changed));
            }
        }
        self.ambiguous |= !added.is_empty();
        for text in core::mem::take(&mut self.list).into_iter().chain(added) {
            if !self.list.contains(&text) {
                self.list.push(text);
            }
        }
        if self.list.len() > MAX_READINGS { Err(InvalidPath::TooManyReadings) } else { Ok(()) }
    }
}

/// The readings of a path: one or more, all different.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Readings<'p> {
    first: Cow<'p, [u8]>,
    others: Vec<Cow<'p, [u8]>>,
}

impl Readings<'_> {
    /// Returns the canonical reading: dot segments are resolved and slashes are merged, unless they are kept.
    /// Equals [`PathNormalization::canonical`], unless `percent_encoding` is `normalize`.
    #[inline]
    pub fn first(&self) -> &[u8] {
        &self.first
    }

    /// Returns the readings other than the first one.
    #[inline]
    pub fn others(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        self.others.iter().map(|text| &**text)
    }

    /// Returns all readings. The canonical one is the first.
    #[inline]
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        core::iter::once(self.first()).chain(self.others())
    }
}

/// Why the readings of a path cannot be determined. The request should be rejected with status 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidPath {
    /// The path does not begin with `/`.
    NotAbsolute,
    /// The path contains a control character.
    ControlCharacter,
    /// The path contains `#`.
    Fragment,
    /// The path contains `%00`.
    Nul,
    /// The path contains a `%` without two hexadecimal digits after it.
    InvalidEscape,
    /// The path contains escapes of overlong UTF-8, which old decoders read as `/` or `.`.
    OverlongUtf8,
    /// The path is percent-encoded more than twice.
    NestedEscapes,
    /// A path parameter contains a backslash or an escaped slash.
    SeparatorInParameter,
    /// The path contains `..` and another notation that servers read differently.
    AmbiguousParent,
    /// The path has too many readings.
    TooManyReadings,
    /// The path contains a notation that the option with this name rejects.
    Rejected(&'static str),
}

impl InvalidPath {
    /// Returns a stable identifier, for response code details.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotAbsolute => "not_absolute",
            Self::ControlCharacter => "control_character",
            Self::Fragment => "fragment",
            Self::Nul => "nul",
            Self::InvalidEscape => "invalid_escape",
            Self::OverlongUtf8 => "overlong_utf8",
            Self::NestedEscapes => "nested_escapes",
            Self::SeparatorInParameter => "separator_in_parameter",
            Self::AmbiguousParent => "ambiguous_parent",
            Self::TooManyReadings => "too_many_readings",
            Self::Rejected(option) => option,
        }
    }
}

impl fmt::Display for InvalidPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotAbsolute => "the path does not begin with `/`",
            Self::ControlCharacter => "the path contains a control character",
            Self::Fragment => "the path contains `#`",
            Self::Nul => "the path contains `%00`",
            Self::InvalidEscape => "the path contains a `%` without two hexadecimal digits after it",
            Self::OverlongUtf8 => "the path contains escapes of overlong UTF-8",
            Self::NestedEscapes => "the path is percent-encoded more than twice",
            Self::SeparatorInParameter => "a path parameter contains a backslash or an escaped slash",
            Self::AmbiguousParent => {
                "the path contains `..` and another notation that servers read differently"
            }
            Self::TooManyReadings => "the path has too many readings",
            Self::Rejected(option) => {
                return write!(f, "the path contains a notation that `{option}` rejects");
            }
        })
    }
}

impl std::error::Error for InvalidPath {}
