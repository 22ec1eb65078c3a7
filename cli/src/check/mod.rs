//! Finds the Wasm filters in configurations, and loads each module with its configuration.
//!
//! A file is a list of documents. Resources of Kubernetes and config entries of Consul are recognised by
//! their kind. In all other documents, such as a bootstrap, a listener, an ECDS resource or an EnvoyFilter,
//! filters are found by their `@type` at any depth.

mod consul;
mod envoy;
mod envoy_gateway;
mod higress;
mod istio;
mod modules;
mod parsed;
mod proto;

pub use modules::Modules;

use crate::plugin::{LoadResult, Place, misplaced, try_load};
use crate::report::{Exit, logs};
use parsed::Parsed;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::NamedTempFile;
use tollgate_host_test::scenario::text::strict;
use tollgate_host_test::{Configuration, Filter};

/// Modules and environment variables from the command line, in place of those of the proxy.
#[derive(Debug)]
pub struct Inputs {
    /// Local files of modules.
    pub modules: Modules,
    /// Environment variables of the proxy.
    pub env: Vec<(String, String)>,
}

/// A filter that can be loaded.
#[derive(Debug)]
pub struct Ready {
    /// The filter to load.
    pub filter: Filter,
    /// The module, as shown to the user.
    pub module: String,
    /// Where the proxy calls the filter.
    pub place: Place,
    /// Differences from how the proxy would load it.
    pub notes: Vec<String>,
    /// The file with the module of `filter`, if the configuration contains the module inline.
    pub _inline: Option<NamedTempFile>,
}

/// The reason why a filter cannot be loaded.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// The configuration is invalid; Envoy or Istio rejects it before it loads a module.
    Invalid {
        /// Path of the field, relative to the filter.
        field: String,
        /// The error.
        why: String,
    },
    /// A message around the filter is invalid. The text names its field.
    Around(String),
    /// Something is not available here. The text names it, and the option that provides it.
    NotChecked(String),
}

impl Problem {
    /// An invalid field.
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), why: why.into() }
    }

    /// Returns the text for a filter at this path.
    pub fn text(&self, path: &str) -> String {
        match self {
            Self::Around(why) | Self::NotChecked(why) => why.clone(),
            Self::Invalid { field, why } => {
                let parts = [path, field].into_iter().filter(|part| !part.is_empty());
                format!("`{}`: {why}", parts.collect::<Vec<_>>().join("."))
            }
        }
    }
}

/// The result for one filter.
#[derive(Debug)]
pub struct Finding {
    /// Path in the document.
    pub path: String,
    /// Kind: `http filter`, `WasmPlugin`, ...
    pub kind: &'static str,
    /// Name.
    pub name: String,
    /// Module.
    pub module: Option<String>,
    /// Exit code.
    pub exit: Exit,
    /// Reason, unless it is accepted.
    pub reason: Option<String>,
    /// Errors of the configuration against the JSON Schema in the module.
    pub schema_errors: Vec<String>,
    /// Differences from how the proxy would load it.
    pub notes: Vec<String>,
    /// Log lines of the module.
    pub logs: Vec<Value>,
}

impl Finding {
    /// Loads a filter.
    fn check(path: String, kind: &'static str, name: String, ready: Result<Ready, Problem>) -> Self {
        let empty = Self {
            path: path.clone(),
            kind,
            name,
            module: None,
            exit: Exit::Failure,
            reason: None,
            schema_errors: Vec::new(),
            notes: Vec::new(),
            logs: Vec::new(),
        };
        match ready {
            Err(problem) => {
                let not_checked = matches!(problem, Problem::NotChecked(_));
                let exit = if not_checked { Exit::NotChecked } else { Exit::Failure };
                Self { exit, reason: Some(problem.text(&path)), ..empty }
            }
            Ok(ready) => {
                let LoadResult { rejected, schema_errors, logs: lines } = try_load(&ready.filter);
                let rejected = rejected.or_else(|| misplaced(&ready.filter, ready.place));
                Self {
                    exit: if rejected.is_some() { Exit::Failure } else { Exit::Success },
                    module: Some(ready.module),
                    reason: rejected,
                    schema_errors,
                    notes: ready.notes,
                    logs: logs(&lines),
                    ..empty
                }
            }
        }
    }

    /// The verdict in JSON.
    pub fn verdict(&self) -> &'static str {
        match self.exit {
            Exit::Success => "accepted",
            Exit::Failure => "rejected",
            Exit::Invalid | Exit::NotChecked => "not_checked",
        }
    }

    /// The JSON output.
    pub fn json(&self) -> Value {
        json!({
            "path": self.path,
            "kind": self.kind,
            "name": self.name,
            "module": self.module,
            "verdict": self.verdict(),
            "reason": self.reason,
            "schema_errors": self.schema_errors,
            "notes": self.notes,
            "logs": self.logs,
        })
    }
}

/// A Wasm filter in a document, without its module.
#[derive(Debug)]
pub struct Plugin {
    /// Path in the document.
    pub path: String,
    /// Kind: `http filter`, `WasmPlugin`, ...
    pub kind: &'static str,
    /// Name.
    pub name: String,
    /// The filter, unless the proxy rejects it before it loads the module.
    parsed: Result<Parsed, Problem>,
}

impl Plugin {
    /// Returns the configuration, unless the proxy rejects the filter before it reads it.
    pub fn configuration(&self) -> Result<&Configuration, &Problem> {
        self.parsed.as_ref().map(|parsed| &parsed.configuration)
    }

    /// Loads the filter with its module.
    pub fn check(self, inputs: &Inputs) -> Finding {
        let ready = self.parsed.and_then(|parsed| parsed.resolve(inputs));
        Finding::check(self.path, self.kind, self.name, ready)
    }
}

/// Returns the Wasm filters in a document.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    let kind = document["kind"].as_str().unwrap_or_default();
    let group = document["apiVersion"].as_str().unwrap_or_default();
    let group = group.split_once('/').map_or("", |(group, _)| group);
    let mut found = match (kind, group) {
        ("WasmPlugin", istio::GROUP) => vec![istio::wasm_plugin(document)],
        ("WasmPlugin", higress::GROUP) => vec![higress::wasm_plugin(document)],
        ("TrafficExtension", istio::GROUP) => istio::traffic_extension(document).into_iter().collect(),
        ("EnvoyExtensionPolicy", envoy_gateway::GROUP) => envoy_gateway::plugins(document),
        ("WasmPlugin" | "TrafficExtension", _) => vec![unknown(document, kind)],
        _ => envoy::plugins(document),
    };
    found.extend(consul::plugins(document));
    found
}

/// Returns a filter that is not checked, because this version does not know the resource that contains it.
fn unknown(document: &Value, kind: &str) -> Plugin {
    let known =
        [istio::GROUP, higress::GROUP, envoy_gateway::GROUP].map(|group| format!("`{group}/v1alpha1`"));
    let version = document["apiVersion"].as_str().unwrap_or_default();
    let why =
        format!("unknown `apiVersion` `{version}` of a {kind}, expected one of {}", known[..2].join(", "));
    Plugin {
        path: "apiVersion".into(),
        kind: "unknown resource",
        name: metadata(document, "name").unwrap_or_default().into(),
        parsed: Err(Problem::NotChecked(why)),
    }
}

/// Replaces each `List` of Kubernetes by its items, also in other lists.
pub fn flattened(documents: Vec<Value>) -> Vec<Value> {
    let mut flat = Vec::new();
    for mut document in documents {
        let is_list = document["kind"].as_str().is_some_and(|kind| kind.ends_with("List"));
        match document.get_mut("items").map(Value::take) {
            Some(Value::Array(items)) if is_list => flat.append(&mut flattened(items)),
            Some(other) => {
                document["items"] = other;
                flat.push(document);
            }
            None => flat.push(document),
        }
    }
    flat
}

/// The result for a document.
#[derive(Debug)]
pub enum Document {
    /// The filters in it.
    Filters(Vec<Finding>),
    /// It has no filter. Describes the document.
    Skipped(String),
}

/// Checks a document.
pub fn document(document: &Value, inputs: &Inputs) -> Document {
    match plugins(document) {
        none if none.is_empty() => Document::Skipped(describe(document)),
        found => Document::Filters(found.into_iter().map(|plugin| plugin.check(inputs)).collect()),
    }
}

/// Returns a field of the metadata of a Kubernetes resource.
fn metadata<'d>(document: &'d Value, field: &str) -> Option<&'d str> {
    document["metadata"][field].as_str()
}

/// Returns the kind and the name of a document.
pub fn describe(document: &Value) -> String {
    let text = |field: &str| document[field].as_str();
    let name = document["metadata"]["name"].as_str().map(|name| format!(" `{name}`")).unwrap_or_default();
    match text("kind").or(text("@type")) {
        Some(kind) => format!("{kind}{name}"),
        None => "no Wasm filter".into(),
    }
}

/// Reads a value into a type. The error names the field.
fn parse<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Problem> {
    strict::read(value).map_err(|(field, why)| Problem::Invalid { field, why })
}

/// Reads a module.
fn module_bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    crate::plugin::read_module(path).map_err(|why| Problem::NotChecked(format!("{why:#}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_resources_in_lists() {
        let item = |name: &str| json!({"kind": "Service", "metadata": {"name": name}});
        let list =
            json!({"kind": "List", "items": [item("a"), {"kind": "ServiceList", "items": [item("b")]}]});
        let flat = flattened(vec![list, item("c"), json!({"kind": "List"}), json!({"items": [1]})]);
        let names: Vec<_> = flat.iter().map(|document| metadata(document, "name")).collect();
        assert_eq!(names, [Some("a"), Some("b"), Some("c"), None, None]);
        assert_eq!(flat[4], json!({"items": [1]}));
    }
}
