//! Requirements of requests.

use tollgate_policy::{Config, HeaderName, Named, RequestMatch, header_name};

/// A rule: requests, and their requirement, which is `requires`, an entry of `requirement_map`, or none.
#[derive(Clone, Debug, Default, Config)]
#[config(default)]
pub struct Rule {
    /// Requests that the rule applies to. Default: all.
    #[config(rename = "match")]
    pub condition: RequestMatch,
    /// Requirement of these requests. Default: none.
    pub requires: Option<Requirement>,
    /// Name of an entry of `requirement_map`, instead of `requires`.
    pub requirement_name: Option<String>,
    /// Scopes that the tokens must have, in addition to those that their providers require.
    pub required_scopes: Vec<String>,
}

/// Envoy's `JwtRequirement`, written as in Envoy's JSON: an object with exactly one field.
#[derive(Clone, Debug, Config)]
#[config(blank = Self::AllowMissing(Empty {}))]
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

/// A provider, with other audiences than its own.
#[derive(Clone, Debug, Config)]
pub struct AudiencesOfProvider {
    /// Name of the provider.
    pub provider_name: String,
    /// Accepted audiences; `aud` must contain one of them.
    pub audiences: Vec<String>,
}

/// At least two requirements.
#[derive(Clone, Debug, Config)]
pub struct Requirements {
    /// The requirements.
    pub requirements: Vec<Requirement>,
}

/// An empty object, `{}`.
#[derive(Clone, Copy, Debug, Default, Config)]
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
#[derive(Clone, Debug, Default, PartialEq, Config)]
#[config(default)]
pub struct ExtractOnly {
    /// Header that is set to `false`; `-` for none. Default: `x-jwt-signature-verified`.
    pub verification_status_header: Option<HeaderName>,
}

/// Requirements by the value of a filter state that an earlier filter sets.
#[derive(Clone, Debug, Config)]
pub struct FilterStateRules {
    /// Name of the filter state, as in `%FILTER_STATE(..)%`.
    pub name: String,
    /// Requirement for each value. Other values, and an absent filter state, require nothing.
    pub requires: Named<Requirement>,
}
