//! Client throttling.

use crate::support::{World, reply};
use proptest::prelude::*;
use tollgate_circuit_breaker_policy::Reason;
use tollgate_circuit_breaker_policy::admission::Admission;
use tollgate_circuit_breaker_policy::window::Totals;

const NUMBERS: Admission = Admission {
    interval: 3_000_000_000,
    success_rate_threshold: 0.95,
    aggression: 1.0,
    requests_per_second: 0,
    max_rejection_probability: 0.8,
};

fn probability(numbers: Admission, requests: u32, failed: u32) -> f64 {
    numbers.probability(&Totals { requests, failed, slow: 0 })
}

#[test]
fn the_probability_follows_the_formula() {
    let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-9, "{found}, {expected}");
    near(probability(NUMBERS, 0, 0), 0.0);
    near(probability(NUMBERS, 100, 0), 0.0);
    near(probability(NUMBERS, 100, 5), 0.0);
    near(probability(NUMBERS, 100, 50), (100.0 - 50.0 / 0.95) / 101.0);
    near(probability(NUMBERS, 1000, 1000), 0.8);
    let strong = Admission { aggression: 2.0, ..NUMBERS };
    near(probability(strong, 100, 30), ((100.0 - 70.0 / 0.95) / 101.0f64).sqrt());
    // 30 seconds with one request per second.
    let busy = Admission { requests_per_second: 1, ..NUMBERS };
    near(probability(busy, 29, 29), 0.0);
    assert!(probability(busy, 30, 30) > 0.0);
}

proptest! {
    #[test]
    fn the_probability_grows_with_failures(requests in 1u32..10_000, failed in 0u32..10_000, aggression in 1.0f64..10.0) {
        let failed = failed.min(requests - 1);
        let numbers = Admission { aggression, ..NUMBERS };
        let (less, more) = (probability(numbers, requests, failed), probability(numbers, requests, failed + 1));
        prop_assert!((0.0..=0.8).contains(&less) && less <= more);
    }
}

/// The share of rejected requests is within four standard deviations of the formula.
#[test]
fn rejects_the_share_of_the_formula() {
    let mut world = World::of_one(r#"{"admission_control": {"max_rejection_probability": 100}}"#);
    for index in 0..1000 {
        let ticket = match world.ask(&[]) {
            tollgate_circuit_breaker_policy::Decision::Pass(pass) => pass.ticket,
            _ => continue,
        };
        world.answer(ticket, reply(if index % 2 == 0 { 500 } else { 200 }));
    }
    let counted = |world: &World, event| world.count(event) as f64;
    use tollgate_circuit_breaker_policy::Event;
    let (failed, good) = (counted(&world, Event::Failure), counted(&world, Event::Success));
    let expected = (failed + good - good / 0.95) / (failed + good + 1.0);
    let rejected =
        (0..10_000).filter(|_| world.reason() == Some(Reason::Throttled)).count() as f64 / 10_000.0;
    let deviation = (expected * (1.0 - expected) / 10_000.0).sqrt();
    assert!((rejected - expected).abs() < 4.0 * deviation, "{rejected}, expected {expected}");
}
