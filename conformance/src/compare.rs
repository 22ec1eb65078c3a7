//! Comparison of the two hosts.

use crate::run::{Shown, run};
use crate::{Case, Sheet};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tollgate_host_test::Host;

/// Output of Envoy in each case, by the name of the case.
pub type Recorded = BTreeMap<String, Shown>;

/// Result of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The hosts show the same.
    Agrees,
    /// The hosts differ, and the difference is listed.
    Listed,
    /// The hosts differ, and the difference is not listed. Contains the lines that differ.
    Differs(String),
    /// The hosts agree although a difference is listed.
    ListedButAgrees,
    /// A host failed to run the sheet.
    HostFailed(String),
}

/// Cases and their results.
#[derive(Debug, Default)]
pub struct Report {
    /// Results in the order of the table.
    pub verdicts: Vec<(String, Verdict)>,
    /// Output of Envoy.
    pub recorded: Recorded,
    /// How many cases agreed only when Envoy ran again.
    pub agreed_on_retry: usize,
}

impl Report {
    /// Counts the cases with a matching result.
    pub fn count(&self, wanted: impl Fn(&Verdict) -> bool) -> usize {
        self.verdicts.iter().filter(|(_, verdict)| wanted(verdict)).count()
    }

    /// Returns the failed cases, and what is wrong with each.
    pub fn unexplained(&self) -> Vec<String> {
        let wrong = |(name, verdict): &(String, Verdict)| match verdict {
            Verdict::Agrees | Verdict::Listed => None,
            Verdict::Differs(how) => Some(format!("{name}: the hosts differ\n{how}")),
            Verdict::ListedButAgrees => {
                Some(format!("{name}: is listed as a difference, but the hosts agree"))
            }
            Verdict::HostFailed(why) => Some(format!("{name}: host failed: {why}")),
        };
        self.verdicts.iter().filter_map(wrong).collect()
    }
}

/// Maximum number of times that Envoy runs a sheet. On a busy machine, the response to a callout and the next
/// piece of a client may arrive in another order, and the case shows something else. A real difference
/// appears in every run.
const RUNS: usize = 3;

/// Runs sheets on both hosts, several at a time. With `recorded`, compares with that and does not run Envoy.
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
                    let one = compare_sheet(sheet, version, recorded);
                    done.lock().expect("no thread panics while it holds the lock").insert(at, one);
                }
            });
        }
    });
    let mut report = Report::default();
    for (_, one) in done.into_inner().expect("no thread panics while it holds the lock") {
        report.verdicts.extend(one.verdicts);
        report.recorded.extend(one.recorded);
        report.agreed_on_retry += one.agreed_on_retry;
    }
    report
}

fn compare_sheet(sheet: &Sheet, version: &str, recorded: Option<&Recorded>) -> Report {
    let run_envoy = || recorded.map_or_else(|| run(sheet, Host::Envoy), |recorded| Ok(recorded.clone()));
    let emulated = run(sheet, Host::Emulator);
    let mut report = Report::default();
    for _ in 0..if recorded.is_some() { 1 } else { RUNS } {
        let real = run_envoy();
        for (at, case) in sheet.cases.iter().enumerate() {
            let verdict = verdict(case, &emulated, &real, version);
            let fine = matches!(verdict, Verdict::Agrees | Verdict::Listed);
            match report.verdicts.get_mut(at) {
                None => report.verdicts.push((case.name.clone(), verdict)),
                Some((_, Verdict::Agrees | Verdict::Listed)) => continue,
                Some((_, before)) => {
                    *before = verdict;
                    report.agreed_on_retry += usize::from(fine);
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
        (Err(why), _) => return Verdict::HostFailed(format!("emulator: {why}")),
        (_, Err(why)) => return Verdict::HostFailed(format!("envoy: {why}")),
    };
    let Some(real) = real else {
        return Verdict::HostFailed("envoy: the record does not contain this case".into());
    };
    if real.is_empty() {
        return Verdict::HostFailed("envoy: shows nothing to compare".into());
    }
    let listed = case.differs.is_some_and(|differs| {
        differs.versions.is_empty() || differs.versions.iter().any(|v| version.starts_with(v))
    });
    match (emulated == real, listed) {
        (true, false) => Verdict::Agrees,
        (true, true) => Verdict::ListedButAgrees,
        (false, true) => Verdict::Listed,
        (false, false) => Verdict::Differs(difference(emulated, real)),
    }
}

/// Returns the lines that differ, including lines that only one host shows.
pub(crate) fn difference(emulated: &Shown, real: &Shown) -> String {
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

/// Converts the output of Envoy to JSON.
pub fn to_json(recorded: &Recorded) -> Value {
    recorded.iter().map(|(name, shown)| (name.clone(), Value::from(shown.clone()))).collect()
}

/// Converts the JSON of [`to_json`] back.
pub fn from_json(json: &Value) -> Option<Recorded> {
    let lines = |value: &Value| {
        value.as_array()?.iter().map(|line| line.as_str().map(str::to_owned)).collect::<Option<Shown>>()
    };
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), lines(value)?))).collect()
}
