//! Inputs of the generic matcher.

use super::object::{Extension, Field, list, name};
use super::text::{self, Pattern, in_networks};
use super::{cel, header};
use crate::{Attribute, Expr, Predicate};
use std::net::IpAddr;
use tollgate_policy::{Cidr, ConfigError, Value};

/// An input: the value that a matcher compares.
pub(super) enum Input {
    /// A text.
    Text(Attribute),
    /// An address.
    Address(Attribute),
    /// A port.
    Port(Attribute),
    /// All attributes, for a condition in CEL.
    Cel,
}

const HEADER: &str = "envoy.type.matcher.v3.HttpRequestHeaderMatchInput";
const FILTER_STATE: &str = "envoy.extensions.matching.common_inputs.network.v3.FilterStateInput";

/// Types of the inputs without fields.
const PLAIN: [(&str, Input); 10] = [
    (
        "envoy.extensions.matching.common_inputs.network.v3.SourceIPInput",
        Input::Address(Attribute::RemoteAddress),
    ),
    (
        "envoy.extensions.matching.common_inputs.network.v3.DirectSourceIPInput",
        Input::Address(Attribute::PeerAddress),
    ),
    (
        "envoy.extensions.matching.common_inputs.network.v3.DestinationIPInput",
        Input::Address(Attribute::DestinationAddress),
    ),
    (
        "envoy.extensions.matching.common_inputs.network.v3.DestinationPortInput",
        Input::Port(Attribute::DestinationPort),
    ),
    (
        "envoy.extensions.matching.common_inputs.network.v3.SourcePortInput",
        Input::Port(Attribute::SourcePort),
    ),
    (
        "envoy.extensions.matching.common_inputs.network.v3.ServerNameInput",
        Input::Text(Attribute::ServerName),
    ),
    ("envoy.extensions.matching.common_inputs.ssl.v3.UriSanInput", Input::Text(Attribute::UriSan)),
    ("envoy.extensions.matching.common_inputs.ssl.v3.DnsSanInput", Input::Text(Attribute::DnsSan)),
    ("envoy.extensions.matching.common_inputs.ssl.v3.SubjectInput", Input::Text(Attribute::Subject)),
    (cel::INPUT, Input::Cel),
];

impl Input {
    /// Reads the extension of an input.
    #[inline(never)]
    pub fn read(value: &Value) -> Result<Self, ConfigError> {
        let extension = Extension::read(value)?;
        if extension.kind == HEADER {
            return extension.message(&["@type", "header_name"], |message| {
                message.required("header_name")?.read(header::attribute).map(Self::Text)
            });
        }
        if extension.kind == FILTER_STATE {
            return extension.message(&["@type", "key"], |message| {
                let key = message.required("key")?.read(name)?;
                Ok(Self::Text(Attribute::FilterState(key.into())))
            });
        }
        let Some((_, input)) = PLAIN.into_iter().find(|(kind, _)| *kind == extension.kind) else {
            let mut supported = vec![HEADER, FILTER_STATE];
            supported.extend(PLAIN.iter().map(|(kind, _)| *kind));
            return Err(extension.unsupported(&supported));
        };
        extension.message(&["@type"], |_| Ok(input))
    }

    /// Returns a test that the input equals the name of this field.
    #[inline(never)]
    pub fn equals(&self, field: Field<'_>) -> Result<Expr, ConfigError> {
        self.exact(field.name).map_err(|error| error.in_member(field.name))
    }

    fn exact(&self, text: &str) -> Result<Expr, ConfigError> {
        match self {
            Self::Text(attribute) => header::test(Pattern::new("exact", text), attribute.clone()),
            Self::Address(attribute) => {
                let address: Option<IpAddr> = text.parse().ok();
                let network = address.and_then(|address| address.to_string().parse::<Cidr>().ok());
                let Some(network) = network else {
                    let message = format_args!("`{}` is not an address", text.escape_debug());
                    return Err(ConfigError::here(&message));
                };
                Ok(in_networks(attribute.clone(), [network].into()))
            }
            Self::Port(attribute) => {
                // Envoy compares texts, so that `080` would never match.
                let port = text.parse::<u16>().ok().filter(|port| port.to_string() == text);
                let Some(port) = port.map(i64::from) else {
                    let message = format_args!("`{}` is not a port", text.escape_debug());
                    return Err(ConfigError::here(&message));
                };
                Ok(Expr::test(attribute.clone(), Predicate::Number { from: port, to: port }))
            }
            Self::Cel => Err(self.unsupported()),
        }
    }

    /// Returns a test that the input begins with the name of this field.
    #[inline(never)]
    pub fn begins_with(&self, field: Field<'_>) -> Result<Expr, ConfigError> {
        match self {
            Self::Text(attribute) if field.name.is_empty() => Ok(Expr::present(attribute.clone())),
            Self::Text(attribute) => header::test(Pattern::new("prefix", field.name), attribute.clone()),
            _ => Err(self.unsupported()),
        }
    }

    /// Reads `value_match`, a `StringMatcher`.
    #[inline(never)]
    pub fn value_match(&self, field: Field<'_>) -> Result<Expr, ConfigError> {
        let pattern = field.read(Pattern::read)?;
        let test = match (self, pattern.exact()) {
            (Self::Text(attribute), _) => header::test(pattern, attribute.clone()),
            (_, Some(text)) => self.exact(text),
            _ => Err(self.unsupported()),
        };
        test.map_err(|error| error.in_member(field.name))
    }

    /// Reads `custom_match` of a predicate.
    #[inline(never)]
    pub fn custom_match(&self, field: Field<'_>) -> Result<Expr, ConfigError> {
        match self {
            Self::Cel => cel::matcher(field),
            Self::Address(attribute) => Ok(in_networks(attribute.clone(), field.read(networks)?.into())),
            _ => Err(self.unsupported().in_member(field.name)),
        }
    }

    /// Returns an error for a matcher that cannot compare the input.
    pub fn unsupported(&self) -> ConfigError {
        ConfigError::here(&match self {
            Self::Text(_) => {
                "not supported for a text, use `value_match`, `exact_match_map` or `prefix_match_map`"
            }
            Self::Address(_) => {
                "not supported for an address, use `exact` with an address, or `custom_match`"
            }
            Self::Port(_) => "not supported for a port, use `exact` with a port",
            Self::Cel => "not supported for CEL, use `custom_match` with `xds.type.matcher.v3.CelMatcher`",
        })
    }
}

const IP: &str = "envoy.extensions.matching.input_matchers.ip.v3.Ip";

/// Reads the extension `envoy.matching.matchers.ip`.
fn networks(value: &Value) -> Result<Vec<Cidr>, ConfigError> {
    let extension = Extension::read(value)?;
    if extension.kind != IP {
        return Err(extension.unsupported(&[IP]));
    }
    // The prefix of statistics has no use: this filter counts by policy.
    extension.message(&["@type", "cidr_ranges", "stat_prefix"], |message| {
        message.ignored_text("stat_prefix")?;
        let networks = message.required("cidr_ranges")?;
        networks.read(|value| list(value, 1, |value| text::network(value).map(|(network, _)| network)))
    })
}
