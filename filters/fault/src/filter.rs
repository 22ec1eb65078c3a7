//! The shell: passes requests and responses to the policy, and carries out its decisions.

use crate::control::{CHECK, STOP};
use crate::host::{Host, Statistics};
use tollgate::{
    ConfigError, Context, Error, Flow, HttpFilter, Phase, Request, Response, ResponseBody, ResponseTrailers,
    Result, State,
};
use tollgate_fault_policy::{Config, Document, Environment, Event, Injected, Plan, Policy, Then};
use tollgate_kit::{counts::Counts, decisions, facts, fetch};
use tollgate_policy::HttpUri;

/// The filter. Its state changes with each request.
pub struct Fault(pub(crate) State<Worker>);

pub(crate) struct Worker {
    pub(crate) policy: Policy,
    pub(crate) host: Host,
    pub(crate) documents: fetch::Documents<HttpUri, Document>,
}

type Stream = Option<Box<Injected>>;

#[tollgate::filter(http_callouts, timers)]
impl HttpFilter for Fault {
    type Config = Config;
    type Stream = Stream;

    fn new(config: Config, cx: &mut Context<'_, Self>) -> Result<Self, ConfigError> {
        let plan = Plan::new(config)?;
        plan.warnings.iter().for_each(|warning| tollgate::log::warn!("{warning}"));
        let statistics = Statistics::define(&plan.stat_prefix, &plan.statistics)?;
        let (mut counts, seed) = Counts::new("fault", &plan.stat_prefix, plan.pages())?;
        if plan.counts_active_faults() {
            counts.start_heartbeat(cx, |filter: &Self| &filter.0, |worker| &mut worker.host.counts)?;
        }
        let mut documents = fetch::Documents::new("fault", 0);
        if let Some(control) = &plan.control {
            documents.add(Plan::fetch_rules(control), control.http_uri.clone());
            cx.plugin_every(CHECK, |filter, cx| filter.0.update(|worker| worker.stop_delays(cx)))?;
        }
        let host = Host { counts, statistics };
        let mut worker = Worker { policy: Policy::new(plan, seed), host, documents };
        fetch::start(&mut worker, cx)?;
        Ok(Self(State::new(worker)))
    }

    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let (headers, stream, cx) = request.parts();
        self.0.enter(|worker| {
            let Worker { policy, host, documents } = worker;
            let then = facts::of_request(headers, true, |request, headers| {
                let decision = policy.decide(request, documents.ready(0), host);
                *stream = decision.injected;
                headers.apply(&decision.edits).map(|()| decision.then)
            })??;
            for (name, value) in stream.iter().flat_map(|injected| policy.filter_state(injected)) {
                decisions::report(name, value.as_bytes());
            }
            worker.carry_out(then, stream, cx)
        })?
    }

    fn on_response_headers(&self, response: &mut Response<'_, Self>) -> Result {
        let (headers, stream, cx) = response.parts();
        self.0.enter(|worker| {
            let Some(injected) = stream else { return Ok(Flow::Continue) };
            let decision = worker.policy.respond(injected, worker.documents.ready(0), &mut worker.host);
            headers.apply(&decision.edits)?;
            if decision.changes_length {
                headers.body_may_change()?;
            }
            let then = decision.then;
            worker.carry_out(then, stream, cx)
        })?
    }

    fn on_response_body(&self, response: &mut ResponseBody<'_, Self>) -> Result {
        let (body, stream, cx) = response.parts();
        self.0.enter(|worker| {
            let Some(injected) = stream else { return Ok(Flow::Continue) };
            if let Some(fault) = injected.body().filter(|fault| fault.changes_bytes()) {
                // Not `transform`: a corrupted body keeps its `content-length`.
                let mut changed = Vec::new();
                fault.change(&body.read(usize::MAX)?, &mut changed);
                body.replace(&changed)?;
            }
            let then = worker.policy.pass(injected, body.size(), body.end_of_stream(), &mut worker.host);
            worker.carry_out(then, stream, cx)
        })?
    }

    fn on_response_trailers(&self, response: &mut ResponseTrailers<'_, Self>) -> Result {
        let is_held = response.stream.as_ref().is_some_and(|injected| injected.holds_body());
        Ok(if is_held { Flow::Pause } else { Flow::Continue })
    }

    fn on_end(&self, stream: Stream, _: &mut Context<'_, Self>) {
        if let Some(injected) = stream {
            self.0.update(|worker| worker.policy.end(injected, &mut worker.host));
        }
    }

    /// Continues: a failure of the filter must not fail a request that no experiment selected.
    fn on_error(&self, error: Error, _: Phase) -> Flow {
        tollgate::log::error!("cannot inject a fault: {error}");
        self.0.update(|worker| worker.host.count(usize::MAX, Event::HostError));
        Flow::Continue
    }
}

impl Worker {
    /// Carries out the next step of a request, a response or a part of a body.
    fn carry_out(&mut self, then: Then, stream: &mut Stream, cx: &mut Context<'_, Fault>) -> Result {
        let delay = match then {
            Then::Pass => return Ok(Flow::Continue),
            Then::Reply(refusal) => return Ok((*refusal).into()),
            Then::Reset => return tollgate::Reply::reset().into(),
            Then::Hold => return Ok(Flow::PauseSender),
            Then::Delay(delay) => delay,
        };
        let set = cx.wait(STOP, delay.into(), |filter, stream, _, cx| {
            filter.0.enter(|worker| {
                let Some(injected) = stream else { return Ok(Flow::Continue) };
                let document = worker.documents.ready(0);
                let then = worker.policy.resume(injected, document, &mut worker.host);
                worker.carry_out(then, stream, cx)
            })?
        });
        // Without a timer, the request gets no fault.
        if set.is_err()
            && let Some(injected) = stream.take()
        {
            self.policy.end(injected, &mut self.host);
        }
        Ok(set.map(|()| Flow::PauseSender)?)
    }
}
