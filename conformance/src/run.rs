//! Running a sheet on a host, and collecting what each case shows.

use crate::Sheet;
use crate::script::entry;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::LazyLock;
use tollgate_host_test::{
    Answer, ClientView, Exchange, Filter, Headers, Host, LogLine, Outcome, Response, Scenario, Upstream,
    UpstreamRequest, Wasm,
};

/// The cluster of the catch-all route.
pub const UPSTREAM: &str = "upstream";
/// An HTTP/1.1 cluster for callouts.
pub const OTHER: &str = "other";
/// An HTTP/2 cluster for gRPC.
pub const GRPC: &str = "grpc";
/// A cluster whose only host refuses connections.
pub const REFUSES: &str = "refuses";

/// A cluster without endpoints.
pub const EMPTY: &str = "empty";

/// Output of a case, as lines: the probe's log, then the messages that the client and the upstreams received.
pub type Shown = Vec<String>;

static PROBE: LazyLock<Wasm> = LazyLock::new(|| Wasm::package_unpacked("fixture-probe"));
static PROBE_WASI: LazyLock<Wasm> = LazyLock::new(|| Wasm::package_unpacked("fixture-probe-wasi"));

/// Runs a sheet. Returns an error only if the host itself failed.
pub fn run(sheet: &Sheet, host: Host) -> Result<BTreeMap<String, Shown>, String> {
    let scenario = scenario(sheet);
    let ran = catch_unwind(AssertUnwindSafe(|| host.try_run(&scenario)));
    let ran = ran.map_err(|panic| {
        let text =
            panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        text.unwrap_or("panicked").to_owned()
    })?;
    Ok(match ran {
        // The emulator reports what would crash Envoy.
        Ok(outcome) if outcome.traps.iter().any(|trap| trap.reason.starts_with("Envoy ")) => {
            return Err(outcome.traps.iter().map(ToString::to_string).collect());
        }
        Ok(outcome) => shown(sheet, outcome),
        Err(refused) => {
            let log = refused.logs.iter().map(line);
            let shown: Shown = ["the configuration is rejected".to_owned()].into_iter().chain(log).collect();
            sheet.cases.iter().map(|case| (case.name.clone(), shown.clone())).collect()
        }
    })
}

/// Returns the scenario of a sheet.
pub fn scenario(sheet: &Sheet) -> Scenario {
    let mut scenario = Scenario::new().settings(|settings| *settings = sheet.settings.clone());
    let probe: &Wasm = if sheet.newer_wasi { &PROBE_WASI } else { &PROBE };
    for (place, loaded) in sheet.filters.iter().enumerate() {
        let mut configuration = Vec::new();
        for case in &sheet.cases {
            let own = case.scripts.iter().filter(|(filter, ..)| *filter == place);
            own.for_each(|(_, callback, steps)| configuration.extend(entry(&case.key(), callback, steps)));
        }
        let mut filter = Filter::new(probe.clone()).named(loaded.name).config_text(configuration);
        filter.root_id = loaded.root_id.into();
        filter.vm_id = loaded.vm_id.into();
        filter.vm_configuration.clone_from(&loaded.vm_configuration);
        filter.failure_policy = loaded.failure_policy;
        filter.allow_on_headers_stop_iteration = loaded.allow_on_headers_stop_iteration;
        filter.environment = loaded.environment.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        scenario = scenario.filter(filter);
    }
    let answers = |upstream: Upstream| {
        sheet.cases.iter().fold(upstream, |upstream, case| {
            let own = case.answers.iter().filter(|(name, _)| *name == upstream.name);
            let own: Vec<Answer> = own.flat_map(|(_, answers)| answers.clone()).collect();
            if own.is_empty() { upstream } else { upstream.on(&case.key(), own) }
        })
    };
    let ok = || Response::new(200).chunk("ok");
    scenario = [
        answers(Upstream::replies(UPSTREAM, ok())),
        answers(Upstream::replies(OTHER, ok())),
        answers(Upstream::grpc(GRPC, vec![grpc_ok()])),
        Upstream::answers(REFUSES, vec![Answer::Refuse]),
        Upstream::empty(EMPTY),
    ]
    .into_iter()
    .fold(scenario, Scenario::upstream);
    for case in &sheet.cases {
        for request in &case.requests {
            let mut request = request.clone();
            let rest = request.path.strip_prefix('/').unwrap_or(&request.path);
            let slash = if rest.is_empty() || rest.starts_with('?') { "" } else { "/" };
            request.path = format!("{}{slash}{rest}", case.key());
            scenario = scenario.request(request);
        }
    }
    scenario
}

fn grpc_ok() -> Answer {
    Answer::Grpc {
        initial_metadata: Headers::default(),
        messages: vec![b"ok".to_vec()],
        status: 0,
        message: Vec::new(),
        after: std::time::Duration::ZERO,
    }
}

fn line(line: &LogLine) -> String {
    format!("{:?} {}", line.level, normalize(&line.text))
}

/// Replaces what differs between two runs of the same host: the date and the upstream's response time.
fn normalize(text: &str) -> String {
    const DATE: usize = "Thu, 01 Jan 1970 00:00:00 GMT".len();
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let cut = |text: &str, before: &str, length: &dyn Fn(&str) -> usize| {
        let mut pieces = text.split(before);
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |out, piece| format!("{out}{before}N{}", &piece[length(piece)..]))
    };
    let text = cut(text, "x-envoy-upstream-service-time\\x00", &digits);
    // In serialised pairs, the length of the value follows the length of the name.
    let length = |text: &str| if text.starts_with("\\x0") { "\\x01\\x00\\x00\\x00".len() } else { 0 };
    let text = cut(&text, "\\x1d\\x00\\x00\\x00", &length);
    cut(&text, "\\x00date\\x00", &|_| DATE)
}

fn normalize_headers(headers: &mut Headers) {
    for (name, value) in &mut headers.0 {
        let timing = [&b"x-envoy-upstream-service-time"[..], b"x-envoy-expected-rq-timeout-ms"];
        if timing.contains(&name.as_slice()) && value != b"15000" {
            *value = b"N".to_vec();
        }
    }
}

fn shown(sheet: &Sheet, outcome: Outcome) -> BTreeMap<String, Shown> {
    let mut exchanges = outcome.exchanges.into_iter();
    let mut all = BTreeMap::new();
    for case in &sheet.cases {
        let key = case.key();
        let mark = format!("[{key}] ");
        let own = outcome.logs.iter().filter(|line| line.text.starts_with(&mark));
        let mut shown: Shown = own.map(|l| line(l).replacen(&mark, "", 1)).collect();
        for exchange in exchanges.by_ref().take(case.requests.len()) {
            shown.extend(exchange_lines(exchange));
        }
        for (upstream, requests) in &outcome.callouts {
            let own = |path: &str| {
                let rest = path.strip_prefix(&key).filter(|_| !key.is_empty());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
            };
            for request in requests.iter().filter(|request| request.ended && own(&request.path)) {
                request_lines(&mut shown, &format!("callout to {upstream}"), request.clone());
            }
        }
        if case.unordered {
            shown.sort();
        }
        all.insert(case.name.clone(), shown);
    }
    all
}

fn exchange_lines(mut exchange: Exchange) -> Shown {
    let mut shown = vec![format!("details: {}", exchange.details)];
    match &mut exchange.client {
        ClientView::Response(response) => {
            normalize_headers(&mut response.headers);
            shown.push(format!("client: {}", response.status));
            message(&mut shown, "client", &response.headers, &response.body(), &response.trailers);
        }
        other => shown.push(format!("client: {other:?}")),
    }
    for request in exchange.upstream {
        let who = if request.ended { "upstream" } else { "upstream (incomplete)" };
        request_lines(&mut shown, who, request);
    }
    shown
}

fn request_lines(shown: &mut Shown, who: &str, mut request: UpstreamRequest) {
    normalize_headers(&mut request.headers);
    shown.push(format!("{who}: {} {} {}", request.method, request.authority, request.path));
    message(shown, who, &request.headers, &request.body, &request.trailers);
}

fn message(shown: &mut Shown, who: &str, headers: &Headers, body: &[u8], trailers: &Headers) {
    for (what, fields) in [("header", headers), ("trailer", trailers)] {
        let line =
            |(k, v): &(Vec<u8>, Vec<u8>)| format!("{who} {what} {}: {}", k.escape_ascii(), v.escape_ascii());
        shown.extend(fields.0.iter().map(line));
    }
    shown.push(format!("{who} body: \"{}\"", body.escape_ascii()));
}
