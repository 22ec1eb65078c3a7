//! Conditions on attributes.

use crate::{Attribute, Expr, Predicate};
use tollgate_policy::{Cidr, ConfigError, StringMatcher};

/// Condition on an attribute: `{"attribute": "request.auth.claims[team]", "one_of": ["red", "blue"]}`. Has
/// exactly one of `string_match`, `one_of`, `networks`, `present` and `same_as`.
#[derive(Clone, Debug, tollgate_policy::Config)]
pub struct AttributeMatch {
    /// The attribute.
    pub attribute: Attribute,
    /// Matcher of a value, with one of `exact`, `prefix`, `suffix`, `contains`, `regex`.
    pub string_match: Option<StringMatcher>,
    /// Values, one of which must be equal.
    #[config(default)]
    pub one_of: Vec<String>,
    /// Networks, one of which must contain the value.
    #[config(default)]
    pub networks: Vec<Cidr>,
    /// Whether the attribute must be present (`true`) or absent (`false`).
    pub present: Option<bool>,
    /// Another attribute that must have the same value, for example to isolate tenants:
    /// `{"attribute": "request.auth.claims[tenant]", "same_as": "request.path_segments[1]"}`.
    pub same_as: Option<Attribute>,
    /// Whether to invert the result. Default: `false`.
    #[config(default)]
    pub invert: bool,
}

/// Returns whether values of an attribute can be addresses.
fn has_addresses(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::PeerAddress
            | Attribute::RemoteAddress
            | Attribute::DestinationAddress
            | Attribute::Header(_)
            | Attribute::QueryParameter(_)
            | Attribute::Claim(_)
            | Attribute::Metadata(..)
            | Attribute::RouteMetadata(..)
            | Attribute::FilterState(_)
    )
}

impl AttributeMatch {
    /// Compiles the condition.
    pub(crate) fn compile(&self) -> Result<Expr, ConfigError> {
        let given = [
            self.string_match.is_some(),
            !self.one_of.is_empty(),
            !self.networks.is_empty(),
            self.present.is_some(),
            self.same_as.is_some(),
        ];
        if given.iter().filter(|given| **given).count() != 1 {
            let message =
                "expected exactly one of `string_match`, `one_of`, `networks`, `present`, `same_as`";
            return Err(ConfigError::here(&message));
        }
        let attribute = match &self.attribute {
            // Envoy has no header of this name.
            Attribute::Header(name) if name.as_str() == "host" => Attribute::Host,
            other => other.clone(),
        };
        if !self.networks.is_empty() && !has_addresses(&attribute) {
            let message = format!("`{attribute}` is not an address, so that no network contains it");
            return Err(ConfigError::new("networks", &message));
        }
        let expr = if let Some(matcher) = &self.string_match {
            Expr::test(attribute, Predicate::Text([matcher.clone()].into()))
        } else if let Some(other) = &self.same_as {
            Expr::test(attribute, Predicate::SameAs(other.clone()))
        } else if let Some(present) = self.present {
            let test = Expr::present(attribute);
            if present { test } else { test.not() }
        } else if self.networks.is_empty() {
            // The host is compared in lower case.
            let is_host = attribute == Attribute::Host;
            let text = |text: &String| if is_host { text.to_ascii_lowercase() } else { text.clone() };
            Expr::one_of(attribute, self.one_of.iter().map(text))
        } else {
            Expr::test(attribute, Predicate::Network(self.networks.as_slice().into()))
        };
        Ok(if self.invert { expr.not() } else { expr })
    }

    /// Returns the texts, if the condition is that the attribute equals one of them.
    pub(crate) fn texts(&self) -> Option<Vec<&[u8]>> {
        if self.invert {
            return None;
        }
        match &self.string_match {
            Some(matcher) => matcher.exact().map(|text| vec![text]),
            None if self.one_of.is_empty() => None,
            None => Some(self.one_of.iter().map(String::as_bytes).collect()),
        }
    }
}
