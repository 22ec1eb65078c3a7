//! Looking, fetching and waking, by timers and callouts of the filter that owns the store.

use super::shared::draw;
use super::slot::Kind;
use super::{HURRY, Store, log, now, signal};
use std::time::Duration;
use tollgate::filter::{HttpCallouts, Timers};
use tollgate::{CalloutError, Context, Flow, HttpCall, HttpFilter, HttpResult, Result};
use tollgate_jose::KeySet;
use tollgate_jwt_authn_policy::remote::{
    Availability, Body, Exchange, Failure, Next, Request, Response, State,
};
use tollgate_policy::UnixNanos;

/// The filter that has the store.
pub(crate) trait Owner: HttpFilter + HttpCallouts + Timers {
    /// The store.
    fn store(&mut self) -> &mut Store;

    /// Takes a list of what is revoked; an error says why it is none, and then the one before is kept.
    fn take_revocations(&mut self, text: &[u8], now: UnixNanos) -> std::result::Result<(), String>;
}

/// A try to fetch, from its lease to its end.
struct Try {
    slot: usize,
    holder: u64,
    exchange: Exchange,
}

/// Reads what other workers have fetched, and begins to look. For [`HttpFilter::new`].
pub(crate) fn start<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>) -> Result<()> {
    if filter.store().slots.is_empty() {
        return Ok(());
    }
    let now = now()?;
    for index in 0..filter.store().slots.len() {
        // Nobody waits yet, and fetching is for later.
        if let Err(error) = look(filter, index, now) {
            log("keys were not looked for", error);
        }
    }
    look_after(filter, cx, Duration::from_micros(1000 + draw() % 2000))
}

/// Parks the stream until there is news of the document that the policy was last told to wait for, and then calls `then`.
/// `since` is when the request began to wait. `false` if it may not (any more).
pub(crate) fn park<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F>,
    since: UnixNanos,
    then: impl FnOnce(&mut F, &mut F::Stream, &mut Context<'_, F>) -> Result<Flow> + 'static,
) -> Result<bool> {
    let now = now()?;
    let store = filter.store();
    let Some(index) = store.awaited.take() else { return Ok(false) };
    let Some(slot) = store.slots.get(index) else { return Ok(false) };
    let patience = Duration::from(slot.rules.wait()).saturating_sub(now.since(since));
    if patience.is_zero() {
        return Ok(false);
    }
    if cx.waiting(None) >= store.max_waiting {
        store.statistics.waiting_overflow.increment();
        return Ok(false);
    }
    store.statistics.waited.increment();
    cx.wait(signal(index), patience, |filter, stream, _, cx| then(filter, stream, cx))?;
    if !std::mem::replace(&mut filter.store().hurrying, true) {
        // Soon: the fetch that is waited for may not have begun.
        hurry_after(filter, cx, Duration::from_millis(1))?;
    }
    if !filter.store().looking {
        look_after(filter, cx, super::LOOK)?;
    }
    Ok(true)
}

fn look_after<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, delay: Duration) -> Result<()> {
    let set = cx.plugin_after(delay, |filter: &mut F, cx| {
        let all = 0..filter.store().slots.len();
        if let Some(now) = look_at(filter, cx, all) {
            let next = filter.store().next_look(now);
            if let Err(error) = look_after(filter, cx, next) {
                log("keys are not looked for until a request waits", error);
            }
        }
    });
    filter.store().looking = set.is_ok();
    set
}

fn hurry_after<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, delay: Duration) -> Result<()> {
    let set = cx.plugin_after(delay, |filter: &mut F, cx| {
        let awaited: Vec<_> =
            (0..filter.store().slots.len()).filter(|slot| cx.waiting(Some(signal(*slot))) > 0).collect();
        if look_at(filter, cx, awaited.into_iter()).is_none() || cx.waiting(None) == 0 {
            filter.store().hurrying = false;
        } else if let Err(error) = hurry_after(filter, cx, HURRY) {
            log("keys are not looked for in a hurry", error);
        }
    });
    filter.store().hurrying = set.is_ok();
    set
}

/// Looks at slots, wakes who waits for them, fetches what is due. When; `None` if the host has no time.
fn look_at<F: Owner>(
    filter: &mut F,
    cx: &mut Context<'_, F>,
    slots: impl Iterator<Item = usize>,
) -> Option<UnixNanos> {
    let now = now().inspect_err(|error| log("keys are not looked for", *error)).ok()?;
    for index in slots {
        match look(filter, index, now) {
            Ok(look) => {
                if look.changed {
                    wake(cx, index);
                }
                if look.due {
                    begin(filter, cx, index, now);
                }
            }
            Err(error) => log("keys were not looked for", error),
        }
    }
    Some(now)
}

fn wake<F: Owner>(cx: &mut Context<'_, F>, index: usize) {
    if let Err(error) = cx.signal(signal(index)) {
        log("requests that wait were not woken", error);
    }
}

struct Seen {
    changed: bool,
    due: bool,
}

/// Looks at a slot, and takes the document that is there if it is another.
fn look<F: Owner>(filter: &mut F, index: usize, now: UnixNanos) -> Result<Seen> {
    let Some(slot) = filter.store().slots.get_mut(index) else {
        return Ok(Seen { changed: false, due: false });
    };
    let look = slot.look(now)?;
    if let Some(body) = look.document {
        take(filter, index, &body, now);
    }
    Ok(Seen { changed: look.changed, due: look.due })
}

fn take<F: Owner>(filter: &mut F, index: usize, body: &Body, now: UnixNanos) {
    let read = read(filter, index, &body.text, now);
    let Some(slot) = filter.store().slots.get_mut(index) else { return };
    match read {
        Ok(keys) => slot.took(body.lease, keys),
        Err(why) => {
            tollgate::log::error!("what another worker fetched from {} cannot be used: {why}", body.uri);
            slot.refused(body.lease);
        }
    }
}

/// Reads a document: keys, or for a list nothing, since the owner has it.
fn read<F: Owner>(
    filter: &mut F,
    index: usize,
    text: &[u8],
    now: UnixNanos,
) -> std::result::Result<Option<KeySet>, String> {
    match filter.store().slots.get(index).map(|slot| slot.kind) {
        None => Err("there is no such slot".into()),
        Some(Kind::Revocations) => filter.take_revocations(text, now).map(|()| None),
        Some(Kind::Keys(limits)) => match KeySet::from_jwks(text, limits) {
            Ok((keys, skipped)) => {
                if !skipped.is_empty() {
                    tollgate::log::debug!("keys that cannot be used: {skipped:?}");
                }
                Ok(Some(keys))
            }
            Err(error) => Err(format!("{error:?}")),
        },
    }
}

fn begin<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, index: usize, now: UnixNanos) {
    let Some(slot) = filter.store().slots.get_mut(index) else { return };
    let (holder, known) = match slot.lease(now) {
        Ok(Some(leased)) => leased,
        Ok(None) => return,
        Err(error) => return log("no lease to fetch keys", error),
    };
    let (exchange, next) = Exchange::begin(&slot.rules, known.as_ref());
    go_on(filter, cx, Try { slot: index, holder, exchange }, next, Vec::new());
}

fn send<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, attempt: Try, request: &Request) {
    let mut call = HttpCall::new(&request.cluster, "GET", &request.authority, &request.path)
        .header("accept", "application/json")
        .timeout(request.timeout.into())
        .max_response_body(request.max_bytes);
    if !request.etag.is_empty() {
        call = call.header("if-none-match", &request.etag);
    }
    let Try { slot, holder, exchange } = attempt;
    let at_once = Try { slot, holder, exchange: exchange.clone() };
    let sent = cx.plugin_http_call(&call, move |filter: &mut F, answer, cx| {
        answered(filter, cx, Try { slot, holder, exchange }, answer);
    });
    if let Err(error) = sent {
        go_on(filter, cx, at_once, Next::Failed(Failure::Host(error.to_string())), Vec::new());
    }
}

fn answered<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, mut attempt: Try, answer: HttpResult) {
    let Some(slot) = filter.store().slots.get(attempt.slot) else { return };
    let (next, text) = match answer {
        Ok(answer) => {
            let headers: Vec<_> = answer.headers.iter().collect();
            let response = Response { status: answer.status, headers: &headers, body: &answer.body };
            (attempt.exchange.answered(&slot.rules, response), answer.body)
        }
        Err(error) => (Next::Failed(failure(error)), Vec::new()),
    };
    go_on(filter, cx, attempt, next, text);
}

fn failure(error: CalloutError) -> Failure {
    match error {
        CalloutError::Timeout => Failure::Timeout,
        CalloutError::Unavailable => Failure::Unavailable,
        CalloutError::Reset => Failure::Reset,
        CalloutError::TooLarge => Failure::TooLarge,
        other => Failure::Host(format!("{other:?}")),
    }
}

/// Does what comes next in a try. Then, if it is over, all that is known is looked at anew, by which those are woken who
/// waited on this worker.
fn go_on<F: Owner>(filter: &mut F, cx: &mut Context<'_, F>, attempt: Try, next: Next, text: Vec<u8>) {
    let (index, holder) = (attempt.slot, attempt.holder);
    let now = match now() {
        Ok(now) => now,
        // The lease ends by itself.
        Err(error) => return log("a fetch was given up", error),
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
            tollgate::log::warn!("{} was not fetched: {why}", slot.rules.place());
            match slot.fail(holder, now) {
                Ok(Some(state)) if !state.is_being_retried() => count_failure(filter, index, &state, now),
                Ok(_) => {}
                Err(error) => log("that a fetch failed is not known", error),
            }
        }
    }
    match look(filter, index, now) {
        Ok(seen) if seen.changed => wake(cx, index),
        Ok(_) => {}
        Err(error) => log("keys were not looked for", error),
    }
}

/// Reads the document, and publishes it if it is one.
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

/// Counts a fetch that has failed with all its retries.
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
