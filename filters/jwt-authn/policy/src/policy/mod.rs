//! The policy, which decides requests.
//!
//! Requirements form a tree. Its leaves require that the tokens of a provider are valid. Both are evaluated
//! as in Envoy (`source/extensions/filters/http/jwt_authn/verifier.cc`, `authenticator.cc`), but with a third
//! result besides met and failed: undecided. It propagates as in Kleene's logic. So unavailable keys never
//! turn a failure into a success or a success into a failure, and no request waits for a result that is
//! already known.
//!
//! Checks of a token that need no key come first. A token that is malformed, expired or of another issuer is
//! rejected at once, without waiting and without fetching keys. Checks that reveal more of the configuration
//! than Envoy does (claims, scopes, revocation) come after the signature, so that only owners of a signed
//! token see their results.

mod answer;
mod requirement;
#[cfg(test)]
mod tests;
mod token;
mod verified;

use crate::config::CacheConfig;
use crate::plan::{Plan, PlannedRule, Required, Source};
use crate::revocation::Revocations;
use crate::{Decision, Environment, Reason};
use requirement::{Accepted, Evaluation, Stop};
use std::rc::Rc;
use tollgate_jose::KeySet;
use tollgate_jwt_authn_token::cache::{Bounds, TokenCache};
use tollgate_policy::{AllowedBy, RequestFacts, UnixNanos};
use verified::{Needed, Verified};

/// Decides requests. Contains the plan, the token cache and the revocations.
pub struct Policy {
    plan: Plan,
    memory: Memory,
    /// Accepted tokens of the last request. Its [`Pass`](crate::Pass) borrows from them.
    accepted: Vec<Accepted>,
}

/// State that is kept from one request to the next.
struct Memory {
    verified: TokenCache<Rc<Verified>>,
    revocations: Revocations,
    /// Keys in the configuration, by source.
    local: Vec<Option<Rc<KeySet>>>,
    needed: Needed,
    lookups: CacheLookups,
}

/// Number of lookups in the token cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheLookups {
    /// Tokens that were found and needed no verification.
    pub hits: u32,
    /// Tokens that were not found, or whose keys have changed.
    pub misses: u32,
}

impl Policy {
    /// Creates a policy for a checked configuration. `seed` makes hashes unpredictable.
    pub fn new(plan: Plan, seed: [u8; 16]) -> Self {
        let local = plan.sources.iter().map(|source| match source {
            Source::Local(keys) => Some(Rc::new(keys.clone())),
            Source::Remote(_) => None,
        });
        let skews = plan.providers.iter().map(|provider| provider.config.clock_skew_seconds.0);
        let skew = skews.max().unwrap_or_default().into();
        let CacheConfig { jwt_cache_size, jwt_max_token_size } = plan.config.jwt_cache_config;
        let memory = Memory {
            verified: TokenCache::new(Bounds::new(jwt_cache_size, jwt_max_token_size), seed),
            revocations: Revocations::from_config(&plan.config.revocation, skew, seed),
            local: local.collect(),
            needed: Needed::for_plan(&plan),
            lookups: CacheLookups::default(),
        };
        Self { plan, memory, accepted: Vec::new() }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Returns the revocations, to replace the fetched list.
    pub fn revocations_mut(&mut self) -> &mut Revocations {
        &mut self.memory.revocations
    }

    /// Returns the cache lookups since the last call.
    pub fn take_cache_lookups(&mut self) -> CacheLookups {
        core::mem::take(&mut self.memory.lookups)
    }

    /// Decides a request. `may_wait` is `false` once its time to wait is over; the decision is then not
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
        if let Some(resource) = self.plan.resource_of_metadata(request) {
            return Decision::Metadata(&resource.metadata);
        }
        let (required, scopes) = match requirement_of(&self.plan, request, environment) {
            Ok(Some(requirement)) => requirement,
            Ok(None) => return self.passes(request, &Required::Nothing, false),
            Err(reason @ (Reason::InvalidPath | Reason::AmbiguousPath)) => {
                return self.does_not_pass(request, Stop::Failed(reason), &[], None);
            }
            // As after any failed host call, neither shadow mode nor `on_error` applies.
            Err(reason) => {
                let no_scopes = core::iter::empty();
                return Decision::Refuse(crate::refusal::refusal(reason, no_scopes, request, &self.plan));
            }
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

    /// Decides a request whose requirement is not met. This is a separate function, to keep the code for
    /// allowed requests compact: all of that code goes through the processor's cache with each request.
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
                return self.allows_anyway(request, AllowedBy::FailureMode(reason));
            }
            Stop::Failed(reason) | Stop::Undecided(reason) => reason,
        };
        if self.plan.config.enforcement.shadow {
            return self.allows_anyway(request, AllowedBy::Shadow(reason));
        }
        let of_provider = lacks_scope.and_then(|index| self.plan.providers.get(index));
        let of_provider = of_provider.map(|provider| provider.config.required_scopes.as_slice());
        let all = scopes.iter().chain(of_provider.unwrap_or_default());
        let scopes = all.map(String::as_str).filter(|_| reason == Reason::InsufficientScope);
        Decision::Refuse(crate::refusal::refusal(reason, scopes, request, &self.plan))
    }
}

/// A requirement, and the scopes that the rule requires in addition.
type RequiredOfRule<'p> = (&'p Required, &'p [String]);

/// Returns the requirement of a request, from the first rule that matches, or else from a filter state.
/// `None` if there is no requirement, as for a value without one.
fn requirement_of<'p>(
    plan: &'p Plan,
    request: &RequestFacts<'_>,
    environment: &mut dyn Environment,
) -> Result<Option<RequiredOfRule<'p>>, Reason> {
    let selected = plan.select(request).map_err(|_| Reason::InvalidPath)?;
    let first = requirement_of_rule(plan, selected.first, environment)?;
    if selected.others.is_empty() { Ok(first) } else { strictest(plan, first, &selected.others, environment) }
}

#[inline]
fn requirement_of_rule<'p>(
    plan: &'p Plan,
    rule: Option<&'p PlannedRule>,
    environment: &mut dyn Environment,
) -> Result<Option<RequiredOfRule<'p>>, Reason> {
    if let Some(rule) = rule {
        return Ok(Some((&rule.required, &rule.scopes)));
    }
    let Some((name, requires)) = &plan.by_filter_state else { return Ok(None) };
    let value = environment.filter_state(name)?;
    let required = value.and_then(|value| requires.get(core::str::from_utf8(&value).ok()?));
    Ok(required.map(|required| (required, &[][..])))
}

/// Returns the only requirement of the readings of a path. The upstream may use any of the readings, so a
/// reading without a requirement does not matter, and two different requirements are an error.
#[cold]
#[inline(never)]
fn strictest<'p>(
    plan: &'p Plan,
    first: Option<RequiredOfRule<'p>>,
    others: &[Option<&'p PlannedRule>],
    environment: &mut dyn Environment,
) -> Result<Option<RequiredOfRule<'p>>, Reason> {
    let is_something = |found: &RequiredOfRule<'_>| !matches!(found.0, Required::Nothing);
    let mut strictest = first.filter(is_something);
    for rule in others {
        let Some(next) = requirement_of_rule(plan, *rule, environment)?.filter(is_something) else {
            continue;
        };
        if strictest.is_some_and(|known| known != next) {
            return Err(Reason::AmbiguousPath);
        }
        strictest = Some(next);
    }
    Ok(strictest)
}

/// Whether this is a CORS preflight request, as in Envoy's `isCorsPreflightRequest`.
fn is_preflight(request: &RequestFacts<'_>) -> bool {
    let says = |name: &str| request.headers.first(name).is_some_and(|value| !value.is_empty());
    request.method == b"OPTIONS" && says("origin") && says("access-control-request-method")
}
