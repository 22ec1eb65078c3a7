//! The form in which a failure shows expected and actual values.

use super::expect::{ExpectEnd, LogText};
use super::number::NumberMatch;
use crate::{Headers, LogLine};
use std::fmt::{self, Display};

/// Maximum number of bytes of a value that a failure shows.
const SHOWN: usize = 400;

/// Shows bytes as an escaped string, truncated if long.
pub(super) fn cut(bytes: &[u8]) -> String {
    match bytes.get(..SHOWN) {
        Some(start) if bytes.len() > SHOWN => {
            format!("\"{}\"... ({} bytes)", start.escape_ascii(), bytes.len())
        }
        _ => format!("\"{}\"", bytes.escape_ascii()),
    }
}

pub(super) struct Count(pub usize);

impl Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => write!(f, "no request"),
            1 => write!(f, "1 request"),
            n => write!(f, "{n} requests"),
        }
    }
}

pub(super) struct End(pub ExpectEnd);

impl Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            ExpectEnd::Reset => "a closed connection",
            ExpectEnd::Hang => "no response within `client_patience`",
        })
    }
}

pub(super) struct Names<'a>(pub &'a Headers);

impl Display for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.0.0.iter().map(|(name, _)| format!("`{}`", name.escape_ascii())).collect();
        if names.is_empty() { f.write_str("none") } else { f.write_str(&names.join(", ")) }
    }
}

/// A list, or a text if it is empty.
pub(super) struct Each<'a, T>(pub &'a [T], pub &'static str);

impl<T: Display> Display for Each<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let items: Vec<_> = self.0.iter().map(T::to_string).collect();
        f.write_str(if items.is_empty() { self.1.to_owned() } else { items.join(", ") }.trim_end())
    }
}

/// An article and the line that it belongs to.
pub(super) struct Line<'a>(pub &'static str, pub &'a LogText);

impl Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(article, line) = self;
        match line.level {
            Some(level) => write!(f, "{article} line at {level:?}: {}", line.text),
            None => write!(f, "{article} line: {}", line.text),
        }
    }
}

pub(super) struct Lines<'a>(pub &'a [LogLine]);

impl Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> =
            self.0.iter().map(|line| format!("{:?}: {}", line.level, cut(line.text.as_bytes()))).collect();
        if lines.is_empty() { f.write_str("an empty log") } else { f.write_str(&lines.join(", ")) }
    }
}

/// An expected number of things, such as `request`.
pub(super) struct Number<'a>(pub &'a NumberMatch, pub &'static str);

impl Display for Number<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(number, thing) = self;
        match number.only() {
            Some(0) => write!(f, "no {thing}"),
            Some(1) => write!(f, "1 {thing}"),
            _ => write!(f, "{number} {thing}s"),
        }
    }
}
