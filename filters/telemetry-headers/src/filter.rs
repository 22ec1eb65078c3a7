//! The shell: reads facts from the host, applies the header edits of the policy, and counts its events.

use tollgate::metrics::{Counter, Family};
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Metrics, Phase, Request, Response, Result, clock, random,
};
use tollgate_policy::{RequestFacts, ResponseFacts, UnixNanos};
use tollgate_telemetry_headers_policy::{Config, Draws, Event, Events, Policy, RequestState};

/// The filter.
pub struct TelemetryHeaders {
    policy: Policy,
    statistics: Statistics,
}

#[derive(Metrics)]
#[metrics(prefix = "telemetry_headers")]
struct Statistics {
    #[metric(flatten)]
    events: Family<Event>,
    host_error: Counter,
}

#[tollgate::filter]
impl HttpFilter for TelemetryHeaders {
    type Config = Config;
    type Stream = RequestState;

    fn new(config: Config, _: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        Ok(Self { policy: Policy::new(config), statistics: Statistics::define("")? })
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let needs = self.policy.needs();
        if !needs.request {
            return Ok(Flow::Continue);
        }
        let pairs: Vec<_> =
            if needs.request_headers { request.headers.pairs()?.iter().collect() } else { Vec::new() };
        // Without random bytes the policy keeps the ids that it trusts, generates nothing, and counts that.
        let draws = if needs.draws { random::bytes().ok().map(Draws::from_bytes) } else { None };
        let facts = RequestFacts::from_pairs(&pairs);
        let decision = self.policy.on_request(&facts, draws.as_ref(), now(needs.request_time)?);
        *request.stream = decision.state;
        self.count(decision.events);
        request.headers.apply(&decision.edits)?;
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let needs = self.policy.needs();
        if !needs.response {
            return Ok(Flow::Continue);
        }
        let pairs: Vec<_> =
            if needs.response_headers { response.headers.pairs()?.iter().collect() } else { Vec::new() };
        let facts = ResponseFacts::from_pairs(&pairs);
        let decision = self.policy.on_response(response.stream, &facts, now(needs.response_time)?);
        self.count(decision.events);
        response.headers.apply(&decision.edits)?;
        Ok(Flow::Continue)
    }

    /// Continues with the edits that were already made: a failure of telemetry must not fail the request.
    fn on_error(&self, error: Error, _: Phase) -> Flow {
        tollgate::log::debug!("skipped the remaining header edits: {error}");
        self.statistics.host_error.increment();
        Flow::Continue
    }
}

impl TelemetryHeaders {
    fn count(&self, events: Events) {
        for event in events.iter() {
            self.statistics.events.increment(event);
        }
    }
}

/// Returns the time, or 0 without a host call if the time is not needed.
fn now(needed: bool) -> Result<UnixNanos, Error> {
    if needed { clock::now() } else { Ok(UnixNanos(0)) }
}
