//! Scenarios as YAML or JSON files, to test a module without writing Rust.
//!
//! The fields have the names of [`Scenario`], [`Upstream`](crate::Upstream), [`Answer`](crate::Answer),
//! [`Request`](crate::Request) and [`Settings`](crate::Settings). Requests, and the whole file, also have
//! expectations. An unknown field is an error: otherwise a misspelt expectation would always pass.

mod build;
mod check;
mod expect;
mod file;
pub mod strict;
mod values;
pub mod yaml;

pub use check::Failure;

use super::{Outcome, Refused, Scenario};
use file::ScenarioFile;
use std::path::{Path, PathBuf};

/// A scenario file: a scenario with its expectations.
#[derive(Debug)]
pub struct ScenarioText {
    file: ScenarioFile,
    scenario: Scenario,
}

/// A scenario file cannot be read, or is invalid.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The file cannot be read, or is not YAML.
    #[error("`{path}`: {why}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The problem.
        why: String,
    },
    /// A field is unknown, missing, or has an invalid value.
    #[error("`{path}`: `{field}`: {why}", path = path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Path of the field, such as `requests[0].expect.status`.
        field: String,
        /// The problem.
        why: String,
    },
}

impl ScenarioText {
    /// Reads a scenario from a file. Paths of modules in it are relative to the file.
    ///
    /// # Errors
    /// The file cannot be read or is not a valid scenario, a module is missing, or a package does not build.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        let unreadable = |why| TextError::Unreadable { path: path.into(), why };
        let text = yaml::read(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    /// Reads a scenario from text. Paths of modules in it are relative to the file `path`, which need not
    /// exist.
    ///
    /// # Errors
    /// As [`ScenarioText::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, TextError> {
        let unreadable = |why| TextError::Unreadable { path: path.into(), why };
        let value = yaml::document(text, yaml::Dialect::V1_2).map_err(unreadable)?;
        let invalid = |(field, why): (String, String)| {
            let field = if field.is_empty() { ".".into() } else { field };
            TextError::Field { path: path.into(), field, why }
        };
        let file: ScenarioFile = strict::read(value).map_err(invalid)?;
        let scenario = build::scenario(&file, path.parent().unwrap_or(Path::new(""))).map_err(invalid)?;
        // It would pass whatever the filters do.
        if file.filters.is_empty() && file.requests.is_empty() {
            return Err(invalid(("requests".into(), "expected at least one request, or a filter".into())));
        }
        Ok(Self { file, scenario })
    }

    /// Returns the scenario to run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Whether the proxy is expected to reject the filters.
    pub fn expects_refusal(&self) -> bool {
        self.file.expect.refused
    }

    /// Returns the expectations that the outcome does not meet. If the proxy rejects the filters
    /// unexpectedly, that is the only failure.
    pub fn check(&self, outcome: &Result<Outcome, Refused>) -> Vec<Failure> {
        check::check(&self.file, outcome)
    }

    /// Returns the JSON Schema of scenario files.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(ScenarioFile).to_value()
    }
}

#[cfg(test)]
mod tests;
