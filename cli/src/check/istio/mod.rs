//! Reads a `WasmPlugin` or a `TrafficExtension` (`extensions.istio.io/v1alpha1`) as the API server does, and
//! configures its filter as Istio's control plane does.

mod spec;

use super::parsed::{Code, Parsed};
use super::{Plugin, Problem, metadata, parse};
use crate::plugin::{Place, istio_json};
use serde_json::{Map, Value};
use spec::{EnvVar, Extension, FailStrategy, Match, PluginType, ValueFrom, Wasm};
use tollgate_host_test::{Configuration, FailurePolicy};

/// The API group.
pub const GROUP: &str = "extensions.istio.io";

/// Returns the filter of a WasmPlugin.
pub fn wasm_plugin(document: &Value) -> Plugin {
    let name = name(document);
    let parsed = plugin_spec(document).and_then(|spec| spec.parsed("", &name));
    Plugin { path: "spec".into(), kind: "WasmPlugin", name, parsed }
}

/// Returns the filter of a TrafficExtension; `None` if it has only Lua.
pub fn traffic_extension(document: &Value) -> Option<Plugin> {
    let name = name(document);
    let parsed = match extension_spec(document) {
        Ok(None) => return None,
        Ok(Some(wasm)) => wasm.parsed("wasm.", &name),
        Err(problem) => Err(problem),
    };
    Some(Plugin { path: "spec".into(), kind: "TrafficExtension", name, parsed })
}

fn name(document: &Value) -> String {
    format!(
        "{}.{}",
        metadata(document, "namespace").unwrap_or("default"),
        metadata(document, "name").unwrap_or_default()
    )
}

fn spec(document: &Value) -> Result<Map<String, Value>, Problem> {
    match document.get("spec") {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(spec)) => Ok(spec.clone()),
        Some(_) => Err(Problem::invalid("", "invalid type, expected an object")),
    }
}

/// The fields of a WasmPlugin that a TrafficExtension has in `wasm`, and those of both.
fn plugin_spec(document: &Value) -> Result<Wasm, Problem> {
    let spec = spec(document)?;
    if let Some(unknown) =
        spec.keys().find(|name| ![Wasm::FIELDS, Match::FIELDS].concat().contains(&name.as_str()))
    {
        let known = [Wasm::FIELDS, Match::FIELDS].concat().join("`, `");
        return Err(Problem::invalid(
            unknown,
            format!("unknown field `{unknown}`, expected one of `{known}`"),
        ));
    }
    let (wasm, rest): (Map<_, _>, Map<_, _>) =
        spec.into_iter().partition(|(name, _)| Wasm::FIELDS.contains(&name.as_str()));
    let wasm: Wasm = parse(wasm.into())?;
    wasm.check("")?;
    parse::<Match>(rest.into())?.check()?;
    Ok(wasm)
}

fn extension_spec(document: &Value) -> Result<Option<Wasm>, Problem> {
    let extension: Extension = parse(spec(document)?.into())?;
    extension.check()?;
    Ok(extension.wasm)
}

/// Returns the configuration that Istio passes to a filter: JSON text, or nothing if it is empty.
pub fn configuration(fields: Option<Map<String, Value>>) -> Configuration {
    match fields {
        Some(fields) if !fields.is_empty() => {
            Configuration::Text(istio_json(Value::Object(fields)).to_string().into_bytes())
        }
        _ => Configuration::None,
    }
}

impl Wasm {
    /// Configures the filter. `at` is the path of these fields in `spec`, with a dot at its end.
    fn parsed(self, at: &str, name: &str) -> Result<Parsed, Problem> {
        let place = match self.plugin_type {
            Some(PluginType::Network) => Place::Network,
            _ => Place::Http,
        };
        let mut parsed = Parsed::new(name.into(), place, Code::from_url(at, &self.url, self.sha256)?);
        if place == Place::Network {
            parsed.notes.push("this plugin is a network filter, not an HTTP filter".into());
        }
        // Istio's agent reads these variables and removes them.
        let variables = self.vm_config.and_then(|vm| vm.env).unwrap_or_default();
        for EnvVar { name, value, value_from } in variables {
            match value_from {
                _ if name.starts_with("ISTIO_META_WASM_") => {}
                Some(ValueFrom::Host) => parsed.host_variables.push(name),
                _ => parsed.variables.push((name, value.unwrap_or_default())),
            }
        }
        parsed.root_id = self.plugin_name.unwrap_or_default();
        parsed.configuration = configuration(self.plugin_config);
        parsed.failure_policy = match self.fail_strategy {
            None | Some(FailStrategy::Close) => FailurePolicy::FailClosed,
            Some(FailStrategy::Open) => FailurePolicy::FailOpen,
            Some(FailStrategy::Reload) => FailurePolicy::FailReload,
        };
        Ok(parsed)
    }
}
