//! What workers do to each other, in every order.

use crate::support::doing;
use tollgate_host_test::emulator::schedule::{End, Interleaved};

/// So many workers that count in the shared cell, one request each.
fn counting(workers: usize) -> Interleaved {
    Interleaved::new(&doing(&vec!["shared"; workers]).settings(|s| s.workers = workers))
}

/// No two have counted to the same number, and none is missing.
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
fn a_shared_cell_loses_no_update_of_two_workers_in_any_order() {
    let report = counting(2).exhaustive(each_counts_one).unwrap();
    assert!(report.is_exhaustive(), "{report:?}");
    // Reading and writing twice, where two readings next to each other may change places.
    // The filter's metrics are added to and never read, so that their order is not tried.
    assert_eq!((report.schedules.len(), report.cut), (4, 0), "{report:?}");
}

#[test]
fn nor_of_three() {
    let report = counting(3).exhaustive(each_counts_one).unwrap();
    assert!(report.is_exhaustive());
    assert!(report.schedules.len() > 20, "{}", report.schedules.len());
}

#[test]
fn an_item_of_the_queue_is_taken_once_whoever_puts_it_there() {
    let scenario = doing(&["queue", "queue"]).settings(|s| s.workers = 2);
    let report = Interleaved::new(&scenario)
        .exhaustive(|end| assert_eq!(end.emulator.metric("everything.queued"), Some(2)))
        .unwrap();
    assert!(report.is_exhaustive());
}
