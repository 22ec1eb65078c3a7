//! The decisions about a request, its response, and its replays.

mod attempt;
mod request;
mod response;

use crate::budget::Reserved;
use crate::config::{Hedge, Replay};
use crate::plan::PlannedRule;
use crate::{Attempts, Environment, Event, Latency, Plan, Reason, RetryReason, Step, kept, replacement};
use tollgate_policy::replay::{Request, Response, Wait};
use tollgate_policy::{HeaderEdit, Refusal, UnixNanos};

/// The policy.
#[derive(Clone, Debug)]
pub struct Policy {
    pub(crate) plan: Plan,
    /// Times to the first byte, by rule.
    pub(crate) latencies: Vec<Latency>,
    /// Number of bytes of requests and responses that this worker keeps.
    pub(crate) kept_bytes: usize,
}

/// State of a stream.
#[derive(Clone, Debug, Default)]
pub struct Stream {
    /// Index of the rule that matched.
    pub(crate) rule: Option<u32>,
    /// Retries by the router that are reserved.
    pub(crate) reserved: Reserved,
    /// Deadline in nanoseconds since the Unix epoch.
    pub(crate) deadline: Option<u64>,
    /// Time at which the request was passed on.
    pub(crate) sent_at: u64,
    pub(crate) is_grpc: bool,
    /// Whether the response headers, or the end of the stream, were seen.
    pub(crate) is_settled: bool,
    /// Whether the filter answers, so that no other response matters.
    pub(crate) is_answered: bool,
    /// Number of body bytes after which the request counts as too large; `None` if it is not counted.
    pub(crate) max_body: Option<u64>,
    /// Number of body bytes that have arrived.
    pub(crate) seen: u64,
    /// Attempts of the router.
    pub(crate) sent: u32,
    /// Callouts.
    pub(crate) attempts: Attempts,
    /// Whether a second attempt was made.
    pub(crate) is_hedged: bool,
    /// Whether its outcome is unknown.
    pub(crate) is_hedge_pending: bool,
    /// Why the first attempt failed while the second one was pending, and its `Retry-After`.
    pub(crate) failed: Option<Box<(RetryReason, Option<Vec<u8>>)>>,
    /// Whether the router sent the request. Otherwise a later filter rejected it, or still holds it.
    pub(crate) is_sent: bool,
    /// The request, if it may be replayed.
    pub(crate) kept: Option<Box<Request>>,
    /// Whether the whole request has arrived.
    pub(crate) is_complete: bool,
    /// The part of the response that the filter waits for.
    pub(crate) wait: Wait,
    /// Whether the timer that releases the message of a response runs.
    pub(crate) has_hold_timer: bool,
    /// Whether the body and the trailers of the response have arrived.
    pub(crate) has_rest: bool,
    /// Whether the response has no body that another can replace: it ended with its headers, or is not gRPC
    /// as the request.
    pub(crate) ended: bool,
    /// `Retry-After` of the response whose body or trailers the filter waits for.
    pub(crate) retry_after: Option<Vec<u8>>,
    /// The last response of a callout.
    pub(crate) latest: Option<Box<Response>>,
    /// The step that follows a second attempt for which the response waits.
    pub(crate) next: Option<Box<Step>>,
}

impl Stream {
    /// Returns the part of the response that the filter waits for.
    pub fn wait(&self) -> Wait {
        self.wait
    }

    /// Whether a response can take the place of the upstream's only as a reply of the filter: the upstream's
    /// has not arrived, or has no body or trailers of the same kind, and this one has.
    pub(crate) fn needs_reply(&self, response: &Response) -> bool {
        !self.is_settled || self.ended && !(response.body.is_empty() && response.trailers.is_empty())
    }
}

/// The decision about a request.
#[derive(Debug)]
pub struct RequestDecision<'p> {
    /// Edits of the request headers.
    pub edits: Vec<HeaderEdit<'p>>,
    /// The response, if the request is rejected.
    pub refusal: Option<Refusal<Reason>>,
    /// Nanoseconds after which the request may be sent a second time: [`Wake::Hedge`](crate::Wake).
    pub hedge_delay: Option<u64>,
}

impl Policy {
    /// Creates the policy.
    pub fn new(plan: Plan) -> Self {
        let hedges = |rule: &PlannedRule| {
            matches!(rule.rule.replay, Some(Replay { hedge: Some(Hedge::Percentile(_)), .. }))
        };
        let count = if plan.rules.iter().any(hedges) { plan.rules.len() } else { 0 };
        Self { plan, latencies: vec![Latency::default(); count], kept_bytes: 0 }
    }

    fn rule(&self, stream: &Stream) -> Option<&PlannedRule> {
        self.plan.rules.get(stream.rule? as usize)
    }

    fn replay(&self, stream: &Stream) -> Option<&Replay> {
        self.rule(stream)?.rule.replay.as_ref()
    }
}

/// Takes the last response of a callout.
fn take_latest(kept_bytes: &mut usize, stream: &mut Stream) -> Option<Box<Response>> {
    let latest = stream.latest.take();
    *kept_bytes = kept_bytes.saturating_sub(latest.as_deref().map_or(0, replacement::size));
    latest
}

/// Drops the request and the response that a stream keeps.
fn forget(kept_bytes: &mut usize, stream: &mut Stream) {
    take_latest(kept_bytes, stream);
    if let Some(kept) = stream.kept.take() {
        *kept_bytes = kept_bytes.saturating_sub(kept::request_size(&kept));
    }
}

impl Plan {
    /// Reserves up to `wanted` retries for `requests` new requests.
    fn reserve(
        &self,
        page: u32,
        now: UnixNanos,
        (requests, wanted): (u32, u32),
        env: &mut impl Environment,
    ) -> Reserved {
        let mut reserved = Reserved::default();
        let result = env.host().shared().page(page, &mut |bytes| {
            reserved = self.budget.reserve(bytes, now, requests, wanted);
            true
        });
        if result.is_err() {
            env.count(Event::BudgetUnavailable);
            return Reserved::default();
        }
        if reserved.retries < wanted {
            env.count(Event::BudgetExhausted);
        }
        reserved
    }
}
