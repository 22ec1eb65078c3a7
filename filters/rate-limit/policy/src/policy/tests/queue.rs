//! Requests that wait for a concurrency slot.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use tollgate_counting::in_flight::{POLL, WaiterId};

const TWO: &str = "
limits:
  one:
    key: [{request_headers: {header_name: x-user}}]
    concurrency: {max_requests: 2}
    delay: {max_wait: 1s}
";

/// Workers that share a world.
struct Workers {
    world: World,
    workers: Vec<Worker>,
    now: UnixNanos,
}

struct Worker {
    policy: Policy,
    /// Queued requests.
    waiting: BTreeMap<u32, Waiting>,
}

struct Waiting {
    who: usize,
    user: u8,
    ticket: Ticket,
    until: u64,
    since: u64,
}

/// Current state of a request.
#[derive(Debug)]
enum Now {
    Admitted(Box<Ticket>),
    Refused(Reason),
    Waits,
}

impl Workers {
    fn new(yaml: &str, count: usize) -> Self {
        let worker = || {
            let config: Config =
                tollgate_policy::config::read(&serde_saphyr::from_str(yaml).unwrap()).unwrap();
            Worker { policy: Policy::new(Plan::new(config).unwrap(), [9; 16]), waiting: BTreeMap::new() }
        };
        let workers = (0..count).map(|_| worker()).collect();
        Self { world: World::default(), workers, now: UnixNanos(NOON) }
    }

    fn arrives(&mut self, worker: usize, who: usize, user: u8) -> Vec<(usize, Now)> {
        self.ask(worker, who, user, None)
    }

    fn ask(&mut self, at: usize, who: usize, user: u8, again: Option<Waiting>) -> Vec<(usize, Now)> {
        let Self { world, workers, now } = self;
        let worker = &mut workers[at];
        world.shared.vm = at as u32;
        let name = user.to_string();
        let pairs = [(&b"x-user"[..], name.as_bytes())];
        let request = RequestFacts::from_pairs(&pairs);
        let since = again.as_ref().map_or(now.0, |waiting| waiting.since);
        let decision = match again {
            None => worker.policy.decide(&request, world, *now, true),
            Some(waiting) => worker.policy.resume(waiting.ticket, &request, world, *now),
        };
        let become_ = match decision {
            Decision::Pass(pass) => Now::Admitted(Box::new(pass.ticket)),
            Decision::Refuse(refusal) => Now::Refused(refusal.reason),
            Decision::Hold(Hold { until: Until::Room(WaiterId(id)), timeout: wait, ticket, .. }) => {
                let until = now.0 + wait;
                worker.waiting.insert(id, Waiting { who, user, ticket, until, since });
                Now::Waits
            }
            other => panic!("{other:?}"),
        };
        let mut all = vec![(who, become_)];
        all.extend(self.wake(at));
        all
    }

    fn wake(&mut self, at: usize) -> Vec<(usize, Now)> {
        let woken = self.workers[at].policy.take_woken();
        let mut all = Vec::new();
        for WaiterId(id) in woken {
            if let Some(waiting) = self.workers[at].waiting.remove(&id) {
                all.extend(self.ask(at, waiting.who, waiting.user, Some(waiting)));
            }
        }
        all
    }

    fn ends(&mut self, at: usize, ticket: Ticket) -> Vec<(usize, Now)> {
        self.world.shared.vm = at as u32;
        self.workers[at].policy.end(ticket, &mut self.world, self.now);
        self.wake(at)
    }

    /// Disconnects the client of the n-th queued request.
    fn goes(&mut self, n: usize) -> (Option<usize>, Vec<(usize, Now)>) {
        let count: usize = self.workers.iter().map(|worker| worker.waiting.len()).sum();
        let Some(mut n) = n.checked_rem(count) else { return (None, vec![]) };
        let at = self.workers.iter().position(|worker| match n.checked_sub(worker.waiting.len()) {
            Some(left) => {
                n = left;
                false
            }
            None => true,
        });
        let at = at.unwrap();
        let id = *self.workers[at].waiting.keys().nth(n).unwrap();
        let waiting = self.workers[at].waiting.remove(&id).unwrap();
        (Some(waiting.who), self.ends(at, waiting.ticket))
    }

    fn passes(&mut self, nanos: u64) -> Vec<(usize, Now)> {
        let end = self.now.0 + nanos;
        let mut all = Vec::new();
        loop {
            let due = self.workers.iter().enumerate().flat_map(|(at, worker)| {
                worker.waiting.iter().map(move |(id, waiting)| (waiting.until, at, *id))
            });
            match due.min().filter(|(until, ..)| *until <= end) {
                None => break,
                Some((until, at, id)) => {
                    self.now.0 = until;
                    let waiting = self.workers[at].waiting.remove(&id).unwrap();
                    all.extend(self.ask(at, waiting.who, waiting.user, Some(waiting)));
                }
            }
        }
        self.now.0 = end;
        all
    }
}

#[derive(Clone, Debug)]
enum Act {
    Arrives { worker: usize, user: u8 },
    Ends(usize),
    Goes(usize),
    Passes(u64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..3usize, 0..2u8).prop_map(|(worker, user)| Act::Arrives { worker, user }),
        4 => any::<usize>().prop_map(Act::Ends),
        1 => any::<usize>().prop_map(Act::Goes),
        2 => (0..SECOND / 2).prop_map(Act::Passes),
    ];
    prop::collection::vec(act, 1..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Three workers, two keys, two of each in flight.
    #[test]
    fn queues_are_ordered_and_leave_no_slot_empty(acts in acts()) {
        let mut workers = Workers::new(TWO, 3);
        // By who they are: their worker and key, when they came, and what they have.
        let mut came: Vec<(usize, u8, u64)> = Vec::new();
        let mut held: BTreeMap<usize, Box<Ticket>> = BTreeMap::new();
        let mut waits: Vec<usize> = Vec::new();
        for act in acts.into_iter().chain([Act::Passes(POLL)]) {
            let polled = matches!(act, Act::Passes(POLL..));
            let news = match act {
                Act::Arrives { worker, user } => {
                    came.push((worker, user, workers.now.0));
                    workers.arrives(worker, came.len() - 1, user)
                }
                Act::Ends(n) => match held.keys().nth(n.checked_rem(held.len()).unwrap_or(0)).copied() {
                    Some(who) => workers.ends(came[who].0, *held.remove(&who).unwrap()),
                    None => vec![],
                },
                Act::Goes(n) => {
                    let (gone, news) = workers.goes(n);
                    waits.retain(|who| Some(*who) != gone);
                    news
                }
                Act::Passes(nanos) => workers.passes(nanos),
            };
            for (who, now) in news {
                let (worker, user, since) = came[who];
                let before = |other: &&usize| came[**other].0 == worker && came[**other].1 == user && **other < who;
                match now {
                    Now::Waits if waits.contains(&who) => {}
                    Now::Waits => waits.push(who),
                    Now::Admitted(ticket) => {
                        prop_assert_eq!(waits.iter().find(before), None, "before {}", who);
                        waits.retain(|other| *other != who);
                        held.insert(who, ticket);
                    }
                    Now::Refused(reason) => {
                        prop_assert_eq!(reason, Reason::Concurrency);
                        prop_assert!(workers.now.0 >= since + SECOND);
                        waits.retain(|other| *other != who);
                    }
                }
            }
            for user in 0..2 {
                let of_user = |who: &&usize| came[**who].1 == user;
                let in_flight = held.keys().filter(of_user).count();
                prop_assert!(in_flight <= 2);
                let waiting: Vec<_> = waits.iter().filter(of_user).collect();
                prop_assert!(!polled || waiting.is_empty() || in_flight == 2, "{waiting:?} wait");
                prop_assert!(waiting.iter().all(|who| came[**who].2 + SECOND > workers.now.0));
            }
        }
        let standing: usize = workers.workers.iter().map(|worker| worker.waiting.len()).sum();
        prop_assert_eq!(standing, waits.len());
    }
}

#[test]
fn queued_requests_continue_in_order() {
    let mut workers = Workers::new(TWO, 1);
    let mut held = vec![];
    for who in 0..2 {
        match workers.arrives(0, who, 1).pop() {
            Some((_, Now::Admitted(ticket))) => held.push(ticket),
            other => panic!("{other:?}"),
        }
    }
    for who in 2..5 {
        assert!(matches!(workers.arrives(0, who, 1)[..], [(_, Now::Waits)]), "{who}");
    }
    assert!(matches!(workers.arrives(0, 9, 2)[..], [(9, Now::Admitted(_))]), "another key");
    let news = workers.ends(0, *held.remove(0));
    assert!(matches!(news[..], [(2, Now::Admitted(_)), (3, Now::Waits)]), "{news:?}");
    assert_eq!(workers.goes(0).0, Some(3));
    let news = workers.ends(0, *held.remove(0));
    assert!(matches!(news[..], [(4, Now::Admitted(_))]), "{news:?}");
}

#[test]
fn rejects_and_counts_requests_after_max_wait() {
    let mut rig = Rig::new(TWO);
    let user = [("x-user", "a")];
    let _held = [rig.passes(&user), rig.passes(&user)];
    let Decision::Hold(Hold { timeout: wait, ticket, .. }) = rig.send(&user) else {
        panic!("expected a queued request")
    };
    assert_eq!(wait, POLL);
    let Decision::Hold(Hold { timeout: wait, ticket: behind, .. }) = rig.send(&user) else {
        panic!("expected a queued request")
    };
    assert_eq!(wait, SECOND, "only the first waiter polls");
    rig.now.0 += SECOND;
    let pairs = [(&b"x-user"[..], &b"a"[..])];
    let request = RequestFacts::from_pairs(&pairs);
    for ticket in [ticket, behind] {
        match rig.policy.resume(ticket, &request, &mut rig.world, rig.now) {
            Decision::Refuse(refusal) => assert_eq!(refusal.reason, Reason::Concurrency),
            other => panic!("{other:?}"),
        }
    }
    let counted = [Event::Ok, Event::Delayed, Event::Limited].map(|event| rig.counted(0, event));
    assert_eq!(counted, [2, 0, 2]);
}

/// Earlier limits are not checked again, and the time in the queue counts towards the maximum wait.
#[test]
fn a_queued_request_continues_with_its_limit() {
    let mut rig = Rig::new(
        "
limits:
  a: {rates: [{fixed_window: {requests: 3, window: 1h}}]}
  b:
    concurrency: {max_requests: 1}
    rates: [{gcra: {requests: 1, per: 1s}}]
    delay: {max_wait: 1500ms}
  c: {rates: [{fixed_window: {requests: 2, window: 1h}}]}
",
    );
    let held = rig.passes(&[]);
    let Decision::Hold(Hold { ticket, .. }) = rig.send(&[]) else { panic!("expected a queued request") };
    rig.now.0 += SECOND / 4;
    rig.policy.end(held.ticket, &mut rig.world, rig.now);
    let none = RequestFacts::default();
    assert_eq!(rig.policy.take_woken().len(), 1);
    let ticket = match rig.policy.resume(ticket, &none, &mut rig.world, rig.now) {
        Decision::Hold(Hold { until: Until::Turn, timeout: wait, ticket, .. }) => {
            assert_eq!(wait, SECOND * 3 / 4);
            ticket
        }
        other => panic!("{other:?}"),
    };
    let Decision::Hold(Hold { ticket: third, .. }) = rig.send(&[]) else {
        panic!("expected a queued request")
    };
    rig.now.0 += SECOND / 4;
    rig.policy.end(ticket, &mut rig.world, rig.now);
    // Its turn would be in another second and a half, a quarter second after what it may wait.
    match rig.policy.resume(third, &none, &mut rig.world, rig.now) {
        Decision::Refuse(refusal) => assert_eq!(refusal.reason, Reason::LocalLimit),
        other => panic!("{other:?}"),
    }
    let counted = |limit| [Event::Ok, Event::Delayed, Event::Limited].map(|event| rig.counted(limit, event));
    assert_eq!((counted(0), counted(1), counted(2)), ([3, 0, 0], [1, 1, 1], [2, 0, 0]));
}

#[test]
fn a_request_that_may_not_wait_never_overtakes_a_queue() {
    let mut rig = Rig::new(TWO);
    let user = [("x-user", "a")];
    let held = rig.passes(&user);
    let _held = rig.passes(&user);
    let Decision::Hold(_) = rig.send(&user) else { panic!("expected a queued request") };
    rig.policy.end(held.ticket, &mut rig.world, rig.now);
    let pairs = [(&b"x-user"[..], &b"a"[..])];
    let decision = rig.policy.decide(&RequestFacts::from_pairs(&pairs), &mut rig.world, rig.now, false);
    assert!(matches!(decision, Decision::Refuse(_)), "{decision:?}");
}

#[test]
fn no_request_is_queued_in_shadow_mode() {
    let mut rig =
        Rig::new("limits: {one: {concurrency: {max_requests: 1}, delay: {max_wait: 1s}, shadow: true}}");
    let _first = rig.passes(&[]).ticket;
    assert_eq!(rig.passes(&[]).allowed_by, Some(AllowedBy::Shadow(Reason::Concurrency)));
}
