//! The budget, compared with a list of all requests and retries.

use super::{NOW, SECOND};
use crate::budget::{Budget, Reserved, SLOTS};
use proptest::prelude::*;
use tollgate_counting::table::PAGE_BYTES;
use tollgate_policy::UnixNanos;

/// Keeps each request and each retry with the slot in which it counts.
#[derive(Default)]
struct Reference {
    requests: Vec<u64>,
    retries: Vec<u64>,
    newest: u64,
}

impl Reference {
    fn reserve(&mut self, budget: &Budget, now: u64, wanted: u32) -> Reserved {
        let slot = now / budget.slot;
        // A jump of the clock that is longer than the window begins again.
        if slot.abs_diff(self.newest) >= SLOTS as u64 {
            *self = Self { newest: slot, ..Self::default() };
        }
        self.newest = self.newest.max(slot);
        self.requests.push(self.newest);
        let in_window = |slots: &[u64], newest: u64| {
            slots.iter().filter(|slot| newest - **slot < SLOTS as u64).count() as u64
        };
        let requests = in_window(&self.requests, self.newest);
        let allowed = requests * u64::from(budget.per_million) / 1_000_000 + u64::from(budget.floor);
        let left = allowed.saturating_sub(in_window(&self.retries, self.newest));
        let retries = u64::from(wanted).min(left) as u32;
        self.retries.extend((0..retries).map(|_| self.newest));
        Reserved { retries, slot: self.newest }
    }

    fn refund(&mut self, reserved: Reserved, unused: u32) {
        for _ in 0..unused.min(reserved.retries) {
            if let Some(place) = self.retries.iter().position(|slot| *slot == reserved.slot) {
                self.retries.remove(place);
            }
        }
    }
}

/// A budget with a window of ten seconds.
fn budget(percent: u32, per_second: u32) -> Budget {
    Budget::new(percent * 10_000, per_second, 10 * SECOND)
}

proptest! {
    #[test]
    fn grants_what_the_reference_grants(
        percent in 0u32..=100,
        per_second in 0u32..3,
        steps in prop::collection::vec((0u64..3_000_000_000, 0u32..5, 0u32..5), 1..200),
    ) {
        let budget = budget(percent, per_second);
        let (mut page, mut reference, mut now) = (vec![0; PAGE_BYTES], Reference::default(), NOW.0);
        let mut open = Vec::new();
        for (passed, wanted, unused) in steps {
            now += passed;
            let reserved = budget.reserve(&mut page, UnixNanos(now), 1, wanted);
            prop_assert_eq!(reserved, reference.reserve(&budget, now, wanted));
            open.push((reserved, unused));
            // Responses arrive in another order than requests.
            if open.len() > 3 {
                let (reserved, unused) = open.swap_remove(passed as usize % 3);
                budget.refund(&mut page, reserved, unused);
                if reference.newest - reserved.slot < SLOTS as u64 {
                    reference.refund(reserved, unused);
                }
            }
        }
    }

    #[test]
    fn retries_never_exceed_the_ratio_and_the_floor(
        percent in 0u32..=100,
        steps in prop::collection::vec((0u64..500_000_000, 0u32..5), 1..300),
    ) {
        let budget = budget(percent, 0);
        let (mut page, mut now, mut requests, mut retries) = (vec![0; PAGE_BYTES], NOW.0, 0u64, 0u64);
        for (passed, wanted) in steps {
            now += passed;
            requests += 1;
            retries += u64::from(budget.reserve(&mut page, UnixNanos(now), 1, wanted).retries);
            prop_assert!(retries * 100 <= requests * u64::from(percent));
        }
    }

    #[test]
    fn any_bytes_are_a_valid_record(
        mut page in prop::collection::vec(any::<u8>(), PAGE_BYTES),
        now: u64,
        slot: u64,
        retries: u32,
        unused: u32,
    ) {
        let budget = budget(20, 10);
        let reserved = budget.reserve(&mut page, UnixNanos(now), 1, 3);
        prop_assert!(reserved.retries <= 3);
        budget.refund(&mut page, Reserved { retries, slot }, unused);
        budget.refund(&mut page, reserved, unused);
    }
}

#[test]
fn the_floor_allows_retries_of_few_requests() {
    let (budget, mut page) = (budget(20, 1), vec![0; PAGE_BYTES]);
    let granted: u32 = (0..20).map(|_| budget.reserve(&mut page, NOW, 1, 1).retries).sum();
    assert_eq!(granted, 10 + 4);
}

#[test]
fn a_window_forgets_what_is_older() {
    let (budget, mut page) = (budget(100, 0), vec![0; PAGE_BYTES]);
    assert_eq!(budget.reserve(&mut page, NOW, 1, 5).retries, 1);
    assert_eq!(budget.reserve(&mut page, NOW, 0, 1).retries, 0);
    let later = UnixNanos(NOW.0 + 11 * SECOND);
    assert_eq!(budget.reserve(&mut page, later, 0, 1).retries, 0);
    assert_eq!(budget.reserve(&mut page, later, 1, 1).retries, 1);
}

#[test]
fn a_clock_that_is_set_back_does_not_block() {
    let (budget, mut page) = (budget(100, 0), vec![0; PAGE_BYTES]);
    let ahead = UnixNanos(NOW.0 + 3_600 * SECOND);
    assert_eq!(budget.reserve(&mut page, ahead, 1, 1).retries, 1);
    assert_eq!(budget.reserve(&mut page, NOW, 1, 1).retries, 1);
}

#[test]
fn a_late_refund_changes_nothing() {
    let (budget, mut page) = (budget(100, 0), vec![0; PAGE_BYTES]);
    let reserved = budget.reserve(&mut page, NOW, 2, 2);
    budget.reserve(&mut page, UnixNanos(NOW.0 + 60 * SECOND), 1, 1);
    assert!(!budget.refund(&mut page, reserved, 2));
    assert_eq!(budget.reserve(&mut page, UnixNanos(NOW.0 + 60 * SECOND), 0, 1).retries, 0);
    // The clock was ahead for a while, so the slot was cleared. Others have reserved since then.
    let soon = UnixNanos(NOW.0 + SECOND);
    assert_eq!(budget.reserve(&mut page, soon, 2, 2).retries, 2);
    assert!(!budget.refund(&mut page, reserved, 2));
    assert_eq!(budget.reserve(&mut page, soon, 0, 1).retries, 0);
}
