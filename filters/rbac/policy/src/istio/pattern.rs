//! Values with wildcards.

use super::Scope;
use crate::{Attribute, Expr, Predicate};
use tollgate_policy::{ConfigError, StringMatcher};

/// A value with its wildcard.
pub(super) enum Pattern {
    /// `*`: any text that is not empty.
    Any,
    Exact(String),
    Prefix(String),
    Suffix(String),
    /// A value with another wildcard.
    Other(StringMatcher),
}

impl Pattern {
    /// Parses a value whose only wildcard is a `*` at the start or at the end.
    pub(super) fn parse(value: &str) -> Result<Self, ConfigError> {
        let (pattern, literal) = if value == "*" {
            (Self::Any, "")
        } else if let Some(end) = value.strip_prefix('*') {
            (Self::Suffix(end.into()), end)
        } else if let Some(start) = value.strip_suffix('*') {
            (Self::Prefix(start.into()), start)
        } else {
            (Self::Exact(value.into()), value)
        };
        if literal.contains('*') {
            let expected =
                "expected at most one `*`, at the start or the end: Istio compares any other literally";
            return Err(invalid(value, expected));
        }
        Ok(pattern)
    }

    /// Returns a matcher of a text.
    pub(super) fn matcher(&self, scope: &Scope<'_>) -> Result<StringMatcher, ConfigError> {
        let matcher = match self {
            Self::Any => Ok(scope.any_text.clone()),
            Self::Exact(text) => Ok(StringMatcher::from_exact(text)),
            Self::Prefix(text) => StringMatcher::from_prefix(text),
            Self::Suffix(text) => StringMatcher::from_suffix(text),
            Self::Other(matcher) => Ok(matcher.clone()),
        };
        matcher.map_err(|error| ConfigError::here(&error))
    }
}

/// Returns a test that an attribute matches one of some patterns.
pub(super) fn tests(
    attribute: &Attribute,
    patterns: &[Pattern],
    scope: &Scope<'_>,
) -> Result<Expr, ConfigError> {
    let may_be_empty = matches!(
        attribute,
        Attribute::Claim(_)
            | Attribute::Audience
            | Attribute::Presenter
            | Attribute::Metadata(..)
            | Attribute::ServerName
    );
    let mut exact = Vec::new();
    let mut matchers = Vec::new();
    for pattern in patterns {
        match pattern {
            // As in Istio, a header without a value is present, and an empty claim does not match `*`.
            Pattern::Any if !may_be_empty => return Ok(Expr::present(attribute.clone())),
            Pattern::Exact(text) => exact.push(text.as_str()),
            _ => matchers.push(pattern.matcher(scope)?),
        }
    }
    if matchers.is_empty() {
        return Ok(Expr::one_of(attribute.clone(), exact));
    }
    for text in exact {
        matchers.push(StringMatcher::from_exact(text));
    }
    Ok(Expr::test(attribute.clone(), Predicate::Text(matchers.into())))
}

/// Returns a value without the wildcard at its start or its end.
pub(super) fn literal(value: &str) -> &str {
    value.strip_prefix('*').or(value.strip_suffix('*')).unwrap_or(value)
}

/// Returns the error for a value: the value and what was expected.
#[inline(never)]
pub(super) fn invalid(value: &str, expected: &str) -> ConfigError {
    ConfigError::here(&format_args!("`{value}`, {expected}"))
}
