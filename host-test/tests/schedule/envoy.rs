//! Runs a real Envoy, whose order of workers cannot be chosen. Its result must be one of those that the
//! emulator finds.

use crate::modules::{module, number};
use std::cell::RefCell;
use std::collections::BTreeSet;
use tollgate_host_test::emulator::schedule::Interleaved;
use tollgate_host_test::{Host, Request, Scenario};

/// Counts in `proxy_on_configure`, with a loop of `rounds` between reading and writing. A request shows the
/// count.
fn counts_its_starts(rounds: u32) -> Scenario {
    module(&format!(
        r#"(func $dawdle (local $i i32)
          (loop $round
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $round (i32.lt_u (local.get $i) (i32.const {rounds})))))
        (func (export "proxy_on_configure") (param i32 i32) (result i32) (local $n i64)
          (local.set $n (call $read))
          (call $dawdle)
          (drop (call $write (i64.add (local.get $n) (i64.const 1)) (i32.const 0)))
          (i32.const 1))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
          (drop (call $define (i32.const 1) (i32.const 1104) (i32.const 2) (i32.const 32)))
          (drop (call $record (i32.load (i32.const 32)) (call $read)))
          (i32.const 0))"#
    ))
}

#[test]
fn the_emulator_covers_the_start_of_envoys_workers() {
    for (workers, expected) in [(1, vec![3]), (2, vec![3, 4]), (3, vec![3, 4, 5])] {
        let counts = RefCell::new(BTreeSet::new());
        let starts = counts_its_starts(1).settings(|s| s.workers = workers);
        let report = Interleaved::new(&starts)
            .from_start()
            .exhaustive(|end| {
                counts.borrow_mut().insert(number(end));
            })
            .unwrap();
        assert!(report.is_exhaustive());
        let counts = counts.into_inner();
        assert_eq!(counts.iter().copied().collect::<Vec<_>>(), expected);
        // The loop takes a quarter of a second, so all of Envoy's workers read before one writes: the count
        // is mostly 3.
        let slowly = counts_its_starts(1_000_000_000).settings(|s| s.workers = workers);
        let seen = Host::Envoy.run(&slowly.request(Request::get("/"))).metrics["n2"];
        assert!(
            counts.contains(&seen),
            "{workers} workers of Envoy count to {seen}, expected one of {counts:?}"
        );
    }
}
