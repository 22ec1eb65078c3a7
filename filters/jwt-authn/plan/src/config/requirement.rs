//! Requirements of requests.

use tollgate_policy::{
    HeaderName, Named, Read, ReadError, RequestMatch, Value, header_name, only_member, read_object,
};

/// A rule: requests, and their requirement, which is `requires`, an entry of `requirement_map`, or none.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Rule {
    /// Requests that the rule applies to. Default: all.
    #[cfg_attr(feature = "schema", schemars(rename = "match"))]
    pub condition: RequestMatch,
    /// Requirement of these requests. Default: none.
    pub requires: Option<Requirement>,
    /// Name of an entry of `requirement_map`, instead of `requires`.
    pub requirement_name: Option<String>,
    /// Scopes that the tokens must have, in addition to those that their providers require.
    pub required_scopes: Vec<String>,
}

/// Envoy's `JwtRequirement`, written as in Envoy's JSON: an object with exactly one field.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
pub enum Requirement {
    /// A valid token of this provider.
    ProviderName(String),
    /// A valid token of this provider, with these audiences instead of the provider's own.
    ProviderAndAudiences(AudiencesOfProvider),
    /// Any of these requirements, tried in order.
    RequiresAny(Requirements),
    /// All of these requirements.
    RequiresAll(Requirements),
    /// No token, or a valid one. In `requires_any`, this refers to the tokens of the other requirements.
    /// Elsewhere, the token may be of any provider; its `iss` selects the provider.
    AllowMissing(Empty),
    /// Any request. Claims of valid tokens are still passed on.
    AllowMissingOrFailed(Empty),
    /// Any request. Claims are passed on without verification, and a header marks them as unverified.
    ExtractOnlyWithoutValidation(ExtractOnly),
}

impl Read for Requirement {
    fn blank() -> Self {
        Self::AllowMissing(Empty {})
    }

    fn fill(&mut self, value: &Value) -> Result<(), ReadError> {
        let (index, name, content) = only_member(value, NAMES, EXPECTED)?;
        *self = match index {
            0 => Self::ProviderName(Read::blank()),
            1 => Self::ProviderAndAudiences(Read::blank()),
            2 => Self::RequiresAny(Read::blank()),
            3 => Self::RequiresAll(Read::blank()),
            4 => Self::AllowMissing(Empty {}),
            5 => Self::AllowMissingOrFailed(Empty {}),
            _ => Self::ExtractOnlyWithoutValidation(Read::blank()),
        };
        let blank: &mut dyn Read = match self {
            Self::ProviderName(name) => name,
            Self::ProviderAndAudiences(with) => with,
            Self::RequiresAny(list) | Self::RequiresAll(list) => list,
            Self::AllowMissing(empty) | Self::AllowMissingOrFailed(empty) => empty,
            Self::ExtractOnlyWithoutValidation(extract) => extract,
        };
        blank.fill(content).map_err(|error| error.in_member(name))
    }
}

const NAMES: &[&str] = &[
    "provider_name",
    "provider_and_audiences",
    "requires_any",
    "requires_all",
    "allow_missing",
    "allow_missing_or_failed",
    "extract_only_without_validation",
];
const EXPECTED: &str = "an object with one of `provider_name`, `provider_and_audiences`, `requires_any`, `requires_all`, \
                        `allow_missing`, `allow_missing_or_failed`, `extract_only_without_validation`";

/// A provider, with other audiences than its own.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AudiencesOfProvider {
    /// Name of the provider.
    pub provider_name: String,
    /// Accepted audiences; `aud` must contain one of them.
    pub audiences: Vec<String>,
}

/// At least two requirements.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Requirements {
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// An empty object, `{}`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Empty {}

impl ExtractOnly {
    /// Name of the header; `None` for `-`, which means no header, as in Envoy.
    pub fn header(&self) -> Option<HeaderName> {
        match &self.verification_status_header {
            None => Some(header_name!("x-jwt-signature-verified")),
            Some(name) if name.as_str() == "-" => None,
            Some(name) => Some(name.clone()),
        }
    }
}

/// Mark for unverified tokens.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ExtractOnly {
    /// Header that is set to `false`; `-` for none. Default: `x-jwt-signature-verified`.
    pub verification_status_header: Option<HeaderName>,
}

/// Requirements by the value of a filter state that an earlier filter sets.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FilterStateRules {
    /// Name of the filter state, as in `%FILTER_STATE(..)%`.
    pub name: String,
    /// Requirement for each value. Other values, and an absent filter state, require nothing.
    pub requires: Named<Requirement>,
}

read_object!(Rule = Self::default(); condition as "match", requires, requirement_name, required_scopes);
read_object!(
    AudiencesOfProvider = Self { provider_name: String::new(), audiences: Vec::new() };
    provider_name (required), audiences (required)
);
read_object!(Requirements = Self { requirements: Vec::new() }; requirements (required));
read_object!(Empty = Self {};);
read_object!(ExtractOnly = Self::default(); verification_status_header);
read_object!(
    FilterStateRules = Self { name: String::new(), requires: Named::default() };
    name (required), requires (required)
);
