//! Decisions about requests.

mod admin;
mod admit;
mod results;

use crate::gradient::Limit;
use crate::key::{Part, property};
use crate::machine::{Cause, Change, Status};
use crate::plan::{Breaker, Rule};
use crate::record::{self, Header, Record};
use crate::{Decision, Environment, Event, Pass, Plan, Reason, Refusal, Report, response};
use std::rc::Rc;
use tollgate_counting::table::{Place, Placer};
use tollgate_policy::{AllowedBy, HeaderName, InvalidPath, RequestFacts, UnixNanos};

/// Decides about requests and counts their results.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    placer: Placer,
    /// State of a generator of random numbers, for jitter and throttling.
    random: u64,
    /// Facts about each breaker without a key.
    kept: Vec<Option<Kept>>,
}

/// Facts about a breaker without a key, which has one state.
#[derive(Clone, Copy, Debug)]
struct Kept {
    /// Place of its state.
    place: Place,
    /// Limit that the worker saw last.
    limit: u32,
}

/// Rejection by a breaker.
#[derive(Clone, Copy, Debug)]
struct Denial {
    reason: Reason,
    /// Time until the next probe, in nanoseconds.
    retry_after: Option<u64>,
}

/// Effect of a rejection by a breaker.
enum Denied {
    /// The request continues with the next breaker.
    Allowed,
    /// The request goes to the fallback cluster, unless another breaker rejects it.
    Fallback,
    /// The request is rejected.
    Rejected,
}

impl Denial {
    fn new(reason: Reason) -> Self {
        Self { reason, retry_after: None }
    }
}

impl Policy {
    /// Returns a policy for a plan. `seed` is random and shared by all workers of the Envoy; `random` differs
    /// between workers.
    pub fn new(plan: Plan, seed: [u8; 16], random: u64) -> Self {
        let placer = Placer::new(seed, plan.pages);
        let keep = |breaker: &Breaker| {
            let place = placer.key(breaker.key_fingerprint).place();
            breaker.key.is_empty().then_some(Kept { place, limit: 0 })
        };
        Self { placer, random, kept: plan.breakers.iter().map(keep).collect(), plan }
    }

    /// Returns the plan.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Decides about a request.
    pub fn decide(
        &mut self,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Decision {
        if let Some(reply) = self.answer_operator(request, env, now) {
            return Decision::Refuse(reply);
        }
        let mut pass = Pass { forged: self.forged(request), ..Pass::default() };
        let Ok(breakers) = self.select(request) else { return self.refuse(Reason::InvalidPath, pass) };
        if !pass.forged.is_empty() && breakers.iter().any(|index| self.depends_on_route(*index)) {
            return self.refuse(Reason::ForgedHeader, pass);
        }
        pass.ticket.admissions.reserve_exact(breakers.len());
        let mut fallbacks = Vec::new();
        for index in breakers.iter().copied() {
            let Err(denial) = self.admit(index, request, &mut pass, env, now) else { continue };
            match self.deny(index, &denial, &mut pass, env) {
                Denied::Allowed => {}
                Denied::Fallback => fallbacks.push(index),
                Denied::Rejected => {
                    fallbacks.iter().for_each(|index| env.count(*index, Event::Rejected));
                    self.cancel(pass.ticket, env, now);
                    let breaker = self.plan.breakers.get(index);
                    let Denial { reason, retry_after } = denial;
                    return Decision::Refuse(response::refusal(&self.plan, breaker, reason, retry_after));
                }
            }
        }
        if let Some(first) = fallbacks.first() {
            pass.fallback = self.plan.breakers.get(*first).and_then(|breaker| breaker.fallback.clone());
            fallbacks.iter().for_each(|index| env.count(*index, Event::Fallback));
            // The request does not reach the upstream of the breakers that admitted it.
            self.cancel(core::mem::take(&mut pass.ticket), env, now);
        }
        for probe in pass.ticket.admissions.iter().filter(|admission| admission.probe) {
            env.count(probe.breaker, Event::Probe);
        }
        Decision::Pass(pass)
    }

    /// Decides about a request that cannot be checked, because a host call failed: returns why it is allowed,
    /// or the response.
    pub fn undecided(&self) -> Result<AllowedBy<Reason>, Refusal> {
        let reason = Reason::HostError;
        let refusal = || response::refusal(&self.plan, None, reason, None);
        self.plan.enforcement.allows_undecided(reason).ok_or_else(refusal)
    }

    /// Returns the breakers for a request. If its path can be read in several ways, these are the breakers
    /// for each of them, because the upstream may use any.
    fn select(&self, request: &RequestFacts<'_>) -> Result<Rc<[usize]>, InvalidPath> {
        let selected = self.plan.rules.select(request, &self.plan.path_normalization)?;
        let breakers = |rule: Option<&Rule>| rule.map_or(&self.plan.otherwise, |rule| &rule.breakers).clone();
        let first = breakers(selected.first);
        if selected.others.is_empty() {
            return Ok(first);
        }
        let mut all = first.to_vec();
        for rule in selected.others {
            all.extend(breakers(rule).iter().filter(|index| !all.contains(index)).collect::<Vec<_>>());
        }
        Ok(all.into())
    }

    #[cold]
    fn refuse(&self, reason: Reason, pass: Pass) -> Decision {
        if self.plan.enforcement.shadow {
            return Decision::Pass(Pass { allowed_by: Some(AllowedBy::Shadow(reason)), ..pass });
        }
        Decision::Refuse(response::refusal(&self.plan, None, reason, None))
    }

    /// Returns headers that a client sent to select a fallback cluster itself.
    fn forged(&self, request: &RequestFacts<'_>) -> Vec<HeaderName> {
        self.plan.fallback_headers.iter().filter(|name| request.headers.has(name)).cloned().collect()
    }

    /// Returns whether the key of a breaker contains the cluster or the route. A header that a client forged
    /// has selected them, and removing it has no effect on these attributes within a callback.
    fn depends_on_route(&self, index: usize) -> bool {
        let is_route = |part: &Part| matches!(part, Part::Property(path) if [property::CLUSTER, property::ROUTE].contains(&path.as_str()));
        self.plan.breakers.get(index).is_some_and(|breaker| breaker.key.iter().any(is_route))
    }

    /// Handles a rejection by a breaker.
    fn deny(
        &self,
        index: usize,
        &Denial { reason, .. }: &Denial,
        pass: &mut Pass,
        env: &mut dyn Environment,
    ) -> Denied {
        let breaker = self.plan.breakers.get(index);
        if reason.is_error() {
            env.count(index, Event::Error);
            if let Some(allowed_by) = self.plan.enforcement.allows_undecided(reason) {
                pass.allowed_by.get_or_insert(allowed_by);
                return Denied::Allowed;
            }
            return Denied::Rejected;
        }
        if self.plan.enforcement.shadow || breaker.is_some_and(|breaker| breaker.shadow) {
            env.count(index, Event::ShadowRejected);
            pass.allowed_by.get_or_insert(AllowedBy::Shadow(reason));
            return Denied::Allowed;
        }
        if breaker.is_some_and(|breaker| breaker.fallback.is_some()) {
            return Denied::Fallback;
        }
        env.count(index, Event::Rejected);
        Denied::Rejected
    }

    /// Reports state changes, and an eviction.
    fn report(
        &self,
        index: usize,
        key: &str,
        changes: &[Change],
        evicted: Option<Header>,
        env: &mut dyn Environment,
    ) {
        if let Some(header) = evicted {
            env.count(index, Event::Evicted);
            let owner = usize::from(header.breaker);
            let from = Status::new(&header);
            let of = self.plan.breakers.get(owner).filter(|of| of.numbers.fingerprint == header.fingerprint);
            if let (Some(of), true) = (of, from != Status::Closed) {
                let change = Change::new(from, Status::Closed, Cause::Evicted);
                env.changed(&Report { breaker: owner, name: &of.name, key: "", change });
            }
        }
        let Some(breaker) = self.plan.breakers.get(index) else { return };
        for change in changes {
            let event = match change.to {
                Status::Closed | Status::ForcedClosed => Event::Closed,
                Status::Open | Status::ForcedOpen => Event::Opened,
                Status::HalfOpen => Event::HalfOpened,
            };
            env.count(index, event);
            env.changed(&Report { breaker: index, name: &breaker.name, key, change: *change });
        }
    }

    /// Shows a limit that this worker has not seen yet.
    fn show(&mut self, index: usize, limit: &Limit, env: &mut dyn Environment) {
        if let Some(Some(kept)) = self.kept.get_mut(index)
            && kept.limit != limit.limit
        {
            kept.limit = limit.limit;
            env.limited(index, limit);
        }
    }

    /// Returns a random number (SplitMix64). No secret depends on it.
    fn draw(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

/// Finds the record of a key, or adds one.
fn find_or_insert<'p>(
    breaker: &Breaker,
    page: &'p mut [u8],
    record_bytes: usize,
    tag: u64,
    now: UnixNanos,
) -> Option<(Record<'p>, Option<Header>)> {
    match record::position(page, record_bytes, tag) {
        Some(begin) => Some((Record::new(page.get_mut(begin..)?, breaker.layout)?, None)),
        None => record::insert(page, breaker.layout, record_bytes, tag, now),
    }
}
