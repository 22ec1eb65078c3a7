//! The decision about a request.

use super::{Environment, Policy, RequestDecision, Stream, forget};
use crate::config::{Deadline, Hedge};
use crate::duration::{MILLISECOND, write_grpc_timeout};
use crate::plan::PlannedRule;
use crate::safe::is_grpc;
use crate::steer::{self, MAX_RETRIES, Steering};
use crate::{Event, Events, Kept, Plan, Reason};
use std::borrow::Cow;
use tollgate_policy::{HeaderEdit, HeaderName, Refusal, RequestFacts, UnixNanos, header_name};

const GRPC_TIMEOUT: &HeaderName = &header_name!("grpc-timeout");

/// Status for gRPC clients whose deadline has passed: `DEADLINE_EXCEEDED`.
const DEADLINE_EXCEEDED: u8 = 4;

impl Policy {
    /// Decides about a request. `ended` is whether it has no body.
    pub fn on_request(
        &mut self,
        facts: &RequestFacts<'_>,
        ended: bool,
        env: &mut impl Environment,
    ) -> RequestDecision<'_> {
        let mut events = Events::new();
        let now = env.now();
        let mut stream = Stream { sent_at: now.0, ..Stream::default() };
        let mut kept = None;
        let (mut edits, refusal) = match self.plan.rules.select(facts, &self.plan.config.path_normalization) {
            Ok(selected) if selected.others.is_empty() => match selected.first {
                Some(rule) => {
                    let (edits, refusal) = self.plan.apply(rule, facts, env, now, (&mut stream, &mut events));
                    let replays = rule.rule.replay.is_some() && stream.max_body.is_some();
                    if replays && refusal.is_none() && !self.plan.config.shadow {
                        kept = Kept::new(facts);
                    }
                    (edits, refusal)
                }
                None => (Vec::new(), None),
            },
            // The retry policy of the route must not apply either.
            _ => {
                events.push(Event::AmbiguousPath);
                (vec![once()], None)
            }
        };
        if let Some(mut kept) = kept {
            kept.is_complete = ended;
            self.kept_bytes = self.kept_bytes.saturating_add(kept.size());
            stream.kept = Some(Box::new(kept));
            if self.kept_bytes > self.plan.config.max_kept_bytes as usize {
                forget(&mut self.kept_bytes, &mut stream);
                events.push(Event::MemoryExhausted);
            }
        }
        if steer::any(facts.headers) && steer::remove(&mut edits, facts.headers) {
            events.push(Event::ClientHeadersRemoved);
        }
        if self.plan.config.shadow {
            return RequestDecision { edits: Vec::new(), refusal: None, stream, events };
        }
        RequestDecision { edits, refusal, stream, events }
    }

    /// Receives a part of the request body.
    pub fn on_request_body(
        &mut self,
        stream: &mut Stream,
        size: usize,
        ended: bool,
        part: impl FnOnce() -> Option<Vec<u8>>,
    ) -> Events {
        let mut events = Events::new();
        let Some(max) = stream.max_body else { return events };
        stream.seen = stream.seen.saturating_add(size as u64);
        if stream.seen > max {
            stream.max_body = None;
            self.end(stream);
            events.push(Event::BodyTooLarge);
            return events;
        }
        let Some(kept) = &mut stream.kept else { return events };
        kept.is_complete = ended;
        if size == 0 {
            return events;
        }
        let part = part();
        let is_room = self.kept_bytes.saturating_add(size) <= self.plan.config.max_kept_bytes as usize;
        match part {
            Some(part) if is_room => {
                self.kept_bytes = self.kept_bytes.saturating_add(part.len());
                kept.body.extend_from_slice(&part);
            }
            part => {
                events.push(if part.is_some() { Event::MemoryExhausted } else { Event::HostError });
                self.end(stream);
            }
        }
        events
    }

    /// Returns the nanoseconds after which a second attempt is made, if no response has arrived.
    pub fn hedge_delay(&self, stream: &Stream) -> Option<u64> {
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
        facts: &RequestFacts<'_>,
        env: &mut impl Environment,
        now: UnixNanos,
        (stream, events): (&mut Stream, &mut Events),
    ) -> (Vec<HeaderEdit<'p>>, Option<Refusal<Reason>>) {
        let mut edits = Vec::new();
        stream.rule = Some(rule.index);
        stream.is_grpc = is_grpc(facts);
        if let Some(deadline) = &rule.rule.deadline {
            let received_at = env.received_at().map_or(now, |at| at.min(now));
            let asked = deadline.asked(facts.headers, stream.is_grpc, received_at);
            if asked.is_invalid {
                events.push(Event::DeadlineInvalid);
            }
            stream.deadline = deadline.at(asked.time, received_at);
        }
        let remaining = stream.deadline.map(|deadline| deadline.saturating_sub(now.0));
        if remaining.is_some_and(|remaining| remaining < MILLISECOND) {
            events.push(Event::DeadlineExceeded);
            return (edits, Some(too_late()));
        }
        let mut steering = Steering::new(rule, remaining);
        if steer::caps(self.config.client_headers, steer::any(facts.headers)) {
            steering.cap(facts.headers);
        }
        steering.retries = self.retries(rule, facts, steering.retries, env, now, (stream, events));
        // The number of retries is first: if a later edit fails, the request is not sent too often.
        steering.edit(&mut edits, rule);
        if let (Some(deadline), Some(remaining)) = (&rule.rule.deadline, remaining) {
            edits.extend(forward(deadline, stream.is_grpc, remaining, now));
        }
        (edits, None)
    }

    /// Returns how many retries the router may make.
    fn retries(
        &self,
        rule: &PlannedRule,
        facts: &RequestFacts<'_>,
        wanted: u32,
        env: &mut impl Environment,
        now: UnixNanos,
        (stream, events): (&mut Stream, &mut Events),
    ) -> u32 {
        let safe = &rule.rule.safe;
        if !safe.allows(facts, stream.is_grpc) {
            events.push(Event::NotSafe);
            return 0;
        }
        if safe.announces_too_much(facts) {
            events.push(Event::BodyTooLarge);
            return 0;
        }
        stream.max_body = Some(safe.max_request_bytes.into());
        if wanted == 0 && rule.rule.replay.is_none() {
            return 0;
        }
        stream.reserved = self.reserve(rule.index, env, now, (1, wanted), events);
        if stream.reserved.retries > 0 {
            events.push(Event::Steered);
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
    kept: &mut Kept,
    deadline: &Deadline,
    is_grpc: bool,
    remaining: u64,
    now: UnixNanos,
) {
    for edit in forward(deadline, is_grpc, remaining, now) {
        if let Some(value) = edit.value() {
            kept.set(edit.name().as_str(), String::from_utf8_lossy(value).into_owned());
        }
    }
}
