//! Checks a `WasmPlugin` (`extensions.istio.io/v1alpha1`) as the API server does, and configures its filter
//! as Istio's control plane does.

mod spec;

use super::{Finding, Inputs, Modules, Plugin, Problem, Ready, parse_strict};
use crate::check::modules::sha256;
use crate::plugin::{Place, istio_json};
use serde_json::{Map, Value};
use spec::{EnvVar, FailStrategy, PluginType, Spec, ValueFrom};
use std::path::PathBuf;
use tollgate_host_test::{Configuration, FailurePolicy, Filter, Wasm};

/// Whether a document is a WasmPlugin.
pub fn is_wasm_plugin(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().unwrap_or_default();
    document["kind"] == "WasmPlugin" && group.starts_with("extensions.istio.io/")
}

/// Checks a WasmPlugin.
pub fn check(document: &Value, inputs: &Inputs) -> Finding {
    let name = name(document);
    let ready = ready(document, &name, inputs);
    Finding::check("spec".into(), "WasmPlugin", name, ready)
}

/// Returns the filter of a WasmPlugin.
pub fn plugin(document: &Value) -> Plugin {
    let configuration = spec(document).map(|spec| configuration(spec.plugin_config));
    Plugin { path: "spec".into(), name: name(document), configuration }
}

fn name(document: &Value) -> String {
    let metadata = |field: &str| document["metadata"][field].as_str();
    format!("{}.{}", metadata("namespace").unwrap_or("default"), metadata("name").unwrap_or_default())
}

fn spec(document: &Value) -> Result<Spec, Problem> {
    let spec: Spec =
        parse_strict(document.get("spec").cloned().unwrap_or(Value::Object(Default::default())))?;
    spec.check()?;
    Ok(spec)
}

fn configuration(fields: Option<Map<String, Value>>) -> Configuration {
    match fields {
        Some(fields) if !fields.is_empty() => {
            Configuration::Text(istio_json(Value::Object(fields)).to_string().into_bytes())
        }
        _ => Configuration::None,
    }
}

fn ready(document: &Value, name: &str, inputs: &Inputs) -> Result<Ready, Problem> {
    let spec = spec(document)?;
    let mut notes = Vec::new();
    let environment = environment(&spec, inputs, &mut notes);
    let place = match spec.plugin_type {
        Some(PluginType::Network) => Place::Network,
        _ => Place::Http,
    };
    if place == Place::Network {
        notes.push("this plugin is a network filter, not an HTTP filter".into());
    }
    let path = module(&spec, inputs)?;
    let mut filter = Filter::new(Wasm::file(&path));
    filter.name = name.into();
    filter.root_id = spec.plugin_name.clone().unwrap_or_default();
    filter.configuration = configuration(spec.plugin_config);
    filter.failure_policy = match spec.fail_strategy.unwrap_or(FailStrategy::Close) {
        FailStrategy::Close => FailurePolicy::FailClosed,
        FailStrategy::Open => FailurePolicy::FailOpen,
        FailStrategy::Reload => FailurePolicy::FailReload,
    };
    filter.environment = environment;
    Ok(Ready { filter, module: path.display().to_string(), place, notes, _inline: None })
}

fn environment(spec: &Spec, inputs: &Inputs, notes: &mut Vec<String>) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    for EnvVar { name, value, value_from } in spec.env() {
        // Istio's agent reads these variables and removes them.
        if name.starts_with("ISTIO_META_WASM_") {
            continue;
        }
        if *value_from != Some(ValueFrom::Host) {
            environment.push((name.clone(), value.clone().unwrap_or_default()));
            continue;
        }
        match inputs.env.iter().find(|(known, _)| known == name) {
            Some(variable) => environment.push(variable.clone()),
            None => notes.push(format!(
                "checked without the proxy's variable `{name}`; set it with --env {name}=VALUE"
            )),
        }
    }
    environment
}

fn module(spec: &Spec, inputs: &Inputs) -> Result<PathBuf, Problem> {
    let sha = spec.sha256.as_deref().filter(|sha| !sha.is_empty());
    let local = spec.url.strip_prefix("file://").map(PathBuf::from).filter(|path| path.is_file());
    let Some(path) = inputs.modules.find(&spec.url, sha).or(local) else {
        let hint = Modules::hint(&spec.url);
        let why = format!("module `{}` is not available; name a local file with {hint}", spec.url);
        return Err(Problem::NotChecked(why));
    };
    let found = sha256(&super::module_bytes(&path)?);
    // For an image this is the digest of its manifest, which is not available here.
    let is_file_digest = spec.url.starts_with("http://") || spec.url.starts_with("https://");
    match sha.filter(|wanted| is_file_digest && *wanted != found) {
        Some(wanted) => {
            let why = format!("expected `{wanted}`, but `{}` has `{found}`", path.display());
            Err(Problem::invalid("sha256", why))
        }
        None => Ok(path),
    }
}
