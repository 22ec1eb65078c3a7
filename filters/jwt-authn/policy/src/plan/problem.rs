//! What is wrong with a configuration, and where.

use core::fmt;

/// Why a configuration is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Where: `providers.auth0.remote_jwks.http_uri.uri`.
    pub path: String,
    /// What, with the value in backticks.
    pub message: String,
}

impl fmt::Display for ConfigProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

impl std::error::Error for ConfigProblem {}

/// A place in the configuration, written as the SDK writes the places of serde's errors.
#[derive(Clone, Debug)]
pub(super) struct Place {
    path: String,
    istio: bool,
}

impl Place {
    /// A field of the whole.
    pub(super) fn of(field: &str) -> Self {
        Self { path: field.into(), istio: false }
    }

    /// An entry of `jwtRules`, whose fields have other names than a provider's.
    pub(super) fn of_jwt_rule(index: usize) -> Self {
        Self { path: format!("jwtRules[{index}]"), istio: true }
    }

    /// A field, or a key of a map.
    pub(super) fn field(&self, name: &str) -> Self {
        let name = if self.istio { istio_name(name) } else { name };
        if name.is_empty() {
            return self.clone();
        }
        Self { path: format!("{}.{name}", self.path), istio: self.istio }
    }

    /// An entry of a list.
    pub(super) fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), istio: self.istio }
    }

    /// It is wrong.
    pub(super) fn refuse(&self, message: impl fmt::Display) -> ConfigProblem {
        ConfigProblem { path: one_line(&self.path), message: one_line(&message.to_string()) }
    }
}

/// Names that an operator chose are in both, and a log has one line for each event.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// What Istio calls a field of a provider; empty for a section that its rules have not.
fn istio_name(name: &str) -> &str {
    match name {
        "from_headers" => "fromHeaders",
        "from_params" => "fromParams",
        "from_cookies" => "fromCookies",
        "value_prefix" => "prefix",
        "forward_payload_header" => "outputPayloadToHeader",
        "claim_to_headers" => "outputClaimToHeaders",
        "header_name" => "header",
        "claim_name" => "claim",
        "space_delimited_claims" => "spaceDelimitedClaims",
        "inline_string" => "jwks",
        "local_jwks" | "remote_jwks" | "http_uri" | "oidc_discovery" | "normalize_payload" => "",
        _ => name,
    }
}

/// The names that there are, for an error about one that is not.
pub(super) fn known<'n>(names: impl Iterator<Item = &'n String>) -> String {
    // A configuration may have thousands of them, and the message is one line of a log.
    const SHOWN: usize = 8;
    let mut names = names.peekable();
    if names.peek().is_none() {
        return "there is none".into();
    }
    let shown: Vec<_> = names.by_ref().take(SHOWN).map(|name| format!("`{name}`")).collect();
    match names.count() {
        0 => format!("there is {}", shown.join(", ")),
        more => format!("there is {} and {more} more", shown.join(", ")),
    }
}
