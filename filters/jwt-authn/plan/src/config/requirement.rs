//! What is required of a request.

use tollgate_policy::{
    HeaderName, Named, Read, ReadError, RequestMatch, Value, header_name, only_member, read_object,
};

/// Requests, and what is required of them: `requires`, or a name of `requirement_map`, or nothing.
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct Rule {
    /// Which requests. Default: all.
    #[cfg_attr(feature = "schema", schemars(rename = "match"))]
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename_all = "snake_case"))]
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

/// A provider and audiences.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct AudiencesOfProvider {
    /// The provider.
    pub provider_name: String,
    /// One of them must be in `aud`.
    pub audiences: Vec<String>,
}

/// At least two requirements.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Requirements {
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// `{}`.
#[derive(Clone, Copy, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct Empty {}

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
#[derive(Clone, Debug, Default)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(default, deny_unknown_fields))]
pub struct ExtractOnly {
    /// The header that says `false`. Default: `x-jwt-signature-verified`; `-` for none.
    pub verification_status_header: Option<HeaderName>,
}

/// A requirement chosen by what an earlier filter left in a filter state.
#[derive(Clone, Debug)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(deny_unknown_fields))]
pub struct FilterStateRules {
    /// The filter state, as it is named in `%FILTER_STATE(..)%`.
    pub name: String,
    /// What its value requires. Another value, or none, requires nothing.
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
