//! Enforcement of a filter's decisions.

use crate::{Config, Status};
use core::fmt;
use std::str::FromStr;

/// Enforcement of a filter's decisions: fields that each filter that can reject a request has, with
/// `#[config(flatten)]`.
#[derive(Clone, Debug, PartialEq, Eq, Config)]
#[config(default)]
pub struct Enforcement {
    /// Shadow mode: allow and count the requests that the filter would reject. Default: `false`.
    pub shadow: bool,
    /// Handling of a request that the filter cannot decide. Default: `deny`.
    pub on_error: OnError,
    /// Status of a request that is rejected because the filter cannot decide. Default: 503.
    pub status_on_error: Status,
    /// Prefix for the names of statistics, after the name of the filter. Default: none.
    pub stat_prefix: StatPrefix,
}

impl Default for Enforcement {
    fn default() -> Self {
        Self {
            shadow: false,
            on_error: OnError::Deny,
            status_on_error: Status { code: 503 },
            stat_prefix: StatPrefix::default(),
        }
    }
}

impl Enforcement {
    /// Returns why a request is allowed that the filter cannot decide, or `None` if it is rejected.
    pub fn allows_undecided<R>(&self, reason: R) -> Option<AllowedBy<R>> {
        match self.on_error {
            OnError::Allow => Some(AllowedBy::FailureMode(reason)),
            OnError::Deny if self.shadow => Some(AllowedBy::Shadow(reason)),
            OnError::Deny => None,
        }
    }
}

/// Why a request is allowed that the filter would reject, or cannot decide. Each has a statistic:
/// `shadow_denied.<reason>` and `failure_mode_allowed`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AllowedBy<R> {
    /// Shadow mode, without which the request would have been rejected for this reason.
    Shadow(R),
    /// The failure mode: the filter could not decide for this reason, and fails open.
    FailureMode(R),
}

/// Handling of a request that the filter cannot decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Config)]
pub enum OnError {
    /// Fail closed: reject the request with `status_on_error`.
    #[default]
    Deny,
    /// Fail open: allow the request.
    Allow,
}

/// Part of the names of statistics: at most 64 letters, digits and `_-.`, without a dot at either end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Config)]
#[config(text(
    expected = "a prefix of letters, digits and `_-.`",
    pattern = "^([0-9A-Za-z_-]([0-9A-Za-z_.-]{0,62}[0-9A-Za-z_-])?)?$"
))]
pub struct StatPrefix(String);

impl StatPrefix {
    /// Returns the prefix; empty for none.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for StatPrefix {
    type Err = InvalidStatPrefix;

    fn from_str(text: &str) -> Result<Self, InvalidStatPrefix> {
        let valid = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
        if text.len() > 64 || !text.bytes().all(valid) || text.starts_with('.') || text.ends_with('.') {
            return Err(InvalidStatPrefix(text.into()));
        }
        Ok(Self(text.into()))
    }
}

/// A text that cannot be part of the names of statistics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidStatPrefix(String);

impl fmt::Display for InvalidStatPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let expected = "expected at most 64 letters, digits and `_-.`, without a dot at either end";
        write!(f, "`{}` is not a valid prefix, {expected}", self.0.escape_debug())
    }
}

impl std::error::Error for InvalidStatPrefix {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_a_prefix() {
        for (text, valid) in [
            ("", true),
            ("edge.eu-1_a", true),
            ("a b", false),
            (".a", false),
            ("a.", false),
            ("\u{e9}", false),
            (&"a".repeat(64), true),
            (&"a".repeat(65), false),
        ] {
            assert_eq!(text.parse::<StatPrefix>().is_ok(), valid, "{text}");
        }
    }

    #[test]
    fn allows_undecided_requests_as_configured() {
        for (shadow, on_error, expected) in [
            (false, OnError::Deny, None),
            (true, OnError::Deny, Some(AllowedBy::Shadow("a"))),
            (false, OnError::Allow, Some(AllowedBy::FailureMode("a"))),
            (true, OnError::Allow, Some(AllowedBy::FailureMode("a"))),
        ] {
            let enforcement = Enforcement { shadow, on_error, ..Enforcement::default() };
            assert_eq!(enforcement.allows_undecided("a"), expected, "{shadow} {on_error:?}");
        }
    }

    #[test]
    fn fails_closed_by_default() {
        let read = |text| crate::config::parse::<Enforcement>(text);
        assert_eq!(read("{}"), Ok(Enforcement::default()));
        let given = r#"{"shadow": true, "on_error": "allow", "status_on_error": 500, "stat_prefix": "edge"}"#;
        let stat_prefix = StatPrefix("edge".into());
        let expected = Enforcement {
            shadow: true,
            on_error: OnError::Allow,
            status_on_error: Status { code: 500 },
            stat_prefix,
        };
        assert_eq!(read(given), Ok(expected));
        let as_in_envoy = read(r#"{"status_on_error": {"code": 500}}"#);
        assert_eq!(as_in_envoy.map(|read| read.status_on_error.code), Ok(500));
        for (text, message) in [
            (r#"{"status_on_error": 200}"#, "status_on_error: `200` is not a number from 400 to 599"),
            (
                r#"{"status_on_error": {"code": 600}}"#,
                "status_on_error.code: `600` is not a number from 400 to 599",
            ),
            (r#"{"on_error": "open"}"#, "on_error: unknown variant `open`, expected `deny` or `allow`"),
            (
                r#"{"stat_prefix": "a b"}"#,
                "stat_prefix: `a b` is not a valid prefix, expected at most 64 letters, digits and `_-.`, without a dot \
                 at either end",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }
}
