//! Several workers, in any order, with responses that are late or missing, and with workers that die.

use super::{MS, START, ms, rules};
use crate::UnixNanos;
use crate::fetch::{Asked, Availability, Rules, State};
use proptest::prelude::*;

/// Next event. Numbers are taken modulo the number of workers or fetches.
#[derive(Clone, Debug)]
enum Event {
    /// Time passes, in milliseconds.
    Pass(u64),
    /// A worker polls the state, and begins a fetch if one is due.
    Look(usize),
    /// A worker's fetch ends, with a new document, an unchanged one, or a failure.
    Answer(usize, Option<bool>),
    /// A worker's VM is replaced, and the response to its fetch is lost.
    Die(usize),
    /// A worker receives a token with an unknown `kid`.
    Ask,
}

const WORKERS: usize = 4;

fn event() -> impl Strategy<Value = Event> {
    let worker = 0..WORKERS;
    prop_oneof![
        3 => (0u64..3000).prop_map(Event::Pass),
        1 => (0u64..700_000).prop_map(Event::Pass),
        6 => worker.clone().prop_map(Event::Look),
        4 => (worker.clone(), proptest::option::of(any::<bool>())).prop_map(|(w, a)| Event::Answer(w, a)),
        1 => worker.prop_map(Event::Die),
        2 => Just(Event::Ask),
    ]
}

/// Shared state, and the fetches in progress. A failed compare and swap is retried, so each change applies to
/// the current state.
struct World {
    rules: Rules,
    state: State,
    now: UnixNanos,
    under_way: [Option<(u64, UnixNanos)>; WORKERS],
    next_holder: u64,
    begun: Vec<UnixNanos>,
    granted: Vec<UnixNanos>,
    published: Vec<u64>,
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            rules,
            state: State::default(),
            now: START,
            under_way: [None; WORKERS],
            next_holder: 1,
            begun: Vec::new(),
            granted: Vec::new(),
            published: vec![0],
        }
    }

    fn apply(&mut self, event: &Event, draw: u64) {
        match event {
            Event::Pass(milliseconds) => self.now.0 += milliseconds * MS,
            Event::Look(worker) => {
                if let Some(leased) = self.state.lease(&self.rules, self.next_holder, self.now) {
                    self.state = leased;
                    self.under_way[*worker] = Some((self.next_holder, self.now));
                    self.next_holder += 1;
                    self.begun.push(self.now);
                }
            }
            Event::Answer(worker, answer) => {
                let Some((holder, begun)) = self.under_way[*worker] else { return };
                // The timeout of the callout has ended the fetch before.
                let answer = answer.filter(|_| self.now.0 - begun.0 <= self.rules.timeout.as_nanos());
                self.under_way[*worker] = None;
                let (rules, now, life) = (&self.rules, self.now, self.rules.life);
                let next = match answer {
                    Some(new) => {
                        let next = self.state.fetched(rules, holder, new, life, now, draw);
                        if next.is_some() && new {
                            self.published.push(holder);
                        }
                        next
                    }
                    None => self.state.failed(rules, holder, now, draw),
                };
                self.state = next.unwrap_or(self.state);
            }
            Event::Die(worker) => self.under_way[*worker] = None,
            Event::Ask => {
                if let Asked::Granted(state) = self.state.ask(&self.rules, self.now) {
                    self.state = state;
                    self.granted.push(self.now);
                }
            }
        }
    }

    fn leased(&self) -> usize {
        let is_young = |begun: UnixNanos| self.now.0 - begun.0 < self.rules.lease().as_nanos();
        self.under_way.iter().flatten().filter(|(_, begun)| is_young(*begun)).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn no_two_workers_fetch_at_once_in_whatever_order(events in prop::collection::vec((event(), any::<u64>()), 0..200)) {
        let mut world = World::new(rules());
        for (event, draw) in &events {
            world.apply(event, *draw);
            prop_assert!(world.leased() <= 1);
            prop_assert_eq!(Some(&world.state.body), world.published.last());
            let fresh = world.now < world.state.fresh_until;
            if fresh && world.state.generation > 0 {
                prop_assert_eq!(world.state.availability(world.now), Availability::Fresh);
            }
        }
        // Clients cannot trigger more fetches than this.
        let interval = 30_000 * MS;
        prop_assert!(world.granted.windows(2).all(|pair| pair[1].0 - pair[0].0 >= interval), "{:?}", world.granted);
    }

}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    /// The document remains available if the server answers every second try and a worker polls once a
    /// second, even if workers die.
    #[test]
    fn there_are_keys_while_the_server_is_half_well(draws in prop::collection::vec(any::<u64>(), 4000)) {
        let rules = Rules { life: ms(60_000), stale: ms(60_000), ..rules() };
        let mut world = World::new(rules);
        let (mut had, mut answers) = (false, 0);
        for (second, draw) in draws.iter().enumerate() {
            let worker = (*draw % WORKERS as u64) as usize;
            world.apply(&Event::Look(worker), *draw);
            if let Some(fetching) = world.under_way.iter().position(Option::is_some) {
                answers += 1;
                match draw >> 60 {
                    0 => world.apply(&Event::Die(fetching), *draw),
                    _ => world.apply(&Event::Answer(fetching, (answers % 2 == 0).then_some(true)), *draw),
                }
            }
            let availability = world.state.availability(world.now);
            had |= availability == Availability::Fresh;
            if had {
                prop_assert!(matches!(availability, Availability::Fresh | Availability::Stale), "after {} s", second);
            }
            world.apply(&Event::Pass(1000), *draw);
        }
        prop_assert!(had);
        // About 80 lifetimes, with two attempts each, and some attempts for workers that died.
        prop_assert!(world.begun.len() < 300, "{}", world.begun.len());
    }
}
