//! What is wrong with a configuration, and where.

use core::fmt;
use tollgate_policy::Places;

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

/// Thin, since nearly every function here returns one.
pub(super) type Problem = Box<ConfigProblem>;

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
    #[inline(never)]
    pub(super) fn field(&self, name: &str) -> Self {
        let name = if self.istio { istio_name(name) } else { name };
        if name.is_empty() {
            return self.clone();
        }
        Self { path: format!("{}.{name}", self.path), istio: self.istio }
    }

    /// An entry of a list.
    #[inline(never)]
    pub(super) fn at(&self, index: usize) -> Self {
        Self { path: format!("{}[{index}]", self.path), istio: self.istio }
    }

    /// It is wrong.
    pub(super) fn refuse(&self, message: impl fmt::Display) -> Problem {
        self.refuse_with(&message)
    }

    #[inline(never)]
    fn refuse_with(&self, message: &dyn fmt::Display) -> Problem {
        Box::new(ConfigProblem { path: one_line(&self.path), message: one_line(&message.to_string()) })
    }
}

/// Names that an operator chose are in both, and a log has one line for each event.
#[inline(never)]
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
#[inline(never)]
pub(super) fn known(names: &Places) -> String {
    // A configuration may have thousands of them, and the message is one line of a log.
    const SHOWN: usize = 8;
    let mut text = String::from("there is");
    let mut count = 0;
    for (name, _) in names.iter() {
        count += 1;
        if count <= SHOWN {
            text += if count == 1 { " `" } else { ", `" };
            text += &String::from_utf8_lossy(name);
            text += "`";
        }
    }
    match count {
        0 => text += " none",
        _ if count > SHOWN => text = text + " and " + &(count - SHOWN).to_string() + " more",
        _ => {}
    }
    text
}
