//! `make fuzz-host`: random filters' actions and random exchanges, on the emulator beside Envoy.
//!
//! A sheet of random cases runs on both hosts. A case that differs runs again alone, and is then reduced
//! as long as it still differs. Each sheet has a number, from which everything on it follows, so that a
//! difference can be repeated.

mod draw;
mod generate;

use crate::run::{Shown, run};
use crate::{Case, Sheet};
use draw::Draw;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};
use tollgate_host_test::Host;

/// Number of cases on a sheet.
const CASES: usize = 30;
/// Number of runs in which a difference must appear. On a busy machine, Envoy may read two pieces as one.
const RUNS: usize = 3;

/// Runs sheets, from number `first`, for this time. Prints each difference. Returns their number.
pub fn fuzz(first: u64, time: Duration) -> usize {
    let (end, mut number, mut cases, mut found) = (Instant::now() + time, first, 0, 0);
    while Instant::now() < end {
        let sheet = generate::sheet(&mut Draw::new(number), CASES);
        cases += sheet.cases.len();
        for case in suspects(&sheet) {
            let alone = |case: &Case| Sheet { cases: vec![case.clone()], ..sheet.clone() };
            if difference(&alone(&case), RUNS).is_none() {
                continue;
            }
            found += 1;
            let reduced = reduce(&case, |case| difference(&alone(case), 1).is_some());
            let how =
                difference(&alone(&reduced), RUNS).unwrap_or_else(|| "no difference in the last run".into());
            println!("sheet {number}, {}: the hosts differ\n{how}{}", case.name, describe(&sheet, &reduced));
        }
        number += 1;
    }
    println!("{cases} cases on the sheets {first} to {}: {found} differ", number.saturating_sub(1));
    found
}

/// Returns the cases of a sheet that differ in one run, or all if a host failed.
fn suspects(sheet: &Sheet) -> Vec<Case> {
    let (Ok(emulated), Ok(real)) = (run(sheet, Host::Emulator), run(sheet, Host::Envoy)) else {
        return sheet.cases.clone();
    };
    let differs = |case: &&Case| emulated.get(&case.name) != real.get(&case.name);
    sheet.cases.iter().filter(differs).cloned().collect()
}

/// Returns the difference between the hosts, if it appears in every run.
fn difference(sheet: &Sheet, runs: usize) -> Option<String> {
    let emulated = run(sheet, Host::Emulator);
    let mut last = None;
    for _ in 0..runs {
        last = match (&emulated, run(sheet, Host::Envoy)) {
            (Ok(here), Ok(there)) => Some(lines(here, &there)?),
            // The emulator reports the crash too.
            (Err(_), Err(_)) => return None,
            (Err(why), _) => Some(format!("    emulator: {why}\n")),
            (Ok(_), Err(why)) => Some(format!("       envoy: {}\n", why.lines().next().unwrap_or_default())),
        };
    }
    last
}

fn lines(emulated: &BTreeMap<String, Shown>, real: &BTreeMap<String, Shown>) -> Option<String> {
    let text = |(name, here): (&String, &Shown)| {
        let there = real.get(name).cloned().unwrap_or_default();
        (*here != there).then(|| crate::compare::difference(here, &there))
    };
    let all: String = emulated.iter().filter_map(text).collect();
    (!all.is_empty()).then_some(all)
}

/// Removes parts of a case as long as it still fails.
fn reduce(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut case = case.clone();
    let mut smaller = true;
    while smaller {
        smaller = false;
        for candidate in generate::smaller(&case) {
            if fails(&candidate) {
                (case, smaller) = (candidate, true);
                break;
            }
        }
    }
    case
}

fn describe(sheet: &Sheet, case: &Case) -> String {
    let mut out = String::new();
    for (place, filter) in sheet.filters.iter().enumerate() {
        let stops = if filter.allow_on_headers_stop_iteration { ", with headers stop iteration" } else { "" };
        out += &format!("    filter {place}{stops}\n");
    }
    for (filter, callback, steps) in &case.scripts {
        out += &format!("    filter {filter} {callback}: {steps:?}\n");
    }
    for request in &case.requests {
        out += &format!(
            "    {} {:?} {:?} {:?}\n",
            request.method, request.headers, request.body, request.trailers
        );
    }
    for (upstream, answers) in &case.answers {
        out += &format!("    {upstream}: {answers:?}\n");
    }
    out
}
