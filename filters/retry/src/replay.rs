//! Callouts that repeat a request, and the response that replaces another.

use crate::Retry;
use crate::filter::Stream;
use std::time::Duration;
use tollgate::{
    CalloutError, Context, Error, Flow, HttpCall, HttpResult, Reply, ResponseHeaders, Result, Signal,
    property,
};
use tollgate_kit::replace;
use tollgate_policy::Headers;
use tollgate_retry_policy::{self as policy, Head, Outcome, Reason, Replacement, RetryReason, Step, Target};

/// Longest time that a response waits for a second attempt: the longest timeout of a callout.
const MAX_WAIT: Duration = Duration::from_secs(86_400);

impl Retry {
    /// Carries out the next step of a replay. `headers` are those of the callback, unless a task runs.
    pub(crate) fn carry_out(
        &self,
        stream: &mut Stream,
        cx: &mut Context<'_, Self>,
        headers: Option<&mut ResponseHeaders<'_>>,
        step: Step,
    ) -> Result {
        match step {
            Step::Wait => self.wait(stream, cx)?,
            Step::Deliver(response) => return self.deliver(stream, cx, headers, response),
            Step::Call { reason, delay: 0, timeout, target } => {
                self.statistics.retries.increment(reason);
                return self.send(stream, cx, headers, timeout, target);
            }
            Step::Call { reason, delay, timeout, target } => {
                self.statistics.retries.increment(reason);
                let delay = Duration::from_nanos(delay);
                cx.after(delay, move |filter, stream, cx| filter.send(stream, cx, None, timeout, target))?;
            }
        }
        Ok(Flow::Pause)
    }

    fn send(
        &self,
        stream: &mut Stream,
        cx: &mut Context<'_, Self>,
        headers: Option<&mut ResponseHeaders<'_>>,
        timeout: u64,
        target: Target,
    ) -> Result {
        let call = self.callout(stream, timeout, target);
        let sent = call.and_then(|call| {
            cx.http_call(&call, |filter, stream, result, cx| {
                let step = with_outcome(result, |outcome| {
                    filter.decide(|policy, world, events| {
                        policy.after(&mut stream.state, outcome, world, events)
                    })
                })?;
                filter.carry_out(stream, cx, None, step)
            })
        });
        let Err(error) = sent else { return Ok(Flow::Pause) };
        tollgate::log::debug!("cannot send a callout: {error}");
        let failed = Outcome::Failed(RetryReason::Unavailable);
        let step =
            self.decide(|policy, world, events| policy.after(&mut stream.state, failed, world, events))?;
        self.carry_out(stream, cx, headers, step)
    }

    fn callout(&self, stream: &Stream, timeout: u64, target: Target) -> Result<HttpCall, Error> {
        self.decide(|policy, world, _| {
            let callout = policy.callout(&stream.state, target, world).ok_or(Error::OutsideStream)?;
            let (cluster, request, max) = callout;
            let cluster = cluster.map_or_else(
                || property::XDS_CLUSTER_NAME.get().map(Option::unwrap_or_default),
                |cluster| Ok(cluster.to_owned()),
            )?;
            let call = HttpCall::new(&cluster, &request.method, &request.authority, &request.path);
            let call = call.timeout(Duration::from_nanos(timeout)).max_response_body(max).body(request.body);
            Ok(request.headers.iter().fold(call, |call, (name, value)| call.header(name, value)))
        })?
    }

    /// Answers the client with a response, or with that of the upstream.
    fn deliver(
        &self,
        stream: &mut Stream,
        cx: &mut Context<'_, Self>,
        headers: Option<&mut ResponseHeaders<'_>>,
        response: Option<(Replacement, Reason)>,
    ) -> Result {
        let response = match response {
            Some((new, reason)) if stream.state.needs_reply(&new) => return self.reply(stream, new, reason),
            Some((new, reason)) => {
                property::set_state("retry", reason.name().as_bytes())?;
                Some(new)
            }
            None => None,
        };
        match headers {
            Some(headers) => self.edit(headers, &stream.state, response.as_ref())?,
            None => {
                if let Some(mut headers) = cx.held_response_headers() {
                    self.edit(&mut headers, &stream.state, response.as_ref())?;
                }
            }
        }
        response.map_or(Ok(()), |new| stream.held.put(cx, new.body, new.trailers))?;
        Ok(Flow::Continue)
    }

    fn edit(
        &self,
        headers: &mut ResponseHeaders<'_>,
        stream: &policy::Stream,
        response: Option<&Replacement>,
    ) -> Result<(), Error> {
        response.map_or(Ok(()), |new| replace::headers(headers, new.status, &new.headers))?;
        self.mark(headers, stream)
    }

    fn reply(&self, stream: &mut Stream, response: Replacement, reason: Reason) -> Result {
        stream.is_answered = true;
        let reply = Reply::from(response.into_refusal(reason));
        self.decide(|policy, _, _| match policy.attempts_header(&stream.state) {
            Some((name, attempts)) => reply.header(name.as_str().to_owned(), attempts).into(),
            None => reply.into(),
        })?
    }

    /// Sends the request a second time, while the first one waits for a response.
    pub(crate) fn hedge(&self, stream: &mut Stream, cx: &mut Context<'_, Self>) -> Result {
        let attempts = property::UPSTREAM_REQUEST_ATTEMPT_COUNT.get().ok().flatten();
        let step =
            self.decide(|policy, world, events| policy.hedge(&mut stream.state, attempts, world, events))?;
        let Some(Step::Call { reason, timeout, target, .. }) = step else { return Ok(Flow::Pause) };
        self.statistics.retries.increment(reason);
        stream.hedge = self.worker.enter(|worker| {
            worker.hedges = worker.hedges.wrapping_add(1);
            worker.hedges
        })?;
        let sent = self.callout(stream, timeout, target).and_then(|call| {
            cx.http_call(&call, |filter, stream, result, cx| {
                match with_outcome(result, |outcome| filter.hedged(stream, outcome))? {
                    // This is a task of the request. The response has its own.
                    Some(step) if stream.is_waiting => {
                        stream.next = Some(step);
                        cx.signal(Signal(stream.hedge))?;
                        Ok(Flow::Pause)
                    }
                    Some(step) => filter.carry_out(stream, cx, None, step),
                    None => Ok(Flow::Pause),
                }
            })
        });
        if let Err(error) = sent {
            tollgate::log::debug!("cannot send a callout: {error}");
            self.hedged(stream, Outcome::Failed(RetryReason::Unavailable))?;
        }
        Ok(Flow::Pause)
    }

    /// Holds the response until the second attempt has an outcome, which the timeout of its callout bounds.
    fn wait(&self, stream: &mut Stream, cx: &mut Context<'_, Self>) -> Result<(), Error> {
        stream.is_waiting = true;
        cx.wait(Signal(stream.hedge), MAX_WAIT, |filter, stream, _, cx| {
            let step = stream.next.take();
            filter.carry_out(stream, cx, None, step.unwrap_or(Step::Deliver(None)))
        })
    }

    fn hedged(&self, stream: &mut Stream, outcome: Outcome<'_>) -> Result<Option<Step>, Error> {
        self.decide(|policy, world, events| policy.hedged(&mut stream.state, outcome, world, events))
    }
}

/// Calls `then` with the outcome of a callout.
fn with_outcome<R>(result: HttpResult, then: impl FnOnce(Outcome<'_>) -> R) -> R {
    match result {
        Ok(response) => {
            let headers: Vec<_> = response.headers.iter().collect();
            let trailers: Vec<_> = response.trailers.iter().collect();
            let (headers, trailers) = (Headers(&headers), Headers(&trailers));
            then(Outcome::Response(Head { status: response.status, headers, trailers }, &response.body))
        }
        Err(CalloutError::TooLarge) => then(Outcome::TooLarge),
        Err(CalloutError::Timeout) => then(Outcome::Failed(RetryReason::Timeout)),
        Err(CalloutError::Reset) => then(Outcome::Failed(RetryReason::Reset)),
        Err(error) => {
            tollgate::log::debug!("a callout failed: {error:?}");
            then(Outcome::Failed(RetryReason::Unavailable))
        }
    }
}
