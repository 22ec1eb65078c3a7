//! Who a request comes from, by its JSON Web Tokens.
//!
//! [`Policy::decide`] turns what is known of a request into what becomes of it. It is a function of the configuration, the
//! request, the keys at hand and the time; when keys are on their way it says [`Decision::Wait`] and is asked again from
//! the start. Fetching them is [`remote`]'s, a state machine whose clock, randomness and answers come in as values.
//!
//! What a client can choose costs it as much as anybody: a token is bounded before it is read, read before it is verified,
//! remembered only once it is verified.

pub mod claims;
mod decision;
mod environment;
mod policy;
mod reason;
pub mod refusal;
pub mod remote;
pub mod results;
pub mod revocation;

pub use decision::{Decision, Pass, Refusal};
pub use environment::{Environment, Keys, RevocationList};
pub use policy::{CacheLookups, Policy};
pub use reason::Reason;
pub use tollgate_jwt_authn_plan::{Config, config, plan};

#[cfg(test)]
mod test_json {
    /// A part of a configuration.
    pub(crate) fn config<T: tollgate_policy::Read>(text: &str) -> T {
        tollgate_policy::read(&serde_json::from_str(text).unwrap()).unwrap()
    }

    /// What a token says, of JSON text.
    pub(crate) fn json(text: &str) -> tollgate_jose::Json {
        tollgate_jose::Json::parse(text.as_bytes()).unwrap_or_else(|| panic!("not JSON: {text}"))
    }
}
