//! The decision.
//!
//! What a request must bring is a tree of requirements; its leaves ask whether the tokens of a provider verify. Both are
//! evaluated as Envoy does (`source/extensions/filters/http/jwt_authn/verifier.cc`, `authenticator.cc`), with a third
//! answer beside yes and no: it cannot be decided. It spreads as in Kleene's logic, so that keys that cannot be had never
//! turn a no into a yes or a yes into a no, and nobody waits for an answer that is known.
//!
//! The checks of a token that need no key come before those that do: what is malformed, expired or of another issuer is
//! refused at once, makes nobody wait and no key be fetched. What says more of the configuration than Envoy tells (claims,
//! scopes, revocation) is told only to those who hold a signed token.

mod answer;
mod requirement;
#[cfg(test)]
mod tests;
mod token;
mod verified;

use crate::config::CacheConfig;
use crate::plan::{Plan, Required, Source};
use crate::revocation::Revocations;
use crate::{Decision, Environment, Reason};
use requirement::{Accepted, Evaluation, Stop};
use std::rc::Rc;
use tollgate_jose::KeySet;
use tollgate_jwt_authn_cache::{Bounds, TokenCache};
use tollgate_policy::{RequestFacts, UnixNanos};
use verified::{Needed, Verified};

/// The filter's mind: the plan, what it remembers, what is revoked.
pub struct Policy {
    plan: Plan,
    memory: Memory,
    /// What was accepted of the last request: its [`Pass`](crate::Pass) borrows from it.
    accepted: Vec<Accepted>,
}

/// What is remembered from one request to the next.
struct Memory {
    verified: TokenCache<Rc<Verified>>,
    revocations: Revocations,
    /// Keys of the configuration, by source.
    local: Vec<Option<Rc<KeySet>>>,
    needed: Needed,
    lookups: CacheLookups,
}

/// How often tokens were looked up among those that were verified before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheLookups {
    /// Found, and nothing had to be verified.
    pub hits: u32,
    /// Not found, or known no more.
    pub misses: u32,
}

impl Policy {
    /// A policy of a checked configuration. `seed` makes hashes unpredictable.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let local = plan.sources.iter().map(|source| match source {
            Source::Local(keys) => Some(Rc::new(keys.clone())),
            Source::Remote(_) => None,
        });
        let skews = plan.providers.iter().map(|provider| provider.config.clock_skew_seconds.0);
        let skew = skews.max().unwrap_or_default().into();
        let CacheConfig { jwt_cache_size, jwt_max_token_size } = plan.config.jwt_cache_config;
        let memory = Memory {
            verified: TokenCache::new(Bounds::of(jwt_cache_size, jwt_max_token_size), seed),
            revocations: Revocations::from_config(&plan.config.revocation, skew, seed),
            local: local.collect(),
            needed: Needed::by(&plan),
            lookups: CacheLookups::default(),
        };
        Self { plan, memory, accepted: Vec::new() }
    }

    /// What it was made of.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// What is revoked: takes a list that was fetched.
    pub fn revocations_mut(&mut self) -> &mut Revocations {
        &mut self.memory.revocations
    }

    /// The look-ups since this was asked last.
    pub fn take_cache_lookups(&mut self) -> CacheLookups {
        core::mem::take(&mut self.memory.lookups)
    }

    /// What becomes of a request. `may_wait` is false once its time to wait is over; the answer is then not
    /// [`Decision::Wait`].
    pub fn decide(
        &mut self,
        request: &RequestFacts<'_>,
        environment: &mut dyn Environment,
        now: UnixNanos,
        may_wait: bool,
    ) -> Decision<'_> {
        self.accepted.clear();
        if self.plan.config.bypass_cors_preflight && is_preflight(request) {
            return self.passes(request, &Required::Nothing, true);
        }
        let Some((required, scopes)) = requirement_of(&self.plan, request, environment) else {
            return self.passes(request, &Required::Nothing, false);
        };
        let mut evaluation = Evaluation {
            plan: &self.plan,
            memory: &mut self.memory,
            environment,
            request,
            scopes,
            now,
            may_wait,
            accepted: core::mem::take(&mut self.accepted),
            lacks_scope: None,
        };
        let outcome = evaluation.require(required);
        let Evaluation { accepted, lacks_scope, .. } = evaluation;
        match outcome {
            Ok(()) => {
                self.accepted = accepted;
                self.passes(request, required, false)
            }
            Err(stop) => self.does_not_pass(request, stop, scopes, lacks_scope),
        }
    }

    /// What becomes of a request whose requirement is not met. Apart, so that the code for those that pass lies close
    /// together: what is between them goes through the processor's cache with each request.
    #[cold]
    fn does_not_pass(
        &self,
        request: &RequestFacts<'_>,
        stop: Stop,
        scopes: &[String],
        lacks_scope: Option<usize>,
    ) -> Decision<'_> {
        let reason = match stop {
            Stop::Wait => return Decision::Wait,
            Stop::Undecided(reason) if self.allows_on_error(reason) => {
                return self.passes_in_spite_of(request, reason);
            }
            Stop::Failed(reason) | Stop::Undecided(reason) => reason,
        };
        if self.plan.config.shadow {
            return self.passes_in_spite_of(request, reason);
        }
        let of_provider = lacks_scope.and_then(|index| self.plan.providers.get(index));
        let of_provider = of_provider.map(|provider| provider.config.required_scopes.as_slice());
        let all = scopes.iter().chain(of_provider.unwrap_or_default());
        let scopes = all.map(String::as_str).filter(|_| reason == Reason::InsufficientScope);
        Decision::Refuse(crate::refusal::refusal(reason, scopes, request, &self.plan))
    }
}

/// What is required of a request, and which scopes besides: by the first rule that is about it, or else by a filter
/// state. `None`: nothing.
fn requirement_of<'p>(
    plan: &'p Plan,
    request: &RequestFacts<'_>,
    environment: &mut dyn Environment,
) -> Option<(&'p Required, &'p [String])> {
    if let Some(rule) = plan.rule(request) {
        return Some((&rule.required, &rule.scopes));
    }
    let (name, requires) = plan.by_filter_state.as_ref()?;
    let value = environment.filter_state(name)?;
    let required = requires.get(core::str::from_utf8(&value).ok()?)?;
    Some((required, &[]))
}

/// As Envoy's `isCorsPreflightRequest`.
fn is_preflight(request: &RequestFacts<'_>) -> bool {
    let says = |name: &str| request.headers.first(name).is_some_and(|value| !value.is_empty());
    request.method == b"OPTIONS" && says("origin") && says("access-control-request-method")
}
