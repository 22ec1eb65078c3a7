//! Istio's `WasmPlugin` (`extensions.istio.io/v1alpha1`), as the API server checks it and the control plane delivers it.

mod spec;

use super::{Finding, Modules, Problem, Ready, Surroundings, strictly};
use crate::check::modules::sha256;
use crate::plugin::as_istio_does;
use serde_json::Value;
use spec::{EnvVar, FailStrategy, PluginType, Spec, ValueFrom};
use std::path::PathBuf;
use tollgate_host_test::{Configuration, FailurePolicy, Filter, Wasm};

/// Whether a document is one.
pub fn is_wasm_plugin(document: &Value) -> bool {
    let group = document["apiVersion"].as_str().unwrap_or_default();
    document["kind"] == "WasmPlugin" && group.starts_with("extensions.istio.io/")
}

/// Tries a WasmPlugin.
pub fn check(document: &Value, around: &Surroundings) -> Finding {
    let metadata = |field: &str| document["metadata"][field].as_str();
    let name =
        format!("{}.{}", metadata("namespace").unwrap_or("default"), metadata("name").unwrap_or_default());
    let ready = ready(document, &name, around);
    Finding::of("spec".into(), "WasmPlugin", name, ready)
}

fn ready(document: &Value, name: &str, around: &Surroundings) -> Result<Ready, Problem> {
    let spec: Spec = strictly(document.get("spec").cloned().unwrap_or(Value::Object(Default::default())))?;
    spec.check()?;
    let mut notes = Vec::new();
    let environment = environment(&spec, around, &mut notes);
    if spec.plugin_type == Some(PluginType::Network) {
        notes.push("a network filter".into());
    }
    let path = module(&spec, around)?;
    let mut filter = Filter::new(Wasm::file(&path));
    filter.name = name.into();
    filter.root_id = spec.plugin_name.clone().unwrap_or_default();
    filter.configuration = match spec.plugin_config {
        Some(fields) if !fields.is_empty() => {
            Configuration::Text(as_istio_does(Value::Object(fields)).to_string().into_bytes())
        }
        _ => Configuration::None,
    };
    filter.failure_policy = match spec.fail_strategy.unwrap_or(FailStrategy::Close) {
        FailStrategy::Close => FailurePolicy::FailClosed,
        FailStrategy::Open => FailurePolicy::FailOpen,
        FailStrategy::Reload => FailurePolicy::FailReload,
    };
    filter.environment = environment;
    Ok(Ready { filter, module: path.display().to_string(), notes, _inline: None })
}

fn environment(spec: &Spec, around: &Surroundings, notes: &mut Vec<String>) -> Vec<(String, String)> {
    let mut environment = Vec::new();
    for EnvVar { name, value, value_from } in spec.env() {
        // The agent takes these out for itself.
        if name.starts_with("ISTIO_META_WASM_") {
            continue;
        }
        if *value_from != Some(ValueFrom::Host) {
            environment.push((name.clone(), value.clone().unwrap_or_default()));
            continue;
        }
        match around.env.iter().find(|(known, _)| known == name) {
            Some(variable) => environment.push(variable.clone()),
            None => {
                notes.push(format!("tried without `{name}` of the proxy's environment: --env {name}=VALUE"))
            }
        }
    }
    environment
}

fn module(spec: &Spec, around: &Surroundings) -> Result<PathBuf, Problem> {
    let sha = spec.sha256.as_deref().filter(|sha| !sha.is_empty());
    let here = spec.url.strip_prefix("file://").map(PathBuf::from).filter(|path| path.is_file());
    let Some(path) = around.modules.find(&spec.url, sha).or(here) else {
        let hint = Modules::hint(&spec.url);
        return Err(Problem::NotTried(format!("the module is at {}: {hint}", spec.url)));
    };
    let found = sha256(&super::readable(&path)?);
    // Of an image it is the digest of the manifest, of which nothing is known here.
    let of_module = spec.url.starts_with("http://") || spec.url.starts_with("https://");
    match sha.filter(|wanted| of_module && *wanted != found) {
        Some(wanted) => {
            let why = format!("`{wanted}` is not that of `{}`, which is `{found}`", path.display());
            Err(Problem::invalid("sha256", why))
        }
        None => Ok(path),
    }
}
