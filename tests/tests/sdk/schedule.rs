//! Concurrent workers, in every order of host calls.

use crate::support::doing;
use tollgate_host_test::emulator::schedule::{End, Interleaved};

/// Several workers that count in the shared cell, with one request each.
fn counting(workers: usize) -> Interleaved {
    Interleaved::new(&doing(&vec!["shared"; workers]).settings(|s| s.workers = workers))
}

/// Checks that no count is missing and no count appears twice.
fn each_counts_one(end: &mut End) {
    let count = |exchange: &tollgate_host_test::Exchange| {
        exchange.upstream[0].headers.get("x-count").map(<[u8]>::to_vec)
    };
    let mut counts: Vec<_> = end.exchanges.iter().map(count).collect();
    counts.sort();
    let expected: Vec<_> = (1..=counts.len()).map(|n| Some(n.to_string().into_bytes())).collect();
    assert_eq!(counts, expected);
}

#[test]
fn a_shared_cell_loses_no_update_of_two_workers() {
    let report = counting(2).exhaustive(each_counts_one).unwrap();
    assert!(report.is_exhaustive(), "{report:?}");
    // Each worker reads and writes once. Two adjacent reads may be swapped. The metrics of the filter are
    // only incremented, never read, so the explorer does not reorder them.
    assert_eq!((report.schedules.len(), report.cut), (4, 0), "{report:?}");
}

#[test]
fn a_shared_cell_loses_no_update_of_three_workers() {
    let report = counting(3).exhaustive(each_counts_one).unwrap();
    assert!(report.is_exhaustive());
    assert!(report.schedules.len() > 20, "{}", report.schedules.len());
}

#[test]
fn each_queue_item_is_delivered_once() {
    let scenario = doing(&["queue", "queue"]).settings(|s| s.workers = 2);
    let report = Interleaved::new(&scenario)
        .exhaustive(|end| assert_eq!(end.emulator.metric("everything.queued"), Some(2)))
        .unwrap();
    assert!(report.is_exhaustive());
}
