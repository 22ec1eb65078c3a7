//! Streams that wait for a document.

use super::{Event, Fetcher, Result, poll, signal};
use std::time::Duration;
use tollgate::{Context, Error, RequestHeaders, clock};
use tollgate_policy::UnixNanos;
use tollgate_policy::fetch::POLL_INTERVAL;

/// Makes a request wait until the document that was last found pending changes, and then calls `then` with
/// its headers. `since` is when the request began to wait. Returns `false` if the request may not wait, or
/// not any longer.
pub fn wait<F: Fetcher>(
    fetcher: &mut F,
    cx: &mut Context<'_, F::Filter>,
    since: UnixNanos,
    then: impl FnOnce(&mut F, &mut RequestHeaders<'_>, &mut Context<'_, F::Filter>) -> tollgate::Result + 'static,
) -> Result<bool> {
    let now = clock::now()?;
    let documents = fetcher.documents();
    let max_waiting = documents.max_waiting;
    let Some(index) = documents.awaited.take() else { return Ok(false) };
    let Some(slot) = documents.slots.get(index) else { return Ok(false) };
    let time_left = Duration::from(slot.rules.wait()).saturating_sub(now.since(since));
    if time_left.is_zero() {
        return Ok(false);
    }
    if cx.waiting_streams() >= max_waiting {
        fetcher.count(index, Event::WaitingOverflow);
        return Ok(false);
    }
    fetcher.count(index, Event::Waited);
    cx.wait(signal(index), time_left, |filter, _, _, cx| {
        let (mut headers, cx) = cx.held_request().ok_or(Error::OutsideStream)?;
        F::of(filter).enter(|fetcher| then(fetcher, &mut headers, cx))?
    })?;
    if !std::mem::replace(&mut fetcher.documents().polling_for_waiting, true) {
        // Soon, because the fetch may not have begun.
        poll::waiting_after(fetcher, cx, Duration::from_millis(1))?;
    }
    if !fetcher.documents().polling {
        poll::all_after(fetcher, cx, POLL_INTERVAL.into())?;
    }
    Ok(true)
}
