//! Tests of complete decisions.

mod attacks;
mod decisions;
mod explain;
mod index;
mod roles;

use crate::{Config, Decision, Environment, Plan, Policy, Unavailable};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tollgate_policy::{Headers, RequestFacts, UnixNanos, config};

/// Attributes of the host, by path with dots.
#[derive(Clone, Default)]
pub struct Host {
    properties: BTreeMap<String, Vec<u8>>,
    broken: bool,
}

impl Host {
    pub fn with(mut self, path: &str, value: impl Into<Vec<u8>>) -> Self {
        self.properties.insert(path.replace('/', "\0"), value.into());
        self
    }

    pub fn with_claims(self, claims: &Value) -> Self {
        self.with("filter_state/wasm.jwt_authn.payload", claims.to_string())
    }

    pub fn broken() -> Self {
        Self { broken: true, ..Self::default() }
    }
}

impl Environment for Host {
    fn property(&self, path: &str) -> Result<Option<Vec<u8>>, Unavailable> {
        if self.broken { Err(Unavailable) } else { Ok(self.properties.get(path).cloned()) }
    }

    fn now(&self) -> Option<UnixNanos> {
        Some(UnixNanos(1_000_000_000))
    }

    fn draw(&self) -> u64 {
        0
    }
}

/// A request: method, URL and headers.
#[derive(Clone, Debug)]
pub struct Req<'r>(pub &'r str, pub &'r str, pub &'r str, pub &'r [(&'r str, &'r str)]);

pub fn policy(config: Value) -> Policy {
    Policy::new(plan(config).unwrap())
}

pub fn plan(config: Value) -> Result<Plan, String> {
    let config: Config = config::read(&config).map_err(|error| error.to_string())?;
    Plan::new(config).map_err(|error| error.to_string())
}

/// Decides about a request, and passes the decision to `then`.
pub fn decide<R>(policy: &Policy, host: &Host, request: &Req<'_>, then: impl FnOnce(Decision<'_>) -> R) -> R {
    with_facts(request, |facts| then(policy.decide(facts, host)))
}

/// Passes the facts of a request to `then`.
pub fn with_facts<R>(request: &Req<'_>, then: impl FnOnce(&RequestFacts<'_>) -> R) -> R {
    let Req(method, authority, path, headers) = request;
    let pseudo = [(":method", *method), (":authority", *authority), (":path", *path)];
    let pairs: Vec<(&[u8], &[u8])> =
        pseudo.iter().chain(*headers).map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
    let facts = RequestFacts::from_pairs(&pairs);
    assert_eq!(facts.headers.0.len(), Headers(&pairs).0.len());
    then(&facts)
}

/// Returns `allowed` or the response code details.
pub fn verdict(policy: &Policy, host: &Host, request: &Req<'_>) -> String {
    decide(policy, host, request, |decision| match decision.refusal {
        None => "allowed".into(),
        Some(refusal) => tollgate_policy::ResponseDetails::details(refusal.reason).into_owned(),
    })
}

#[test]
fn a_configuration_needs_a_policy() {
    let message = "no policies, expected at least one of `istio`, `envoy`, `roles` and `rules`";
    assert_eq!(plan(json!({})).unwrap_err(), message);
}
