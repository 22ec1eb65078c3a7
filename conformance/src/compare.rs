//! The two hosts side by side.

use crate::run::{Shown, run};
use crate::{Case, Sheet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tollgate_host_test::Host;

/// What Envoy showed in each case, by the case's name.
pub type Recorded = BTreeMap<String, Shown>;

/// What came of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The hosts show the same.
    Agrees,
    /// They differ, as is listed.
    Listed,
    /// They differ, and nobody knows why: the lines that do.
    Differs(String),
    /// They agree, and are listed as if they did not.
    ListedInVain,
    /// A host broke down.
    Broke(String),
}

/// Cases and what came of them.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the table.
    pub verdicts: Vec<(String, Verdict)>,
    /// What Envoy showed.
    pub recorded: Recorded,
    /// How many agree, and did not when Envoy was asked for the first time.
    pub late: usize,
}

impl Report {
    /// How many cases ended like this.
    pub fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| wanted(verdict)).count()
    }

    /// The cases that must not be, and what is wrong with each.
    pub fn unexplained(&self) -> Vec<String> {
        let wrong = |(name, verdict): &(String, Verdict)| match verdict {
            Verdict::Agrees | Verdict::Listed => None,
            Verdict::Differs(how) => Some(format!("{name}: the hosts differ\n{how}")),
            Verdict::ListedInVain => Some(format!("{name}: is listed as differing, and does not")),
            Verdict::Broke(why) => Some(format!("{name}: a host broke down: {why}")),
        };
        self.verdicts.iter().filter_map(wrong).collect()
    }
}

/// How often Envoy is asked at most. Its answer to a callout and a client's next piece may come in another order on a
/// busy machine, and then the same case shows something else; what differs every time is a difference.
const RUNS: usize = 3;

/// Runs sheets on both hosts, some at a time. With `recorded`, Envoy is not run: that is what it showed.
pub fn compare(sheets: &[Sheet], version: &str, recorded: Option<&Recorded>) -> Report {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(BTreeMap::new());
    let at_a_time = std::thread::available_parallelism().map_or(2, |n| n.get().max(2));
    std::thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(sheet) = sheets.get(at) else { return };
                    let one = on_sheet(sheet, version, recorded);
                    done.lock().expect("nobody panics with it").insert(at, one);
                }
            });
        }
    });
    let mut report = Report::default();
    for (_, one) in done.into_inner().expect("nobody panics with it") {
        report.verdicts.extend(one.verdicts);
        report.recorded.extend(one.recorded);
        report.late += one.late;
    }
    report
}

fn on_sheet(sheet: &Sheet, version: &str, recorded: Option<&Recorded>) -> Report {
    let ask = || recorded.map_or_else(|| run(sheet, Host::Envoy), |recorded| Ok(recorded.clone()));
    let emulated = run(sheet, Host::Emulator);
    let mut report = Report::default();
    for _ in 0..if recorded.is_some() { 1 } else { RUNS } {
        let real = ask();
        for (at, case) in sheet.cases.iter().enumerate() {
            let verdict = verdict(case, &emulated, &real, version);
            let fine = matches!(verdict, Verdict::Agrees | Verdict::Listed);
            match report.verdicts.get_mut(at) {
                None => report.verdicts.push((case.name.clone(), verdict)),
                Some((_, Verdict::Agrees | Verdict::Listed)) => continue,
                Some((_, before)) => {
                    *before = verdict;
                    report.late += usize::from(fine);
                }
            }
            if let Some(shown) = real.as_ref().ok().and_then(|real| real.get(&case.name)) {
                report.recorded.insert(case.name.clone(), shown.clone());
            }
        }
        if report.unexplained().is_empty() {
            break;
        }
    }
    report
}

fn verdict(
    case: &Case,
    emulated: &Result<Recorded, String>,
    real: &Result<Recorded, String>,
    version: &str,
) -> Verdict {
    let (emulated, real) = match (emulated, real) {
        (Ok(emulated), Ok(real)) => (&emulated[&case.name], real.get(&case.name)),
        (Err(why), _) => return Verdict::Broke(format!("emulator: {why}")),
        (_, Err(why)) => return Verdict::Broke(format!("envoy: {why}")),
    };
    let Some(real) = real else { return Verdict::Broke("envoy: was not asked".into()) };
    if real.is_empty() {
        return Verdict::Broke("envoy: shows nothing, so nothing is compared".into());
    }
    let listed = case.differs.is_some_and(|differs| {
        differs.versions.is_empty() || differs.versions.iter().any(|v| version.starts_with(v))
    });
    match (emulated == real, listed) {
        (true, false) => Verdict::Agrees,
        (true, true) => Verdict::ListedInVain,
        (false, true) => Verdict::Listed,
        (false, false) => Verdict::Differs(difference(emulated, real)),
    }
}

/// The lines that differ, those that only one host shows among them.
fn difference(emulated: &Shown, real: &Shown) -> String {
    let mut out = String::new();
    for at in 0..emulated.len().max(real.len()) {
        let (here, there) = (emulated.get(at), real.get(at));
        if here != there {
            let show = |line: Option<&String>| line.map_or("(nothing)".to_owned(), Clone::clone);
            out += &format!("    emulator: {}\n       envoy: {}\n", show(here), show(there));
        }
    }
    out
}

/// What Envoy showed, as JSON.
pub fn to_json(recorded: &Recorded) -> Value {
    recorded.iter().map(|(name, shown)| (name.clone(), Value::from(shown.clone()))).collect()
}

/// And back.
pub fn from_json(json: &Value) -> Option<Recorded> {
    let lines = |value: &Value| {
        value.as_array()?.iter().map(|line| line.as_str().map(str::to_owned)).collect::<Option<Shown>>()
    };
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), lines(value)?))).collect()
}
