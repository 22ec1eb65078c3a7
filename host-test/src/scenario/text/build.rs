//! Builds the scenario that a scenario file describes.

use super::file::{
    AnswerText, FailurePolicyText, FilterText, LogLevelText, ReplyText, RequestText, ScenarioFile,
    SettingsText, UpstreamText,
};
use crate::scenario::inputs;
use crate::{
    Answer, Configuration, FailurePolicy, Filter, LogLevel, Request, Response, Scenario, Settings, Tls,
    Upstream, Wasm,
};
use std::path::Path;

/// The path of a field, and what is wrong with it.
type Wrong = (String, String);

/// Builds the scenario of a file in the directory `dir`.
pub(super) fn scenario(file: &ScenarioFile, dir: &Path) -> Result<Scenario, Wrong> {
    let mut scenario = Scenario::new();
    for (i, text) in file.filters.iter().enumerate() {
        scenario.filters.push(filter(text, dir).map_err(|(f, why)| (format!("filters[{i}]{f}"), why))?);
    }
    for (i, text) in file.upstreams.iter().enumerate() {
        let at = format!("upstreams[{i}]");
        if file.upstreams[..i].iter().any(|other| other.name == text.name) {
            return Err((format!("{at}.name"), format!("duplicate upstream `{}`", text.name)));
        }
        scenario.upstreams.push(upstream(text).map_err(|why| (at, why))?);
    }
    for name in file.expect.callouts.keys() {
        if !file.upstreams.iter().any(|upstream| upstream.name == *name) {
            let why = "unknown upstream, expected the name of one in `upstreams`";
            return Err((format!("expect.callouts.{name}"), why.into()));
        }
    }
    for (i, text) in file.requests.iter().enumerate() {
        let request = request(text).map_err(|(f, why)| (format!("requests[{i}].{f}"), why))?;
        scenario.requests.push(request);
    }
    settings(&file.settings, &mut scenario.settings).map_err(|(f, why)| (format!("settings.{f}"), why))?;
    let mut needs = scenario.requests.iter().enumerate().filter_map(|(i, r)| Some((i, r.needs_tls()?)));
    if let Some((index, field)) = needs.next().filter(|_| scenario.settings.tls == Tls::Off) {
        let why = "needs TLS, expected `settings.tls` to be `certificate_optional` or `certificate_required`";
        return Err((format!("requests[{index}].{field}"), why.into()));
    }
    Ok(scenario)
}

fn filter(text: &FilterText, dir: &Path) -> Result<Filter, Wrong> {
    let wrong = |field: &str, why: String| (format!(".{field}"), why);
    let wasm = match (&text.module, &text.package) {
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
        _ => return Err((String::new(), "expected exactly one of `module`, `package`".into())),
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

fn upstream(text: &UpstreamText) -> Result<Upstream, String> {
    let mut answers: Vec<_> = text.answers.iter().map(answer).collect();
    if answers.is_empty() {
        answers = Upstream::replies("", Response::new(200).chunk("ok")).answers;
    }
    let mut upstream = Upstream::answers(&text.name, answers);
    upstream.http2 = text.http2;
    upstream.empty = text.empty;
    for (path, answers) in &text.by_path {
        if answers.is_empty() {
            return Err(format!("`by_path`: no answers for `{path}`, expected at least one"));
        }
        if answers.iter().any(|answer| matches!(answer, AnswerText::Refuse)) {
            return Err(format!(
                "`by_path`: `refuse` is not possible for `{path}`, because a refused connection has no path"
            ));
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
    response.body.clone_from(&text.body.0);
    response.trailers = text.trailers.0.clone();
    response
}

fn request(text: &RequestText) -> Result<Request, Wrong> {
    let mut request = Request::new(&text.method, &text.path).authority(&text.authority);
    request.headers = text.headers.0.clone();
    request.body.clone_from(&text.body.0);
    request.trailers = text.trailers.0.clone();
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
