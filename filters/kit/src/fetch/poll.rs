//! Polls the shared state with timers: reads documents that other workers have fetched, resumes requests that
//! wait, and starts fetches.

use super::{Fetcher, Result, attempt, draw, log, signal};
use std::time::Duration;
use tollgate::{Context, clock};
use tollgate_policy::UnixNanos;
use tollgate_policy::fetch::{Body, POLL_WHILE_WAITING};

/// Reads the documents that other workers have fetched, and starts to poll. Call it in
/// [`HttpFilter::new`](tollgate::HttpFilter::new), after all documents were added.
pub fn start<F: Fetcher>(fetcher: &mut F, cx: &mut Context<'_, F::Filter>) -> Result<()> {
    if fetcher.documents().slots.is_empty() {
        return Ok(());
    }
    let now = clock::now()?;
    for index in 0..fetcher.documents().slots.len() {
        // No request waits yet, and fetches start later.
        if let Err(error) = poll(fetcher, index, now) {
            log("cannot read a fetched document", error);
        }
    }
    all_after(fetcher, cx, Duration::from_micros(1000 + draw() % 2000))
}

/// Polls all documents after a delay, and then again and again.
pub(super) fn all_after<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    delay: Duration,
) -> Result<()> {
    let set = after(cx, delay, |fetcher: &mut F, cx| {
        let all = 0..fetcher.documents().slots.len();
        if let Some(now) = poll_slots(fetcher, cx, all) {
            let next = fetcher.documents().next_poll(now);
            if let Err(error) = all_after(fetcher, cx, next) {
                log("cannot start a timer; fetched documents are not read until a request waits", error);
            }
        }
    });
    fetcher.documents().polling = set.is_ok();
    set
}

/// Polls the documents that requests wait for after a delay, and then as long as a request waits.
pub(super) fn waiting_after<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    delay: Duration,
) -> Result<()> {
    let set = after(cx, delay, |fetcher: &mut F, cx| {
        let all = 0..fetcher.documents().slots.len();
        let is_awaited = |slot: &usize, cx: &Context<'_, F::Filter>| cx.waiting(signal(*slot)) > 0;
        let awaited: Vec<_> = all.clone().filter(|slot| is_awaited(slot, cx)).collect();
        let polled = poll_slots(fetcher, cx, awaited.into_iter());
        if polled.is_none() || !all.clone().any(|slot| is_awaited(&slot, cx)) {
            fetcher.documents().polling_for_waiting = false;
        } else if let Err(error) = waiting_after(fetcher, cx, POLL_WHILE_WAITING.into()) {
            log("cannot start a timer; waiting requests may resume late", error);
        }
    });
    fetcher.documents().polling_for_waiting = set.is_ok();
    set
}

/// Calls `then` with the state of the filter after a delay.
fn after<F: Fetcher>(
    cx: &mut Context<'_, F::Filter>,
    delay: Duration,
    then: impl FnOnce(&mut F, &mut Context<'_, F::Filter>) + 'static,
) -> Result<()> {
    cx.plugin_after(delay, |filter, cx| F::of(filter).update(|fetcher| then(fetcher, cx)))
}

/// Polls slots, resumes the requests that wait for them, and starts the fetches that are due. Returns the
/// current time; `None` if the host does not provide it.
fn poll_slots<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    slots: impl Iterator<Item = usize>,
) -> Option<UnixNanos> {
    let now = clock::now().inspect_err(|error| log("cannot read the clock", *error)).ok()?;
    for index in slots {
        if poll_and_wake(fetcher, cx, index, now) {
            attempt::begin(fetcher, cx, index, now);
        }
    }
    Some(now)
}

/// Polls a slot, and resumes the requests that wait for it. Returns whether a fetch is due.
pub(super) fn poll_and_wake<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    index: usize,
    now: UnixNanos,
) -> bool {
    match poll(fetcher, index, now) {
        Ok(polled) => {
            if polled.changed
                && let Err(error) = cx.signal(signal(index))
            {
                log("cannot resume waiting requests", error);
            }
            polled.due
        }
        Err(error) => {
            log("cannot read a fetched document", error);
            false
        }
    }
}

struct PollResult {
    changed: bool,
    due: bool,
}

/// Polls a slot, and reads its document if that changed.
fn poll<F: Fetcher>(fetcher: &mut F, index: usize, now: UnixNanos) -> Result<PollResult> {
    let Some(slot) = fetcher.documents().slots.get_mut(index) else {
        return Ok(PollResult { changed: false, due: false });
    };
    let polled = slot.poll(now)?;
    if let Some(body) = polled.document {
        read(fetcher, index, &body, now);
    }
    Ok(PollResult { changed: polled.changed, due: polled.due })
}

fn read<F: Fetcher>(fetcher: &mut F, index: usize, body: &Body, now: UnixNanos) {
    let parsed = fetcher.parse(index, &body.text, now);
    let Some(slot) = fetcher.documents().slots.get_mut(index) else { return };
    match parsed {
        Ok(value) => slot.use_document(body.lease, value),
        Err(why) => {
            tollgate::log::error!(
                "cannot use the document that another worker fetched from {}: {why}",
                body.uri
            );
            slot.skip_document(body.lease);
        }
    }
}
