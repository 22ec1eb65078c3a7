mod failures;
mod headers;
mod leases;
mod model;
mod refusals;

use super::*;
use model::Reference;
use tollgate_policy::UnixNanos;
use tollgate_rate_limit_service::{Code, CurrentLimit, Duration, Response, Status};

pub(super) const MS: u64 = 1_000_000;
pub(super) const SECOND: u64 = 1_000 * MS;

/// In the first second of a window of a minute.
pub(super) const START: u64 = 28_333_333 * 60 * SECOND;

pub(super) fn descriptor(value: &str, hits: u64) -> Descriptor {
    Descriptor { entries: vec![("client".into(), value.into())], hits, shadow: false }
}

pub(super) fn remote(cache: Cache) -> Remote {
    Remote::new("shop", Service { timeout: 20 * MS, cache }, [7; 16])
}

pub(super) fn status(code: Code, remaining: u32, reset: u64) -> Status {
    Status {
        code: code.into(),
        current_limit: Some(CurrentLimit { requests_per_unit: 100, unit: 2, name: Vec::new() }),
        limit_remaining: remaining,
        duration_until_reset: Some(Duration { seconds: reset as i64, nanos: 0 }),
        quota: None,
    }
}

pub(super) fn response(code: Code, statuses: Vec<Status>) -> Response {
    Response { overall_code: code.into(), statuses, ..Response::default() }
}

/// Returns an answer that only contains the decision, as from Limitador.
pub(super) fn bare(code: Code) -> Response {
    response(code, Vec::new())
}

impl Remote {
    pub(super) fn ask_at(&mut self, descriptors: &[Descriptor], now: u64) -> Ask {
        self.ask(descriptors, UnixNanos(now))
    }

    #[track_caller]
    pub(super) fn call_for(&mut self, descriptors: &[Descriptor], now: u64) -> Call {
        match self.ask_at(descriptors, now) {
            Ask::Call(call) => call,
            other => panic!("no call: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn settled_for(&mut self, descriptors: &[Descriptor], now: u64) -> Verdict {
        match self.ask_at(descriptors, now) {
            Ask::Settled(verdict) => verdict,
            other => panic!("not settled: {other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn answer(&mut self, call: &Call, response: &Response, now: u64) -> Verdict {
        match self.answered(call.id, Ok(&response.write()), UnixNanos(now)) {
            Ask::Settled(verdict) => verdict,
            other => panic!("not settled: {other:?}"),
        }
    }

    /// One request from beginning to end, with the service at once.
    pub(super) fn pass(
        &mut self,
        service: &mut Reference,
        descriptors: &[Descriptor],
        now: u64,
    ) -> (Verdict, u32) {
        let mut calls = 0;
        let mut asked = self.ask_at(descriptors, now);
        loop {
            match asked {
                Ask::Settled(verdict) => return (verdict, calls),
                Ask::Wait(_) => panic!("unexpected wait"),
                Ask::Call(call) => {
                    calls += 1;
                    let answer = service.answer(&call.message, now);
                    asked = self.answered(call.id, Ok(&answer), UnixNanos(now));
                }
            }
        }
    }
}

pub(super) fn hits_of(call: &Call) -> u32 {
    tollgate_rate_limit_service::Request::read(&call.message).unwrap().hits_addend
}

pub(super) fn is_ok(verdict: &Verdict) -> bool {
    verdict.over_limit.is_empty() && verdict.failure.is_none()
}
