//! An attempt of a fetch, from its lease to its end.

use super::{Event, Fetcher, Result, log, poll};
use tollgate::{CalloutError, Context, HttpCall, HttpResult, clock};
use tollgate_policy::fetch::{Availability, Body, Exchange, Failure, Next, Request, Response, Source};
use tollgate_policy::{Duration, UnixNanos};

/// An attempt of a fetch.
struct Attempt {
    slot: usize,
    holder: u64,
    exchange: Exchange,
}

/// Begins an attempt if this worker gets the lease.
pub(super) fn begin<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    index: usize,
    now: UnixNanos,
) {
    let Some(slot) = fetcher.documents().slots.get_mut(index) else { return };
    let (holder, known) = match slot.lease(now) {
        Ok(Some(leased)) => leased,
        Ok(None) => return,
        Err(error) => return log("cannot acquire the lease for a fetch", error),
    };
    let (exchange, next) = Exchange::begin(&slot.rules, &slot.source, known.as_ref());
    advance(fetcher, cx, Attempt { slot: index, holder, exchange }, next, Vec::new());
}

/// Carries out the next step of an attempt. At its end, polls the slot, which resumes the requests that
/// wait on this worker.
fn advance<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    attempt: Attempt,
    next: Next,
    text: Vec<u8>,
) {
    let (index, holder) = (attempt.slot, attempt.holder);
    let now = match clock::now() {
        Ok(now) => now,
        // The lease expires.
        Err(error) => return log("cannot read the clock; abandoning a fetch", error),
    };
    let ended = match next {
        Next::Ask(request) => return send(fetcher, cx, attempt, request),
        Next::Document { life, uri, etag } => {
            publish(fetcher, index, Body { lease: holder, uri, etag, text }, life, now)
        }
        Next::Unchanged { life } => match fetcher.documents().slots.get_mut(index) {
            Some(slot) => slot.renew(holder, false, life, now).map(|_| Ok(())),
            None => return,
        },
        Next::Failed(why) => Ok(Err(why)),
    };
    match ended.unwrap_or_else(|error| Err(Failure::Host(error.to_string()))) {
        Ok(()) => fetcher.count(index, Event::Fetched),
        Err(why) => fail(fetcher, index, holder, &why, now),
    }
    poll::poll_and_wake(fetcher, cx, index, now);
}

fn send<F: Fetcher>(fetcher: &mut F, cx: &mut Context<'_, F::Filter>, attempt: Attempt, request: Request) {
    let mut call = HttpCall::new(&request.cluster, "GET", &request.authority, &request.path)
        .timeout(request.timeout.into())
        .max_response_body(request.max_bytes);
    for (name, value) in request.headers {
        call = call.header(name.as_str(), value);
    }
    let Attempt { slot, holder, exchange } = attempt;
    let at_once = Attempt { slot, holder, exchange: exchange.clone() };
    let sent = cx.plugin_http_call(&call, move |filter, answer, cx| {
        let attempt = Attempt { slot, holder, exchange };
        F::of(filter).update(|fetcher| answered(fetcher, cx, attempt, answer));
    });
    if let Err(error) = sent {
        advance(fetcher, cx, at_once, Next::Failed(Failure::Host(error.to_string())), Vec::new());
    }
}

fn answered<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    mut attempt: Attempt,
    answer: HttpResult,
) {
    let Some(slot) = fetcher.documents().slots.get(attempt.slot) else { return };
    let (next, text) = match answer {
        Ok(answer) => {
            let headers: Vec<_> = answer.headers.iter().collect();
            let response = Response { status: answer.status, headers: &headers, body: &answer.body };
            (attempt.exchange.answered(&slot.rules, &slot.source, response), answer.body)
        }
        Err(error) => (Next::Failed(failure(error)), Vec::new()),
    };
    advance(fetcher, cx, attempt, next, text);
}

fn failure(error: CalloutError) -> Failure {
    match error {
        CalloutError::Timeout => Failure::Timeout,
        CalloutError::Unavailable => Failure::Unavailable,
        CalloutError::Reset => Failure::Reset,
        CalloutError::TooLarge => Failure::TooLarge,
        CalloutError::Host(error) => Failure::Host(error.to_string()),
        _ => Failure::Host("no response".into()),
    }
}

/// Parses a document, and publishes it if it is valid. Reports it if it differs from the previous one.
fn publish<F: Fetcher>(
    fetcher: &mut F,
    index: usize,
    body: Body,
    life: Duration,
    now: UnixNanos,
) -> Result<std::result::Result<(), Failure>> {
    let value = match fetcher.parse(index, &body.text, now) {
        Ok(value) => value,
        Err(why) => return Ok(Err(Failure::Document(why))),
    };
    let slot = fetcher.documents().slots.get_mut(index);
    if slot.map(|slot| slot.publish(body, life, now)).transpose()?.flatten() == Some(true) {
        fetcher.changed(index, &value);
    }
    Ok(Ok(()))
}

/// Records a failed attempt, and counts a fetch that failed with all its retries.
fn fail<F: Fetcher>(fetcher: &mut F, index: usize, holder: u64, why: &Failure, now: UnixNanos) {
    let Some(slot) = fetcher.documents().slots.get_mut(index) else { return };
    tollgate::log::warn!("cannot fetch {}: {why}", slot.source.place());
    match slot.fail(holder, now) {
        Ok(Some(state)) if !state.is_being_retried() => {
            let stale = state.availability(now) == Availability::Stale;
            fetcher.count(index, Event::Failed { stale });
        }
        Ok(_) => {}
        Err(error) => log("cannot record a failed fetch", error),
    }
}
