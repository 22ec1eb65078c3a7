//! Scenarios as text, for those who have a module and no Rust.
//!
//! The words are those of [`Scenario`], [`Upstream`](crate::Upstream), [`Answer`](crate::Answer),
//! [`Request`](crate::Request) and [`Settings`](crate::Settings), with expectations beside what they are about. A
//! field that is not known is an error: an expectation that is misspelt would hold for ever.

mod build;
mod check;
mod expect;
mod file;
mod values;
pub mod yaml;

pub use check::Failure;

use super::{Outcome, Refused, Scenario};
use file::ScenarioFile;
use std::path::{Path, PathBuf};

/// A scenario with its expectations.
#[derive(Debug)]
pub struct ScenarioText {
    file: ScenarioFile,
    scenario: Scenario,
}

/// Why a text is no scenario.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// It cannot be read, or is not YAML.
    #[error("`{path}`: {why}", path = path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// A field is unknown, missing, or has a value that makes no sense.
    #[error("`{path}`: `{field}`: {why}", path = path.display())]
    Field {
        /// The file.
        path: PathBuf,
        /// Where: `requests[0].expect.status`.
        field: String,
        /// What is wrong with it.
        why: String,
    },
}

impl ScenarioText {
    /// Reads a scenario from a file. The modules that it names are relative to the file.
    ///
    /// # Errors
    /// The file cannot be read or is no scenario, a module is missing, or a package does not build.
    pub fn read(path: &Path) -> Result<Self, TextError> {
        let unreadable = |why| TextError::Unreadable { path: path.into(), why };
        let text = yaml::read(path).map_err(unreadable)?;
        Self::parse(&text, path)
    }

    /// The same of a text; `path` is where it would be.
    ///
    /// # Errors
    /// As [`ScenarioText::read`].
    pub fn parse(text: &str, path: &Path) -> Result<Self, TextError> {
        let unreadable = |why| TextError::Unreadable { path: path.into(), why };
        let value = yaml::document(text, yaml::Dialect::V1_2).map_err(unreadable)?;
        let file: ScenarioFile = serde_path_to_error::deserialize(value).map_err(|error| {
            let field = error.path().to_string();
            TextError::Field { path: path.into(), field, why: error.into_inner().to_string() }
        })?;
        let scenario = build::scenario(&file, path.parent().unwrap_or(Path::new("")))
            .map_err(|(field, why)| TextError::Field { path: path.into(), field, why })?;
        Ok(Self { file, scenario })
    }

    /// What to run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Whether it expects that the proxy refuses its filters.
    pub fn expects_refusal(&self) -> bool {
        self.file.expect.refused
    }

    /// What did not come as expected; nothing, if all is well. A proxy that refuses the filters, unexpectedly, is one
    /// failure, and nothing else is looked at.
    pub fn check(&self, outcome: &Result<Outcome, Refused>) -> Vec<Failure> {
        check::check(&self.file, outcome)
    }

    /// The JSON Schema of such texts.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(ScenarioFile).to_value()
    }
}

#[cfg(test)]
mod tests;
