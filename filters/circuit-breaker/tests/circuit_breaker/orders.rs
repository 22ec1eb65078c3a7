//! Exactness in every order of the workers' accesses to shared memory.

use crate::support::{of_a, of_one, status};
use serde_json::json;
use std::ops::RangeInclusive;
use std::time::Duration;
use tollgate_host_test::emulator::schedule::{Coverage, Interleaved, Report};
use tollgate_host_test::{Request, Upstream};

const OPEN: Duration = Duration::from_millis(300);

/// A breaker that worker 0 opens, and requests of all workers after the open time.
fn after_opening(probes: u64, works: bool, requests: &[usize]) -> Interleaved {
    let config = json!({
        "consecutive_failures": 1, "open": {"duration": "100ms", "growth": 1, "jitter": 0}, "half_open": {"probes": probes},
    });
    let probe = vec![status(if works { 200 } else { 500 })];
    let upstream = Upstream::answers("up", vec![status(500)]).on("/probe", probe);
    let scenario = of_one(config).upstream(upstream).settings(|settings| settings.workers = requests.len());
    let mut all = Interleaved::new(&scenario).send(0, Request::get("/"));
    for (worker, count) in requests.iter().enumerate() {
        for _ in 0..*count {
            all = all.send_at(OPEN, worker, Request::get("/probe"));
        }
    }
    all
}

/// Tries all orders. In each of them, these numbers of requests are probes, and reach the upstream.
fn admits(all: &Interleaved, probes: RangeInclusive<u64>, passed: RangeInclusive<usize>) -> Report {
    let report = all.exhaustive(|end| {
        assert!(end.emulator.traps().is_empty());
        let counted = end.emulator.metric(&of_a("probe")).unwrap_or(0);
        assert!(probes.contains(&counted), "{counted} probes");
        let sent = end.exchanges.iter().skip(1).filter(|exchange| exchange.details == "via_upstream").count();
        assert!(passed.contains(&sent), "{sent} requests passed");
    });
    let report = report.unwrap();
    assert!(report.schedules.len() > 10, "too few orders: {}", report.schedules.len());
    report
}

#[test]
fn no_order_admits_more_failing_probes_than_configured() {
    for probes in 1..=2 {
        let all = after_opening(probes, false, &[2, 2]);
        // The first that fails opens the breaker, before or after the second is admitted.
        assert!(admits(&all, 1..=probes, 1..=probes as usize).is_exhaustive());
    }
}

/// The breaker closes after two requests, or rejects others while these are in flight.
#[test]
fn no_order_admits_more_working_probes_than_configured() {
    assert!(admits(&after_opening(2, true, &[2, 1]), 2..=2, 2..=3).is_exhaustive());
}

#[test]
fn three_workers_share_one_probe_in_every_order() {
    let all = after_opening(1, false, &[1, 1, 1]).preemptions(2);
    let report = admits(&all, 1..=1, 1..=1);
    assert_eq!(report.coverage, Coverage::Preemptions(2));
}

/// With as many requests as probes, all pass: no permit is lost.
#[test]
fn no_order_loses_a_probe() {
    assert!(admits(&after_opening(2, true, &[1, 1]), 2..=2, 2..=2).is_exhaustive());
}
