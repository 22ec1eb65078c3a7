//! The state machine, compared with a simple implementation on random histories.

use crate::support::SECOND;
use proptest::prelude::*;
use std::collections::VecDeque;
use tollgate_circuit_breaker_policy::machine::{Numbers, OpenTime, Step, Verdict};
use tollgate_circuit_breaker_policy::record::{HEADER_BYTES, Layout, Record, insert};
use tollgate_circuit_breaker_policy::window::{Outcome, Window};
use tollgate_policy::UnixNanos;

fn numbers() -> impl Strategy<Value = Numbers> {
    let count = || prop::option::of(1u32..6);
    let rate = || prop::option::of(prop::sample::select(vec![0u32, 250_000, 500_000, 1_000_000]));
    (1u16..8, count(), count(), rate(), rate(), 1u32..6, 1u16..4, 1u64..8, 1u64..8).prop_map(
        |(size, row, count, failures, slow, minimum, probes, open, half_open)| Numbers {
            window: Window::Requests(size),
            consecutive_failures: row,
            failure_count: count,
            failure_rate: failures,
            slow_rate: slow,
            minimum_requests: minimum,
            open: OpenTime { first: open * SECOND, growth: 2.0, longest: 20 * SECOND, jitter: 0 },
            probes,
            half_open: half_open * SECOND,
            fingerprint: 1,
            breaker: 0,
        },
    )
}

/// The simplest implementation: lists of outcomes.
struct Reference {
    numbers: Numbers,
    state: ReferenceState,
    epoch: u32,
    openings: u32,
}

enum ReferenceState {
    Closed { window: VecDeque<Outcome>, row: u32 },
    Open { until: u64 },
    HalfOpen { began: u64, admitted: u16, results: Vec<Outcome> },
}

fn closed() -> ReferenceState {
    ReferenceState::Closed { window: VecDeque::new(), row: 0 }
}

impl Reference {
    fn open(&mut self, now: u64) {
        let time = self.numbers.open.first.saturating_mul(1 << (self.openings - 1).min(30));
        self.state = ReferenceState::Open { until: now + time.min(self.numbers.open.longest) };
        self.epoch += 1;
    }

    fn share(count: usize, all: usize, rate: Option<u32>) -> bool {
        rate.is_some_and(|rate| count > 0 && count as f64 >= all as f64 * f64::from(rate) / 1e6)
    }

    fn admit(&mut self, now: u64) -> Verdict {
        if let ReferenceState::Open { until } = self.state {
            if now < until {
                return Verdict::Open(until - now);
            }
            self.state = ReferenceState::HalfOpen { began: now, admitted: 0, results: Vec::new() };
            self.epoch += 1;
        }
        match &mut self.state {
            ReferenceState::HalfOpen { began, .. } if now - *began >= self.numbers.half_open => {
                // The same time as before: the probes had no result.
                self.open(now);
                let ReferenceState::Open { until } = self.state else { unreachable!() };
                Verdict::Open(until - now)
            }
            ReferenceState::HalfOpen { admitted, .. } if *admitted < self.numbers.probes => {
                *admitted += 1;
                Verdict::Admitted { epoch: self.epoch, probe: true }
            }
            ReferenceState::HalfOpen { .. } => Verdict::HalfOpen,
            _ => Verdict::Admitted { epoch: self.epoch, probe: false },
        }
    }

    fn record(&mut self, epoch: u32, outcome: Outcome, now: u64) -> bool {
        if epoch != self.epoch {
            return false;
        }
        let numbers = self.numbers.clone();
        let Window::Requests(size) = numbers.window else { unreachable!() };
        let count = |list: &mut dyn Iterator<Item = &Outcome>, is: fn(&Outcome) -> bool| {
            list.filter(|o| is(o)).count()
        };
        match &mut self.state {
            ReferenceState::Closed { window, row } => {
                window.push_back(outcome);
                if window.len() > size.into() {
                    window.pop_front();
                }
                *row = if outcome.failed { *row + 1 } else { 0 };
                let failed = count(&mut window.iter(), |o| o.failed);
                let slow = count(&mut window.iter(), |o| o.slow);
                let enough = window.len() >= numbers.minimum_requests as usize;
                if numbers.consecutive_failures.is_some_and(|most| *row >= most)
                    || numbers.failure_count.is_some_and(|most| failed as u32 >= most)
                    || enough && Self::share(failed, window.len(), numbers.failure_rate)
                    || enough && Self::share(slow, window.len(), numbers.slow_rate)
                {
                    self.openings += 1;
                    self.open(now);
                }
            }
            ReferenceState::HalfOpen { results, .. } => {
                results.push(outcome);
                let failed = count(&mut results.iter(), |o| o.failed);
                let slow = count(&mut results.iter(), |o| o.slow);
                let probes = usize::from(numbers.probes);
                let is_down = match numbers.failure_rate {
                    None => failed > 0,
                    rate => Self::share(failed, probes, rate),
                };
                if is_down || Self::share(slow, probes, numbers.slow_rate) {
                    self.openings += 1;
                    self.open(now);
                } else if results.len() == probes {
                    self.state = closed();
                    self.epoch += 1;
                    self.openings = 0;
                }
            }
            ReferenceState::Open { .. } => unreachable!("no request is admitted in this state"),
        }
        true
    }

    fn release(&mut self, epoch: u32) {
        if let (true, ReferenceState::HalfOpen { admitted, .. }) = (epoch == self.epoch, &mut self.state) {
            *admitted -= 1;
        }
    }
}

/// A step of a history: time passes, and then a request comes, or one of those in flight ends.
#[derive(Clone, Debug)]
enum Event {
    Request,
    Result(usize, Outcome),
    Abandoned(usize),
}

fn history() -> impl Strategy<Value = Vec<(u64, Event)>> {
    let outcome = || (any::<bool>(), any::<bool>()).prop_map(|(failed, slow)| Outcome { failed, slow });
    let event = prop_oneof![
        4 => Just(Event::Request),
        4 => (any::<usize>(), outcome()).prop_map(|(index, outcome)| Event::Result(index, outcome)),
        1 => any::<usize>().prop_map(Event::Abandoned),
    ];
    prop::collection::vec((prop_oneof![6 => Just(0), 2 => 0u64..3, 1 => 0u64..12], event), 0..200)
}

proptest! {
    #[test]
    fn the_machine_equals_a_simple_implementation(numbers in numbers(), history in history()) {
        let layout = Layout { window: numbers.window.bytes(), ..Layout::default() };
        let mut page = vec![0; layout.bytes()];
        insert(&mut page, layout, layout.bytes(), 1, UnixNanos(0)).unwrap().0.save(UnixNanos(0));
        let mut reference = Reference { numbers: numbers.clone(), state: closed(), epoch: 0, openings: 0 };
        let (mut now, mut flying) = (1000 * SECOND, Vec::new());

        for (seconds, event) in history {
            now += seconds * SECOND;
            let mut record = Record::new(&mut page, layout).unwrap();
            let mut step = Step::new(&numbers, &mut record, UnixNanos(now), 0);
            match event {
                Event::Request => {
                    let verdict = step.admit();
                    prop_assert_eq!(verdict, reference.admit(now));
                    if let Verdict::Admitted { epoch, probe } = verdict {
                        flying.push((epoch, probe));

                    }
                }
                Event::Result(index, outcome) if !flying.is_empty() => {
                    let (epoch, _) = flying.swap_remove(index % flying.len());
                    prop_assert_eq!(step.record(epoch, outcome, true), reference.record(epoch, outcome, now));
                }
                Event::Abandoned(index) if !flying.is_empty() => {
                    let (epoch, probe) = flying.swap_remove(index % flying.len());
                    if probe {
                        step.release(epoch);
                        reference.release(epoch);
                    }
                }
                _ => {}
            }
            prop_assert_eq!(step.record.header.epoch, reference.epoch);
            record.save(UnixNanos(now));
        }
    }

    /// Bytes of another version, or of another program.
    #[test]
    fn any_bytes_are_a_record(
        numbers in numbers(), bytes in prop::collection::vec(any::<u8>(), HEADER_BYTES + 16), is_same: bool, now: u64, draw: u64,
    ) {
        let layout = Layout { window: numbers.window.bytes(), ..Layout::default() };
        let mut bytes = bytes;
        bytes.resize(layout.bytes(), 0);
        if is_same {
            bytes[8..12].copy_from_slice(&1u32.to_le_bytes());
        }
        for outcome in [Outcome { failed: true, slow: true }, Outcome::default()] {
            let mut record = Record::new(&mut bytes, layout).unwrap();
            let mut step = Step::new(&numbers, &mut record, UnixNanos(now), draw);
            if let Verdict::Admitted { epoch, .. } = step.admit() {
                step.record(epoch, outcome, true);
                step.release(epoch);
            }
            record.save(UnixNanos(now));
        }
    }

    #[test]
    fn the_open_time_grows_to_its_bound(first in 1u64..1000, growth in 1.0f64..10.0, count in 1u16..100, draw: u64) {
        let open = OpenTime { first, growth, longest: 5000, jitter: 100_000 };
        let base = (first as f64 * growth.powi(i32::from(count) - 1)).min(5000.0);
        let time = open.after(count, draw) as f64;
        prop_assert!((base - 1.0..=base * 1.1 + 1.0).contains(&time), "{time}, without jitter {base}");
    }
}

#[test]
fn a_clock_that_was_set_back_ends_the_open_time() {
    let numbers = Numbers {
        window: Window::Requests(1),
        consecutive_failures: Some(1),
        failure_count: None,
        failure_rate: None,
        slow_rate: None,
        minimum_requests: 1,
        open: OpenTime { first: SECOND, growth: 1.0, longest: SECOND, jitter: 0 },
        probes: 1,
        half_open: SECOND,
        fingerprint: 1,
        breaker: 0,
    };
    let layout = Layout { window: numbers.window.bytes(), ..Layout::default() };
    let mut page = vec![0; layout.bytes()];
    let (mut record, _) = insert(&mut page, layout, layout.bytes(), 1, UnixNanos(0)).unwrap();
    let mut at = |seconds: u64, fails: bool| {
        let mut step = Step::new(&numbers, &mut record, UnixNanos(seconds * SECOND), 0);
        let verdict = step.admit();
        if let (Verdict::Admitted { epoch, .. }, true) = (verdict, fails) {
            step.record(epoch, Outcome { failed: true, slow: false }, true);
        }
        verdict
    };
    assert_eq!(at(1000, true), Verdict::Admitted { epoch: 0, probe: false });
    assert_eq!(at(1000, true), Verdict::Open(SECOND));
    assert_eq!(at(500, false), Verdict::Admitted { epoch: 2, probe: true });
    // A probe that began in the future is overdue.
    assert_eq!(at(400, false), Verdict::Open(SECOND));
}
