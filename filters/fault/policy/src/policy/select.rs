//! Selects the faults of a request.

use super::Policy;
use crate::asked::Asked;
use crate::body::BodyFault;
use crate::config::DrawBy;
use crate::draw::{Number, Purpose, StableHash};
use crate::injected::{Details, Injected, ResponseState};
use crate::plan::{HEADERS, PREFIX, RuleSet};
use crate::rule::{Rate, ReplyPlan, Rule, Share, Status};
use crate::{Distribution, Document, Environment, Event};
use std::cell::Cell;
use std::rc::Rc;
use tollgate_counting::{Failure, client_address};
use tollgate_policy::{HeaderEdit, Refusal, RequestFacts, Source, Variable, grpc_status_of};

type Result<T> = core::result::Result<T, Failure>;

/// The faults that the draws of a request select.
#[derive(Clone, Copy, Debug, Default)]
struct Drawn {
    delay: u64,
    abort: Option<Status>,
    reset: bool,
    response: bool,
    rate: Option<u64>,
}

impl Policy {
    /// Removes the headers that are only for this filter.
    pub(super) fn remove_headers<'p>(&'p self, request: &RequestFacts<'_>, edits: &mut Vec<HeaderEdit<'p>>) {
        let headers = request.headers;
        let secret = self.plan.header_faults.secret.as_ref().map(|secret| secret.header.name());
        // Most requests have none of them: compare each line once, instead of a search for each name.
        let any = headers.0.iter().any(|(name, _)| {
            name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
        });
        let fault_headers = HEADERS.iter().filter(|_| any);
        for name in fault_headers.chain(secret).filter(|name| headers.has(*name)) {
            edits.push(HeaderEdit::Remove(name));
        }
    }

    /// Returns the faults of a request.
    pub(super) fn select(
        &self,
        request: &RequestFacts<'_>,
        document: Option<&Document>,
        env: &mut dyn Environment,
    ) -> Result<Option<Box<Injected>>> {
        if !self.is_enabled(document) {
            return Ok(None);
        }
        let Some(rule) = self.rule(request, document, env)? else { return Ok(None) };
        let number = number(rule, request, env)?;
        let Some(drawn) = self.drawn(rule, number, request, env)? else { return Ok(None) };
        let now = env.host().now()?;
        let is_over = self.plan.expires_at.is_some_and(|time| time <= now);
        let schedule = &self.plan.schedule;
        if is_over || !(schedule.is_empty() || schedule.iter().any(|period| period.contains(now))) {
            return Ok(None);
        }
        let statistic = rule.statistic.min(self.plan.other_statistics());
        if self.plan.shadow {
            env.count(statistic, Event::Shadow);
            return Ok(None);
        }
        let mut injected = self.injected(rule, &drawn, number, request);
        // A fault that finds no slot does not count for its client.
        if !self.enter(&mut injected, now, env)? {
            env.count(statistic, Event::FaultsOverflow);
            return Ok(None);
        }
        match self.take_from_client(request, rule, now, env) {
            Ok(true) => Ok(Some(injected)),
            other => {
                self.release(&mut injected, env);
                other.map(|_| None)
            }
        }
    }

    /// Returns the first rule that matches: of the experiments, then of the configuration.
    fn rule<'r>(
        &'r self,
        request: &RequestFacts<'_>,
        document: Option<&'r Document>,
        env: &mut dyn Environment,
    ) -> Result<Option<&'r Rc<Rule>>> {
        let raw = request.path_only();
        let path = self.plan.normalization.readings(raw);
        let path = path.as_ref().map_or(raw, |readings| readings.first());
        let failure = Cell::new(None);
        let first = |rules: &'r RuleSet, env: &mut dyn Environment| {
            rules.first(request, path, |rule| {
                rule.condition.matches(request, path, env).unwrap_or_else(|error| {
                    failure.set(Some(error));
                    false
                })
            })
        };
        let mut found = None;
        if self.plan.has_experiments(document) {
            let now = env.host().now()?;
            found = self.plan.running(document, now).find_map(|rules| first(rules, env));
        }
        let found = found.or_else(|| first(&self.plan.rules, env));
        // Without one of the attributes, another rule could have been the first.
        failure.get().map_or(Ok(found), Err)
    }

    /// Draws the faults of a rule. Returns `None` without one.
    fn drawn(
        &self,
        rule: &Rule,
        number: Number,
        request: &RequestFacts<'_>,
        env: &mut dyn Environment,
    ) -> Result<Option<Drawn>> {
        let asked = self.asked(rule, request, env)?;
        let is_drawn = |share: Share, purpose, numerator| {
            share.holds(if rule.draws_once() { number.0 } else { number.derive(purpose) }, numerator)
        };
        let mut drawn = Drawn::default();
        if let Some(delay) = &rule.delay {
            let length = || match &delay.length {
                Some(length) => self.length(length, number.derive(Purpose::Length)),
                None => asked.delay.unwrap_or_default().min(self.plan.max_delay / 1_000_000),
            };
            let numerator = if delay.length.is_none() { asked.delay_percentage } else { None };
            if is_drawn(delay.share, Purpose::Delay, numerator) {
                drawn.delay = length();
            }
        }
        if let Some(abort) = &rule.abort {
            let numerator = if abort.status.is_none() { asked.abort_percentage } else { None };
            if is_drawn(abort.share, Purpose::Abort, numerator) {
                drawn.abort = abort.status.or(asked.abort);
            }
        }
        drawn.reset = rule.reset.is_some_and(|share| is_drawn(share, Purpose::Reset, None));
        if let Some(response) = &rule.response {
            let of_header = response.rate == Some(Rate::Header);
            let numerator = if of_header { asked.rate_percentage } else { None };
            if is_drawn(response.share, Purpose::Response, numerator) {
                drawn.rate = match response.rate {
                    Some(Rate::Fixed(rate)) => Some(rate),
                    Some(Rate::Header) => asked.rate,
                    None => None,
                };
                drawn.response = drawn.rate.is_some() || !response.is_rate_only();
            }
        }
        let any = drawn.delay > 0 || drawn.abort.is_some() || drawn.reset || drawn.response;
        Ok(any.then_some(drawn))
    }

    /// Returns what the headers of a request ask for, if the rule reads them and the request may use them.
    fn asked(&self, rule: &Rule, request: &RequestFacts<'_>, env: &mut dyn Environment) -> Result<Asked> {
        if !rule.reads_headers() {
            return Ok(Asked::default());
        }
        let asked = Asked::read(request.headers);
        let conditions = &self.plan.header_faults;
        if asked == Asked::default() {
            return Ok(asked);
        }
        let secret = conditions.secret.as_ref().is_none_or(|secret| {
            let mut values = request.headers.all(secret.header.name().as_ref());
            values.any(|value| is_equal(value, secret.value.as_bytes()))
        });
        let allowed = secret
            && (conditions.principals.is_empty() || {
                let principal = env.principal()?;
                let is_one = |uri: &[u8]| conditions.principals.iter().any(|matcher| matcher.matches(uri));
                principal.is_some_and(|uri| is_one(&uri))
            });
        if allowed {
            return Ok(asked);
        }
        env.count(rule.statistic.min(self.plan.other_statistics()), Event::HeadersDenied);
        Ok(Asked::default())
    }

    /// Returns the length of a delay, in milliseconds.
    fn length(&self, distribution: &Distribution, draw: u64) -> u64 {
        let nanos = distribution.sample(draw);
        let is_fixed = matches!(distribution, Distribution::Fixed(_));
        if is_fixed { nanos } else { nanos.min(self.plan.max_delay) }.div_ceil(1_000_000)
    }

    fn injected(
        &self,
        rule: &Rc<Rule>,
        drawn: &Drawn,
        number: Number,
        request: &RequestFacts<'_>,
    ) -> Box<Injected> {
        let reply = |status, plan: &ReplyPlan, details| Box::new(reply(status, plan, details, request));
        let abort = drawn.abort.zip(rule.abort.as_ref());
        let response = rule.response.as_ref().filter(|_| drawn.response);
        let response = response.map(|fault| ResponseState {
            delay: fault
                .delay
                .as_ref()
                .map_or(0, |delay| self.length(delay, number.derive(Purpose::ResponseLength))),
            replace: fault.replace.as_ref().map(|(status, plan)| reply(*status, plan, Details::Response)),
            body: BodyFault::new(fault, number.derive(Purpose::Bytes), drawn.rate),
            rate: drawn.rate,
        });
        let mut mark = rule.name.to_string();
        if drawn.delay > 0 {
            mark = [&mark, ";delay=", &drawn.delay.to_string()].concat();
        }
        let ends = [(drawn.abort.is_some(), ";abort"), (drawn.reset, ";reset")];
        let end = ends.iter().find(|(is, _)| *is);
        mark.push_str(end.map_or(if drawn.response { ";response" } else { "" }, |(_, text)| text));
        Box::new(Injected {
            rule: Rc::clone(rule),
            delay: drawn.delay,
            reply: abort.map(|(status, abort)| reply(status, &abort.reply, Details::Abort)),
            reset: drawn.reset,
            response: response.filter(|_| drawn.abort.is_none() && !drawn.reset),
            active: false,
            has_slot: false,
            mark,
        })
    }
}

/// Returns the number of a request for a rule. Without the value to hash, it is random.
fn number(rule: &Rule, request: &RequestFacts<'_>, env: &mut dyn Environment) -> Result<Number> {
    let draw = &rule.draw;
    let mut hash = StableHash::new(&draw.salt);
    let found = match draw.by {
        DrawBy::Random => false,
        DrawBy::RequestId | DrawBy::Header => {
            draw.header.as_ref().is_some_and(|name| hash.header(request.headers, name.as_ref()))
        }
        DrawBy::ClientAddress => {
            let address = client_address(env.host())?.map(|address| address.to_string());
            address.inspect(|address| hash.value(address.as_bytes())).is_some()
        }
    };
    if found { Ok(Number(hash.finish())) } else { env.host().random().map(Number) }
}

/// Compares a value with a secret, in a time that depends only on their lengths.
fn is_equal(value: &[u8], secret: &[u8]) -> bool {
    let difference = value.iter().zip(secret).fold(0, |sum, (a, b)| sum | (a ^ b));
    value.len() == secret.len() && core::hint::black_box(difference) == 0
}

/// Returns a response, with the values of its headers for a request.
fn reply(status: Status, plan: &ReplyPlan, reason: Details, request: &RequestFacts<'_>) -> Refusal<Details> {
    let (status, grpc_status) = match status {
        Status::Http(status) => (status, grpc_status_of(status)),
        Status::Grpc(status) => (200, status),
    };
    let mut headers = Vec::new();
    for (name, template) in &plan.headers {
        let value = template.render(|source, out| {
            let value = match source {
                Source::RequestHeader(name, other) => {
                    let other = || other.as_ref().and_then(|other| request.headers.first(other));
                    request.headers.first(name).or_else(other)
                }
                Source::Variable(Variable::Method) => Some(request.method),
                Source::Variable(Variable::Path) => Some(request.path),
                Source::Variable(Variable::Authority) => Some(request.authority),
                _ => None,
            };
            out.extend_from_slice(value.unwrap_or_default());
            value.is_some()
        });
        if let Ok(value) = value {
            headers.push((name.as_str().to_owned().into(), value.into_owned()));
        }
    }
    Refusal { reason, status, grpc_status, headers, body: plan.body.as_bytes().to_vec() }
}
