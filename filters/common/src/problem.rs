//! Errors of a configuration, each with the path of the field.

use crate::Places;
use core::fmt;
use core::ops::RangeInclusive;

/// An error of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Path of the field, such as `providers.auth0.remote_jwks.http_uri.uri`.
    pub path: String,
    /// Description of the error, with the value in backticks.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigProblem {}

/// A boxed [`ConfigProblem`]: nearly every function that checks a configuration returns one, so it must be
/// small.
pub type Problem = Box<ConfigProblem>;

/// The path of a field in the configuration, in the notation of [`crate::ReadError`].
#[derive(Clone, Debug)]
pub struct Place {
    path: String,
    rename: fn(&str) -> &str,
}

fn unchanged(name: &str) -> &str {
    name
}

impl Place {
    /// Path of a top-level field.
    pub fn of(field: &str) -> Self {
        Self { path: field.into(), rename: unchanged }
    }

    /// Returns a path under which [`Self::field`] renames each field. A field that is renamed to the empty
    /// string adds no step to the path.
    pub fn renamed(path: String, rename: fn(&str) -> &str) -> Self {
        Self { path, rename }
    }

    /// Path of a field, or of a key of a map.
    #[inline(never)]
    pub fn field(&self, name: &str) -> Self {
        let name = (self.rename)(name);
        if name.is_empty() {
            return self.clone();
        }
        Self { path: format!("{}.{name}", self.path), rename: self.rename }
    }

    /// Path of an entry of a list.
    #[inline(never)]
    pub fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), rename: self.rename }
    }

    /// Returns an error at this path.
    pub fn refuse(&self, message: impl fmt::Display) -> Problem {
        self.refuse_with(&message)
    }

    #[inline(never)]
    fn refuse_with(&self, message: &dyn fmt::Display) -> Problem {
        Box::new(ConfigProblem { path: one_line(&self.path), message: one_line(&message.to_string()) })
    }

    /// Checks that a number lies in a range.
    #[inline(never)]
    pub fn range(&self, value: u64, range: RangeInclusive<u64>) -> Result<(), Problem> {
        if range.contains(&value) {
            Ok(())
        } else {
            let (low, high) = range.into_inner();
            Err(self.refuse(format_args!("`{value}` is not a number from {low} to {high}")))
        }
    }

    /// Checks that a name is not empty; `what` names it in the error.
    #[inline(never)]
    pub fn named(&self, name: &str, what: &str) -> Result<(), Problem> {
        if name.is_empty() { Err(self.refuse(format_args!("{what} is empty"))) } else { Ok(()) }
    }

    /// Checks that a text can be part of the name of a statistic.
    #[inline(never)]
    pub fn stat_prefix(&self, prefix: &str) -> Result<(), Problem> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if prefix.len() > 64 || !prefix.bytes().all(valid) || prefix.starts_with('.') || prefix.ends_with('.')
        {
            let message = format_args!(
                "`{}` is not a valid prefix, expected at most 64 letters, digits and `_-.`, without a dot at either end",
                prefix.escape_debug()
            );
            return Err(self.refuse(message));
        }
        Ok(())
    }
}

/// Replaces control characters: paths and messages contain names that an operator chose, and a log has one
/// line for each event.
#[inline(never)]
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Places {
    /// Lists the names, for an error about an unknown one: ``expected one of `a`, `b` ``.
    #[inline(never)]
    pub fn known(&self) -> String {
        // A configuration may have thousands of names, and the message is one line of a log.
        const SHOWN: usize = 8;
        let count = self.iter().count();
        let mut text = String::from(match count {
            0 => return "none is configured".into(),
            1 => "expected `",
            _ => "expected one of `",
        });
        for (index, (name, _)) in self.iter().take(SHOWN).enumerate() {
            if index > 0 {
                text += "`, `";
            }
            text += &String::from_utf8_lossy(name);
        }
        text += "`";
        if count > SHOWN {
            text = text + " and " + &(count - SHOWN).to_string() + " more";
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_one_line_with_path_and_message() {
        let place = Place::of("limits").field("a\nb").field("rates").at(2);
        assert_eq!(place.refuse("`x\ty` is odd").to_string(), "limits.a b.rates[2]: `x y` is odd");
    }

    #[test]
    fn renames_fields() {
        fn other(name: &str) -> &str {
            if name == "from_headers" { "fromHeaders" } else { "" }
        }
        let place = Place::renamed("rules[1]".into(), other).field("section").field("from_headers").at(0);
        assert_eq!(place.refuse("no").path, "rules[1].fromHeaders[0]");
    }

    #[test]
    fn checks_numbers_names_and_prefixes() {
        let place = Place::of("a");
        assert!(place.range(1, 1..=3).is_ok() && place.range(3, 1..=3).is_ok());
        assert_eq!(place.range(4, 1..=3).unwrap_err().to_string(), "a: `4` is not a number from 1 to 3");
        assert_eq!(place.named("", "the cluster").unwrap_err().to_string(), "a: the cluster is empty");
        assert!(place.named("x", "the cluster").is_ok() && place.stat_prefix("edge.eu-1_a").is_ok());
        for prefix in ["a b", ".a", "a.", "\u{e9}", &"a".repeat(65)] {
            assert!(place.stat_prefix(prefix).is_err(), "{prefix}");
        }
    }

    #[test]
    fn lists_the_first_eight_names() {
        let mut names = Places::default();
        assert_eq!(names.known(), "none is configured");
        names.add(b"a", 0);
        assert_eq!(names.known(), "expected `a`");
        names.add(b"b", 1);
        assert_eq!(names.known(), "expected one of `a`, `b`");
        for name in "cdefghij".bytes() {
            names.add(&[name], 2);
        }
        assert_eq!(names.known(), "expected one of `a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` and 2 more");
    }
}
