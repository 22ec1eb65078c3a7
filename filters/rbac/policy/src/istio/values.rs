//! Values of fields and of `when`.

use super::Scope;
use super::identity::{namespace, principals, request_principal, service_account, trust_domain};
use super::pattern::{Pattern, invalid, literal, tests};
use crate::{Attribute, Expr, Predicate};
use tollgate_policy::{Cidr, ConfigError, InvalidPathMatcher, PathMatcher, is_token};

/// Returns a test that an attribute matches one of some values. The test is one [`crate::Test`] if a client
/// can add values of the attribute: if each value were a test, all values of a header would have to match the
/// same one.
pub(super) fn any_of(
    attribute: &Attribute,
    values: &[String],
    scope: &Scope<'_>,
) -> Result<Expr, ConfigError> {
    match attribute {
        Attribute::PeerAddress | Attribute::RemoteAddress | Attribute::DestinationAddress => {
            let mut networks: Vec<Cidr> = Vec::new();
            each(values, &mut |value| {
                networks.push(value.parse().map_err(|error| ConfigError::here(&error))?);
                Ok(())
            })?;
            Ok(Expr::test(attribute.clone(), Predicate::Network(networks.into())))
        }
        Attribute::DestinationPort => {
            let mut ports = Vec::new();
            each(values, &mut |value| {
                let number = i64::from(port(value)?);
                ports.push(Expr::test(attribute.clone(), Predicate::Number { from: number, to: number }));
                Ok(())
            })?;
            Ok(any(ports))
        }
        Attribute::Path => {
            let mut matchers = Vec::with_capacity(values.len());
            let mut is_any = false;
            each(values, &mut |value| {
                match path(value, scope)? {
                    Some(matcher) => matchers.push(matcher),
                    None => is_any = true,
                }
                Ok(())
            })?;
            let predicate = if is_any { Predicate::Present } else { Predicate::Path(matchers.into()) };
            Ok(Expr::test(Attribute::Path, predicate))
        }
        Attribute::RequestPrincipal => {
            let mut principals = Vec::new();
            each(values, &mut |value| {
                principals.push(request_principal(value, scope)?);
                Ok(())
            })?;
            Ok(any(principals))
        }
        _ => {
            let mut patterns = Vec::new();
            each(values, &mut |value| add(attribute, value, scope, &mut patterns))?;
            tests(attribute, &patterns, scope)
        }
    }
}

/// Returns the disjunction of tests of an attribute that never has several values.
fn any(mut tests: Vec<Expr>) -> Expr {
    match tests.pop() {
        Some(only) if tests.is_empty() => only,
        last => {
            tests.extend(last);
            Expr::Any(tests)
        }
    }
}

fn each(values: &[String], read: &mut dyn FnMut(&str) -> Result<(), ConfigError>) -> Result<(), ConfigError> {
    for (index, value) in values.iter().enumerate() {
        let result = if value.is_empty() { Err(invalid("", "expected a text")) } else { read(value) };
        result.map_err(|error| error.in_element(index))?;
    }
    Ok(())
}

/// Adds the patterns of a value. Rejects a value that can never match.
fn add(
    attribute: &Attribute,
    value: &str,
    scope: &Scope<'_>,
    patterns: &mut Vec<Pattern>,
) -> Result<(), ConfigError> {
    let fail = |expected: &str| Err(invalid(value, expected));
    match attribute {
        Attribute::Principal => return principals(value, scope, patterns),
        Attribute::Namespace => patterns.push(namespace(value)?),
        Attribute::ServiceAccount => patterns.push(Pattern::Exact(service_account(value, scope)?)),
        Attribute::TrustDomain => {
            if value != "*" {
                trust_domain(literal(value))?;
            }
            // As in Istio, `cluster.local` stands for the trust domains of the mesh only in a principal.
            if scope.trust_domains.iter().any(|domain| domain == value) {
                for domain in scope.trust_domains {
                    patterns.push(Pattern::Exact(domain.clone()));
                }
            } else {
                patterns.push(Pattern::parse(value)?);
            }
        }
        Attribute::Host => {
            if value.contains(['/', ' ']) {
                return fail("expected a host without a scheme and a path");
            }
            patterns.push(Pattern::parse(&value.to_ascii_lowercase())?);
        }
        Attribute::Method => {
            if value != "*" && !is_token(literal(value).as_bytes()) {
                return fail("expected a method such as `GET`");
            }
            if value.bytes().any(|byte| byte.is_ascii_lowercase()) {
                return fail("expected a method in upper case: methods are compared with their case");
            }
            patterns.push(Pattern::parse(value)?);
        }
        // Envoy stores the server name in lower case.
        Attribute::ServerName if value.bytes().any(|byte| byte.is_ascii_uppercase()) => {
            return fail("expected a server name in lower case");
        }
        Attribute::Metadata(..) => {
            // Istio's notation for an element of a list.
            let element = value.strip_prefix('[').and_then(|value| value.strip_suffix(']'));
            let text = element.unwrap_or(value);
            if text.is_empty() || element.is_some() && text.contains(['[', ']']) {
                return fail("expected a text, or an element of a list as `[TEXT]`");
            }
            patterns.push(Pattern::parse(text)?);
        }
        _ => patterns.push(Pattern::parse(value)?),
    }
    Ok(())
}

/// Returns the matcher of a path, or `None` for any path.
fn path(value: &str, scope: &Scope<'_>) -> Result<Option<PathMatcher>, ConfigError> {
    if !value.starts_with(['/', '*']) {
        return Err(invalid(value, "expected a path that begins with `/` or `*`"));
    }
    if value.contains(['?', '#']) {
        return Err(invalid(value, "expected a path without a query: paths are compared without it"));
    }
    if !value.contains(['{', '}']) {
        return match Pattern::parse(value)? {
            Pattern::Any => Ok(None),
            pattern => PathMatcher::from_text(pattern.matcher(scope)?)
                .map(Some)
                .map_err(|error| ConfigError::here(&error)),
        };
    }
    let mut template = String::new();
    for (index, part) in value.split('/').enumerate() {
        if index > 0 {
            template.push('/');
        }
        template += match part {
            "{*}" => "*",
            "{**}" => "**",
            _ if part.contains(['*', '{', '}']) => {
                return Err(invalid(
                    value,
                    "expected `{*}` and `{**}` as whole segments, without other wildcards",
                ));
            }
            literal => literal,
        };
    }
    match PathMatcher::from_uri_template(&template) {
        Ok(matcher) => Ok(Some(matcher)),
        Err(InvalidPathMatcher::Template { reason, .. }) => {
            Err(invalid(value, &format!("expected a template: {}", reason.replace("`**`", "`{**}`"))))
        }
        Err(error) => Err(ConfigError::here(&error)),
    }
}

fn port(value: &str) -> Result<u16, ConfigError> {
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    let number = value.parse().ok().filter(|port| digits && *port > 0);
    number.ok_or_else(|| invalid(value, "expected a port from 1 to 65535"))
}
