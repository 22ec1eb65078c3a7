//! Decisions about requests.

mod admin;
mod admit;
mod results;

use crate::gradient::Limit;
use crate::machine::{Cause, Change, Status};
use crate::plan::{Breaker, Rule};
use crate::record::{self, Header, Record};
use crate::{Decision, Environment, Event, Pass, Plan, Reason, Report, response};
use tollgate_counting::table::Placer;
use tollgate_policy::{AllowedBy, HeaderName, InvalidPath, RequestFacts, UnixNanos};

/// Decides about requests and counts their results.
#[derive(Debug)]
pub struct Policy {
    plan: Plan,
    placer: Placer,
    /// State of a generator of random numbers, for jitter and throttling.
    random: u64,
    /// Limits that this worker saw last, for breakers without a key.
    limits: Vec<u32>,
}

/// Rejection by a breaker.
#[derive(Clone, Copy, Debug)]
struct Denial {
    reason: Reason,
    /// Time until the next probe, in nanoseconds.
    retry_after: Option<u64>,
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
        Self { placer, random, limits: vec![0; plan.breakers.len()], plan }
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
        let Ok(breakers) = self.select(request) else { return self.refuse_path() };
        let mut pass = Pass { remove: self.forged(request), ..Pass::default() };
        for index in breakers {
            let denial = match self.admit(index, request, &mut pass, env, now) {
                Ok(()) => continue,
                Err(denial) => denial,
            };
            if let Some(decision) = self.deny(index, denial, &mut pass, env, now) {
                return decision;
            }
        }
        Decision::Pass(pass)
    }

    /// Decides about a request that cannot be checked: returns why it is allowed, or the response.
    pub fn undecided(&self, reason: Reason) -> Result<AllowedBy<Reason>, crate::Refusal> {
        let allowed = self.plan.enforcement.allows_undecided(reason);
        allowed.ok_or_else(|| response::refusal(&self.plan, None, reason, None))
    }

    /// Returns the breakers for a request. If its path can be read in several ways, these are the breakers
    /// for each of them, because the upstream may use any.
    fn select(&self, request: &RequestFacts<'_>) -> Result<Vec<usize>, InvalidPath> {
        let selected = self.plan.rules.select(request, &self.plan.path_normalization)?;
        let breakers =
            |rule: Option<&Rule>| rule.map_or(&*self.plan.otherwise, |rule| &*rule.breakers).to_vec();
        let mut all = breakers(selected.first);
        for rule in selected.others {
            for index in breakers(rule) {
                if !all.contains(&index) {
                    all.push(index);
                }
            }
        }
        Ok(all)
    }

    #[cold]
    fn refuse_path(&self) -> Decision {
        let reason = Reason::InvalidPath;
        if self.plan.enforcement.shadow {
            let allowed_by = Some(AllowedBy::Shadow(reason));
            return Decision::Pass(Pass { allowed_by, ..Pass::default() });
        }
        Decision::Refuse(response::refusal(&self.plan, None, reason, None))
    }

    /// Returns headers that a client sent to select a fallback cluster itself.
    fn forged(&self, request: &RequestFacts<'_>) -> Vec<HeaderName> {
        self.plan.fallback_headers.iter().filter(|name| request.headers.has(name)).cloned().collect()
    }

    /// Handles a rejection. Returns `None` if the request continues with the next breaker.
    fn deny(
        &mut self,
        index: usize,
        denial: Denial,
        pass: &mut Pass,
        env: &mut dyn Environment,
        now: UnixNanos,
    ) -> Option<Decision> {
        let Denial { reason, retry_after } = denial;
        let breaker = self.plan.breakers.get(index);
        if reason.is_error() {
            env.count(index, Event::Error);
            if let Some(allowed_by) = self.plan.enforcement.allows_undecided(reason) {
                pass.allowed_by.get_or_insert(allowed_by);
                return None;
            }
        } else if self.plan.enforcement.shadow || breaker.is_some_and(|breaker| breaker.shadow) {
            env.count(index, Event::ShadowRejected);
            pass.allowed_by.get_or_insert(AllowedBy::Shadow(reason));
            return None;
        }
        let fallback = breaker.and_then(|breaker| breaker.fallback.clone()).filter(|_| !reason.is_error());
        let event = if fallback.is_some() { Event::Fallback } else { Event::Rejected };
        if !reason.is_error() {
            env.count(index, event);
        }
        // What other breakers admitted does not reach their upstream.
        let ticket = core::mem::take(&mut pass.ticket);
        self.end(ticket, env, now);
        if let Some((name, value)) = fallback {
            let set = vec![(name.as_str().to_owned().into(), value.as_bytes().to_vec())];
            let remove = core::mem::take(&mut pass.remove);
            return Some(Decision::Pass(Pass {
                set,
                remove,
                allowed_by: pass.allowed_by,
                ..Pass::default()
            }));
        }
        let breaker = self.plan.breakers.get(index);
        Some(Decision::Refuse(response::refusal(&self.plan, breaker, reason, retry_after)))
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
        let is_single = self.plan.breakers.get(index).is_some_and(|breaker| breaker.key.is_empty());
        if let Some(seen) = self.limits.get_mut(index).filter(|seen| is_single && **seen != limit.limit) {
            *seen = limit.limit;
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
    let is_there = record::find(page, breaker.layout, record_bytes, tag).is_some();
    if is_there {
        return record::find(page, breaker.layout, record_bytes, tag).map(|record| (record, None));
    }
    record::insert(page, breaker.layout, record_bytes, tag, now)
}
