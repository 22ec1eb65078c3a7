//! The decisions about a response, and the replays that follow.

use super::request::set_deadline;
use super::{Environment, Policy, Stream, take_latest};
use crate::config::{Deadline, Fallback};
use crate::replay::{Next, grpc_status, is_more_than_one_message};
use crate::safe::has_grpc_type;
use crate::{
    Blocked, Event, Events, Head, Kept, Outcome, Reason, Replacement, RetryReason, Step, Target, Wait,
};
use tollgate_counting::SharedMemory as _;
use tollgate_policy::{HeaderName, Headers};

impl Policy {
    /// Whether [`settle`](Self::settle) needs the number of attempts of the router.
    pub fn needs_attempts(&self, stream: &Stream) -> bool {
        let is_shown = self.plan.config.attempts_header.is_some() && !self.plan.config.shadow;
        !stream.is_settled
            && stream.rule.is_some()
            && (stream.reserved.retries > 0 || is_shown || stream.kept.is_some())
    }

    /// Gives back the retries that the router did not make: after response headers, it makes no more. Returns
    /// how many it made. Without the number of attempts, all that were reserved count as made, and the
    /// response is not replayed: it may be that of a later filter, which a callout would bypass.
    pub fn settle(&self, stream: &mut Stream, attempts: Option<u64>, env: &mut impl Environment) -> u32 {
        stream.is_settled = true;
        stream.is_sent = is_sent(attempts);
        let reserved = core::mem::take(&mut stream.reserved);
        let made = attempts.map(|attempts| u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
        stream.sent = made.unwrap_or(0).saturating_add(1);
        if let Some(rule) = stream.rule
            && let Some(unused) = made.and_then(|made| reserved.retries.checked_sub(made))
            && unused > 0
        {
            // A refund that fails makes the budget smaller until its window has passed.
            let _ = env.memory().page(rule, &mut |page| self.plan.budget.refund(page, reserved, unused));
        }
        made.unwrap_or(0)
    }

    /// Notes that the router sent the response itself, because the cluster has no healthy host. No later
    /// filter rejected the request, so another cluster may answer it.
    pub fn answered_by_router(&self, stream: &mut Stream) {
        stream.is_sent = true;
    }

    /// Whether [`respond`](Self::respond) must see the response.
    pub fn needs_response(&self, stream: &Stream) -> bool {
        stream.kept.is_some() || stream.sent > 1
    }

    /// Returns the header with the number of attempts.
    pub fn attempts_header(&self, stream: &Stream) -> Option<(&HeaderName, String)> {
        let name = self.plan.config.attempts_header.as_ref()?.name();
        let is_shown = stream.rule.is_some() && !self.plan.config.shadow;
        is_shown.then(|| (name, self.attempts(stream).to_string()))
    }

    /// Returns the number of attempts of the router and of the filter.
    pub(crate) fn attempts(&self, stream: &Stream) -> u32 {
        let callouts = stream.attempts.retries + u32::from(stream.attempts.fell_back);
        stream.sent.max(1).saturating_add(callouts)
    }

    /// Decides about the headers of a response. `ended` is whether it has no body. Returns `None` if the
    /// headers pass; see [`Stream::wait`] for what follows them.
    pub fn respond(
        &mut self,
        stream: &mut Stream,
        head: Head<'_>,
        ended: bool,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Option<Step> {
        // A response that is not gRPC has no trailers, which could contain the status of another.
        stream.ended = ended || (stream.is_grpc && !has_grpc_type(head.headers));
        stream.is_settled = true;
        let is_complete = is_complete(stream);
        let replay = self.replay(stream).filter(|_| is_complete && stream.is_sent);
        if let Some(reason) = replay.and_then(|replay| replay.reason(head, None)) {
            let retry_after = head.headers.first("retry-after");
            return Some(self.fail(stream, reason, retry_after, env, events));
        }
        stream.wait =
            replay.map_or(Wait::Nothing, |replay| replay.waits_for(head, stream.is_grpc, stream.ended));
        if stream.sent > 1 && is_success(head) {
            events.push(Event::SucceededAfterRetry);
        }
        self.record(stream, env);
        if stream.wait == Wait::Nothing {
            self.end(stream);
        }
        None
    }

    /// Returns whether a part of a body can be held: `size` bytes that begin with `start`. Otherwise the
    /// response passes.
    pub fn hold(&mut self, stream: &mut Stream, size: usize, start: &[u8], events: &mut Events) -> bool {
        let max = self.replay(stream).map_or(0, |replay| replay.max_response_bytes as usize);
        let streams = stream.wait == Wait::Trailers && is_more_than_one_message(start, size);
        if size <= max && !streams {
            return true;
        }
        stream.wait = Wait::Nothing;
        self.end(stream);
        if !streams {
            events.push(Event::ResponseTooLarge);
        }
        false
    }

    /// Returns the nanoseconds after which a message that is held must be [released](Self::release), the
    /// first time that this is called for a stream.
    pub fn hold_time(&self, stream: &mut Stream) -> Option<u64> {
        if stream.wait != Wait::Trailers || core::mem::replace(&mut stream.has_hold_timer, true) {
            return None;
        }
        Some(self.replay(stream)?.max_hold.as_nanos())
    }

    /// Returns whether a message is held that waits for its trailers, and lets it pass.
    pub fn release(&mut self, stream: &mut Stream, events: &mut Events) -> bool {
        if stream.wait != Wait::Trailers || stream.has_rest {
            return false;
        }
        stream.wait = Wait::Nothing;
        self.end(stream);
        events.push(Event::HeldTooLong);
        true
    }

    /// Decides about the body and the trailers of a response, after its headers. Returns `None` if they pass.
    /// `body` is `None` if the host holds no part of it: then nothing can replace it.
    pub fn respond_rest(
        &mut self,
        stream: &mut Stream,
        (trailers, retry_after): (Headers<'_>, Option<&[u8]>),
        body: Option<&[u8]>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Option<Step> {
        stream.has_rest = true;
        let reason = self.replay(stream)?.reason_of_rest(trailers, body.unwrap_or_default());
        match (reason, body) {
            (Some(reason), Some(_)) => {
                stream.ended = false;
                return Some(self.fail(stream, reason, retry_after, env, events));
            }
            (Some(_), None) => events.push(Event::Undeliverable),
            (None, _) => {}
        }
        stream.wait = Wait::Nothing;
        self.end(stream);
        None
    }

    /// Decides about the outcome of a callout.
    pub fn after(
        &mut self,
        stream: &mut Stream,
        outcome: Outcome<'_>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Step {
        match outcome {
            Outcome::Response(head, body) => {
                let reason = self.replay(stream).and_then(|replay| replay.reason(head, Some(body)));
                take_latest(&mut self.kept_bytes, stream);
                let latest = Replacement::new(head, body);
                self.kept_bytes = self.kept_bytes.saturating_add(latest.size());
                stream.latest = Some(latest);
                if let Some(reason) = reason {
                    let step = self.next(stream, reason, head.headers.first("retry-after"), env, events);
                    // Without room, the client receives the response before this one, if all others fail.
                    if self.kept_bytes > self.plan.config.max_kept_bytes as usize
                        && take_latest(&mut self.kept_bytes, stream).is_some()
                    {
                        events.push(Event::MemoryExhausted);
                    }
                    return step;
                }
                if is_success(head) {
                    events.push(Event::SucceededAfterRetry);
                }
            }
            Outcome::Failed(reason) => return self.next(stream, reason, None, env, events),
            Outcome::TooLarge => {
                events.push(Event::ResponseTooLarge);
                return self.deliver_fallback(stream, events);
            }
        }
        self.deliver_latest(stream)
    }

    /// Begins a second attempt, unless a response has arrived, or the router has not sent the first one:
    /// `attempts` is their number. It is one of the retries.
    pub fn hedge(
        &self,
        stream: &mut Stream,
        attempts: Option<u64>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Option<Step> {
        let is_late = stream.is_settled || core::mem::replace(&mut stream.is_hedged, true);
        if is_late || !is_complete(stream) || !is_sent(attempts) {
            return None;
        }
        let before = stream.attempts;
        let (next, _) = self.plan_next(stream, None, env, events)?;
        let Next::Call { timeout, target: Target::Same, .. } = next else {
            stream.attempts = before;
            return None;
        };
        stream.is_hedge_pending = true;
        Some(Step::Call { reason: RetryReason::Hedge, delay: 0, timeout, target: Target::Same })
    }

    /// Decides about the outcome of a second attempt. It answers the client if it is not retried, and the
    /// first attempt has failed or has no response yet. Returns `None` if the first attempt decides.
    pub fn hedged(
        &mut self,
        stream: &mut Stream,
        outcome: Outcome<'_>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Option<Step> {
        stream.is_hedge_pending = false;
        let failed = stream.failed.take();
        if stream.is_settled && failed.is_none() {
            return None;
        }
        if let Outcome::Response(head, body) = outcome
            && self.replay(stream)?.reason(head, Some(body)).is_none()
        {
            // The first attempt takes at least as long. Without it, slow attempts would not count.
            if failed.is_none() {
                self.record(stream, env);
            }
            events.push(Event::HedgeWon);
            return Some(Step::Deliver(Some((Replacement::new(head, body), Reason::Hedged))));
        }
        let (reason, retry_after) = failed?;
        Some(self.next(stream, reason, retry_after.as_deref(), env, events))
    }

    /// Records the time until now as the time to the first byte.
    fn record(&mut self, stream: &Stream, env: &mut impl Environment) {
        if let Some(latency) = stream.rule.and_then(|rule| self.latencies.get_mut(rule as usize)) {
            latency.record(env.now().0.saturating_sub(stream.sent_at));
        }
    }

    /// Returns the next step after the first attempt failed: a second one that is pending may succeed.
    fn fail(
        &mut self,
        stream: &mut Stream,
        reason: RetryReason,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Step {
        if stream.is_hedge_pending {
            stream.failed = Some((reason, retry_after.map(<[u8]>::to_vec)));
            return Step::Wait;
        }
        self.next(stream, reason, retry_after, env, events)
    }

    /// Returns the next step after an attempt that failed.
    fn next(
        &mut self,
        stream: &mut Stream,
        reason: RetryReason,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Step {
        // Envoy lets a filter add no body or trailers to a response without them, and a reply of the filter
        // to a gRPC client has no body.
        let next = if stream.is_grpc && stream.ended {
            events.push(Event::Undeliverable);
            None
        } else {
            self.plan_next(stream, retry_after, env, events)
        };
        if let Some((Next::Call { delay, timeout, target }, blocked)) = next {
            events.extend(blocked.and_then(event));
            if target == Target::Fallback {
                events.push(Event::FallbackUsed);
            }
            return Step::Call { reason, delay, timeout, target };
        }
        events.extend(next.and_then(|(_, blocked)| blocked).and_then(event));
        self.deliver_fallback(stream, events)
    }

    /// Delivers the configured response, or else the last one.
    fn deliver_fallback(&mut self, stream: &mut Stream, events: &mut Events) -> Step {
        if let Some(response) = self.replay(stream).and_then(|replay| replay.fallback_response.as_ref()) {
            events.push(Event::FallbackResponseUsed);
            return Step::Deliver(Some((
                Replacement::from_config(response, stream.is_grpc),
                Reason::Fallback,
            )));
        }
        self.deliver_latest(stream)
    }

    /// Delivers the last response of a callout, or that of the upstream.
    fn deliver_latest(&mut self, stream: &mut Stream) -> Step {
        let response = take_latest(&mut self.kept_bytes, stream);
        let response = response.map(|latest| if stream.is_grpc { latest.into_grpc() } else { latest });
        Step::Deliver(response.map(|response| (response, Reason::Replayed)))
    }

    fn plan_next(
        &self,
        stream: &mut Stream,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
        events: &mut Events,
    ) -> Option<(Next, Option<Blocked>)> {
        let rule = self.rule(stream)?;
        let replay = rule.rule.replay.as_ref()?;
        let (now, draw) = (env.now(), env.draw());
        let deadline = deadline_of(rule.rule.deadline.as_ref(), stream);
        let take = || self.plan.reserve(rule.index, env, now, (0, 1), events).retries > 0;
        Some(replay.next(&mut stream.attempts, deadline, retry_after, now, draw, take))
    }

    /// Returns the request of a callout: the cluster, unless it is that of the route; the request with the
    /// remaining time; and the maximum size of the response.
    pub fn callout(
        &self,
        stream: &Stream,
        target: Target,
        env: &mut impl Environment,
    ) -> Option<(Option<&str>, Kept, usize)> {
        let (rule, replay) = (self.rule(stream)?, self.replay(stream)?);
        let mut kept = stream.kept.as_deref()?.clone();
        if let Some((deadline, at)) = deadline_of(rule.rule.deadline.as_ref(), stream) {
            let now = env.now();
            set_deadline(&mut kept, deadline, stream.is_grpc, at.saturating_sub(now.0), now);
        }
        let cluster = match (target, &replay.fallback_cluster) {
            (Target::Fallback, Some(Fallback { cluster, authority })) => {
                let authority = authority.as_ref().map(|value| String::from_utf8_lossy(value.as_bytes()));
                kept.authority = authority.map_or(kept.authority, |authority| authority.into_owned());
                Some(cluster.as_str())
            }
            _ => replay.cluster.as_deref(),
        };
        Some((cluster, kept, replay.max_response_bytes as usize))
    }
}

fn event(blocked: Blocked) -> Option<Event> {
    Some(match blocked {
        Blocked::Exhausted => Event::ReplayExhausted,
        Blocked::RetryAfter => Event::RetryAfterTooLong,
        Blocked::Deadline => Event::DeadlineTooShort,
        Blocked::Budget => return None,
    })
}

/// Whether a response is neither a server error nor a gRPC error.
fn is_success(head: Head<'_>) -> bool {
    head.status < 500 && grpc_status(head).is_none_or(|status| status.code() == 0)
}

/// Whether the router has sent the request.
fn is_sent(attempts: Option<u64>) -> bool {
    attempts.is_some_and(|attempts| attempts > 0)
}

/// Whether the whole request is kept, so that it can be sent again.
fn is_complete(stream: &Stream) -> bool {
    stream.kept.as_ref().is_some_and(|kept| kept.is_complete)
}

fn deadline_of<'p>(deadline: Option<&'p Deadline>, stream: &Stream) -> Option<(&'p Deadline, u64)> {
    Some((deadline?, stream.deadline?))
}
