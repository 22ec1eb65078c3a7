//! Polls the shared state, fetches documents and resumes waiting requests, with timers and callouts of the
//! filter that owns the store.

use super::shared::draw;
use super::slot::Kind;
use super::{POLL_WHILE_WAITING, Result, Store, log, now, signal};
use std::time::Duration;
use tollgate::filter::{HttpCallouts, Timers};
use tollgate::{CalloutError, Context, HttpCall, HttpFilter, HttpResult};
use tollgate_jose::KeySet;
use tollgate_jwt_authn_policy::remote::{
    Availability, Body, Exchange, Failure, Next, Request, Response, State,
};
use tollgate_policy::UnixNanos;

/// The filter that owns the store.
pub(crate) trait Owner: Sized + 'static {
    /// The filter whose state it is.
    type Filter: HttpFilter + HttpCallouts + Timers;

    /// Returns the state of the filter.
    fn of(filter: &Self::Filter) -> &tollgate::State<Self>;

    /// Returns the store.
    fn store(&mut self) -> &mut Store;

    /// Replaces the revocation list. On an error, the previous list is kept.
    fn take_revocations(&mut self, text: &[u8], now: UnixNanos) -> std::result::Result<(), String>;
}

/// One try of a fetch, from its lease to its end.
struct Try {
    slot: usize,
    holder: u64,
    exchange: Exchange,
}

/// Reads the documents that other workers have fetched, and starts to poll. Called in [`HttpFilter::new`].
pub(crate) fn start<F: Owner>(filter: &mut F, cx: &mut Context<'_, F::Filter>) -> Result<()> {
    if filter.store().slots.is_empty() {
        return Ok(());
    }
    let now = now()?;
    for index in 0..filter.store().slots.len() {
        // No request waits yet, and fetches start later.
        if let Err(error) = poll(filter, index, now) {
            log("cannot read fetched keys", error);
        }
    }
    poll_after(filter, cx, Duration::from_micros(1000 + draw() % 2000))
}

/// Parks the stream until the document that the policy needs changes, and then calls `then`. `since` is when
/// the request began to wait. Returns `false` if the request may not wait, or not any longer.
pub(crate) fn park<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F::Filter>,
    since: UnixNanos,
    then: impl FnOnce(&mut F, &mut Context<'_, F::Filter>) -> tollgate::Result + 'static,
) -> Result<bool> {
    let now = now()?;
    let store = filter.store();
    let Some(index) = store.awaited.take() else { return Ok(false) };
    let Some(slot) = store.slots.get(index) else { return Ok(false) };
    let time_left = Duration::from(slot.rules.wait()).saturating_sub(now.since(since));
    if time_left.is_zero() {
        return Ok(false);
    }
    if cx.waiting(None) >= store.max_waiting {
        store.statistics.waiting_overflow.increment();
        return Ok(false);
    }
    store.statistics.waited.increment();
    cx.wait(signal(index), time_left, |filter, _, _, cx| F::of(filter).enter(|filter| then(filter, cx))?)?;
    if !std::mem::replace(&mut filter.store().polling_for_waiting, true) {
        // Soon, because the fetch may not have begun.
        poll_waiting_after(filter, cx, Duration::from_millis(1))?;
    }
    if !filter.store().polling {
        poll_after(filter, cx, super::POLL_INTERVAL)?;
    }
    Ok(true)
}

/// Calls `then` with the state of the filter after a delay.
fn after<F: Owner>(
    cx: &mut Context<'_, F::Filter>,
    delay: Duration,
    then: impl FnOnce(&mut F, &mut Context<'_, F::Filter>) + 'static,
) -> Result<()> {
    cx.plugin_after(delay, |filter, cx| enter(filter, |filter| then(filter, cx)))
}

fn enter<F: Owner>(filter: &F::Filter, change: impl FnOnce(&mut F)) {
    if let Err(error) = F::of(filter).enter(change) {
        log("cannot fetch keys", error);
    }
}

fn poll_after<F: Owner>(filter: &mut F, cx: &mut Context<'_, F::Filter>, delay: Duration) -> Result<()> {
    let set = after(cx, delay, |filter: &mut F, cx| {
        let all = 0..filter.store().slots.len();
        if let Some(now) = poll_slots(filter, cx, all) {
            let next = filter.store().next_poll(now);
            if let Err(error) = poll_after(filter, cx, next) {
                log("cannot start a timer; fetched keys are not read until a request waits", error);
            }
        }
    });
    filter.store().polling = set.is_ok();
    set
}

fn poll_waiting_after<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F::Filter>,
    delay: Duration,
) -> Result<()> {
    let set = after(cx, delay, |filter: &mut F, cx| {
        let awaited: Vec<_> =
            (0..filter.store().slots.len()).filter(|slot| cx.waiting(Some(signal(*slot))) > 0).collect();
        if poll_slots(filter, cx, awaited.into_iter()).is_none() || cx.waiting(None) == 0 {
            filter.store().polling_for_waiting = false;
        } else if let Err(error) = poll_waiting_after(filter, cx, POLL_WHILE_WAITING) {
            log("cannot start a timer; waiting requests may resume late", error);
        }
    });
    filter.store().polling_for_waiting = set.is_ok();
    set
}

/// Polls slots, resumes the requests that wait for them, and starts the fetches that are due. Returns the
/// current time; `None` if the host does not provide it.
fn poll_slots<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F::Filter>,
    slots: impl Iterator<Item = usize>,
) -> Option<UnixNanos> {
    let now = now().inspect_err(|error| log("cannot read the clock", *error)).ok()?;
    for index in slots {
        match poll(filter, index, now) {
            Ok(polled) => {
                if polled.changed {
                    wake::<F>(cx, index);
                }
                if polled.due {
                    begin(filter, cx, index, now);
                }
            }
            Err(error) => log("cannot read fetched keys", error),
        }
    }
    Some(now)
}

fn wake<F: Owner>(cx: &mut Context<'_, F::Filter>, index: usize) {
    if let Err(error) = cx.signal(signal(index)) {
        log("cannot resume waiting requests", error);
    }
}

struct PollResult {
    changed: bool,
    due: bool,
}

/// Polls a slot, and takes its document if that changed.
fn poll<F: Owner>(filter: &mut F, index: usize, now: UnixNanos) -> Result<PollResult> {
    let Some(slot) = filter.store().slots.get_mut(index) else {
        return Ok(PollResult { changed: false, due: false });
    };
    let polled = slot.poll(now)?;
    if let Some(body) = polled.document {
        take(filter, index, &body, now);
    }
    Ok(PollResult { changed: polled.changed, due: polled.due })
}

fn take<F: Owner>(filter: &mut F, index: usize, body: &Body, now: UnixNanos) {
    let read = read(filter, index, &body.text, now);
    let Some(slot) = filter.store().slots.get_mut(index) else { return };
    match read {
        Ok(keys) => slot.use_document(body.lease, keys),
        Err(why) => {
            tollgate::log::error!(
                "cannot use the document that another worker fetched from {}: {why}",
                body.uri
            );
            slot.skip_document(body.lease);
        }
    }
}

/// Reads a document. Returns the keys, or `None` for a revocation list, which the owner keeps.
fn read<F: Owner>(
    filter: &mut F,
    index: usize,
    text: &[u8],
    now: UnixNanos,
) -> std::result::Result<Option<KeySet>, String> {
    match filter.store().slots.get(index).map(|slot| slot.kind) {
        None => Err("unknown slot".into()),
        Some(Kind::Revocations) => filter.take_revocations(text, now).map(|()| None),
        Some(Kind::Keys(limits)) => match KeySet::from_jwks(text, limits) {
            Ok((keys, skipped)) => {
                for skipped in skipped {
                    tollgate::log::debug!(
                        "skipping key {} of a fetched set: {}",
                        skipped.index,
                        skipped.error
                    );
                }
                Ok(Some(keys))
            }
            Err(error) => Err(error.to_string()),
        },
    }
}

fn begin<F: Owner>(filter: &mut F, cx: &mut Context<'_, F::Filter>, index: usize, now: UnixNanos) {
    let Some(slot) = filter.store().slots.get_mut(index) else { return };
    let (holder, known) = match slot.lease(now) {
        Ok(Some(leased)) => leased,
        Ok(None) => return,
        Err(error) => return log("cannot acquire the lease for a fetch", error),
    };
    let (exchange, next) = Exchange::begin(&slot.rules, known.as_ref());
    advance(filter, cx, Try { slot: index, holder, exchange }, next, Vec::new());
}

fn send<F: Owner>(filter: &mut F, cx: &mut Context<'_, F::Filter>, attempt: Try, request: &Request) {
    let mut call = HttpCall::new(&request.cluster, "GET", &request.authority, &request.path)
        .header("accept", "application/json")
        .timeout(request.timeout.into())
        .max_response_body(request.max_bytes);
    if !request.etag.is_empty() {
        call = call.header("if-none-match", &request.etag);
    }
    let Try { slot, holder, exchange } = attempt;
    let at_once = Try { slot, holder, exchange: exchange.clone() };
    let sent = cx.plugin_http_call(&call, move |filter, answer, cx| {
        enter::<F>(filter, |filter| answered(filter, cx, Try { slot, holder, exchange }, answer));
    });
    if let Err(error) = sent {
        advance(filter, cx, at_once, Next::Failed(Failure::Host(error.to_string())), Vec::new());
    }
}

fn answered<F: Owner>(filter: &mut F, cx: &mut Context<'_, F::Filter>, mut attempt: Try, answer: HttpResult) {
    let Some(slot) = filter.store().slots.get(attempt.slot) else { return };
    let (next, text) = match answer {
        Ok(answer) => {
            let headers: Vec<_> = answer.headers.iter().collect();
            let response = Response { status: answer.status, headers: &headers, body: &answer.body };
            (attempt.exchange.answered(&slot.rules, response), answer.body)
        }
        Err(error) => (Next::Failed(failure(error)), Vec::new()),
    };
    advance(filter, cx, attempt, next, text);
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

/// Carries out the next step of a try. At the end of the try, polls the slot, which resumes the requests that
/// wait on this worker.
fn advance<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F::Filter>,
    attempt: Try,
    next: Next,
    text: Vec<u8>,
) {
    let (index, holder) = (attempt.slot, attempt.holder);
    let now = match now() {
        Ok(now) => now,
        // The lease expires.
        Err(error) => return log("cannot read the clock; abandoning a fetch", error),
    };
    let ended = match next {
        Next::Ask(request) => return send(filter, cx, attempt, &request),
        Next::Document { life, uri, etag } => {
            let body = Body { lease: holder, uri, etag, text };
            publish(filter, index, body, life, now)
        }
        Next::Unchanged { life } => match filter.store().slots.get_mut(index) {
            Some(slot) => slot.renew(holder, false, life, now).map(|_| Ok(())),
            None => return,
        },
        Next::Failed(why) => Ok(Err(why)),
    };
    let ended = ended.unwrap_or_else(|error| Err(Failure::Host(error.to_string())));
    match ended {
        Ok(()) => count_success(filter, index),
        Err(why) => {
            let Some(slot) = filter.store().slots.get_mut(index) else { return };
            tollgate::log::warn!("cannot fetch {}: {why}", slot.rules.place());
            match slot.fail(holder, now) {
                Ok(Some(state)) if !state.is_being_retried() => count_failure(filter, index, &state, now),
                Ok(_) => {}
                Err(error) => log("cannot record a failed fetch", error),
            }
        }
    }
    match poll(filter, index, now) {
        Ok(seen) if seen.changed => wake::<F>(cx, index),
        Ok(_) => {}
        Err(error) => log("cannot read fetched keys", error),
    }
}

/// Reads a document, and publishes it if it is valid.
fn publish<F: Owner>(
    filter: &mut F,
    index: usize,
    body: Body,
    life: tollgate_policy::Duration,
    now: UnixNanos,
) -> Result<std::result::Result<(), Failure>> {
    if let Err(why) = read(filter, index, &body.text, now) {
        return Ok(Err(Failure::Document(why)));
    }
    if let Some(slot) = filter.store().slots.get_mut(index) {
        slot.publish(body, life, now)?;
    }
    Ok(Ok(()))
}

fn count_success<F: Owner>(filter: &mut F, index: usize) {
    let store = filter.store();
    match store.slots.get(index).map(|slot| slot.kind) {
        Some(Kind::Keys(_)) => store.statistics.jwks_fetch_success.increment(),
        Some(Kind::Revocations) => store.statistics.revocation_fetch_success.increment(),
        None => {}
    }
}

/// Counts a fetch that failed with all its retries.
fn count_failure<F: Owner>(filter: &mut F, index: usize, state: &State, now: UnixNanos) {
    let store = filter.store();
    match store.slots.get(index).map(|slot| slot.kind) {
        Some(Kind::Keys(_)) => {
            store.statistics.jwks_fetch_failed.increment();
            if state.availability(now) == Availability::Stale {
                store.statistics.jwks_stale_used.increment();
            }
        }
        Some(Kind::Revocations) => store.statistics.revocation_fetch_failed.increment(),
        None => {}
    }
}
