//! Finds the Wasm filters in configurations, and loads each module with its configuration.
//!
//! A file is a list of documents. A WasmPlugin is one filter. In all other documents, such as a bootstrap, a
//! listener, an ECDS resource or an EnvoyFilter, filters are found by their `@type` at any depth.

pub mod envoy;
pub mod istio;
mod modules;

pub use modules::Modules;

use crate::plugin::{LoadResult, Place, misplaced, try_load};
use crate::report::{Exit, logs};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::NamedTempFile;
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
    /// Something is not available here. The text names it, and the option that provides it.
    NotChecked(String),
}

impl Problem {
    /// An invalid field.
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), why: why.into() }
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
    pub fn check(path: String, kind: &'static str, name: String, ready: Result<Ready, Problem>) -> Self {
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
            Err(Problem::NotChecked(why)) => Self { exit: Exit::NotChecked, reason: Some(why), ..empty },
            Err(Problem::Invalid { field, why }) => {
                let field = [path, field].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(".");
                Self { reason: Some(format!("`{field}`: {why}")), ..empty }
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
    /// Name.
    pub name: String,
    /// Configuration, unless the proxy rejects the filter before it reads it.
    pub configuration: Result<Configuration, Problem>,
}

/// Returns the Wasm filters in a document.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    if istio::is_wasm_plugin(document) { vec![istio::plugin(document)] } else { envoy::plugins(document) }
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
    if istio::is_wasm_plugin(document) {
        return Document::Filters(vec![istio::check(document, inputs)]);
    }
    let found = envoy::check(document, inputs);
    if !found.is_empty() {
        return Document::Filters(found);
    }
    Document::Skipped(describe(document))
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

/// Deserializes a message and rejects unknown fields. The error names the field.
pub fn parse_strict<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { String::new() } else { field };
        Problem::Invalid { field, why: error.into_inner().to_string() }
    })
}

/// Reads a module.
pub fn module_bytes(path: &Path) -> Result<Vec<u8>, Problem> {
    crate::plugin::read_module(path).map_err(|why| Problem::NotChecked(format!("{why:#}")))
}
