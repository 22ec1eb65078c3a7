//! Compares a table with an unbounded map, except for evicted entries.

use super::super::place::key_bits;
use super::*;
use crate::rate::{State, Take};
use proptest::prelude::*;
use std::collections::HashMap;

/// An unbounded table, written without regard for anything but what it means.
#[derive(Default)]
struct Reference(HashMap<u64, State>);

impl Reference {
    /// The wait, or the rate without room and the time until there is.
    fn take(&mut self, step: &Step<'_>) -> Result<u64, (usize, Option<u64>)> {
        let (mut waits, mut limited) = (vec![0], vec![]);
        for (index, rate) in step.rates.iter().enumerate() {
            let tag = step.place.tag + index as u64;
            let state = self.0.get(&tag).copied().unwrap_or_default();
            if let Take::Limited { retry_after } = rate.take(state, step.now, step.cost) {
                match rate.reserve(state, step.now, step.cost, step.max_wait) {
                    Some((_, wait)) => waits.push(wait),
                    None => limited.push((index, retry_after)),
                }
            }
        }
        // The first of the longest.
        limited.sort_by_key(|(_, retry_after)| std::cmp::Reverse(retry_after.unwrap_or(u64::MAX)));
        if let Some(limited) = limited.first() {
            return Err(*limited);
        }
        let wait = waits.into_iter().max().unwrap();
        for (index, rate) in step.rates.iter().enumerate() {
            let state = self.0.entry(step.place.tag + index as u64).or_default();
            match rate.take(*state, UnixNanos(step.now.0 + wait), step.cost) {
                Take::Taken(taken) => *state = taken,
                limited => panic!("{limited:?}, expected room"),
            }
        }
        Ok(wait)
    }

    fn charge(&mut self, step: &Step<'_>, cost: u64) {
        for (index, rate) in step.rates.iter().enumerate() {
            let state = self.0.entry(step.place.tag + index as u64).or_default();
            *state = rate.charge(*state, step.now, cost);
        }
    }

    fn refund(&mut self, step: &Step<'_>, taken_at: UnixNanos, cost: u64) {
        for (index, rate) in step.rates.iter().enumerate() {
            if let Some(state) = self.0.get_mut(&(step.place.tag + index as u64)) {
                *state = rate.refund(*state, taken_at, step.now, cost);
            }
        }
    }
}

fn same(outcome: Outcome, expected: Result<u64, (usize, Option<u64>)>) -> bool {
    match (outcome, expected) {
        (Outcome::Taken { wait, .. }, Ok(expected)) => wait == expected,
        (Outcome::Limited { rate, retry_after }, Err(expected)) => (rate, retry_after) == expected,
        _ => false,
    }
}

/// Next operation on a key.
#[derive(Clone, Debug)]
enum Act {
    Take { cost: u64, max_wait: u64 },
    Charge(u64),
    Refund(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let waits = prop_oneof![Just(0), 0..3 * SECOND];
    prop_oneof![
        8 => (0..4_u64, waits).prop_map(|(cost, max_wait)| Act::Take { cost, max_wait }),
        1 => (1..6_u64).prop_map(Act::Charge),
        1 => (1..3_u64).prop_map(Act::Refund),
    ]
}

/// Limits with, in this order, one to four rates.
fn limits() -> Vec<Vec<Rate>> {
    let wait = 3 * SECOND;
    let buckets = [queue(3, SECOND, wait), queue(8, SECOND / 4, wait)];
    let windows = [fixed(5, 10 * SECOND), sliding(6, 4 * SECOND)].map(|window| window.with_max_wait(wait));
    let all = [buckets[0], windows[0], windows[1], buckets[1]];
    (1..=all.len()).map(|n| all[..n].to_vec()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    /// 6 keys, 16 entries.
    #[test]
    fn decides_like_an_unbounded_table_without_evictions(
        acts in proptest::collection::vec((0..6_usize, acts(), 0..SECOND), 1..150),
    ) {
        let limits = limits();
        let (mut bytes, mut reference, mut now) = (empty(), Reference::default(), START);
        for (key, act, pause) in acts {
            let before = now;
            now.0 += pause;
            let rates = &limits[[0, 1, 2, 3, 3, 1][key]];
            let mut step = step(1 + 10 * key as u64, rates, now);
            match act {
                Act::Take { cost, max_wait } => {
                    (step.cost, step.max_wait) = (cost, max_wait);
                    let denied = step.is_denied(&bytes);
                    let outcome = take(&mut bytes, step);
                    prop_assert!(same(outcome, reference.take(&step)), "{:?}", outcome);
                    prop_assert_eq!(denied.is_none(), is_taken(outcome));
                    let evicts = matches!(outcome, Outcome::Taken { evicted: Some(_), .. });
                    prop_assert!(!evicts);
                }
                Act::Charge(cost) => {
                    prop_assert_eq!(step.charge(&mut Page(&mut bytes), cost), None);
                    reference.charge(&step, cost);
                }
                Act::Refund(cost) => {
                    step.refund(&mut Page(&mut bytes), before, &[], cost);
                    reference.refund(&step, before, cost);
                }
            }
        }
    }

    /// 40 keys with one entry each, and 16 with two: nothing is lost except reported evictions, and no key is
    /// limited by what another owes.
    #[test]
    fn decides_like_an_unbounded_table_minus_evictions(
        acts in proptest::collection::vec((0..40_u64, 0..3 * SECOND / 2, any::<bool>()), 1..300),
    ) {
        let limits = limits();
        let (mut bytes, mut reference, mut now) = (empty(), Reference::default(), START);
        for (key, pause, longer) in acts {
            now.0 += pause / 16;
            let rates = if longer { &limits[1] } else { &limits[0] };
            let step = step(1 + 10 * key + 5 * u64::from(longer), rates, now);
            let before: Vec<_> = Page(&mut bytes).entries().collect();
            let outcome = take(&mut bytes, step);
            prop_assert!(same(outcome, reference.take(&step)), "{:?}", outcome);
            let page = Page(&mut bytes);
            let gone = before.iter().filter(|entry| page.find(entry.tag).is_none());
            let owed: Vec<_> =
                gone.filter(|entry| entry.state.full_at > now.0).inspect(|entry| {
                    reference.0.remove(&key_bits(entry.tag));
                }).map(|entry| entry.state.full_at - now.0).collect();
            if let Outcome::Taken { evicted, .. } = outcome {
                prop_assert_eq!(evicted, owed.into_iter().max());
            }
        }
    }

    /// Over an hour's worth of time and any others in its page, a key gets at least what it would get alone,
    /// and at most what evictions owed more than that.
    #[test]
    fn a_key_gains_at_most_what_was_evicted(
        acts in proptest::collection::vec((0..30_u64, 0..SECOND), 1..400),
    ) {
        const BURST: u64 = 3;
        let rates = [bucket(BURST, SECOND)];
        let (mut bytes, mut reference, mut now) = (empty(), Reference::default(), START);
        let (mut got, mut due, mut lost) = ([0_u64; 30], [0_u64; 30], [0_u64; 30]);
        for (key, pause) in acts {
            now.0 += pause / 20;
            let step = step(key + 1, &rates, now);
            let before: Vec<_> = Page(&mut bytes).entries().collect();
            let outcome = take(&mut bytes, step);
            got[key as usize] += u64::from(is_taken(outcome));
            due[key as usize] += u64::from(reference.take(&step).is_ok());
            if let Outcome::Taken { evicted: Some(owed), .. } = outcome {
                let page = Page(&mut bytes);
                let victim = before.iter().find(|entry| page.find(entry.tag).is_none()).unwrap();
                lost[key_bits(victim.tag) as usize - 1] += owed;
            }
            let allowed = |lost: u64| (BURST * SECOND + now.0 - START.0 + lost) / SECOND;
            for key in 0..30 {
                prop_assert!(got[key] >= due[key], "got {}, expected at least {}", got[key], due[key]);
                prop_assert!(got[key] <= allowed(lost[key]), "got {}, expected at most {}", got[key], allowed(lost[key]));
            }
        }
    }
}
