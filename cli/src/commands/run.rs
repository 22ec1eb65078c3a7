//! `tollgate run`.

use crate::args::{On, RunArgs};
use crate::progress::Progress;
use crate::report::{Exit, Report, logs, paint, show_logs};
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::envoy::{self, RunError};
use tollgate_host_test::scenario::text::{Failure, ScenarioText};
use tollgate_host_test::{Host, Outcome, Refused};

/// How many of the last host calls are shown with a failure: about those of one request.
const LAST_CALLS: usize = 20;

pub fn run(args: &RunArgs) -> Result<Report> {
    let hosts: &[Host] = match args.on {
        On::Emulator => &[Host::Emulator],
        On::Envoy => &[Host::Envoy],
        On::Both => &[Host::Emulator, Host::Envoy],
    };
    let mut report = Report { exit: Exit::Success, json: Value::Null, text: String::new() };
    let mut runs = Vec::new();
    for path in &args.files {
        let reading = Progress::start(format!("reading {} and building its packages", path.display()));
        let read = ScenarioText::read(path);
        drop(reading);
        match read {
            Ok(scenario) => {
                for host in hosts {
                    let _progress = Progress::start(format!("running {} on {}", path.display(), name(*host)));
                    runs.push(run_file(path, *host, &scenario, &mut report));
                }
            }
            Err(why) => {
                let why = why.to_string().replace('\n', " ");
                report.exit = report.exit.and(Exit::Invalid);
                let _ = writeln!(report.text, "{} {why}", paint::bad("INVALID "));
                runs.push(json!({ "file": path, "verdict": "invalid", "error": why }));
            }
        }
    }
    report.json = json!({ "runs": runs });
    Ok(report)
}

fn name(host: Host) -> &'static str {
    if host == Host::Emulator { "emulator" } else { "envoy" }
}

fn run_file(path: &Path, host: Host, scenario: &ScenarioText, report: &mut Report) -> Value {
    let name = name(host);
    let title = format!("{} on {name}", path.display());
    let outcome = match run_on(host, scenario) {
        Ok(outcome) => outcome,
        Err(error) => {
            let (verdict, exit, mark, why) = match error {
                NoOutcome::NotRun(why) => ("not_run", Exit::NotChecked, paint::unknown("NOT RUN "), why),
                NoOutcome::Failed(why) => ("failed", Exit::Failure, paint::bad("FAILED  "), why),
            };
            report.exit = report.exit.and(exit);
            let _ = writeln!(report.text, "{mark} {title}: {}", why.replace('\n', "\n    "));
            return json!({ "file": path, "host": name, "verdict": verdict, "error": why });
        }
    };
    let failures = scenario.check(host, &outcome);
    let unchecked = scenario.unchecked(host);
    let (log, calls) = match &outcome {
        Ok(outcome) => (logs(&outcome.logs), last_calls(outcome)),
        Err(refused) => (logs(&refused.logs), &[][..]),
    };
    let refused = outcome.as_ref().err().filter(|_| !scenario.expects_refusal());
    let (verdict, exit, mark) = match (refused, failures.is_empty()) {
        (Some(_), _) => ("rejected", Exit::NotChecked, paint::bad("REJECTED")),
        (None, true) => ("ok", Exit::Success, paint::good("ok      ")),
        (None, false) => ("failed", Exit::Failure, paint::bad("FAILED  ")),
    };
    report.exit = report.exit.and(exit);
    let text = &mut report.text;
    let _ = writeln!(text, "{mark} {title} ({})", size(scenario));
    for expectation in &unchecked {
        let _ = writeln!(text, "    {} only the emulator checks `{expectation}`", paint::dim("note:"));
    }
    if let Some(refused) = refused {
        let _ = writeln!(text, "    {}", refused.reason.lines().next().unwrap_or_default());
    } else {
        for failure in &failures {
            let _ = writeln!(text, "    {}", failure.at);
            let _ = writeln!(text, "      expected {}", failure.expected);
            let _ = writeln!(text, "      actual   {}", failure.seen);
        }
    }
    if exit != Exit::Success {
        show_logs(text, &log);
        for call in calls {
            let _ = writeln!(text, "    {} {call}", paint::dim("host call:"));
        }
    }
    json!({
        "file": path,
        "host": name,
        "verdict": verdict,
        "reason": outcome.as_ref().err().map(|refused| &refused.reason),
        "statuses": outcome.as_ref().map(Outcome::statuses).unwrap_or_default(),
        "failures": failures.iter().map(failure).collect::<Vec<_>>(),
        "unchecked": unchecked,
        "logs": log,
        "calls": calls,
    })
}

/// Returns how many requests and connections a scenario has.
fn size(scenario: &ScenarioText) -> String {
    let count = |count: usize, what| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let scenario = scenario.scenario();
    match (scenario.requests.len(), scenario.connections.len()) {
        (requests, 0) => count(requests, "request"),
        (0, connections) => count(connections, "connection"),
        (requests, connections) => {
            format!("{}, {}", count(requests, "request"), count(connections, "connection"))
        }
    }
}

fn failure(failure: &Failure) -> Value {
    json!({ "path": failure.at, "expected": failure.expected, "actual": failure.seen })
}

fn last_calls(outcome: &Outcome) -> &[String] {
    &outcome.trace[outcome.trace.len().saturating_sub(LAST_CALLS)..]
}

/// The reason why a host has no outcome.
enum NoOutcome {
    /// It cannot run at all.
    NotRun(String),
    /// It stopped while it ran.
    Failed(String),
}

fn run_on(host: Host, scenario: &ScenarioText) -> Result<Result<Outcome, Refused>, NoOutcome> {
    if let Some(why) = scenario.unsupported(host) {
        return Err(NoOutcome::NotRun(why));
    }
    if host == Host::Emulator {
        return Ok(scenario.emulator().start().map(Emulator::run));
    }
    envoy::binary().map_err(|why| NoOutcome::NotRun(why.to_string()))?;
    // The runner is made for tests: it panics if a port is taken. The message says what to do.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let outcome = catch_unwind(AssertUnwindSafe(|| envoy::run(scenario.scenario())));
    std::panic::set_hook(hook);
    match outcome {
        Ok(Ok(outcome)) => Ok(Ok(outcome)),
        Ok(Err(RunError::Refused(refused))) => Ok(Err(refused)),
        Ok(Err(RunError::Failed(why))) => Err(NoOutcome::Failed(why)),
        Err(panic) => {
            let message = panic.downcast_ref::<String>().cloned();
            let message = message.or_else(|| panic.downcast_ref::<&str>().map(|s| (*s).into()));
            Err(NoOutcome::NotRun(message.unwrap_or_default()))
        }
    }
}
