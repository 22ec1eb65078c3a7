//! Values that identify a peer or the subject of a token.

use super::pattern::{Pattern, invalid, tests};
use super::{CLUSTER_LOCAL, Scope};
use crate::{Attribute, Expr};
use tollgate_policy::{ConfigError, StringMatcher};

/// Adds the patterns of a principal: one for each trust domain for which its trust domain stands.
pub(super) fn principals(
    value: &str,
    scope: &Scope<'_>,
    patterns: &mut Vec<Pattern>,
) -> Result<(), ConfigError> {
    let expected =
        "expected `<trust domain>/ns/<namespace>/sa/<service account>`, with `*` at the start or the end";
    if value.contains("://") {
        return Err(invalid(value, &format!("{expected}: Istio writes no `spiffe://`")));
    }
    let parsed = Pattern::parse(value)?;
    let is_exact = matches!(parsed, Pattern::Exact(_));
    if value.starts_with('/') || is_exact && (!value.contains('/') || value.ends_with('/')) {
        return Err(invalid(value, expected));
    }
    // As in Istio, only a principal with all parts has a trust domain.
    let (domain, path) = value.split_once('/').unwrap_or((value, ""));
    let suffix = domain.strip_prefix('*');
    let stands_for = |known: &String| {
        known == domain || suffix.is_some_and(|suffix| !suffix.is_empty() && known.ends_with(suffix))
    };
    let is_whole = path.split('/').count() == 4 && domain != "*";
    if !is_whole || !(domain == CLUSTER_LOCAL || scope.trust_domains.iter().any(stands_for)) {
        patterns.push(parsed);
        return Ok(());
    }
    for known in scope.trust_domains {
        let text = if stands_for(known) { value.into() } else { format!("{known}/{path}") };
        patterns.push(Pattern::parse(&text)?);
    }
    Ok(())
}

/// Returns the test of a value `<issuer>/<subject>`.
///
/// Compares the issuer and the subject, as Istio does. A comparison of the whole text could confuse the
/// subject `b/c` of the issuer `a` with the subject `c` of the issuer `a/b`.
pub(super) fn request_principal(value: &str, scope: &Scope<'_>) -> Result<Expr, ConfigError> {
    let expected = "expected `<issuer>/<subject>`, with `*` at the start or the end";
    let claim = |name: &str| Attribute::Claim([name.into()].into());
    let test = |issuer: Pattern, subject: Pattern| {
        let issuer = tests(&claim("iss"), &[issuer], scope)?;
        Ok(issuer.and(tests(&claim("sub"), &[subject], scope)?))
    };
    let parsed = Pattern::parse(value)?;
    let (issuer, subject) = match (value.rsplit_once('/'), parsed) {
        (_, Pattern::Any) => return Ok(Expr::present(Attribute::RequestPrincipal)),
        (None, Pattern::Suffix(text)) => return test(Pattern::Any, Pattern::Suffix(text)),
        (None, Pattern::Prefix(text)) => return test(Pattern::Prefix(text), Pattern::Any),
        (Some(parts), _) => parts,
        (None, _) => return Err(invalid(value, expected)),
    };
    // The last slash separates the two. In `https://issuer*`, it is a slash of the scheme.
    if issuer.is_empty() || subject.is_empty() || issuer.ends_with(":/") {
        return Err(invalid(value, &format!("{expected}; the last slash separates the two")));
    }
    test(Pattern::parse(issuer)?, Pattern::parse(subject)?)
}

/// Returns the pattern of a namespace.
pub(super) fn namespace(value: &str) -> Result<Pattern, ConfigError> {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._*".contains(&byte);
    if !value.bytes().all(is_allowed) {
        return Err(invalid(value, "expected the name of a namespace, with `*` for any text"));
    }
    // Istio makes a regular expression of it, in which each `*` is a wildcard.
    Pattern::parse(value).or_else(|_| {
        let regex = value.replace('.', "\\.").replace('*', ".*");
        StringMatcher::from_regex(&regex).map(Pattern::Other).map_err(|error| ConfigError::here(&error))
    })
}

/// Returns the value with its namespace.
pub(super) fn service_account(value: &str, scope: &Scope<'_>) -> Result<String, ConfigError> {
    /// Maximum length in Istio.
    const MAX: usize = 320;
    let (namespace, name) = value.split_once('/').unwrap_or((scope.namespace, value));
    if namespace.is_empty()
        || name.is_empty()
        || value.contains('*')
        || name.contains('/')
        || value.len() > MAX
    {
        let expected = "expected `<namespace>/<service account>` or `<service account>`, without wildcards";
        return Err(invalid(value, expected));
    }
    Ok(format!("{namespace}/{name}"))
}

/// Checks a trust domain.
pub(super) fn trust_domain(value: &str) -> Result<(), ConfigError> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(&byte);
    if !value.is_empty() && value.bytes().all(is_allowed) {
        return Ok(());
    }
    Err(invalid(value, "expected a trust domain in lower case, such as `cluster.local`"))
}
