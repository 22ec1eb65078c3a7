//! `tollgate check`.

use crate::args::CheckArgs;
use crate::check::{Document, Finding, Inputs, Modules, document, flattened};
use crate::plugin::{LoadResult, try_load};
use crate::progress::Progress;
use crate::report::{Exit, Report, logs, paint, show_logs};
use anyhow::Result;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tollgate_host_test::Filter;
use tollgate_host_test::scenario::text::yaml;

pub fn run(args: &CheckArgs) -> Result<Report> {
    if let Some(filter) = args.plugin.filter()? {
        return Ok(check_module(&filter));
    }
    let named = args.module.iter().map(|(name, path)| (name.clone(), path.into())).collect();
    let modules = Modules { named, folder: args.modules.clone() };
    let inputs = Inputs { modules, env: args.plugin.env.clone() };
    let mut report = Report { exit: Exit::Success, json: Value::Null, text: String::new() };
    let files: Vec<_> = args.files.iter().map(|path| check_file(path, &inputs, &mut report)).collect();
    report.json = json!({ "files": files });
    Ok(report)
}

/// Checks a module with its configuration on the command line.
fn check_module(filter: &Filter) -> Report {
    let path = filter.wasm.path().display().to_string();
    let _progress = Progress::start(format!("checking {path}"));
    let LoadResult { rejected, schema_errors, logs: lines } = try_load(filter);
    let finding = Finding {
        path: String::new(),
        kind: "module",
        name: filter.name.clone(),
        module: Some(path),
        exit: if rejected.is_some() { Exit::Failure } else { Exit::Success },
        reason: rejected,
        schema_errors,
        notes: Vec::new(),
        logs: logs(&lines),
    };
    let mut text = String::new();
    show(&finding, &mut text);
    Report { exit: finding.exit, json: json!({ "filter": finding.json() }), text }
}

fn check_file(path: &Path, inputs: &Inputs, report: &mut Report) -> Value {
    let documents = match yaml::read(path).and_then(|text| yaml::documents(&text, yaml::Dialect::V1_1)) {
        Ok(documents) => documents,
        Err(why) => {
            report.exit = report.exit.and(Exit::Invalid);
            let _ = writeln!(report.text, "{} `{}`: {why}", paint::bad("INVALID    "), path.display());
            return json!({ "file": path, "error": why, "filters": [], "skipped": [] });
        }
    };
    let _progress = Progress::start(format!("checking {}", path.display()));
    let documents = flattened(documents);
    let (mut filters, mut skipped) = (Vec::new(), Vec::new());
    let _ = writeln!(report.text, "{}", path.display());
    for (i, value) in documents.iter().enumerate() {
        match document(value, inputs) {
            Document::Filters(found) => {
                for finding in found {
                    report.exit = report.exit.and(finding.exit);
                    show(&finding, &mut report.text);
                    let mut json = finding.json();
                    json["document"] = i.into();
                    filters.push(json);
                }
            }
            Document::Skipped(description) => {
                let _ = writeln!(report.text, "  {} document {i}: {description}", paint::dim("skipped    "));
                skipped.push(json!({ "document": i, "description": description }));
            }
        }
    }
    if filters.is_empty() {
        report.exit = report.exit.and(Exit::NotChecked);
        let _ = writeln!(report.text, "  {} no Wasm filter in this file", paint::unknown("NOT CHECKED"));
    }
    json!({ "file": path, "error": null, "filters": filters, "skipped": skipped })
}

fn show(finding: &Finding, text: &mut String) {
    let mark = match finding.exit {
        Exit::Success => paint::good("ok         "),
        Exit::Failure => paint::bad("REJECTED   "),
        Exit::Invalid | Exit::NotChecked => paint::unknown("NOT CHECKED"),
    };
    let module = finding.module.as_ref().map(|module| format!(" ({module})")).unwrap_or_default();
    let _ = writeln!(text, "  {mark} {} `{}`{module}", finding.kind, finding.name);
    if finding.exit != Exit::Success && !finding.path.is_empty() && finding.module.is_some() {
        let _ = writeln!(text, "    {} {}", paint::dim("at"), finding.path);
    }
    for reason in finding.reason.iter().flat_map(|reason| reason.lines().take(1)) {
        let _ = writeln!(text, "    {reason}");
    }
    for error in &finding.schema_errors {
        let _ = writeln!(text, "    {} {error}", paint::dim("schema error:"));
    }
    for note in &finding.notes {
        let _ = writeln!(text, "    {} {note}", paint::dim("note:"));
    }
    show_logs(text, &finding.logs);
}
