//! Builds the scenario that a scenario file describes.

use super::file::{
    AnswerText, FailurePolicyText, FilterText, LogLevelText, ReplyText, RequestText, ScenarioFile,
    SettingsText, UpstreamText,
};
use super::{emulated, routes, tcp};
use crate::emulator::{is_callback, is_host_call};
use crate::envoy::http2;
use crate::scenario::inputs;
use crate::{
    Answer, Configuration, FailurePolicy, Filter, LogLevel, Request, Response, Scenario, Settings, Tls,
    Upstream, Wasm,
};
use std::collections::BTreeSet;
use std::path::Path;

/// The path of a field, and what is wrong with it.
type Wrong = (String, String);

/// Builds the scenario of a file in the directory `dir`.
pub(super) fn scenario(file: &ScenarioFile, dir: &Path) -> Result<Scenario, Wrong> {
    let mut scenario = Scenario::new();
    for (i, text) in file.filters.iter().enumerate() {
        let wrong = |(f, why)| (format!("filters[{i}]{f}"), why);
        match &text.native {
            Some(native) if !text.has_module() => {
                scenario = scenario.native_filter(&native.name, native.typed_config.clone().into());
            }
            _ => scenario.filters.push(filter(text, dir, "`module`, `package`, `native`").map_err(wrong)?),
        }
    }
    for (i, text) in file.network_filters.iter().enumerate() {
        let wrong = |(f, why)| (format!("network_filters[{i}]{f}"), why);
        scenario.network_filters.push(filter(text, dir, "`module`, `package`").map_err(wrong)?);
    }
    scenario.tcp_upstream = tcp::upstream(&file.tcp_upstream);
    scenario.connections = file.connections.iter().map(tcp::connection).collect();
    for (i, text) in file.virtual_hosts.iter().enumerate() {
        let host = routes::virtual_host(text).map_err(|(f, why)| (format!("virtual_hosts[{i}]{f}"), why))?;
        scenario.settings.virtual_hosts.push(host);
    }
    let all = routes::routes(&file.routes).map_err(|(f, why)| (format!("routes{f}"), why))?;
    scenario = all.into_iter().fold(scenario, Scenario::route);
    check_domains(&scenario)?;
    for (i, text) in file.upstreams.iter().enumerate() {
        let at = format!("upstreams[{i}]");
        if file.upstreams[..i].iter().any(|other| other.name == text.name) {
            return Err((format!("{at}.name"), format!("duplicate upstream `{}`", text.name)));
        }
        scenario.upstreams.push(upstream(text).map_err(|(f, why)| (format!("{at}{f}"), why))?);
    }
    for name in file.expect.callouts.keys() {
        if !file.upstreams.iter().any(|upstream| upstream.name == *name) {
            let why = "unknown upstream, expected the name of one in `upstreams`";
            return Err((format!("expect.callouts.{name}"), why.into()));
        }
    }
    file.emulator.check().map_err(|(f, why)| (format!("emulator.{f}"), why))?;
    check_expectations(file)?;
    if file.requests.first().is_some_and(|first| first.concurrent) {
        let why = "no request comes before it, expected `false`";
        return Err(("requests[0].concurrent".into(), why.into()));
    }
    for (i, text) in file.requests.iter().enumerate() {
        let request = request(text).map_err(|(f, why)| (format!("requests[{i}].{f}"), why))?;
        scenario.requests.push(request);
    }
    settings(&file.settings, &mut scenario.settings).map_err(|(f, why)| (format!("settings.{f}"), why))?;
    let http2 = scenario.requests.iter().position(|request| request.http2);
    if let Some(index) = http2.filter(|_| scenario.settings.tls != Tls::Off) {
        let why = "is not possible with TLS, expected `settings.tls` to be `off`";
        return Err((format!("requests[{index}].http2"), why.into()));
    }
    let mut needs = scenario.requests.iter().enumerate().filter_map(|(i, r)| Some((i, r.needs_tls()?)));
    if let Some((index, field)) = needs.next().filter(|_| scenario.settings.tls == Tls::Off) {
        let why = "needs TLS, expected `settings.tls` to be `certificate_optional` or `certificate_required`";
        return Err((format!("requests[{index}].{field}"), why.into()));
    }
    Ok(scenario)
}

/// Checks expectations that would otherwise always pass, or never.
fn check_expectations(file: &ScenarioFile) -> Result<(), Wrong> {
    let expect = &file.expect;
    for (list, lines) in [("log_order", &expect.log_order), ("not_logged", &expect.not_logged)] {
        if let Some(i) = lines.iter().position(|line| line.count.is_some()) {
            return Err((format!("expect.{list}[{i}].count"), "expected in `expect.logs` only".into()));
        }
    }
    for (field, kind, names, known) in [
        ("host_calls", "call", &expect.host_calls, is_host_call as fn(&str) -> bool),
        ("instructions", "callback", &expect.instructions, is_callback as fn(&str) -> bool),
    ] {
        if let Some(name) = names.keys().find(|name| !known(name)) {
            let why = format!("unknown name, expected one such as `{}`", emulated::example(kind));
            return Err((format!("expect.{field}.{name}"), why));
        }
    }
    Ok(())
}

/// Checks that no two virtual hosts have the same domain, which Envoy rejects.
fn check_domains(scenario: &Scenario) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for (i, host) in scenario.settings.virtual_hosts.iter().enumerate() {
        if let Some(twice) = host.domains.iter().find(|domain| !seen.insert(domain.to_ascii_lowercase())) {
            return Err((format!("virtual_hosts[{i}].domains"), format!("duplicate domain `{twice}`")));
        }
    }
    Ok(())
}

impl FilterText {
    /// Whether a field of a Wasm filter is set.
    fn has_module(&self) -> bool {
        let Self { module, package, name, root_id, vm_id, config, config_text, config_struct, .. } = self;
        module.is_some()
            || package.is_some()
            || name.is_some()
            || !root_id.is_empty()
            || !vm_id.is_empty()
            || config.is_some()
            || config_text.is_some()
            || config_struct.is_some()
            || self.vm_config.is_some()
            || !matches!(self.failure_policy, FailurePolicyText::Closed)
            || self.reload_after.is_some()
            || self.allow_on_headers_stop_iteration
            || !self.environment.is_empty()
    }
}

/// Builds a Wasm filter. `kinds` are the fields of which one must be set.
fn filter(text: &FilterText, dir: &Path, kinds: &str) -> Result<Filter, Wrong> {
    let wrong = |field: &str, why: String| (format!(".{field}"), why);
    let wasm = match (&text.module, &text.package) {
        _ if text.native.is_some() => {
            return Err((String::new(), format!("expected exactly one of {kinds}")));
        }
        (Some(module), None) => {
            let path = dir.join(module);
            if !path.is_file() {
                return Err(wrong("module", format!("`{}` is not a file", path.display())));
            }
            Wasm::file(path)
        }
        (None, Some(package)) => {
            Wasm::try_package(package).map_err(|why| wrong("package", why.to_string()))?
        }
        _ => return Err((String::new(), format!("expected exactly one of {kinds}"))),
    };
    let mut filter = Filter::new(wasm);
    if let Some(name) = &text.name {
        filter.name.clone_from(name);
    }
    filter.root_id.clone_from(&text.root_id);
    filter.vm_id.clone_from(&text.vm_id);
    filter.configuration = match (&text.config, &text.config_text, &text.config_struct) {
        (None, None, None) => Configuration::None,
        (Some(json), None, None) => Configuration::Text(json.to_string().into_bytes()),
        (None, Some(bytes), None) => Configuration::Text(bytes.0.clone()),
        (None, None, Some(object)) => Configuration::Struct(object.clone().into()),
        _ => {
            return Err((
                String::new(),
                "expected at most one of `config`, `config_text`, `config_struct`".into(),
            ));
        }
    };
    filter.vm_configuration = text.vm_config.as_ref().map(|bytes| bytes.0.clone()).unwrap_or_default();
    filter.failure_policy = match text.failure_policy {
        FailurePolicyText::Closed => FailurePolicy::FailClosed,
        FailurePolicyText::Open => FailurePolicy::FailOpen,
        FailurePolicyText::Reload => FailurePolicy::FailReload,
    };
    filter.reload_after = text.reload_after.map_or(filter.reload_after, |time| time.0);
    filter.allow_on_headers_stop_iteration = text.allow_on_headers_stop_iteration;
    filter.environment = text.environment.iter().map(|(k, v)| (k.clone(), v.clone())).collect();
    Ok(filter)
}

fn upstream(text: &UpstreamText) -> Result<Upstream, Wrong> {
    let broken = |answer: &AnswerText| match answer {
        AnswerText::ResetMidResponse(reply) => !reply.body.waits.is_empty(),
        _ => false,
    };
    let all = text.by_path.iter().flat_map(|(path, answers)| {
        answers.iter().enumerate().map(move |(i, answer)| (format!(".by_path.{path}[{i}]"), answer))
    });
    let first = text.answers.iter().enumerate().map(|(i, answer)| (format!(".answers[{i}]"), answer));
    if let Some((at, _)) = first.chain(all).find(|(_, answer)| broken(answer)) {
        return Err((format!("{at}.reset_mid_response.body"), "`wait` is not possible here".into()));
    }
    let mut answers: Vec<_> = text.answers.iter().map(answer).collect();
    if answers.is_empty() {
        answers = Upstream::replies("", Response::new(200).chunk("ok")).answers;
    }
    let mut upstream = Upstream::answers(&text.name, answers);
    upstream.http2 = text.http2;
    upstream.empty = text.empty;
    for (path, answers) in &text.by_path {
        if answers.is_empty() {
            return Err((format!(".by_path.{path}"), "no answers, expected at least one".into()));
        }
        if answers.iter().any(|answer| matches!(answer, AnswerText::Refuse)) {
            let why = "`refuse` is not possible here, because a refused connection has no path";
            return Err((format!(".by_path.{path}"), why.into()));
        }
        upstream = upstream.on(path, answers.iter().map(answer).collect());
    }
    Ok(upstream)
}

fn answer(text: &AnswerText) -> Answer {
    match text {
        AnswerText::Reply(reply) => Answer::Reply { response: response(reply), after: reply.after.0 },
        AnswerText::Grpc(grpc) => Answer::Grpc {
            initial_metadata: grpc.initial_metadata.0.clone(),
            messages: grpc.messages.iter().map(|message| message.0.clone()).collect(),
            status: grpc.status,
            message: grpc.message.0.clone(),
            after: grpc.after.0,
        },
        AnswerText::ResetMidResponse(reply) => Answer::ResetMidResponse(response(reply)),
        AnswerText::Reset => Answer::Reset,
        AnswerText::Hang => Answer::Hang,
        AnswerText::Refuse => Answer::Refuse,
    }
}

fn response(text: &ReplyText) -> Response {
    let mut response = Response::new(text.status);
    response.headers = text.headers.0.clone();
    response.body.clone_from(&text.body.pieces);
    response.waits.clone_from(&text.body.waits);
    response.trailers = text.trailers.0.clone();
    response
}

fn request(text: &RequestText) -> Result<Request, Wrong> {
    let mut request = Request::new(&text.method, &text.path).authority(&text.authority);
    request.headers = text.headers.0.clone();
    request.body.clone_from(&text.body.pieces);
    request.waits.clone_from(&text.body.waits);
    request.trailers = text.trailers.0.clone();
    request.after = text.after.0;
    request.concurrent = text.concurrent;
    request.disconnect_after = text.disconnect_after.map(|time| time.0);
    if request.disconnect_after.is_some_and(|time| time.is_zero()) {
        return Err(("disconnect_after".into(), "expected more than `0s`".into()));
    }
    request.http2 = text.http2;
    if let Some(why) = Some(&request).filter(|request| request.http2).and_then(http2::problem) {
        return Err(("http2".into(), why));
    }
    request.certificate = text.certificate;
    if let Some(name) = &text.server_name {
        inputs::check_server_name(name).map_err(|why| ("server_name".into(), why))?;
        request.server_name = Some(name.clone());
    }
    if let Some(peer) = text.peer {
        inputs::check_peer(peer).map_err(|why| ("peer".into(), why))?;
        request.peer = peer;
    }
    for (namespace, fields) in &text.metadata {
        let at = |why| (format!("metadata.{namespace}"), why);
        inputs::check_metadata(namespace, fields).map_err(at)?;
        request.metadata.insert(namespace.clone(), fields.clone().into());
    }
    for (key, value) in &text.filter_state {
        inputs::check_filter_state(key, value).map_err(|why| (format!("filter_state.{key}"), why))?;
        request.filter_state.insert(key.clone(), value.clone());
    }
    Ok(request)
}

fn settings(text: &SettingsText, settings: &mut Settings) -> Result<(), Wrong> {
    if let Some(workers) = text.workers {
        if !(1..=64).contains(&workers) {
            return Err(("workers".into(), format!("`{workers}` is out of range, expected 1 to 64")));
        }
        settings.workers = workers;
    }
    if let Some(id) = &text.node.id {
        settings.node.id.clone_from(id);
    }
    if let Some(cluster) = &text.node.cluster {
        settings.node.cluster.clone_from(cluster);
    }
    settings.node.metadata.clone_from(&text.node.metadata);
    settings.generate_request_id = text.generate_request_id.unwrap_or(settings.generate_request_id);
    settings.tls = text.tls.unwrap_or(settings.tls);
    settings.tls_inspector = text.tls_inspector.unwrap_or(settings.tls_inspector);
    settings.use_remote_address = text.use_remote_address.unwrap_or(settings.use_remote_address);
    settings.xff_num_trusted_hops = text.xff_num_trusted_hops.unwrap_or(settings.xff_num_trusted_hops);
    settings.buffer_limit = text.buffer_limit.unwrap_or(settings.buffer_limit);
    settings.route_timeout = text.route_timeout.map_or(settings.route_timeout, |time| time.0);
    settings.linger = text.linger.map_or(settings.linger, |time| time.0);
    settings.client_patience = text.client_patience.map_or(settings.client_patience, |time| time.0);
    settings.log_level = text.log_level.map_or(settings.log_level, level);
    Ok(())
}

/// Converts a level of a scenario file.
pub(super) fn level(text: LogLevelText) -> LogLevel {
    match text {
        LogLevelText::Trace => LogLevel::Trace,
        LogLevelText::Debug => LogLevel::Debug,
        LogLevelText::Info => LogLevel::Info,
        LogLevelText::Warn => LogLevel::Warn,
        LogLevelText::Error => LogLevel::Error,
        LogLevelText::Critical => LogLevel::Critical,
    }
}
