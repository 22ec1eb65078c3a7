//! Values of attributes, and conditions on them.

use super::Visit;
use crate::Attribute;
use crate::expr::{Predicate, Value};
use core::net::IpAddr;
use std::borrow::Cow;

impl Predicate {
    /// Returns whether a value matches. [`Predicate::SameAs`] needs a second attribute, and matches nothing
    /// here.
    pub(super) fn matches(&self, value: Value<'_>) -> bool {
        match (self, value) {
            (Self::Present, _) => true,
            (Self::OneOf(texts), Value::Text(text)) => {
                texts.binary_search_by(|known| (**known).cmp(text)).is_ok()
            }
            (Self::Text(matchers), Value::Text(text)) => matchers.iter().any(|matcher| matcher.matches(text)),
            (Self::Path(matchers), Value::Text(path)) => matchers.iter().any(|matcher| matcher.matches(path)),
            (Self::Network(networks), value) => {
                let address = value.address();
                address.is_some_and(|address| networks.iter().any(|network| network.contains(address)))
            }
            (Self::Number { from, to }, value) => value.number().is_some_and(|n| (*from..=*to).contains(&n)),
            (Self::OneOf(_) | Self::Text(_), value) => self.matches_text(value),
            (Self::Path(_) | Self::SameAs(_) | Self::Typed(_), _) => false,
        }
    }

    /// Matches an address or a number by its text.
    #[cold]
    fn matches_text(&self, value: Value<'_>) -> bool {
        let text = match value {
            Value::Address(address) => address.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Text(_) | Value::Json(_) => return false,
        };
        self.matches(Value::Text(text.as_bytes()))
    }
}

/// Returns a segment of a path, counted from 0.
pub(super) fn segment(path: &[u8], index: usize) -> Option<&[u8]> {
    path.split(|byte| *byte == b'/').nth(index.saturating_add(1))
}

pub(super) fn bytes(value: Value<'_>) -> Vec<u8> {
    match value {
        Value::Text(text) => text.to_vec(),
        Value::Address(address) => address.to_string().into_bytes(),
        Value::Number(number) => number.to_string().into_bytes(),
        Value::Json(json) => json.to_string().into_bytes(),
    }
}

/// Visits a text, unless it is empty: an empty value of the host stands for an absent one.
pub(super) fn some_text(text: &[u8], visit: Visit<'_>) {
    if !text.is_empty() {
        visit(Value::Text(text));
    }
}

pub(super) fn some_address(address: Option<IpAddr>, visit: Visit<'_>) {
    if let Some(address) = address {
        visit(Value::Address(address));
    }
}

pub(super) fn some_number(number: Option<i64>, visit: Visit<'_>) {
    if let Some(number) = number {
        visit(Value::Number(number));
    }
}

pub(super) fn lower_case(text: &[u8]) -> Cow<'_, [u8]> {
    if text.iter().any(u8::is_ascii_uppercase) { text.to_ascii_lowercase().into() } else { text.into() }
}

/// Returns a part of a SPIFFE id, `spiffe://<trust domain>/ns/<namespace>/sa/<service account>`; empty if the
/// URI does not have it.
pub(super) fn spiffe<'u>(uri: &'u [u8], part: &Attribute) -> Cow<'u, [u8]> {
    let Some(principal) = uri.strip_prefix(b"spiffe://") else { return Cow::default() };
    let mut segments = principal.split(|byte| *byte == b'/');
    let trust_domain = segments.next().unwrap_or_default();
    match part {
        Attribute::Principal => return principal.into(),
        Attribute::TrustDomain => return trust_domain.into(),
        _ => {}
    }
    let parts = (segments.next(), segments.next(), segments.next(), segments.next(), segments.next());
    let (Some(b"ns"), Some(namespace), Some(b"sa"), Some(account), None) = parts else {
        return Cow::default();
    };
    match part {
        _ if namespace.is_empty() || account.is_empty() => Cow::default(),
        Attribute::ServiceAccount => [namespace, b"/", account].concat().into(),
        _ => namespace.into(),
    }
}
