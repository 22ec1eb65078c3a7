//! What is wrong with a configuration, and where.

use crate::Places;
use core::fmt;
use core::ops::RangeInclusive;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: `providers.auth0.remote_jwks.http_uri.uri`.
    pub path: String,
    /// What, with the value in backticks.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigProblem {}

/// Thin, since nearly every function that checks a configuration returns one.
pub type Problem = Box<ConfigProblem>;

/// A place in the configuration, written as [`crate::ReadError`] writes the places of its errors.
#[derive(Clone, Debug)]
pub struct Place {
    path: String,
    rename: fn(&str) -> &str,
}

fn as_it_is(name: &str) -> &str {
    name
}

impl Place {
    /// A field of the whole.
    pub fn of(field: &str) -> Self {
        Self { path: field.into(), rename: as_it_is }
    }

    /// A place whose fields have other names than those by which they are asked for; a field whose name is empty is the
    /// place itself.
    pub fn renamed(path: String, rename: fn(&str) -> &str) -> Self {
        Self { path, rename }
    }

    /// A field, or a key of a map.
    #[inline(never)]
    pub fn field(&self, name: &str) -> Self {
        let name = (self.rename)(name);
        if name.is_empty() {
            return self.clone();
        }
        Self { path: format!("{}.{name}", self.path), rename: self.rename }
    }

    /// An entry of a list.
    #[inline(never)]
    pub fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), rename: self.rename }
    }

    /// It is wrong.
    pub fn refuse(&self, message: impl fmt::Display) -> Problem {
        self.refuse_with(&message)
    }

    #[inline(never)]
    fn refuse_with(&self, message: &dyn fmt::Display) -> Problem {
        Box::new(ConfigProblem { path: one_line(&self.path), message: one_line(&message.to_string()) })
    }

    /// That the number there lies between others.
    #[inline(never)]
    pub fn range(&self, value: u64, range: RangeInclusive<u64>) -> Result<(), Problem> {
        if range.contains(&value) {
            Ok(())
        } else {
            let (low, high) = range.into_inner();
            Err(self.refuse(format_args!("`{value}` is not a number from {low} to {high}")))
        }
    }

    /// That the name there is not empty; `what` says whose it is.
    #[inline(never)]
    pub fn named(&self, name: &str, what: &str) -> Result<(), Problem> {
        if name.is_empty() { Err(self.refuse(format_args!("{what} is empty"))) } else { Ok(()) }
    }

    /// That the text there can be part of a statistic's name.
    #[inline(never)]
    pub fn stat_prefix(&self, prefix: &str) -> Result<(), Problem> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if prefix.len() > 64 || !prefix.bytes().all(valid) || prefix.starts_with('.') || prefix.ends_with('.')
        {
            let message = format_args!(
                "`{}` cannot be part of a statistic's name: at most 64 letters, digits and `_-.`, no dot at an end",
                prefix.escape_debug()
            );
            return Err(self.refuse(message));
        }
        Ok(())
    }
}

/// Names that an operator chose are in both, and a log has one line for each event.
#[inline(never)]
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

impl Places {
    /// The names that there are, for an error about one that is not.
    #[inline(never)]
    pub fn known(&self) -> String {
        // A configuration may have thousands of them, and the message is one line of a log.
        const SHOWN: usize = 8;
        let mut text = String::from("there is");
        let mut count = 0;
        for (name, _) in self.iter() {
            count += 1;
            if count <= SHOWN {
                text += if count == 1 { " `" } else { ", `" };
                text += &String::from_utf8_lossy(name);
                text += "`";
            }
        }
        match count {
            0 => text += " none",
            _ if count > SHOWN => text = text + " and " + &(count - SHOWN).to_string() + " more",
            _ => {}
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_says_where_and_what_in_one_line() {
        let place = Place::of("limits").field("a\nb").field("rates").at(2);
        assert_eq!(place.refuse("`x\ty` is odd").to_string(), "limits.a b.rates[2]: `x y` is odd");
    }

    #[test]
    fn fields_may_go_by_other_names() {
        fn other(name: &str) -> &str {
            if name == "from_headers" { "fromHeaders" } else { "" }
        }
        let place = Place::renamed("rules[1]".into(), other).field("section").field("from_headers").at(0);
        assert_eq!(place.refuse("no").path, "rules[1].fromHeaders[0]");
    }

    #[test]
    fn numbers_names_and_prefixes_are_checked() {
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
    fn a_few_of_the_names_are_said() {
        let mut names = Places::default();
        assert_eq!(names.known(), "there is none");
        names.add(b"a", 0);
        names.add(b"b", 1);
        assert_eq!(names.known(), "there is `a`, `b`");
        for name in "cdefghij".bytes() {
            names.add(&[name], 2);
        }
        assert_eq!(names.known(), "there is `a`, `b`, `c`, `d`, `e`, `f`, `g`, `h` and 2 more");
    }
}
