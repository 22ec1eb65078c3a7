//! Tokens out of a request, and out of what goes upstream.
//!
//! Places are read as Envoy's `jwt_authn` reads them (`source/extensions/filters/http/jwt_authn/extractor.cc`), and a
//! little wider where a token that Envoy passes over could still be read by the upstream: every value of a query
//! parameter and of a cookie counts, not only the first. What is extracted must be valid, so that wider is safer.
//!
//! A token in the `Authorization` header, which is nearly every request, is borrowed and costs no allocation.

mod cookie;
mod query;
mod strip;
#[cfg(test)]
mod tests;

pub use strip::{Stripped, query_without_tokens, strip};

use std::borrow::Cow;
use tollgate_jwt_authn_plan::config::{FromHeader, Provider};
use tollgate_policy::RequestFacts;

/// How many different tokens a request may hold for one provider. Each costs a signature check; nobody needs more than
/// one or two.
pub const MAX_TOKENS: usize = 8;

/// Why the tokens of a request are not looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooMuch {
    /// One is longer than is allowed.
    TooLong,
    /// There are more than [`MAX_TOKENS`].
    TooMany,
}

/// The tokens of a request for one provider, each once, in the order of the places: headers, query parameters,
/// cookies; within these as configured, then as sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens<'r> {
    first: Option<Cow<'r, [u8]>>,
    more: Vec<Cow<'r, [u8]>>,
}

impl Tokens<'_> {
    /// The tokens.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.first.iter().chain(&self.more).map(|token| &**token)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.more.len()
    }
}

/// The tokens of a request in the places of `provider`.
///
/// # Errors
/// [`TooMuch::TooLong`] if one is longer than `max_token_bytes`, [`TooMuch::TooMany`] if there are more than
/// [`MAX_TOKENS`].
pub fn tokens<'r>(
    provider: &Provider,
    request: &RequestFacts<'r>,
    max_token_bytes: usize,
) -> Result<Tokens<'r>, TooMuch> {
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

/// The tokens that were found so far.
struct Found<'r> {
    tokens: Tokens<'r>,
    max_token_bytes: usize,
}

impl<'r> Found<'r> {
    fn take(&mut self, token: Cow<'r, [u8]>) -> Result<(), TooMuch> {
        if token.len() > self.max_token_bytes {
            return Err(TooMuch::TooLong);
        }
        if self.tokens.first.is_none() {
            self.tokens.first = Some(token);
            return Ok(());
        }
        self.take_another(token)
    }

    #[cold]
    fn take_another(&mut self, token: Cow<'r, [u8]>) -> Result<(), TooMuch> {
        if !self.tokens.iter().any(|known| *known == *token) {
            if self.tokens.len() == MAX_TOKENS {
                return Err(TooMuch::TooMany);
            }
            self.tokens.more.push(token);
        }
        Ok(())
    }

    fn take_parameters(&mut self, names: &[String], query: &'r [u8]) -> Result<(), TooMuch> {
        if query.is_empty() {
            return Ok(());
        }
        for name in names {
            for parameter in query::parameters(query).filter(|parameter| parameter.is(name)) {
                // Decoding makes it at most three times shorter, and is not done for what is too long in any case.
                if parameter.value.len() / 3 > self.max_token_bytes {
                    return Err(TooMuch::TooLong);
                }
                self.take(query::decoded(parameter.value))?;
            }
        }
        Ok(())
    }

    #[cold]
    fn take_cookies(&mut self, names: &[String], request: &RequestFacts<'r>) -> Result<(), TooMuch> {
        for name in names {
            for header in request.headers.all(b"cookie") {
                for cookie in cookie::cookies(header).filter(|cookie| cookie.name == name.as_bytes()) {
                    self.take(Cow::Borrowed(cookie.value))?;
                }
            }
        }
        Ok(())
    }
}

/// The token in a value of a header; `None` if the prefix is not there.
///
/// As in Envoy the prefix may be anywhere in the value, and what is no character of a token is passed over between the
/// two, so that the white space after a prefix need not be configured; a value with a prefix and nothing of a token
/// behind it is taken whole, and is then no token. Unlike in Envoy, the case of letters in the prefix does not matter in
/// `Authorization`, where it is the name of an authentication scheme (RFC 9110 section 11.1): `bearer` is sent by some
/// clients, and taken by upstreams.
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

/// base64url and the dot.
fn is_of_token(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}
