//! Authenticates requests by their JSON Web Tokens, as pure decisions.
//!
//! [`Policy::decide`] decides a request. The decision depends only on the configuration, the request, the
//! available keys and the time. While keys are being fetched, it is [`Decision::Wait`], and the caller
//! decides the request again later, from the start. [`tollgate_policy::fetch`] decides about fetches, by the
//! rules of the plan.
//!
//! A client cannot make the filter do expensive work with cheap input: the length of a token is checked
//! before it is parsed, a token is parsed before its signature is verified, and only verified tokens are
//! cached.

pub mod claims;
mod decision;
mod environment;
mod policy;
mod reason;
pub mod refusal;
pub mod results;
pub mod revocation;

pub use decision::{Decision, Pass, Refusal};
pub use environment::{Environment, Keys, RevocationList};
pub use policy::{CacheLookups, Policy};
pub use reason::Reason;
pub use tollgate_jwt_authn_plan::{Config, config, plan};

#[cfg(test)]
mod test_json {
    /// Parses a part of a configuration.
    pub(crate) fn config<T: tollgate_policy::Config>(text: &str) -> T {
        tollgate_policy::config::read(&serde_json::from_str(text).unwrap()).unwrap()
    }

    /// Parses JSON text as a token's.
    pub(crate) fn json(text: &str) -> tollgate_jose::Json {
        tollgate_jose::Json::parse(text.as_bytes()).unwrap_or_else(|| panic!("not JSON: {text}"))
    }
}
