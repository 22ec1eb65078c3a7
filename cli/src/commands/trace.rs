//! `tollgate trace`.

use crate::args::TraceArgs;
use crate::report::{Exit, Report, logs, paint, show_logs};
use anyhow::{Result, bail};
use serde_json::json;
use std::fmt::Write as _;
use std::path::Path;
use tollgate_host_test::emulator::{Builder, Emulator};
use tollgate_host_test::scenario::text::ScenarioText;
use tollgate_host_test::{ClientView, Request, Scenario};

pub fn run(args: &TraceArgs) -> Result<Report> {
    let (scenario, builder) = scenario(args)?;
    let Some(request) = scenario.requests.get(args.request) else {
        bail!(
            "`--request`: index `{}` is out of range, the scenario has {} requests",
            args.request,
            scenario.requests.len()
        );
    };
    let title = format!("{} {}", request.method, request.path);
    let mut emulator = match builder.metered().start() {
        Ok(emulator) => emulator,
        Err(refused) => {
            let log = logs(&refused.logs);
            let mut text = format!("{} {}\n", paint::bad("REJECTED"), refused.reason.replace('\n', " "));
            show_logs(&mut text, &log);
            return Ok(Report {
                exit: Exit::NotChecked,
                json: json!({ "reason": refused.reason, "logs": log }),
                text,
            });
        }
    };
    let workers = scenario.settings.workers.max(1);
    // One after the other, also if the scenario sends them at the same time: their calls would mix.
    for (i, request) in scenario.requests[..args.request].iter().enumerate() {
        emulator.advance(request.after);
        let handle = emulator.request(i % workers, request);
        emulator.finish_request(handle);
    }
    emulator.advance(request.after);
    let calls_before = calls_so_far(&emulator);
    let (spent_before, lines) = (emulator.spent().count(), emulator.logs().len());
    let handle = emulator.request(args.request % workers, request);
    let exchange = emulator.finish_request(handle);
    emulator.advance(scenario.settings.linger);
    // The emulator keeps only the most recent calls.
    let skipped = calls_before.saturating_sub(emulator.calls_forgotten());
    let calls: Vec<String> =
        emulator.trace().into_iter().skip(usize::try_from(skipped).unwrap_or(usize::MAX)).collect();
    let spent: Vec<_> = emulator.spent().skip(spent_before).collect();
    let log = logs(&emulator.logs()[lines..]);
    let received = match &exchange.client {
        ClientView::Response(response) => format!("{}", response.status),
        ClientView::Reset => "reset".into(),
        ClientView::Hang => "hang".into(),
    };
    let mut text = format!("{title} -> {received} ({})\n", exchange.details);
    for call in &calls {
        let _ = writeln!(text, "  {call}");
    }
    for spent in &spent {
        let _ = writeln!(text, "  {} {} instructions", paint::dim(spent.callback), spent.instructions);
    }
    show_logs(&mut text, &log);
    let json = json!({
        "request": title,
        "client": received,
        "details": exchange.details,
        "upstream_requests": exchange.upstream.len(),
        "calls": calls,
        "callbacks": spent
            .iter()
            .map(|s| json!({ "name": s.callback, "instructions": s.instructions }))
            .collect::<Vec<_>>(),
        "logs": log,
        "traps": emulator.traps().iter().map(|t| format!("{}: {}", t.callback, t.reason)).collect::<Vec<_>>(),
    });
    Ok(Report { exit: Exit::Success, json, text })
}

/// Total number of host calls so far.
fn calls_so_far(emulator: &Emulator) -> u64 {
    emulator.calls_forgotten() + emulator.trace().len() as u64
}

/// Returns the scenario, and an emulator of it.
fn scenario(args: &TraceArgs) -> Result<(Scenario, Builder)> {
    let Some(filter) = args.plugin.filter()? else {
        return match args.target.as_slice() {
            [path] => {
                let text = ScenarioText::read(Path::new(path))?;
                Ok((text.scenario().clone(), text.emulator()))
            }
            _ => bail!("`{}`: expected one scenario file, or `--wasm`", args.target.join(" ")),
        };
    };
    let (method, path) = match args.target.as_slice() {
        [method, path] => (method.as_str(), path),
        [path] => (if args.data.is_some() { "POST" } else { "GET" }, path),
        _ => bail!("expected a method and a path, or only a path"),
    };
    if !path.starts_with('/') {
        bail!("`{path}`: a path must begin with `/`");
    }
    let mut request = Request::new(method, path);
    for (name, value) in &args.headers {
        match name.eq_ignore_ascii_case("host") {
            true => request.authority.clone_from(value),
            false => request.headers.push(name, value),
        }
    }
    if let Some(data) = &args.data {
        request = request.chunk(data);
    }
    let scenario = Scenario::new().filter(filter).request(request);
    let builder = Emulator::builder(&scenario);
    Ok((scenario, builder))
}
