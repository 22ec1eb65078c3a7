//! `tollgate explain`.

use crate::args::{ExplainArgs, RequestArgs};
use crate::authz::load::load;
use crate::authz::request::{Lines, Object, RequestFields};
use crate::authz::sample::Sample;
use crate::authz::show::show;
use crate::report::{Exit, Report, paint};
use anyhow::{Context as _, Result, anyhow, bail};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::Path;
use tollgate_host_test::scenario::text::yaml;
use tollgate_policy::{ConfigError, Named};
use tollgate_rbac_policy::explain::Selection;

pub fn run(args: &ExplainArgs) -> Result<Report> {
    let fields = fields(&args.request)?;
    let loaded = match load(&args.file, args.filter.as_deref()) {
        Ok(loaded) => loaded,
        Err(report) => return Ok(report),
    };
    let plan = loaded.policy.plan();
    let sample = Sample::new(&fields, plan.sources()).map_err(|error| with_option(&error))?;
    let selection = if args.all { Selection::All } else { Selection::Relevant };
    let explanation = sample.explain(&loaded.policy, selection);
    let (mut text, mut json) = show(&explanation, args.all);
    json["file"] = args.file.display().to_string().into();
    json["filter"] = loaded.filter.into();
    json["request"] = json!({
        "method": sample.pseudo(":method"),
        "host": sample.pseudo(":authority"),
        "path": sample.pseudo(":path"),
    });
    json["skipped"] = loaded.skipped.into();
    json["warnings"] = plan.warnings().into();
    show_warnings(plan.warnings(), &mut text);
    Ok(Report { exit: Exit::Success, json, text })
}

/// Appends the warnings of a configuration.
pub fn show_warnings(warnings: &[String], text: &mut String) {
    for warning in warnings {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{} {warning}", paint::unknown("warning:"));
    }
}

/// Returns an error with the option in place of the path.
fn with_option(error: &ConfigError) -> anyhow::Error {
    let (field, rest) = match error.path().split_once('.') {
        Some((field, rest)) => (field, format!("{rest}: ")),
        None => (error.path(), String::new()),
    };
    let option = if field == "headers" { "header".into() } else { field.replace('_', "-") };
    anyhow!("`--{option}`: {rest}{}", error.message())
}

fn fields(args: &RequestArgs) -> Result<RequestFields> {
    let mut headers = Named::<Lines>::default();
    for (name, line) in &args.headers {
        let name = name.to_ascii_lowercase();
        let mut lines = headers.get(&name).cloned().unwrap_or_default();
        lines.0.push(line.clone());
        headers.insert(name, lines);
    }
    let mut filter_state = Named::default();
    for (name, value) in &args.filter_state {
        filter_state.insert(name.clone(), value.clone());
    }
    Ok(RequestFields {
        method: args.method.clone(),
        url: args.url.clone(),
        host: args.host.clone(),
        path: args.path.clone(),
        headers,
        claims: args.claims.as_deref().map(|text| object("--claims", text)).transpose()?.map(Object),
        source_ip: args.source_ip.clone(),
        source_port: args.source_port,
        peer_ip: args.peer_ip.clone(),
        destination_ip: args.destination_ip.clone(),
        destination_port: args.destination_port,
        sni: args.sni.clone(),
        tls_version: args.tls_version.clone(),
        principal: args.principal.clone(),
        dns_san: args.dns_san.clone(),
        subject: args.subject.clone(),
        metadata: namespaces("--metadata", args.metadata.as_deref())?,
        route_metadata: namespaces("--route-metadata", args.route_metadata.as_deref())?,
        filter_state,
    })
}

/// Reads an object from the text of an option, or from a file after `@`.
fn object(option: &str, text: &str) -> Result<serde_json::Map<String, Value>> {
    let context = || format!("`{option}`");
    let content = match text.strip_prefix('@') {
        Some(path) => {
            let read = yaml::read(Path::new(path)).map_err(anyhow::Error::msg);
            read.with_context(|| format!("`{path}`")).with_context(context)?
        }
        None => text.to_owned(),
    };
    let value = yaml::document(&content, yaml::Dialect::V1_2).map_err(anyhow::Error::msg);
    match value.with_context(context)? {
        Value::Object(members) => Ok(members),
        _ => bail!("`{option}`: expected an object, as JSON, or a file after `@`"),
    }
}

fn namespaces(option: &str, text: Option<&str>) -> Result<Named<Object>> {
    let Some(text) = text else { return Ok(Named::default()) };
    let value = Value::Object(object(option, text)?);
    tollgate_policy::config::read(&value).map_err(|error| anyhow!("`{option}`: {error}"))
}
