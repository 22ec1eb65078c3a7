//! One document, as one worker has it.

use super::{Document, Result, draw};
use tollgate::shared::Cell;
use tollgate_policy::fetch::{Asked, Availability, Body, Rules, State};
use tollgate_policy::{Duration, UnixNanos};

/// Maximum number of attempts of a change when other workers are faster. After another worker's change, there
/// is usually nothing left to do.
const ATTEMPTS: u32 = 32;

pub(super) struct Slot<S, V> {
    pub(super) rules: Rules,
    pub(super) source: S,
    state: Cell<State>,
    body: Cell<Body>,
    /// The state at the last poll.
    seen: State,
    /// Lease of the document that was read last, usable or not.
    read: u64,
    value: Option<V>,
    /// Generation of the document in use; 0 without a document.
    generation: u32,
    /// Availability at the last poll, so that requests need not read the clock.
    availability: Availability,
}

/// Result of a poll of the shared state.
#[derive(Default)]
pub(super) struct SlotPoll {
    /// A fetch ended or the document changed, so waiting requests must resume.
    pub(super) changed: bool,
    /// A document to read; [`Slot::use_document`] and [`Slot::skip_document`] report the result.
    pub(super) document: Option<Body>,
    /// A fetch is due, and no worker has leased it.
    pub(super) due: bool,
}

impl<S, V> Slot<S, V> {
    pub(super) fn new(plugin: &str, rules: Rules, source: S) -> Self {
        let identity = rules.identity();
        Self {
            state: Cell::new(plugin, &format!("{identity} state")),
            body: Cell::new(plugin, &format!("{identity} body")),
            rules,
            source,
            seen: State::default(),
            read: 0,
            value: None,
            generation: 0,
            availability: Availability::Pending,
        }
    }

    pub(super) fn document(&self) -> Document<'_, V> {
        match (self.availability, &self.value) {
            (Availability::Fresh | Availability::Stale, Some(value)) => {
                Document::Ready(value, self.generation)
            }
            (Availability::Unavailable, _) => Document::Unavailable,
            _ => Document::Pending,
        }
    }

    /// Returns the next time at which the state changes without a fetch.
    pub(super) fn changes_at(&self, now: UnixNanos) -> Option<UnixNanos> {
        self.seen.changes_at(now)
    }

    /// Polls the shared state.
    pub(super) fn poll(&mut self, now: UnixNanos) -> Result<SlotPoll> {
        let mut state = self.state()?;
        let mut poll = SlotPoll::default();
        if state.generation > 0 && state.body != self.read {
            poll.document = self.body.get()?.filter(|body| body.lease == state.body);
            if poll.document.is_none() && state.lost(&self.rules, now).is_some() {
                state = self.change(|state| state.lost(&self.rules, now))?.unwrap_or(state);
            }
        }
        poll.changed = state.ended != self.seen.ended || poll.document.is_some();
        poll.due = state.is_due(&self.rules, now);
        self.seen = state;
        self.availability = state.availability(now);
        Ok(poll)
    }

    /// Records that the document of this lease was read, and uses it from now on.
    pub(super) fn use_document(&mut self, lease: u64, value: V) {
        self.read = lease;
        self.value = Some(value);
        self.generation = self.seen.generation;
    }

    /// Records that the document of this lease is invalid. The previous one stays in use, and this one is not
    /// read again.
    pub(super) fn skip_document(&mut self, lease: u64) {
        self.read = lease;
    }

    /// Requests another fetch, because a request needs a newer document.
    pub(super) fn ask(&self, now: UnixNanos) -> Result<Asked> {
        let state = self.state()?;
        if state.generation > 0 && state.body != self.read {
            // Another worker has fetched. The next poll reads its document, and is soon while a stream waits.
            return Ok(Asked::UnderWay);
        }
        match state.ask(&self.rules, now) {
            Asked::Granted(_) => {}
            answer => return Ok(answer),
        }
        let granted = self.change(|state| match state.ask(&self.rules, now) {
            Asked::Granted(next) => Some(next),
            // Another worker was faster.
            Asked::UnderWay | Asked::TooSoon => None,
        })?;
        Ok(granted.map_or(Asked::UnderWay, Asked::Granted))
    }

    /// Takes the lease if a fetch is still due. Returns the lease's number and the current document.
    pub(super) fn lease(&mut self, now: UnixNanos) -> Result<Option<(u64, Option<Body>)>> {
        let holder = draw().max(1);
        let Some(state) = self.change(|state| state.lease(&self.rules, holder, now))? else {
            return Ok(None);
        };
        let known = self.body.get()?;
        Ok(Some((holder, known.filter(|body| body.lease == state.body))))
    }

    /// Publishes a valid document. Returns whether it differs from the previous one, or `None` if the lease
    /// was lost.
    pub(super) fn publish(&mut self, body: Body, life: Duration, now: UnixNanos) -> Result<Option<bool>> {
        let state = self.state()?;
        let holder = body.lease;
        if !state.is_held_by(holder) {
            return Ok(None);
        }
        let new = match self.body.get()? {
            Some(before) if before.lease == state.body && before.text == body.text => {
                if (&before.etag, &before.uri) != (&body.etag, &body.uri) {
                    self.body.set(&Body { lease: before.lease, ..body })?;
                }
                false
            }
            _ => {
                self.body.set(&body)?;
                true
            }
        };
        Ok(self.renew(holder, new, life, now)?.then_some(new))
    }

    /// Records a successful fetch. Returns `false` if the lease was lost.
    pub(super) fn renew(&mut self, holder: u64, new: bool, life: Duration, now: UnixNanos) -> Result<bool> {
        let draw = draw();
        let changed = self.change(|state| state.fetched(&self.rules, holder, new, life, now, draw))?;
        Ok(changed.is_some())
    }

    /// Records a failed attempt. Returns the new state, or `None` if the lease was lost.
    pub(super) fn fail(&mut self, holder: u64, now: UnixNanos) -> Result<Option<State>> {
        let draw = draw();
        self.change(|state| state.failed(&self.rules, holder, now, draw))
    }

    fn state(&self) -> Result<State> {
        Ok(self.state.get()?.unwrap_or_default())
    }

    /// Changes the state. Returns `None` if `change` does not apply any more.
    fn change(&self, mut change: impl FnMut(&State) -> Option<State>) -> Result<Option<State>> {
        self.state.update_if(ATTEMPTS, |state| change(&state.unwrap_or_default()))
    }
}
