//! What one worker has of one document.

use super::shared::{ATTEMPTS, Body, PLUGIN, State, draw};
use std::rc::Rc;
use tollgate::Result;
use tollgate::shared::Cell;
use tollgate_jose::{KeySet, Limits};
use tollgate_jwt_authn_policy::Keys;
use tollgate_jwt_authn_policy::remote::{self, Asked, Availability, Rules};
use tollgate_policy::{Duration, UnixNanos};

/// What the document is.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Keys(Limits),
    /// Read by the owner of the store.
    Revocations,
}

pub(super) struct Slot {
    pub(super) rules: Rules,
    pub(super) kind: Kind,
    state: Cell<State>,
    body: Cell<Body>,
    /// The state when it was last looked at.
    seen: remote::State,
    /// The document that was read last, usable or not, by its lease.
    read: u64,
    keys: Option<Rc<KeySet>>,
    /// That of the document in use; 0 if there is none.
    generation: u32,
    /// What it was when it was last looked at, so that no request has to ask for the time.
    availability: Availability,
}

/// What a look at the shared state has shown.
#[derive(Default)]
pub(super) struct Look {
    /// A fetch has come to its end, or the document is another: who waits is to be woken.
    pub(super) changed: bool,
    /// A document that is to be read ([`Slot::take`]).
    pub(super) document: Option<remote::Body>,
    /// A fetch is due, and nobody is at it.
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

    /// Whether there is a document to use.
    pub(super) fn is_usable(&self) -> bool {
        matches!(self.availability(), Availability::Fresh | Availability::Stale)
    }

    /// When the state may change by time alone.
    pub(super) fn changes_at(&self, now: UnixNanos) -> Option<UnixNanos> {
        self.seen.changes_at(now)
    }

    /// Looks at the shared state.
    pub(super) fn look(&mut self, now: UnixNanos) -> Result<Look> {
        let mut state = self.state()?;
        let mut look = Look::default();
        if state.generation > 0 && state.body != self.read {
            look.document = self.body.get()?.map(|body| body.0).filter(|body| body.lease == state.body);
            if look.document.is_none() && state.lost(&self.rules, now).is_some() {
                state = self.change(|state| state.lost(&self.rules, now))?.unwrap_or(state);
            }
        }
        look.changed = state.ended != self.seen.ended || look.document.is_some();
        look.due = state.is_due(&self.rules, now);
        self.seen = state;
        self.availability = state.availability(now);
        Ok(look)
    }

    /// The document under this lease was read and is used from now on.
    pub(super) fn took(&mut self, lease: u64, keys: Option<KeySet>) {
        self.read = lease;
        self.keys = keys.map(Rc::new);
        self.generation = self.seen.generation;
    }

    /// It cannot be used. There is what there was, and it is not read again.
    pub(super) fn refused(&mut self, lease: u64) {
        self.read = lease;
    }

    /// Whether another fetch is to be waited for, since something is not in the document.
    pub(super) fn ask(&self, now: UnixNanos) -> Result<Asked> {
        let state = self.state()?;
        if state.generation > 0 && state.body != self.read {
            // Another worker has fetched; it is read at the next look, which does not wait for long while a stream does.
            return Ok(Asked::UnderWay);
        }
        match state.ask(&self.rules, now) {
            Asked::Granted(_) => {}
            answer => return Ok(answer),
        }
        let granted = self.change(|state| match state.ask(&self.rules, now) {
            Asked::Granted(next) => Some(next),
            // Another was quicker, with a fetch or with asking for one.
            Asked::UnderWay | Asked::TooSoon => None,
        })?;
        Ok(granted.map_or(Asked::UnderWay, Asked::Granted))
    }

    /// Takes the lease, if a fetch is still due; its number, and the document that is there.
    pub(super) fn lease(&mut self, now: UnixNanos) -> Result<Option<(u64, Option<remote::Body>)>> {
        let holder = draw().max(1);
        let Some(state) = self.change(|state| state.lease(&self.rules, holder, now))? else {
            return Ok(None);
        };
        let known = self.body.get()?.map(|body| body.0);
        Ok(Some((holder, known.filter(|body| body.lease == state.body))))
    }

    /// Publishes a document that was read and found good. Whether it is another than before; `None` if the lease was lost.
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
        let new = match self.body.get()?.map(|body| body.0) {
            Some(before) if before.lease == state.body && before.text == body.text => {
                if (&before.etag, &before.uri) != (&body.etag, &body.uri) {
                    self.body.set(&Body(remote::Body { lease: before.lease, ..body }))?;
                }
                false
            }
            _ => {
                self.body.set(&Body(body))?;
                true
            }
        };
        Ok(self.renew(holder, new, life, now)?.then_some(new))
    }

    /// Says that the document was fetched; `false` if the lease was lost.
    pub(super) fn renew(&mut self, holder: u64, new: bool, life: Duration, now: UnixNanos) -> Result<bool> {
        let draw = draw();
        let changed = self.change(|state| state.fetched(&self.rules, holder, new, life, now, draw))?;
        Ok(changed.is_some())
    }

    /// Says that a try has failed; the state then, or `None` if the lease was lost.
    pub(super) fn fail(&mut self, holder: u64, now: UnixNanos) -> Result<Option<remote::State>> {
        let draw = draw();
        self.change(|state| state.failed(&self.rules, holder, now, draw))
    }

    fn state(&self) -> Result<remote::State> {
        Ok(self.state.get()?.map(|state| state.0).unwrap_or_default())
    }

    /// Changes the state; `None` if there was nothing to change any more.
    fn change(
        &self,
        mut change: impl FnMut(&remote::State) -> Option<remote::State>,
    ) -> Result<Option<remote::State>> {
        let state = self.state.update_if(ATTEMPTS, |state| {
            let state = state.map(|state| state.0).unwrap_or_default();
            change(&state).map(State)
        })?;
        Ok(state.map(|state| state.0))
    }
}
