//! No order of requests, calls, delays and losses on several workers admits more than was counted.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tollgate_rate_limit_service::Request;

/// A service, told in a few lines: one limit for each key, in windows of the clock.
#[derive(Clone, Debug)]
pub struct Reference {
    pub limit: u64,
    pub window: u64,
    /// Counts what it refuses, as envoyproxy/ratelimit does.
    pub counts_refused: bool,
    /// Says where descriptors stand, as envoyproxy/ratelimit does.
    pub statuses: bool,
    counts: BTreeMap<(String, u64), u64>,
    /// Hits that were allowed, by key.
    pub passed: BTreeMap<String, u64>,
}

impl Reference {
    pub fn new(limit: u64, window: u64, counts_refused: bool, statuses: bool) -> Self {
        let (counts, passed) = Default::default();
        Self { limit, window, counts_refused, statuses, counts, passed }
    }

    pub fn answer(&mut self, message: &[u8], now: u64) -> Vec<u8> {
        let request = Request::read(message).unwrap();
        assert_eq!(request.domain, "shop");
        let hits = u64::from(request.hits_addend);
        let values = request.descriptors.iter().map(|one| one.entries[0].value.clone());
        let keys: Vec<_> = values.map(|value| (value, now / self.window)).collect();
        let count = |keys: &_| self.counts.get(keys).copied().unwrap_or(0);
        let over: Vec<bool> = keys.iter().map(|key| count(key) + hits > self.limit).collect();
        let refused = over.contains(&true);
        for key in &keys {
            if !refused || self.counts_refused {
                *self.counts.entry(key.clone()).or_default() += hits;
            }
            if !refused {
                *self.passed.entry(key.0.clone()).or_default() += hits;
            }
        }
        let code = |over| if over { Code::OverLimit } else { Code::Ok };
        let status = |(key, over): (_, &bool)| {
            let left = self.window - now % self.window;
            let remaining = self.limit.saturating_sub(self.counts.get(key).copied().unwrap_or(0));
            Status {
                duration_until_reset: Some(Duration {
                    seconds: (left / SECOND) as i64,
                    nanos: (left % SECOND) as i32,
                }),
                ..super::status(code(*over), if *over { 0 } else { remaining as u32 }, 0)
            }
        };
        let statuses = if self.statuses { keys.iter().zip(&over).map(status).collect() } else { Vec::new() };
        response(code(refused), statuses).write()
    }
}

#[derive(Clone, Debug)]
enum Step {
    Arrive {
        worker: usize,
        keys: Vec<usize>,
        hits: u64,
    },
    /// The service gets the call of this place in the queue.
    Deliver(usize),
    /// Its answer gets back.
    Answer(usize),
    /// It never does, whether the service counted or not.
    Lose(usize, CallFailure),
    /// Something else does.
    Garble(usize),
    /// The request that made the call has ended.
    Abandon(usize),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let failure = prop_oneof![
        Just(CallFailure::Timeout),
        Just(CallFailure::Unavailable),
        Just(CallFailure::Status(14)),
        Just(CallFailure::Status(2))
    ];
    let keys = prop_oneof![
        6 => (0..3usize).prop_map(|key| vec![key]),
        1 => Just(vec![0, 1]),
        1 => Just(vec![1, 0, 2]),
    ];
    prop_oneof![
        12 => (0..3usize, keys, 1..4u64).prop_map(|(worker, keys, hits)| Step::Arrive { worker, keys, hits }),
        8 => (0..8usize).prop_map(Step::Deliver),
        8 => (0..8usize).prop_map(Step::Answer),
        1 => (0..8usize, failure).prop_map(|(at, failure)| Step::Lose(at, failure)),
        1 => (0..8usize).prop_map(Step::Garble),
        1 => (0..8usize).prop_map(Step::Abandon),
        3 => (0..400u64).prop_map(Step::Pass),
    ]
}

fn is_about_one(step: &Step) -> bool {
    !matches!(step, Step::Arrive { keys, .. } if keys.len() > 1)
}

#[derive(Debug)]
struct Pending {
    worker: usize,
    request: Vec<Descriptor>,
    call: Call,
    answer: Option<Vec<u8>>,
}

struct World {
    now: u64,
    service: Reference,
    workers: Vec<Remote>,
    pending: Vec<Pending>,
    waiting: Vec<(usize, CallId, Vec<Descriptor>)>,
    /// Admitted hits, by key.
    admitted: BTreeMap<String, u64>,
}

impl World {
    fn ask(&mut self, worker: usize, request: Vec<Descriptor>) {
        let asked = self.workers[worker].ask(&request, UnixNanos(self.now));
        self.asked(worker, request, asked);
    }

    fn asked(&mut self, worker: usize, request: Vec<Descriptor>, asked: Ask) {
        match asked {
            Ask::Settled(verdict) if is_ok(&verdict) => {
                for descriptor in request {
                    *self.admitted.entry(descriptor.entries[0].1.clone()).or_default() += descriptor.hits;
                }
            }
            Ask::Settled(_) => {}
            Ask::Call(call) => self.pending.push(Pending { worker, request, call, answer: None }),
            Ask::Wait(id) => {
                assert!(
                    self.pending.iter().any(|p| p.worker == worker && p.call.id == id),
                    "waits for an unknown call"
                );
                self.waiting.push((worker, id, request));
            }
        }
    }

    fn answered(&mut self, at: usize, answer: Result<Vec<u8>, CallFailure>) {
        let Pending { worker, request, call, .. } = self.pending.remove(at);
        let answer = answer.as_deref().map_err(|failure| *failure);
        let asked = self.workers[worker].answered(call.id, answer, UnixNanos(self.now));
        self.asked(worker, request, asked);
        self.wake(worker, call.id);
    }

    fn wake(&mut self, worker: usize, id: CallId) {
        let woken = |(of, for_call, _): &mut (usize, CallId, _)| *of == worker && *for_call == id;
        let woken: Vec<_> = self.waiting.extract_if(.., woken).collect();
        for (worker, _, request) in woken {
            self.ask(worker, request);
        }
    }

    fn step(&mut self, step: Step) {
        let among = |at: usize, pending: &[Pending]| (!pending.is_empty()).then(|| at % pending.len());
        match step {
            Step::Arrive { worker, keys, hits } => {
                let request = keys.iter().map(|key| descriptor(&key.to_string(), hits)).collect();
                self.ask(worker, request);
            }
            Step::Deliver(at) => {
                let Some(at) = among(at, &self.pending) else { return };
                let pending = &mut self.pending[at];
                if pending.answer.is_none() {
                    pending.answer = Some(self.service.answer(&pending.call.message, self.now));
                }
            }
            Step::Answer(at) => {
                let Some(at) = among(at, &self.pending) else { return };
                if let Some(answer) = self.pending[at].answer.clone() {
                    self.answered(at, Ok(answer));
                }
            }
            Step::Lose(at, failure) => {
                let Some(at) = among(at, &self.pending) else { return };
                self.answered(at, Err(failure));
            }
            Step::Garble(at) => {
                let Some(at) = among(at, &self.pending) else { return };
                self.answered(at, Ok(vec![0x12, 0xff, 0xff]));
            }
            Step::Abandon(at) => {
                let Some(at) = among(at, &self.pending) else { return };
                let Pending { worker, call, .. } = self.pending.remove(at);
                self.workers[worker].abandoned(call.id);
                self.wake(worker, call.id);
            }
            Step::Pass(ms) => self.now += ms * MS,
        }
    }
}

fn world(service: Reference, cache: Cache) -> World {
    World {
        now: START,
        service,
        workers: (0..3).map(|_| remote(cache.clone())).collect(),
        pending: Vec::new(),
        waiting: Vec::new(),
        admitted: BTreeMap::new(),
    }
}

fn cache() -> impl Strategy<Value = Cache> {
    let entries = prop_oneof![3 => Just(100), 1 => 0..4usize];
    (any::<bool>(), 0..12u32, prop_oneof![Just(0), 1..8u64], 1..1000u64, entries).prop_map(
        |(over_limit, lease_hits, overshoot_hits, age, max_entries)| Cache {
            over_limit,
            lease_hits,
            overshoot_hits,
            lease_max_age: age * MS,
            max_entries,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// One window admits the limit, plus the overshoot on each worker.
    #[test]
    fn never_exceeds_the_limit_by_more_than_the_overshoot(
        steps in prop::collection::vec(step(), 1..300),
        (counts_refused, statuses, limit) in (any::<bool>(), any::<bool>(), 0..60u64),
        cache in cache(),
    ) {
        // What is remembered is of all descriptors of a request together: there are three lists that a key is
        // in.
        let bound = limit + 3 * 3 * cache.overshoot_hits;
        let mut world = world(Reference::new(limit, 3600 * SECOND, counts_refused, statuses), cache);
        for step in steps {
            world.step(step.clone());
            for (key, admitted) in &world.admitted {
                prop_assert!(*admitted <= bound, "{key}: {admitted} of {limit} after {step:?}");
            }
        }
    }

    /// The same for keys with separate calls: the overshoot on each worker.
    #[test]
    fn each_worker_exceeds_the_limit_by_at_most_one_overshoot(
        steps in prop::collection::vec(step().prop_filter("one key", is_about_one), 1..300),
        (counts_refused, statuses, limit) in (any::<bool>(), any::<bool>(), 0..60u64),
        cache in cache(),
    ) {
        let bound = limit + 3 * cache.overshoot_hits;
        let mut world = world(Reference::new(limit, 3600 * SECOND, counts_refused, statuses), cache);
        for step in steps {
            world.step(step.clone());
            for (key, admitted) in &world.admitted {
                prop_assert!(*admitted <= bound, "{key}: {admitted} of {limit} after {step:?}");
            }
        }
    }

    /// In windows that come and go: what was counted, ever.
    #[test]
    fn never_more_than_was_counted(
        steps in prop::collection::vec(step(), 1..300),
        (counts_refused, statuses, limit) in (any::<bool>(), any::<bool>(), 0..20u64),
        cache in cache(),
    ) {
        let cache = Cache { overshoot_hits: 0, ..cache };
        let mut world = world(Reference::new(limit, SECOND, counts_refused, statuses), cache);
        for step in steps {
            world.step(step.clone());
            for (key, admitted) in &world.admitted {
                let passed = world.service.passed.get(key).copied().unwrap_or(0);
                prop_assert!(*admitted <= passed, "{key}: {admitted} of {passed} after {step:?}");
            }
        }
    }

    /// When all calls have ended, no request waits, and the cache is bounded.
    #[test]
    fn no_request_waits_forever(
        steps in prop::collection::vec(step(), 1..300),
        cache in cache(),
    ) {
        let most = cache.max_entries;
        let mut world = world(Reference::new(20, SECOND, false, true), cache);
        for step in steps {
            world.step(step);
        }
        for _ in 0..10_000 {
            if world.pending.is_empty() {
                break;
            }
            world.step(Step::Deliver(0));
            world.step(Step::Answer(0));
        }
        prop_assert!(world.pending.is_empty());
        prop_assert!(world.waiting.is_empty());
        for worker in &world.workers {
            prop_assert!(worker.memory.len() <= most);
        }
    }
}
