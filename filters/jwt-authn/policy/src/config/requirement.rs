//! What is required of a request.

use super::instead;
use core::fmt;
use serde::de::{self, Error};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use tollgate_policy::{
    HeaderMatcher, HeaderName, PathMatcher, QueryMatcher, RequestMatch, StringMatcher, header_name,
};

/// Requests, and what is required of them: `requires`, or a name of `requirement_map`, or nothing.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Which requests. Default: all.
    #[serde(rename = "match", deserialize_with = "condition")]
    pub condition: RequestMatch,
    /// What is required. Default: nothing.
    pub requires: Option<Requirement>,
    /// The name of what is required.
    pub requirement_name: Option<String>,
    /// Scopes that the tokens must hold besides those that their providers require.
    pub required_scopes: Vec<String>,
}

/// Envoy's `JwtRequirement`: exactly one of them, written as Envoy's JSON.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename_all = "snake_case"))]
pub enum Requirement {
    /// A valid token of that provider.
    ProviderName(String),
    /// A valid token of that provider with one of these audiences in place of the provider's.
    ProviderAndAudiences(AudiencesOfProvider),
    /// One of them; tried in order.
    RequiresAny(Requirements),
    /// All of them.
    RequiresAll(Requirements),
    /// No token, or a valid one. By itself: of any provider, found by its `iss`.
    AllowMissing(Empty),
    /// Anything; a token that is valid is passed on all the same.
    AllowMissingOrFailed(Empty),
    /// Tokens are passed on unverified, and marked so.
    ExtractOnlyWithoutValidation(ExtractOnly),
}

impl<'de> Deserialize<'de> for Requirement {
    /// As serde would; but it would say `expected value` of `{}`, which is what is left when a line is forgotten.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Kind {
            ProviderName,
            ProviderAndAudiences,
            RequiresAny,
            RequiresAll,
            AllowMissing,
            AllowMissingOrFailed,
            ExtractOnlyWithoutValidation,
        }

        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Requirement;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "an object with one of `provider_name`, `provider_and_audiences`, `requires_any`, ",
                )?;
                f.write_str("`requires_all`, `allow_missing`, `allow_missing_or_failed`, ")?;
                f.write_str("`extract_only_without_validation`")
            }

            fn visit_map<M: de::MapAccess<'de>>(self, mut map: M) -> Result<Requirement, M::Error> {
                let Some(kind) = map.next_key()? else { return Err(M::Error::invalid_length(0, &self)) };
                let requirement = match kind {
                    Kind::ProviderName => Requirement::ProviderName(map.next_value()?),
                    Kind::ProviderAndAudiences => Requirement::ProviderAndAudiences(map.next_value()?),
                    Kind::RequiresAny => Requirement::RequiresAny(map.next_value()?),
                    Kind::RequiresAll => Requirement::RequiresAll(map.next_value()?),
                    Kind::AllowMissing => Requirement::AllowMissing(map.next_value()?),
                    Kind::AllowMissingOrFailed => Requirement::AllowMissingOrFailed(map.next_value()?),
                    Kind::ExtractOnlyWithoutValidation => {
                        Requirement::ExtractOnlyWithoutValidation(map.next_value()?)
                    }
                };
                match map.next_key::<Kind>()? {
                    Some(_) => Err(M::Error::invalid_length(2, &self)),
                    None => Ok(requirement),
                }
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

/// A provider and audiences.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct AudiencesOfProvider {
    /// The provider.
    pub provider_name: String,
    /// One of them must be in `aud`.
    pub audiences: Vec<String>,
}

/// At least two requirements.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Requirements {
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// `{}`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Empty {}

/// A [`RequestMatch`], or what to write in place of Envoy's `RouteMatch`.
fn condition<'de, D: Deserializer<'de>>(deserializer: D) -> Result<RequestMatch, D::Error> {
    #[derive(Default, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Written {
        hosts: Vec<StringMatcher>,
        paths: Vec<PathMatcher>,
        methods: Vec<String>,
        headers: Vec<HeaderMatcher>,
        query: Vec<QueryMatcher>,
        #[serde(rename = "prefix", deserialize_with = "instead::prefix")]
        _prefix: (),
        #[serde(rename = "path", deserialize_with = "instead::path")]
        _path: (),
        #[serde(rename = "safe_regex", deserialize_with = "instead::regex")]
        _safe_regex: (),
        #[serde(rename = "path_separated_prefix", deserialize_with = "instead::separated")]
        _path_separated_prefix: (),
        #[serde(rename = "path_match_policy", deserialize_with = "instead::template")]
        _path_match_policy: (),
        #[serde(rename = "query_parameters", deserialize_with = "instead::query")]
        _query_parameters: (),
    }
    let Written { hosts, paths, methods, headers, query, .. } = Written::deserialize(deserializer)?;
    Ok(RequestMatch { hosts, paths, methods, headers, query })
}

impl ExtractOnly {
    /// The header; `None` if it is `-`, which Envoy takes for none.
    pub fn header(&self) -> Option<HeaderName> {
        match &self.verification_status_header {
            None => Some(header_name!("x-jwt-signature-verified")),
            Some(name) if name.as_str() == "-" => None,
            Some(name) => Some(name.clone()),
        }
    }
}

/// How unverified tokens are marked.
#[derive(Clone, Debug, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ExtractOnly {
    /// The header that says `false`. Default: `x-jwt-signature-verified`; `-` for none.
    pub verification_status_header: Option<HeaderName>,
}

/// A requirement chosen by what an earlier filter left in a filter state.
#[derive(Clone, Debug, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct FilterStateRules {
    /// The filter state, as it is named in `%FILTER_STATE(..)%`.
    pub name: String,
    /// What its value requires. Another value, or none, requires nothing.
    pub requires: BTreeMap<String, Requirement>,
}
