//! One document, as one worker has it.

use super::Result;
use super::shared::{ATTEMPTS, PLUGIN, draw};
use std::rc::Rc;
use tollgate::shared::Cell;
use tollgate_jose::{KeySet, Limits};
use tollgate_jwt_authn_policy::Keys;
use tollgate_jwt_authn_policy::remote::{self, Asked, Availability, Rules};
use tollgate_policy::{Duration, UnixNanos};

/// Kind of a document.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Keys(Limits),
    /// The revocation list, which the owner of the store reads.
    Revocations,
}

pub(super) struct Slot {
    pub(super) rules: Rules,
    pub(super) kind: Kind,
    state: Cell<remote::State>,
    body: Cell<remote::Body>,
    /// The state at the last poll.
    seen: remote::State,
    /// Lease of the document that was read last, usable or not.
    read: u64,
    keys: Option<Rc<KeySet>>,
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
    pub(super) document: Option<remote::Body>,
    /// A fetch is due, and no worker has leased it.
    pub(super) due: bool,
}

impl Slot {
    pub(super) fn new(rules: Rules, kind: Kind) -> Self {
        let identity = rules.identity();
        Self {
            state: Cell::new(PLUGIN, &format!("{identity} state")),
            body: Cell::new(PLUGIN, &format!("{identity} body")),
            rules,
            kind,
            seen: remote::State::default(),
            read: 0,
            keys: None,
            generation: 0,
            availability: Availability::Pending,
        }
    }

    pub(super) fn keys(&self) -> Keys {
        match (self.availability, &self.keys) {
            (Availability::Fresh | Availability::Stale, Some(keys)) => {
                Keys::Ready(Rc::clone(keys), self.generation)
            }
            (Availability::Unavailable, _) => Keys::Unavailable,
            _ => Keys::Pending,
        }
    }

    pub(super) fn availability(&self) -> Availability {
        match self.availability {
            Availability::Fresh | Availability::Stale if self.generation == 0 => Availability::Pending,
            availability => availability,
        }
    }

    /// Whether a usable document is available.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.availability(), Availability::Fresh | Availability::Stale)
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
    pub(super) fn use_document(&mut self, lease: u64, keys: Option<KeySet>) {
        self.read = lease;
        self.keys = keys.map(Rc::new);
        self.generation = self.seen.generation;
    }

    /// Records that the document of this lease is invalid. The previous one stays in use, and this one is not
    /// read again.
    pub(super) fn skip_document(&mut self, lease: u64) {
        self.read = lease;
    }

    /// Requests another fetch, because a key is not in the document.
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
    pub(super) fn lease(&mut self, now: UnixNanos) -> Result<Option<(u64, Option<remote::Body>)>> {
        let holder = draw().max(1);
        let Some(state) = self.change(|state| state.lease(&self.rules, holder, now))? else {
            return Ok(None);
        };
        let known = self.body.get()?;
        Ok(Some((holder, known.filter(|body| body.lease == state.body))))
    }

    /// Publishes a valid document. Returns whether it differs from the previous one, or `None` if the lease
    /// was lost.
    pub(super) fn publish(
        &mut self,
        body: remote::Body,
        life: Duration,
        now: UnixNanos,
    ) -> Result<Option<bool>> {
        let state = self.state()?;
        let holder = body.lease;
        if !state.is_held_by(holder) {
            return Ok(None);
        }
        let new = match self.body.get()? {
            Some(before) if before.lease == state.body && before.text == body.text => {
                if (&before.etag, &before.uri) != (&body.etag, &body.uri) {
                    self.body.set(&remote::Body { lease: before.lease, ..body })?;
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

    /// Records a failed try. Returns the new state, or `None` if the lease was lost.
    pub(super) fn fail(&mut self, holder: u64, now: UnixNanos) -> Result<Option<remote::State>> {
        let draw = draw();
        self.change(|state| state.failed(&self.rules, holder, now, draw))
    }

    fn state(&self) -> Result<remote::State> {
        Ok(self.state.get()?.unwrap_or_default())
    }

    /// Changes the state. Returns `None` if `change` does not apply any more.
    fn change(
        &self,
        mut change: impl FnMut(&remote::State) -> Option<remote::State>,
    ) -> Result<Option<remote::State>> {
        self.state.update_if(ATTEMPTS, |state| change(&state.unwrap_or_default()))
    }
}
