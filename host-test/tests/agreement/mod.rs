//! The emulator against a real Envoy: one scenario on both hosts, with equal outcomes.

use tollgate_host_test::{Bucket, Histogram, Host, Outcome, Scenario};

/// Maximum number of runs in Envoy until the outcomes are equal. The emulator is deterministic and runs
/// once. A proxy on a busy machine may read two pieces as one, or run a timer late. A real difference
/// between the hosts shows in each run, so the number costs time only when a test fails.
const RUNS: usize = 10;

/// Runs the scenario on both hosts and panics unless the outcomes are equal. `settle` removes values that
/// differ between two runs of one host: times, ports, random numbers.
#[track_caller]
pub fn check(scenario: &Scenario, settle: impl Fn(Outcome) -> Outcome) -> Outcome {
    let scenario = scenario.clone().settings(|settings| settings.generate_request_id = false);
    let settle = |mut outcome: Outcome| {
        // Each engine has its own words.
        outcome.traps.iter_mut().for_each(|trap| trap.reason.clear());
        settle(outcome)
    };
    let mut emulated = Host::Emulator.try_run(&scenario).unwrap();
    let trace = std::mem::take(&mut emulated.trace).join("\n");
    emulated.host_calls.clear();
    emulated.histograms.values_mut().for_each(round);
    let emulated = settle(emulated);
    let here = format!("{emulated:#?}");
    let mut there = String::new();
    for _ in 0..RUNS {
        there = format!("{:#?}", settle(Host::Envoy.try_run(&scenario).unwrap()));
        if here == there {
            return emulated;
        }
    }
    let lines = here.lines().zip(there.lines()).filter(|(here, there)| here != there);
    let differing: String = lines.take(20).map(|(a, b)| format!("emulator: {a}\n   envoy: {b}\n")).collect();
    panic!("the hosts differ\n{differing}\n-- emulator\n{here}\n-- envoy\n{there}\n-- trace\n{trace}");
}

/// Puts values into the buckets of Envoy: 0, and those of two significant decimal digits.
fn round(histogram: &mut Histogram) {
    let mut buckets: Vec<Bucket> = Vec::new();
    for Bucket { lower, count, .. } in &histogram.buckets {
        let width = if *lower == 0.0 { 0.0 } else { 10_f64.powi(lower.log10().floor() as i32 - 1) };
        let lower = if *lower < 100.0 { *lower } else { (lower / width).floor() * width };
        match buckets.last_mut().filter(|last| last.lower == lower) {
            Some(last) => last.count += count,
            None => buckets.push(Bucket { lower, width, count: *count }),
        }
    }
    histogram.buckets = buckets;
}
