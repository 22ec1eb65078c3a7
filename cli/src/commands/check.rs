//! `tollgate check`.

use crate::args::CheckArgs;
use crate::check::{Document, Finding, Modules, Surroundings, document};
use crate::plugin::{Tried, try_out};
use crate::report::{Exit, Report, logs, paint, show_logs};
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tollgate_host_test::Filter;
use tollgate_host_test::scenario::text::yaml;

pub fn run(args: &CheckArgs) -> Result<Report> {
    if let Some(filter) = args.plugin.filter()? {
        return Ok(one(&filter));
    }
    let named = args.module.iter().map(|(name, path)| (name.clone(), path.into())).collect();
    let modules = Modules { named, folder: args.modules.clone() };
    let around = Surroundings { modules, env: args.plugin.env.clone() };
    let mut report = Report { exit: Exit::Yes, json: Value::Null, text: String::new() };
    let files: Vec<_> = args.files.iter().map(|path| file(path, &around, &mut report)).collect();
    report.json = json!({ "files": files });
    Ok(report)
}

/// A module with its configuration on the command line.
fn one(filter: &Filter) -> Report {
    let path = filter.wasm.path().display().to_string();
    let Tried { refused, places, logs: lines } = try_out(filter);
    let finding = Finding {
        at: String::new(),
        kind: "module",
        name: filter.name.clone(),
        module: Some(path),
        exit: if refused.is_some() { Exit::No } else { Exit::Yes },
        reason: refused,
        places,
        notes: Vec::new(),
        logs: logs(&lines),
    };
    let mut text = String::new();
    show(&finding, &mut text);
    Report { exit: finding.exit, json: json!({ "filter": finding.json() }), text }
}

fn file(path: &Path, around: &Surroundings, report: &mut Report) -> Value {
    let documents = match yaml::read(path).and_then(|text| yaml::documents(&text, yaml::Dialect::V1_1)) {
        Ok(documents) => documents,
        Err(why) => {
            report.exit = report.exit.and(Exit::Unusable);
            let _ = writeln!(report.text, "{} `{}`: {why}", paint::bad("BAD      "), path.display());
            return json!({ "file": path, "error": why, "filters": [], "skipped": [] });
        }
    };
    let (mut filters, mut skipped) = (Vec::new(), Vec::new());
    let _ = writeln!(report.text, "{}", path.display());
    for (i, value) in documents.iter().enumerate() {
        match document(value, around) {
            Document::Filters(found) => {
                for finding in found {
                    report.exit = report.exit.and(finding.exit);
                    show(&finding, &mut report.text);
                    let mut json = finding.json();
                    json["document"] = i.into();
                    filters.push(json);
                }
            }
            Document::Skipped(what) => {
                let _ = writeln!(report.text, "  {} document {i}: {what}", paint::dim("skipped  "));
                skipped.push(json!({ "document": i, "what": what }));
            }
        }
    }
    if filters.is_empty() {
        report.exit = report.exit.and(Exit::NotTried);
        let _ = writeln!(report.text, "  {} it has no Wasm filter", paint::unsure("NOT TRIED"));
    }
    json!({ "file": path, "error": null, "filters": filters, "skipped": skipped })
}

fn show(finding: &Finding, text: &mut String) {
    let mark = match finding.exit {
        Exit::Yes => paint::good("ok       "),
        Exit::No => paint::bad("REFUSED  "),
        Exit::Unusable | Exit::NotTried => paint::unsure("NOT TRIED"),
    };
    let module = finding.module.as_ref().map(|module| format!(" ({module})")).unwrap_or_default();
    let _ = writeln!(text, "  {mark} {} `{}`{module}", finding.kind, finding.name);
    if finding.exit != Exit::Yes && !finding.at.is_empty() && finding.module.is_some() {
        let _ = writeln!(text, "    {} {}", paint::dim("at"), finding.at);
    }
    for reason in finding.reason.iter().flat_map(|reason| reason.lines().take(1)) {
        let _ = writeln!(text, "    {reason}");
    }
    for place in &finding.places {
        let _ = writeln!(text, "    {} {place}", paint::dim("by its schema:"));
    }
    for note in &finding.notes {
        let _ = writeln!(text, "    {} {note}", paint::dim("note:"));
    }
    show_logs(text, &finding.logs);
}
