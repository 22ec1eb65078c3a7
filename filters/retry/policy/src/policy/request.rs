//! The decision about a request.

use super::{Policy, RequestDecision, Stream, forget};
use crate::config::{ClientHeaders, Deadline, Hedge};
use crate::duration::{MILLISECOND, write_grpc_timeout};
use crate::plan::PlannedRule;
use crate::safe::Seen;
use crate::steer::{self, MAX_RETRIES, Steering};
use crate::{Environment, Event, Plan, Reason, environment, kept};
use std::borrow::Cow;
use tollgate_policy::replay::Request;
use tollgate_policy::{HeaderEdit, HeaderName, Refusal, RequestFacts, UnixNanos, header_name};

const GRPC_TIMEOUT: &HeaderName = &header_name!("grpc-timeout");

/// Status for gRPC clients whose deadline has passed: `DEADLINE_EXCEEDED`.
const DEADLINE_EXCEEDED: u8 = 4;

impl Policy {
    /// Decides about the request of a new stream. `ended` is whether it has no body.
    pub fn on_request(
        &mut self,
        stream: &mut Stream,
        facts: &RequestFacts<'_>,
        ended: bool,
        env: &mut impl Environment,
    ) -> RequestDecision<'_> {
        let seen = Seen::new(facts.headers);
        let (mut edits, mut refusal) = (Vec::new(), None);
        let selected = self.plan.rules.select(facts, &self.plan.config.path_normalization);
        let rule = selected.ok().filter(|selected| selected.others.is_empty()).map(|selected| selected.first);
        match rule {
            Some(None) => {}
            Some(Some(rule)) => match environment::now(env) {
                Some(now) => {
                    (edits, refusal) = self.plan.apply(rule, (facts, &seen), now, stream, env);
                    let is_sent = refusal.is_none() && !self.plan.config.shadow;
                    if is_sent && rule.rule.replay.is_some() && stream.max_body.is_some() {
                        stream.kept = kept::copy(facts).map(Box::new);
                    }
                }
                // The budget needs the time.
                None => edits.push(once()),
            },
            // The retry policy of the route must not apply either.
            None => {
                env.count(Event::AmbiguousPath);
                edits.push(once());
            }
        }
        if let Some(kept) = &stream.kept {
            stream.is_complete = ended;
            self.kept_bytes = self.kept_bytes.saturating_add(kept::request_size(kept));
            if self.kept_bytes > self.plan.config.max_kept_bytes as usize {
                forget(&mut self.kept_bytes, stream);
                env.count(Event::MemoryExhausted);
            }
        }
        if seen.has_controls && steer::remove(&mut edits, facts.headers) {
            env.count(Event::ClientHeadersRemoved);
        }
        if self.plan.config.shadow {
            (edits, refusal) = (Vec::new(), None);
        }
        RequestDecision { edits, refusal, hedge_delay: self.hedge_delay(stream) }
    }

    /// Receives a part of the request body.
    pub fn on_request_body(
        &mut self,
        stream: &mut Stream,
        (size, ended): (usize, bool),
        part: impl FnOnce() -> Option<Vec<u8>>,
        env: &mut impl Environment,
    ) {
        let Some(max) = stream.max_body else { return };
        stream.seen = stream.seen.saturating_add(size as u64);
        if stream.seen > max {
            stream.max_body = None;
            forget(&mut self.kept_bytes, stream);
            return env.count(Event::BodyTooLarge);
        }
        let Some(kept) = &mut stream.kept else { return };
        stream.is_complete = ended;
        if size == 0 {
            return;
        }
        let is_room = self.kept_bytes.saturating_add(size) <= self.plan.config.max_kept_bytes as usize;
        match part() {
            Some(part) if is_room => {
                self.kept_bytes = self.kept_bytes.saturating_add(part.len());
                kept.body.extend_from_slice(&part);
            }
            part => {
                env.count(if part.is_some() { Event::MemoryExhausted } else { Event::HostError });
                forget(&mut self.kept_bytes, stream);
            }
        }
    }

    /// Returns the nanoseconds after which a second attempt is made, if no response has arrived.
    fn hedge_delay(&self, stream: &Stream) -> Option<u64> {
        if stream.is_grpc || stream.kept.is_none() {
            return None;
        }
        match self.replay(stream)?.hedge.as_ref()? {
            Hedge::Delay(delay) => Some(delay.as_nanos()),
            Hedge::Percentile(percentile) => {
                let latency = self.latencies.get(stream.rule? as usize)?;
                let is_known = latency.total() >= percentile.min_samples.into();
                let delay = latency.percentile(percentile.percent.per_million());
                is_known.then(|| delay.max(percentile.min_delay.as_nanos()))
            }
        }
    }
}

impl Plan {
    /// Applies the rule that matches.
    fn apply<'p>(
        &'p self,
        rule: &'p PlannedRule,
        (facts, seen): (&RequestFacts<'_>, &Seen<'_>),
        now: UnixNanos,
        stream: &mut Stream,
        env: &mut impl Environment,
    ) -> (Vec<HeaderEdit<'p>>, Option<Refusal<Reason>>) {
        (stream.rule, stream.sent_at) = (Some(rule.index), now.0);
        stream.is_grpc = seen.is_grpc();
        if let Some(deadline) = &rule.rule.deadline {
            let received_at = environment::received_at(env).map_or(now, |at| at.min(now));
            let asked = deadline.asked(facts.headers, stream.is_grpc, received_at);
            if asked.is_invalid {
                env.count(Event::DeadlineInvalid);
            }
            stream.deadline = deadline.at(asked.time, received_at);
        }
        let remaining = stream.deadline.map(|deadline| deadline.saturating_sub(now.0));
        if remaining.is_some_and(|remaining| remaining < MILLISECOND) {
            env.count(Event::DeadlineExceeded);
            return (Vec::new(), Some(too_late()));
        }
        let mut steering = Steering::new(rule, remaining);
        if seen.has_controls && self.config.client_headers == ClientHeaders::Cap {
            steering.cap(facts.headers);
        }
        steering.retries = self.retries(rule, (facts, seen), steering.retries, now, stream, env);
        let mut edits = steering.edits();
        if let (Some(deadline), Some(remaining)) = (&rule.rule.deadline, remaining) {
            edits.extend(forward(deadline, stream.is_grpc, remaining, now));
        }
        (edits, None)
    }

    /// Returns how many retries the router may make.
    fn retries(
        &self,
        rule: &PlannedRule,
        (facts, seen): (&RequestFacts<'_>, &Seen<'_>),
        wanted: u32,
        now: UnixNanos,
        stream: &mut Stream,
        env: &mut impl Environment,
    ) -> u32 {
        let safe = &rule.rule.safe;
        if !safe.allows(facts, stream.is_grpc) {
            env.count(Event::NotSafe);
            return 0;
        }
        if safe.announces_too_much(seen) {
            env.count(Event::BodyTooLarge);
            return 0;
        }
        stream.max_body = Some(safe.max_request_bytes.into());
        if wanted == 0 && rule.rule.replay.is_none() {
            return 0;
        }
        stream.reserved = self.reserve(rule.index, now, (1, wanted), env);
        if stream.reserved.retries > 0 {
            env.count(Event::Steered);
        }
        stream.reserved.retries
    }
}

fn once<'p>() -> HeaderEdit<'p> {
    HeaderEdit::Set(MAX_RETRIES, Cow::Borrowed(b"0"))
}

/// Returns the edits that forward a deadline.
fn forward<'p>(
    deadline: &'p Deadline,
    is_grpc: bool,
    remaining: u64,
    now: UnixNanos,
) -> impl Iterator<Item = HeaderEdit<'p>> {
    let set = |name, value: String| HeaderEdit::Set(name, Cow::Owned(value.into_bytes()));
    let grpc = (is_grpc && deadline.grpc_timeout).then(|| set(GRPC_TIMEOUT, write_grpc_timeout(remaining)));
    let header = deadline.header.as_ref();
    let header = header.map(|header| set(header.name.name(), header.format.write(remaining, now)));
    grpc.into_iter().chain(header)
}

fn too_late() -> Refusal<Reason> {
    Refusal {
        reason: Reason::DeadlineExceeded,
        status: 504,
        grpc_status: DEADLINE_EXCEEDED,
        headers: Vec::new(),
        body: b"deadline exceeded".to_vec(),
    }
}

/// The headers of a repeated request that contain the remaining time.
pub(super) fn set_deadline(
    kept: &mut Request,
    deadline: &Deadline,
    is_grpc: bool,
    remaining: u64,
    now: UnixNanos,
) {
    for edit in forward(deadline, is_grpc, remaining, now) {
        if let Some(value) = edit.value() {
            kept::set(&mut kept.headers, edit.name().as_str(), value);
        }
    }
}
