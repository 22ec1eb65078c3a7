//! The next attempt of the filter, and its callout.

use super::request::set_deadline;
use super::{Policy, Stream};
use crate::config::{Deadline, Fallback};
use crate::replay::Next;
use crate::{Attempt, Blocked, Environment, Event, Outcome, RetryReason, Step, Target, environment};
use tollgate_policy::replay::Call;

impl Policy {
    pub(super) fn plan_next(
        &self,
        stream: &mut Stream,
        retry_after: Option<&[u8]>,
        env: &mut impl Environment,
    ) -> Option<(Next, Option<Blocked>)> {
        let rule = self.rule(stream)?;
        let replay = rule.rule.replay.as_ref()?;
        let (now, draw) = (environment::now(env)?, environment::draw(env));
        let deadline = deadline_of(rule.rule.deadline.as_ref(), stream);
        let take = || self.plan.reserve(rule.index, now, (0, 1), env).retries > 0;
        Some(replay.next(&mut stream.attempts, deadline, retry_after, now, draw, take))
    }

    /// Sends the request again. A request that cannot be sent is one that reached no upstream.
    pub(super) fn send(&mut self, stream: &mut Stream, attempt: Attempt, env: &mut impl Environment) -> Step {
        match self.callout(stream, attempt, env) {
            Some(call) => Step::Call(Box::new(call)),
            None => self.after(stream, Outcome::Failed(RetryReason::Unavailable), env),
        }
    }

    /// Returns the callout of an attempt: the request, with the time that remains.
    fn callout(&self, stream: &Stream, attempt: Attempt, env: &mut impl Environment) -> Option<Call> {
        let (rule, replay) = (self.rule(stream)?, self.replay(stream)?);
        let mut request = stream.kept.as_deref()?.clone();
        if let Some((deadline, at)) = deadline_of(rule.rule.deadline.as_ref(), stream) {
            let now = environment::now(env)?;
            set_deadline(&mut request, deadline, stream.is_grpc, at.saturating_sub(now.0), now);
        }
        let cluster = match (attempt.target, &replay.fallback_cluster) {
            (Target::Fallback, Some(Fallback { cluster, authority })) => {
                if let Some(authority) = authority {
                    request.authority = String::from_utf8_lossy(authority.as_bytes()).into_owned();
                }
                Some(cluster)
            }
            _ => replay.cluster.as_ref(),
        };
        Some(Call {
            cluster: cluster.cloned().or_else(|| environment::cluster(env))?,
            request,
            timeout: attempt.timeout,
            max_response_bytes: replay.max_response_bytes as usize,
        })
    }
}

fn deadline_of<'p>(deadline: Option<&'p Deadline>, stream: &Stream) -> Option<(&'p Deadline, u64)> {
    Some((deadline?, stream.deadline?))
}

/// Returns the event of a reason not to send the request again.
pub(super) fn event(blocked: Blocked) -> Option<Event> {
    Some(match blocked {
        Blocked::Exhausted => Event::ReplayExhausted,
        Blocked::RetryAfter => Event::RetryAfterTooLong,
        Blocked::Deadline => Event::DeadlineTooShort,
        Blocked::Budget => return None,
    })
}
