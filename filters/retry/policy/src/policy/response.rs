//! The decisions about a response, and the replays that follow.

use super::attempt::event;
use super::{Policy, Stream, forget, take_latest};
use crate::replay::{Next, grpc_status, is_more_than_one_message};
use crate::safe::has_grpc_type;
use crate::{
    Environment, Event, Head, Outcome, Reason, RetryReason, Step, Target, Wake, environment, kept,
    replacement,
};
use std::borrow::Cow;
use tollgate_policy::replay::{Response, Wait};
use tollgate_policy::{HeaderEdit, HeaderName, Headers, header_name};

/// Response code details of the router for a cluster without a healthy host
/// (`ResponseCodeDetails::NoHealthyUpstream`).
const NO_HEALTHY_HOST: &[u8] = b"no_healthy_upstream";

/// The next step of any response.
const PASS: Step = Step::Pass(Wait::Nothing);

impl Policy {
    /// Gives back the retries that the router did not make: after response headers, it makes no more. Returns
    /// whether [`respond`](Self::respond) needs the headers.
    ///
    /// Without the number of attempts, all that were reserved count as made, and the response is not
    /// replayed: it may be that of a later filter, which a callout would bypass. If the router itself
    /// answered because the cluster has no healthy host, no later filter rejected the request, so another
    /// cluster may answer it.
    pub fn settle(&self, stream: &mut Stream, env: &mut impl Environment) -> bool {
        let is_shown = self.plan.config.attempts_header.is_some() && !self.plan.config.shadow;
        let is_first = !core::mem::replace(&mut stream.is_settled, true);
        if let Some(rule) = stream.rule.filter(|_| is_first)
            && (stream.reserved.retries > 0 || is_shown || stream.kept.is_some())
        {
            let attempts = environment::attempts(env);
            stream.is_sent = is_sent(attempts)
                || stream.kept.is_some()
                    && environment::details(env).is_some_and(|details| details == NO_HEALTHY_HOST);
            let made = attempts.map(|attempts| u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX));
            let reserved = core::mem::take(&mut stream.reserved);
            let unused = made.map_or(0, |made| reserved.retries.saturating_sub(made));
            if unused > 0 {
                // A refund that fails makes the budget smaller until its window has passed.
                let _ = env
                    .host()
                    .shared()
                    .page(rule, &mut |page| self.plan.budget.refund(page, reserved, unused));
            }
            let made = made.unwrap_or(0);
            stream.sent = made.saturating_add(1);
            if made > 0 {
                env.count_retries(RetryReason::Router, made);
            }
        }
        !stream.is_answered && (stream.kept.is_some() || stream.sent > 1)
    }

    /// Forgets a stream, and returns the retries of a request that got no response. Call it once, for each
    /// stream.
    pub fn end(&mut self, stream: &mut Stream, env: &mut impl Environment) {
        self.settle(stream, env);
        forget(&mut self.kept_bytes, stream);
    }

    /// Returns the edits of the headers of a response that passes: the number of attempts, if it is
    /// configured, and no length of a body that may be replaced.
    pub fn edits(&self, stream: &Stream) -> Vec<HeaderEdit<'_>> {
        const LENGTH: &HeaderName = &header_name!("content-length");
        let length = (stream.wait == Wait::Trailers).then_some(HeaderEdit::Remove(LENGTH));
        let attempts = self.attempts_header(stream);
        let attempts =
            attempts.map(|(name, attempts)| HeaderEdit::Set(name, Cow::Owned(attempts.into_bytes())));
        length.into_iter().chain(attempts).collect()
    }

    /// Returns the header with the number of attempts.
    fn attempts_header(&self, stream: &Stream) -> Option<(&HeaderName, String)> {
        let name = self.plan.config.attempts_header.as_ref()?.name();
        let is_shown = stream.rule.is_some() && !self.plan.config.shadow;
        is_shown.then(|| (name, self.attempts(stream).to_string()))
    }

    /// Returns the number of attempts of the router and of the filter.
    pub(crate) fn attempts(&self, stream: &Stream) -> u32 {
        let callouts = stream.attempts.retries + u32::from(stream.attempts.fell_back);
        stream.sent.max(1).saturating_add(callouts)
    }

    /// Decides about the headers of a response. `ended` is whether it has no body.
    pub fn respond<'a>(
        &mut self,
        stream: &mut Stream,
        head: impl Into<Head<'a>>,
        ended: bool,
        env: &mut impl Environment,
    ) -> Step {
        let head = head.into();
        if stream.is_answered || (stream.kept.is_none() && stream.sent <= 1) {
            return PASS;
        }
        // A response that is not gRPC has no trailers, which could contain the status of another.
        stream.ended = ended || (stream.is_grpc && !has_grpc_type(head.headers));
        let is_complete = is_complete(stream);
        let replay = self.replay(stream).filter(|_| is_complete && stream.is_sent);
        let retry_after = head.headers.first("retry-after");
        if let Some(reason) = replay.and_then(|replay| replay.reason(head, None)) {
            return self.fail(stream, reason, retry_after, env);
        }
        stream.wait =
            replay.map_or(Wait::Nothing, |replay| replay.waits_for(head, stream.is_grpc, stream.ended));
        if stream.sent > 1 && is_success(head) {
            env.count(Event::SucceededAfterRetry);
        }
        self.record(stream, env);
        if stream.wait == Wait::Nothing {
            return self.pass(stream);
        }
        stream.retry_after = retry_after.map(<[u8]>::to_vec);
        Step::Pass(stream.wait)
    }

    /// Passes the response of the upstream on, and drops the request.
    fn pass(&mut self, stream: &mut Stream) -> Step {
        stream.wait = Wait::Nothing;
        stream.failed = None;
        forget(&mut self.kept_bytes, stream);
        PASS
    }

    /// Decides about a part of a body, of `size` bytes that begin with `start`. Returns `None` if it is the
    /// whole: then call [`respond_rest`](Self::respond_rest).
    pub fn hold(
        &mut self,
        stream: &mut Stream,
        (size, ended): (usize, bool),
        start: &[u8],
        env: &mut impl Environment,
    ) -> Option<Step> {
        let Some(replay) = self.replay(stream) else { return Some(self.pass(stream)) };
        let time = replay.max_hold.as_nanos();
        let streams = stream.wait == Wait::Trailers && is_more_than_one_message(start, size);
        if size > replay.max_response_bytes as usize || streams {
            if !streams {
                env.count(Event::ResponseTooLarge);
            }
            return Some(self.pass(stream));
        }
        if ended {
            return None;
        }
        let is_timed = stream.wait != Wait::Trailers || core::mem::replace(&mut stream.has_hold_timer, true);
        Some(if is_timed { Step::Hold } else { Step::After(time, Wake::Release) })
    }

    /// Returns the step of a task that has waited.
    pub fn wake(&mut self, stream: &mut Stream, wake: Wake, env: &mut impl Environment) -> Step {
        match wake {
            Wake::Hedge => self.hedge(stream, env),
            Wake::Release => self.release(stream, env),
            Wake::Hedged => stream.next.take().map_or_else(|| self.pass(stream), |step| *step),
            Wake::Attempt(attempt) => self.send(stream, attempt, env),
        }
    }

    /// Lets a message pass that still waits for its trailers.
    fn release(&mut self, stream: &mut Stream, env: &mut impl Environment) -> Step {
        if stream.wait != Wait::Trailers || stream.has_rest {
            return Step::Hold;
        }
        env.count(Event::HeldTooLong);
        self.pass(stream)
    }

    /// Decides about the body and the trailers of a response, after its headers. `body` is `None` if the host
    /// holds no part of it: then nothing can replace it.
    pub fn respond_rest(
        &mut self,
        stream: &mut Stream,
        trailers: Headers<'_>,
        body: Option<&[u8]>,
        env: &mut impl Environment,
    ) -> Step {
        stream.has_rest = true;
        let replay = self.replay(stream);
        let reason = replay.and_then(|replay| replay.reason_of_rest(trailers, body.unwrap_or_default()));
        match (reason, body) {
            (Some(reason), Some(_)) => {
                stream.ended = false;
                let retry_after = stream.retry_after.take();
                return self.fail(stream, reason, retry_after.as_deref(), env);
            }
            (Some(_), None) => env.count(Event::Undeliverable),
            (None, _) => {}
        }
        self.pass(stream)
    }

    /// Decides about the outcome of a callout.
    pub fn after(&mut self, stream: &mut Stream, outcome: Outcome<'_>, env: &mut impl Environment) -> Step {
        if stream.is_hedge_pending {
            return self.hedged(stream, outcome, env);
        }
        match outcome {
            Outcome::Response(head, body) => {
                let reason = self.replay(stream).and_then(|replay| replay.reason(head, Some(body)));
                take_latest(&mut self.kept_bytes, stream);
                let latest = replacement::of_callout(head, body);
                self.kept_bytes = self.kept_bytes.saturating_add(replacement::size(&latest));
                stream.latest = Some(Box::new(latest));
                if let Some(reason) = reason {
                    let step = self.next(stream, reason, head.headers.first("retry-after"), env);
                    // Without room, the client receives the response before this one, if all others fail.
                    if self.kept_bytes > self.plan.config.max_kept_bytes as usize
                        && take_latest(&mut self.kept_bytes, stream).is_some()
                    {
                        env.count(Event::MemoryExhausted);
                    }
                    return step;
                }
                if is_success(head) {
                    env.count(Event::SucceededAfterRetry);
                }
                self.deliver_latest(stream, env)
            }
            Outcome::Failed(reason) => self.next(stream, reason, None, env),
            Outcome::TooLarge => {
                env.count(Event::ResponseTooLarge);
                self.deliver_fallback(stream, env)
            }
        }
    }

    /// Begins a second attempt, unless a response has arrived, or the router has not sent the first one. It
    /// is one of the retries.
    fn hedge(&mut self, stream: &mut Stream, env: &mut impl Environment) -> Step {
        let is_late = stream.is_settled || core::mem::replace(&mut stream.is_hedged, true);
        if is_late || !is_complete(stream) || !is_sent(environment::attempts(env)) {
            return Step::Hold;
        }
        let before = stream.attempts;
        match self.plan_next(stream, None, env) {
            Some((Next::Call { attempt, .. }, _)) if attempt.target == Target::Same => {
                stream.is_hedge_pending = true;
                env.count_retries(RetryReason::Hedge, 1);
                self.send(stream, attempt, env)
            }
            _ => {
                stream.attempts = before;
                Step::Hold
            }
        }
    }

    /// Decides about the outcome of a second attempt. It answers the client if it is not retried, and the
    /// first attempt has failed or has no response yet. Otherwise, the first attempt decides.
    fn hedged(&mut self, stream: &mut Stream, outcome: Outcome<'_>, env: &mut impl Environment) -> Step {
        stream.is_hedge_pending = false;
        let failed = stream.failed.take().map(|failed| *failed);
        let response_waits = failed.is_some();
        if stream.is_settled && !response_waits {
            return Step::Hold;
        }
        let replay = self.replay(stream);
        let step = match (outcome, failed) {
            (Outcome::Response(head, body), _)
                if replay.is_some_and(|replay| replay.reason(head, Some(body)).is_none()) =>
            {
                // The first attempt takes at least as long. Without it, slow attempts would not count.
                if !response_waits {
                    self.record(stream, env);
                }
                env.count(Event::HedgeWon);
                self.answer(stream, replacement::of_callout(head, body), Reason::Hedged, env)
            }
            (_, Some((reason, retry_after))) => self.next(stream, reason, retry_after.as_deref(), env),
            (_, None) => Step::Hold,
        };
        if !response_waits {
            return step;
        }
        // This is a task of the request. The response, which waits, has its own.
        stream.next = Some(Box::new(step));
        Step::Wake
    }

    /// Records the time until now as the time to the first byte.
    fn record(&mut self, stream: &Stream, env: &mut impl Environment) {
        if let Some(latency) = stream.rule.and_then(|rule| self.latencies.get_mut(rule as usize))
            && let Some(now) = environment::now(env)
        {
            latency.record(now.0.saturating_sub(stream.sent_at));
        }
    }

    /// Returns the next step after the first attempt failed: a second one that is pending may succeed.
    fn fail(
        &mut self,
        stream: &mut Stream,
        reason: RetryReason,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
    ) -> Step {
        if stream.is_hedge_pending {
            stream.failed = Some(Box::new((reason, retry_after.map(<[u8]>::to_vec))));
            return Step::Wait(Wake::Hedged);
        }
        self.next(stream, reason, retry_after, env)
    }

    /// Returns the next step after an attempt that failed.
    fn next(
        &mut self,
        stream: &mut Stream,
        reason: RetryReason,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
    ) -> Step {
        // Envoy lets a filter add no body or trailers to a response without them, and a reply of the filter
        // to a gRPC client has no body.
        let next = if stream.is_grpc && stream.ended {
            env.count(Event::Undeliverable);
            None
        } else {
            self.plan_next(stream, retry_after, env)
        };
        let (next, blocked) = next.unwrap_or((Next::Stop, None));
        if let Some(event) = blocked.and_then(event) {
            env.count(event);
        }
        let Next::Call { delay, attempt } = next else { return self.deliver_fallback(stream, env) };
        if attempt.target == Target::Fallback {
            env.count(Event::FallbackUsed);
        }
        env.count_retries(reason, 1);
        match delay {
            0 => self.send(stream, attempt, env),
            _ => Step::After(delay, Wake::Attempt(attempt)),
        }
    }

    /// Delivers the configured response, or else the last one.
    fn deliver_fallback(&mut self, stream: &mut Stream, env: &mut impl Environment) -> Step {
        let response = self.replay(stream).and_then(|replay| replay.fallback_response.as_ref());
        let Some(response) = response else { return self.deliver_latest(stream, env) };
        env.count(Event::FallbackResponseUsed);
        let new = replacement::of_config(response, stream.is_grpc);
        self.answer(stream, new, Reason::Fallback, env)
    }

    /// Delivers the last response of a callout, or that of the upstream.
    fn deliver_latest(&mut self, stream: &mut Stream, env: &mut impl Environment) -> Step {
        match take_latest(&mut self.kept_bytes, stream) {
            Some(latest) => {
                let new = if stream.is_grpc { replacement::into_grpc(*latest) } else { *latest };
                self.answer(stream, new, Reason::Replayed, env)
            }
            None => self.pass(stream),
        }
    }

    /// Answers the client with a response that is not that of the upstream.
    fn answer(
        &mut self,
        stream: &mut Stream,
        mut new: Response,
        reason: Reason,
        env: &mut impl Environment,
    ) -> Step {
        let needs_reply = stream.needs_reply(&new);
        self.end(stream, env);
        stream.is_answered = true;
        // The callbacks of what replaces the response follow, perhaps at once.
        stream.wait = Wait::Nothing;
        if let Some((name, attempts)) = self.attempts_header(stream) {
            kept::set(&mut new.headers, name.as_str(), attempts);
        }
        match needs_reply {
            true => Step::Reply(replacement::into_refusal(new, reason)),
            false => Step::Replace(Box::new(new), reason),
        }
    }
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
    stream.kept.is_some() && stream.is_complete
}
