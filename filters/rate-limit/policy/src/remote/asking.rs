//! Queries of requests.

use super::calls::{Calls, Flight};
use super::circuit::Circuit;
use super::entry::LONGEST;
use super::key::{Key, Keys};
use super::memory::{At, Memory};
use super::{Ask, Call, CallFailure, Descriptor, Remote, Service, Verdict, message};
use tollgate_policy::UnixNanos;

impl Remote {
    /// Returns a client with an empty cache. `seed` must be unknown to clients.
    pub fn new(domain: &str, mut service: Service, seed: [u8; 16]) -> Self {
        service.cache.lease_max_age = service.cache.lease_max_age.min(LONGEST);
        Self {
            domain: domain.to_owned(),
            keys: Keys::new(seed),
            memory: Memory::new(service.cache.max_entries),
            calls: Calls::new(service.timeout),
            circuit: Circuit::default(),
            service,
        }
    }

    /// Queries all descriptors of a request.
    pub fn ask(&mut self, descriptors: &[Descriptor], now: UnixNanos) -> Ask {
        self.decide(descriptors, true, now.0)
    }

    /// Queries all descriptors without a call, for a request that may not wait for one.
    pub fn known(&mut self, descriptors: &[Descriptor], now: UnixNanos) -> Ask {
        self.decide(descriptors, false, now.0)
    }

    fn decide(&mut self, descriptors: &[Descriptor], may_wait: bool, now: u64) -> Ask {
        // If all have 0 hits, the request only checks whether there is room.
        let Some(own) = descriptors.iter().map(message::hits).max() else {
            return Ask::Settled(Verdict { from_cache: true, ..Verdict::default() });
        };
        // Most requests have one descriptor, which needs no list.
        let (alone, several);
        let keys: &[Key] = if let [descriptor] = descriptors {
            alone = [self.keys.descriptor(descriptor)];
            &alone
        } else {
            several = descriptors.iter().map(|one| self.keys.descriptor(one)).collect::<Vec<_>>();
            &several
        };
        let key = self.keys.request(keys);
        let uniform = descriptors.iter().all(|descriptor| message::hits(descriptor) == own);
        if let Some(verdict) = self.known_verdict(key, keys, descriptors, (own, uniform), now) {
            return Ask::Settled(verdict);
        }
        if !may_wait {
            return Ask::Settled(Verdict::failed(CallFailure::Unavailable, true));
        }
        if let Some(failure) = self.circuit.blocked(now, self.calls.answered_by(now)) {
            return Ask::Settled(Verdict::failed(failure, true));
        }
        self.call(key, keys, descriptors, (own, uniform), now)
    }

    /// Returns the verdict, if it is known without a call.
    fn known_verdict(
        &mut self,
        key: Key,
        keys: &[Key],
        descriptors: &[Descriptor],
        (own, uniform): (u64, bool),
        now: u64,
    ) -> Option<Verdict> {
        if let Some((_, entry)) = self.memory.find(key) {
            // Counted hits are used first. They are valid even if the key is over its limit.
            let leased = match own {
                _ if !uniform => None,
                0 => entry.has_leased(now),
                own => entry.take(own, now),
            };
            if let Some(left) = leased {
                entry.count(now, self.service.cache.lease_max_age);
                return Some(Verdict::leased(entry.said.as_deref(), left, now));
            }
            if let Some(refusal) = entry.refused(own, false, now) {
                return Some(Verdict::refused(&[(0, refusal.clone())], key, keys.len(), now));
            }
            if let Some(until) = entry.exhausted_until(now).filter(|_| uniform) {
                return Some(Verdict::exhausted(entry.said.as_deref(), until, now));
            }
        }
        if keys.len() > 1 {
            let mut refused = Vec::new();
            for (index, (key, descriptor)) in keys.iter().zip(descriptors).enumerate() {
                if descriptor.shadow {
                    continue;
                }
                let Some((_, entry)) = self.memory.find(*key) else { continue };
                if let Some(refusal) = entry.refused(message::hits(descriptor), true, now) {
                    refused.push((index, refusal.clone()));
                }
            }
            if !refused.is_empty() {
                return Some(Verdict::refused(&refused, key, keys.len(), now));
            }
        }
        None
    }

    /// Makes the request wait for a pending call, allows it ahead of the call, or returns a new call.
    fn call(
        &mut self,
        key: Key,
        keys: &[Key],
        descriptors: &[Descriptor],
        (own, uniform): (u64, bool),
        now: u64,
    ) -> Ask {
        while let Some((id, lost)) = self.calls.pop_lost(now) {
            self.release(id, &lost, false);
        }
        let found = self.place(key, now);
        let cache = &self.service.cache;
        let (mut size, mut ahead) = (1, 0);
        if let Some(entry) = found.and_then(|at| self.memory.at(at)).filter(|_| own > 0) {
            let wanted = entry.count(now, cache.lease_max_age);
            let flight = entry.call.filter(|_| uniform).and_then(|id| Some((id, self.calls.get(id, now)?)));
            if let Some((id, flight)) = flight
                && flight.claim(own)
            {
                if entry.overshoot(own, cache.overshoot_hits, now) {
                    flight.ahead = flight.ahead.saturating_add(own);
                    return Ask::Settled(Verdict { from_cache: true, ..Verdict::default() });
                }
                entry.uncount();
                return Ask::Wait(id);
            }
            if uniform {
                size = entry.size(own, wanted, cache, now);
                ahead = entry.settle();
            }
        }
        if self.calls.is_full() {
            if let Some(entry) = found.and_then(|at| self.memory.at(at)) {
                entry.settled(ahead, false);
            }
            self.circuit.abandoned();
            return Ask::Settled(Verdict::failed(CallFailure::Unavailable, true));
        }
        let spoken_for = own.saturating_add(ahead).min(message::MOST_HITS);
        let asked = own.saturating_mul(size).saturating_add(ahead).clamp(spoken_for, message::MOST_HITS);
        let request = message::request(&self.domain, descriptors, uniform, asked);
        let hits = descriptors.iter().map(message::hits);
        let flight = Flight {
            at: found,
            key,
            descriptors: keys.iter().copied().zip(hits).collect(),
            own,
            asked,
            ahead,
            claimed: spoken_for,
            sent: now,
            again: None,
        };
        Ask::Call(self.send(flight, request))
    }

    /// Returns a call that counts hits of a request that was allowed before, because its response determined
    /// them. The answer only updates the cache. `None` if the hits are lost, because the service is
    /// unavailable.
    pub fn charge(&mut self, descriptors: &[Descriptor], now: UnixNanos) -> Option<Call> {
        let now = now.0;
        while let Some((id, lost)) = self.calls.pop_lost(now) {
            self.release(id, &lost, false);
        }
        if self.calls.is_full() || self.circuit.blocked(now, self.calls.answered_by(now)).is_some() {
            return None;
        }
        let keys: Vec<_> = descriptors.iter().map(|one| self.keys.descriptor(one)).collect();
        let key = self.keys.request(&keys);
        let hits = || descriptors.iter().map(message::hits);
        let own = hits().max()?;
        let request = message::request(&self.domain, descriptors, hits().all(|hits| hits == own), own);
        let flight = Flight {
            at: self.place(key, now),
            key,
            descriptors: keys.into_iter().zip(hits()).collect(),
            own,
            asked: own,
            ahead: 0,
            claimed: own,
            sent: now,
            again: None,
        };
        Some(self.send(flight, request))
    }

    /// Registers a call.
    pub(super) fn send(&mut self, mut flight: Flight, request: tollgate_rate_limit_service::Request) -> Call {
        let message = request.write();
        let at = flight.at;
        flight.again = (flight.asked > flight.own).then_some(request);
        let joinable = flight.asked > flight.claimed;
        let id = self.calls.add(flight);
        if let Some(entry) = at.filter(|_| joinable).and_then(|at| self.memory.at(at)) {
            entry.call = Some(id);
        }
        Call { id, message }
    }

    /// Returns the cache entry of a key. Adds one, if necessary and possible.
    pub(super) fn place(&mut self, key: Key, now: u64) -> Option<At> {
        match self.memory.find(key) {
            Some((at, _)) => Some(at),
            None => self.memory.add(key, now).map(|(at, _)| at),
        }
    }
}
