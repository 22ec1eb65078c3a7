//! Processing of answers and failures.

use super::answer::{Answer, Refused};
use super::calls::Flight;
use super::entry::{LONGEST, Refusal, UNKNOWN_RESET};
use super::{Ask, CallFailure, CallId, Remote, Verdict, message};
use std::rc::Rc;
use tollgate_policy::UnixNanos;

impl Remote {
    /// Processes the outcome of a call: the message of the answer, or the failure. Returns
    /// the result for the request that made it: a verdict, or another call (at most one). Other requests that
    /// wait for it query again.
    pub fn answered(&mut self, call: CallId, answer: Result<&[u8], CallFailure>, now: UnixNanos) -> Ask {
        let now = now.0;
        let Some(flight) = self.calls.remove(call) else {
            // The call already counted as lost.
            return Ask::Settled(Verdict::failed(CallFailure::Timeout, false));
        };
        let read = answer.and_then(|message| Answer::read(message, flight.descriptors.len(), flight.sent));
        match read {
            Err(failure) => {
                self.release(call, &flight, false);
                // The time serves as salt, because it differs between workers.
                self.circuit.failed(failure, now, now ^ u64::from(call.0));
                Ask::Settled(Verdict::failed(failure, false))
            }
            Ok(answer) => {
                self.circuit.succeeded();
                self.release(call, &flight, !answer.over_limit);
                if answer.over_limit {
                    self.refused(flight, answer, now)
                } else {
                    self.counted(&flight, answer, now)
                }
            }
        }
    }

    /// Removes a call whose request has ended, so that its outcome stays unknown. Other requests that wait
    /// for it query again.
    pub fn abandoned(&mut self, call: CallId) {
        let Some(flight) = self.calls.remove(call) else { return };
        self.release(call, &flight, false);
        self.circuit.abandoned();
    }

    /// Updates the cache entry at the end of a call.
    pub(super) fn release(&mut self, call: CallId, flight: &Flight, counted: bool) {
        let Some(entry) = flight.at.and_then(|at| self.memory.at(at)) else { return };
        entry.settled(flight.ahead, counted);
        if entry.call == Some(call) {
            entry.call = None;
        }
    }

    /// Processes an answer with room.
    fn counted(&mut self, flight: &Flight, mut answer: Answer, now: u64) -> Ask {
        let cache = &self.service.cache;
        let mut verdict = Verdict {
            quotas: answer.said.quotas(now, 0),
            request_headers: answer.request_headers,
            response_headers: core::mem::take(&mut answer.said.response_headers),
            ..Verdict::default()
        };
        if let Some(entry) = flight.at.and_then(|at| self.memory.at(at)) {
            let spent = flight.own.saturating_add(flight.ahead);
            let spare = flight.asked.saturating_sub(spent);
            match answer.grant {
                Some((hits, until)) => entry.quota(hits.saturating_sub(spent), until),
                None => {
                    let until = flight.sent.saturating_add(cache.lease_max_age);
                    entry.lease(spare, answer.reset_at.map_or(until, |reset| reset.min(until)), now);
                }
            }
            if spare > 0 {
                entry.bound(false, cache.lease_hits);
            }
            let said = answer.said;
            entry.said = said.is_worth_keeping().then(|| Rc::new(said));
            verdict.quotas = entry.said.as_ref().map(|said| said.quotas(now, spare)).unwrap_or_default();
        }
        Ask::Settled(verdict)
    }

    /// Processes an answer without room, at least not for all requested hits.
    fn refused(&mut self, mut flight: Flight, answer: Answer, now: u64) -> Ask {
        if let Some(mut request) = flight.again.take() {
            if let Some(entry) = flight.at.and_then(|at| self.memory.at(at)) {
                entry.bound(true, 1);
            }
            // There may be room for the request alone.
            request.hits_addend = message::addend(flight.own);
            let alone = Flight { asked: flight.own, ahead: 0, claimed: flight.own, sent: now, ..flight };
            return Ask::Call(self.send(alone, request));
        }
        // A service that does not report single descriptors does not report which one is over its limit.
        let whole = [answer.refused_as_a_whole()];
        let refused = if answer.refused.is_empty() { &whole } else { &*answer.refused };
        let verdict = Verdict {
            over_limit: refused.iter().map(|one| one.index).collect(),
            waits: refused.iter().map(|one| one.reset_at.map(|at| at.saturating_sub(now))).collect(),
            quotas: answer.said.quotas(now, 0),
            response_headers: answer.said.response_headers.clone(),
            raw_body: answer.said.raw_body.clone(),
            ..Verdict::default()
        };
        if self.service.cache.over_limit && !answer.said.is_too_long() {
            self.remember(&flight, answer, now);
        }
        Ask::Settled(verdict)
    }

    /// Caches a rejection for each descriptor that is over its limit, or for all together if the service does
    /// not report which.
    fn remember(&mut self, flight: &Flight, answer: Answer, now: u64) {
        let until = |reset: Option<u64>| {
            let soon = now.saturating_add(UNKNOWN_RESET);
            reset.map_or(soon, |reset| reset.min(now.saturating_add(LONGEST)))
        };
        let whole = answer.refused_as_a_whole();
        let said = answer.said.is_worth_keeping().then(|| Rc::new(answer.said));
        let refusal = |refused: Refused, hits: u64, alone| Refusal {
            until: until(refused.until),
            hits: if refused.all { 1 } else { hits.max(1) },
            alone,
            reset_at: refused.reset_at,
            list: flight.key,
            index: refused.index,
            said: said.clone(),
        };
        if answer.refused.is_empty() || flight.descriptors.len() == 1 {
            let refused = answer.refused.first().copied().unwrap_or(whole);
            let alone = !answer.refused.is_empty();
            if let Some(entry) = self.place(flight.key, now).and_then(|at| self.memory.at(at)) {
                entry.refuse(refusal(refused, flight.own, alone), now);
            }
            return;
        }
        for refused in answer.refused {
            let Some((key, hits)) = flight.descriptors.get(refused.index) else { continue };
            if let Some(entry) = self.place(*key, now).and_then(|at| self.memory.at(at)) {
                entry.refuse(refusal(refused, *hits, true), now);
            }
        }
    }
}
