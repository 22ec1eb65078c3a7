//! Extracts tokens from a request, and removes them from it.
//!
//! Token locations are read as in Envoy's `jwt_authn`
//! (`source/extensions/filters/http/jwt_authn/extractor.cc`), except where the upstream could still read a
//! token that Envoy ignores: here every value of a query parameter or cookie counts, not only the first. This
//! is safer, because each extracted token must be valid.
//!
//! A token in the `Authorization` header, the usual case, is borrowed and needs no allocation.

mod query;
mod strip;
#[cfg(test)]
mod tests;

pub use strip::{Stripped, query_without_tokens, strip};

use std::borrow::Cow;
use tollgate_jwt_authn_plan::config::{FromHeader, Provider};
use tollgate_policy::RequestFacts;

/// Maximum number of different tokens in a request for one provider. Each needs a signature check, and
/// clients need only one or two.
pub const MAX_TOKENS: usize = 8;

/// Limit that the tokens of a request exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitExceeded {
    /// A token is longer than `max_token_bytes`.
    TooLong,
    /// There are more than [`MAX_TOKENS`] tokens.
    TooMany,
}

/// Tokens of a request for one provider, each once. They are in the order of their locations: headers, query
/// parameters, cookies; within these, first in the order of the configuration, then in the order of the
/// request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens<'r> {
    first: Option<Cow<'r, [u8]>>,
    more: Vec<Cow<'r, [u8]>>,
}

impl Tokens<'_> {
    /// Returns the tokens.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.first.iter().chain(&self.more).map(|token| &**token)
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }
}

/// Returns the tokens of a request in the locations of `provider`.
///
/// # Errors
/// [`LimitExceeded::TooLong`] if one is longer than `max_token_bytes`, [`LimitExceeded::TooMany`] if there
/// are more than [`MAX_TOKENS`].
pub fn tokens<'r>(
    provider: &Provider,
    request: &RequestFacts<'r>,
    max_token_bytes: usize,
) -> Result<Tokens<'r>, LimitExceeded> {
    let mut found = Found { tokens: Tokens::default(), max_token_bytes };
    for place in &provider.from_headers {
        for value in request.headers.all(place.name.as_ref()) {
            if let Some(token) = in_header(place, value) {
                found.take(Cow::Borrowed(token))?;
            }
        }
    }
    if !provider.from_params.is_empty() {
        found.take_parameters(&provider.from_params, request.query())?;
    }
    if !provider.from_cookies.is_empty() {
        found.take_cookies(&provider.from_cookies, request)?;
    }
    Ok(found.tokens)
}

/// Tokens that were found so far.
struct Found<'r> {
    tokens: Tokens<'r>,
    max_token_bytes: usize,
}

impl<'r> Found<'r> {
    fn take(&mut self, token: Cow<'r, [u8]>) -> Result<(), LimitExceeded> {
        if token.len() > self.max_token_bytes {
            return Err(LimitExceeded::TooLong);
        }
        if self.tokens.first.is_none() {
            self.tokens.first = Some(token);
            return Ok(());
        }
        self.take_another(token)
    }

    #[cold]
    fn take_another(&mut self, token: Cow<'r, [u8]>) -> Result<(), LimitExceeded> {
        if !self.tokens.iter().any(|known| *known == *token) {
            if self.tokens.len() == MAX_TOKENS {
                return Err(LimitExceeded::TooMany);
            }
            self.tokens.more.push(token);
        }
        Ok(())
    }

    fn take_parameters(&mut self, names: &[String], query: &'r [u8]) -> Result<(), LimitExceeded> {
        if query.is_empty() {
            return Ok(());
        }
        for name in names {
            for parameter in query::parameters(query).filter(|parameter| parameter.is(name)) {
                // Decoding shortens a value to a third at the least. If that is too long, decoding is
                // skipped.
                if parameter.value.len() / 3 > self.max_token_bytes {
                    return Err(LimitExceeded::TooLong);
                }
                self.take(query::decoded(parameter.value))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn take_cookies(&mut self, names: &[String], request: &RequestFacts<'r>) -> Result<(), LimitExceeded> {
        for name in names {
            for header in request.headers.all(b"cookie") {
                for cookie in tollgate_policy::cookies(header).filter(|cookie| cookie.name == name.as_bytes())
                {
                    self.take(Cow::Borrowed(cookie.value))?;
                }
            }
        }
        Ok(())
    }
}

/// Returns the token in a header value; `None` if the value lacks the prefix.
///
/// As in Envoy, the prefix may be anywhere in the value. Characters between the prefix and the token that
/// cannot be part of a token are skipped, so the white space after a prefix need not be configured. If no
/// token follows the prefix, the whole value is returned, and is then rejected as a malformed token. Unlike
/// in Envoy, the case of the prefix is ignored in `Authorization`, where it is the name of an authentication
/// scheme (RFC 9110 section 11.1): some clients send `bearer`, and upstreams accept it.
fn in_header<'r>(place: &FromHeader, value: &'r [u8]) -> Option<&'r [u8]> {
    let prefix = place.value_prefix.as_bytes();
    if prefix.is_empty() {
        return Some(value);
    }
    let any_case = place.name.as_str() == "authorization";
    let is = |window: &[u8]| if any_case { window.eq_ignore_ascii_case(prefix) } else { window == prefix };
    let at = value.windows(prefix.len()).position(is)?;
    let behind = value.get(at + prefix.len()..)?;
    match behind.iter().position(is_of_token) {
        Some(start) => behind.get(start..),
        None => Some(value),
    }
}

/// Whether a byte is base64url or a dot.
fn is_of_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
