//! The shell: reads facts from the host, applies the header edits of the policy, and counts its events.

use tollgate::metrics::{Counter, Family};
use tollgate::{ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, Response, Result};
use tollgate::{Metrics, UnixNanos, clock, random};
use tollgate_kit::facts;
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
        // Without random bytes the policy keeps the ids that it trusts, generates nothing, and counts that.
        let draws = if needs.draws { random::bytes().ok().map(Draws::from_bytes) } else { None };
        let now = if needs.request_time { clock::now()? } else { UnixNanos(0) };
        let (headers, stream, _) = request.parts();
        facts::of_request(headers, needs.request_headers, |request, headers| {
            let decision = self.policy.on_request(request, draws.as_ref(), now);
            *stream = decision.state;
            self.count(decision.events);
            headers.apply(&decision.edits)
        })??;
        Ok(Flow::Continue)
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let needs = self.policy.needs();
        let now = if needs.response_time { clock::now()? } else { UnixNanos(0) };
        let (headers, stream, _) = response.parts();
        facts::of_response(headers, needs.response_headers, |response, headers| {
            let decision = self.policy.on_response(stream, response, now);
            self.count(decision.events);
            headers.apply(&decision.edits)
        })??;
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
        events.iter().for_each(|event| self.statistics.events.increment(event));
    }
}
