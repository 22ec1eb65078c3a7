//! Finding Wasm filters in configurations, and trying each on its own module.
//!
//! A file is a list of documents. In a WasmPlugin the filter is where Istio has it; in anything else, be it a
//! bootstrap, a listener, an ECDS resource or an EnvoyFilter, filters are found by their `@type`, however deep.

pub mod envoy;
pub mod istio;
mod modules;

pub use modules::Modules;

use crate::plugin::{Tried, try_out};
use crate::report::{Exit, logs};
use serde_json::{Value, json};
use std::path::Path;
use tempfile::NamedTempFile;
use tollgate_host_test::Filter;

/// What the proxy of the configuration has, and this machine may not.
#[derive(Debug)]
pub struct Surroundings {
    /// The modules that were named.
    pub modules: Modules,
    /// The environment of the proxy.
    pub env: Vec<(String, String)>,
}

/// A filter that can be tried.
#[derive(Debug)]
pub struct Ready {
    /// What to load.
    pub filter: Filter,
    /// The module, as a reader would name it.
    pub module: String,
    /// What is not as it would be in the proxy.
    pub notes: Vec<String>,
    /// Holds the module of `filter` if it was in the configuration itself.
    pub _inline: Option<NamedTempFile>,
}

/// Why a filter cannot be tried.
#[derive(Debug, PartialEq, Eq)]
pub enum Problem {
    /// The configuration around it is wrong, and refused before any module is loaded.
    Invalid {
        /// The field, relative to the filter's.
        field: String,
        /// What is wrong with it.
        why: String,
    },
    /// Something is not at hand. This says what, and how to give it.
    NotTried(String),
}

impl Problem {
    /// A field is wrong.
    pub fn invalid(field: &str, why: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), why: why.into() }
    }
}

/// What came of one filter.
#[derive(Debug)]
pub struct Finding {
    /// Where it is in the document.
    pub at: String,
    /// What it is: `http filter`, `WasmPlugin`, ...
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// Its module.
    pub module: Option<String>,
    /// What comes of it.
    pub exit: Exit,
    /// Why, if it is not taken.
    pub reason: Option<String>,
    /// Where the configuration goes against the module's schema.
    pub places: Vec<String>,
    /// What is not as it would be in the proxy.
    pub notes: Vec<String>,
    /// What the module logged.
    pub logs: Vec<Value>,
}

impl Finding {
    /// Tries a filter.
    pub fn of(at: String, kind: &'static str, name: String, ready: Result<Ready, Problem>) -> Self {
        let empty = Self {
            at: at.clone(),
            kind,
            name,
            module: None,
            exit: Exit::No,
            reason: None,
            places: Vec::new(),
            notes: Vec::new(),
            logs: Vec::new(),
        };
        match ready {
            Err(Problem::NotTried(why)) => Self { exit: Exit::NotTried, reason: Some(why), ..empty },
            Err(Problem::Invalid { field, why }) => {
                let place = [at, field].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(".");
                Self { reason: Some(format!("`{place}`: {why}")), ..empty }
            }
            Ok(ready) => {
                let Tried { refused, places, logs: lines } = try_out(&ready.filter);
                Self {
                    exit: if refused.is_some() { Exit::No } else { Exit::Yes },
                    module: Some(ready.module),
                    reason: refused,
                    places,
                    notes: ready.notes,
                    logs: logs(&lines),
                    ..empty
                }
            }
        }
    }

    /// One word for it.
    pub fn verdict(&self) -> &'static str {
        match self.exit {
            Exit::Yes => "accepted",
            Exit::No => "refused",
            Exit::Unusable | Exit::NotTried => "not_tried",
        }
    }

    /// For machines.
    pub fn json(&self) -> Value {
        json!({
            "at": self.at,
            "kind": self.kind,
            "name": self.name,
            "module": self.module,
            "verdict": self.verdict(),
            "reason": self.reason,
            "places": self.places,
            "notes": self.notes,
            "logs": self.logs,
        })
    }
}

/// What came of a document.
#[derive(Debug)]
pub enum Document {
    /// It has these.
    Filters(Vec<Finding>),
    /// It has none; this is what it is.
    Skipped(String),
}

/// Checks a document.
pub fn document(document: &Value, around: &Surroundings) -> Document {
    if istio::is_wasm_plugin(document) {
        return Document::Filters(vec![istio::check(document, around)]);
    }
    let found = envoy::check(document, around);
    if !found.is_empty() {
        return Document::Filters(found);
    }
    let text = |field: &str| document[field].as_str();
    let name = document["metadata"]["name"].as_str().map(|name| format!(" `{name}`")).unwrap_or_default();
    Document::Skipped(match text("kind").or(text("@type")) {
        Some(kind) => format!("{kind}{name}"),
        None => "no Wasm filter".into(),
    })
}

/// A message, read strictly. The error names the field.
pub fn strictly<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let field = error.path().to_string();
        let field = if field == "." { String::new() } else { field };
        Problem::Invalid { field, why: error.into_inner().to_string() }
    })
}

/// A module's file, unless it cannot be read.
pub fn readable(path: &Path) -> Result<Vec<u8>, Problem> {
    crate::plugin::read_module(path).map_err(|why| Problem::NotTried(format!("{why:#}")))
}
