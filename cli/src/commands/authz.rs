//! `tollgate authz`.

use super::explain::show_warnings;
use crate::args::AuthzTestArgs;
use crate::authz::load::load;
use crate::authz::show::show;
use crate::authz::table;
use crate::report::{Exit, Report, paint};
use anyhow::{Context as _, Result};
use serde_json::json;
use std::fmt::Write as _;
use tollgate_host_test::scenario::text::yaml;

/// Decides about the requests of a table, and compares the decisions with the expected ones.
pub fn test(args: &AuthzTestArgs) -> Result<Report> {
    let loaded = match load(&args.file, args.filter.as_deref()) {
        Ok(loaded) => loaded,
        Err(report) => return Ok(report),
    };
    let table = args.table.display().to_string();
    let value = yaml::read(&args.table).and_then(|text| yaml::document(&text, yaml::Dialect::V1_2));
    let value = value.map_err(anyhow::Error::msg).with_context(|| format!("`{table}`"))?;
    let cases = table::read(&value, &loaded.policy).with_context(|| format!("`{table}`"))?;
    let (mut text, mut results, mut failed) = (String::new(), Vec::new(), 0_usize);
    for (case, sample) in &cases {
        let result = case.run(sample, &loaded.policy);
        let (_, mut json) = show(&result.explanation, false);
        json["name"] = result.name.clone().into();
        json["verdict"] = if result.failures.is_empty() { "ok" } else { "failed" }.into();
        if !result.failures.is_empty() {
            failed += 1;
            // Writing to a string does not fail.
            let _ = writeln!(text, "{} {}: {}", paint::bad("FAILED"), result.name, result.line());
        }
        json["failures"] = result.failures.into();
        results.push(json);
    }
    let warnings = loaded.policy.plan().warnings();
    show_warnings(warnings, &mut text);
    let count = cases.len();
    let requests = if count == 1 { "request" } else { "requests" };
    let _ = match failed {
        0 => writeln!(text, "{} {table}: {count} {requests}", paint::good("ok")),
        _ => writeln!(text, "{table}: {failed} of {count} {requests} failed"),
    };
    let exit = if failed == 0 { Exit::Success } else { Exit::Failure };
    let json = json!({
        "file": args.file.display().to_string(),
        "table": table,
        "filter": loaded.filter,
        "skipped": loaded.skipped,
        "warnings": warnings,
        "cases": results,
        "passed": count - failed,
        "failed": failed,
    });
    Ok(Report { exit, json, text })
}
