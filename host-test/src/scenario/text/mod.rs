//! Scenarios as YAML or JSON files, to test a module without writing Rust.
//!
//! The fields have the names of [`Scenario`], [`Upstream`](crate::Upstream), [`Answer`](crate::Answer),
//! [`Request`](crate::Request) and [`Settings`](crate::Settings). Requests, and the whole file, also have
//! expectations. An unknown field is an error: otherwise a misspelt expectation would always pass.

mod build;
mod check;
mod each;
mod emulated;
mod expect;
mod file;
mod matchers;
mod number;
mod routes;
mod shown;
pub mod strict;
mod tcp;
mod values;
pub mod yaml;

pub use check::Failure;

use super::{Host, Outcome, Refused, Scenario};
use crate::emulator::{Builder, Emulator};
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
        let directory = path.parent().unwrap_or(Path::new(""));
        let file: ScenarioFile = values::in_directory(directory, || strict::read(value)).map_err(invalid)?;
        let scenario = build::scenario(&file, directory).map_err(invalid)?;
        // It would pass whatever the filters do.
        let filters = file.filters.len() + file.network_filters.len();
        if filters + file.requests.len() + file.connections.len() == 0 {
            return Err(invalid(("requests".into(), "expected at least one request, or a filter".into())));
        }
        Ok(Self { file, scenario })
    }

    /// Returns the scenario to run.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// Returns the field that a host does not support, and the reason, if there is one.
    pub fn unsupported(&self, host: Host) -> Option<String> {
        let native = self.file.filters.iter().position(|filter| filter.native.is_some());
        let http2 = self.file.requests.iter().position(|request| request.http2);
        match (host, native, http2) {
            (Host::Emulator, Some(i), _) => {
                Some(format!("`filters[{i}].native`: only Envoy has this filter, run the scenario on Envoy"))
            }
            (Host::Emulator, None, Some(i)) => Some(format!(
                "`requests[{i}].http2`: only Envoy has HTTP/2 clients, run the scenario on Envoy"
            )),
            (Host::Envoy, ..) if !self.file.emulator.is_empty() => {
                Some("`emulator`: only the emulator has these options, run the scenario on it".into())
            }
            _ => None,
        }
    }

    /// Returns the expectations that a host cannot check.
    pub fn unchecked(&self, host: Host) -> Vec<&'static str> {
        let expect = &self.file.expect;
        let all = [
            ("expect.host_calls", expect.host_calls.is_empty()),
            ("expect.instructions", expect.instructions.is_empty()),
        ];
        let set = all.into_iter().filter(|(_, empty)| !empty && host == Host::Envoy);
        set.map(|(name, _)| name).collect()
    }

    /// Returns the emulator of the scenario, with its options. It counts instructions if the file has
    /// expectations of them.
    pub fn emulator(&self) -> Builder {
        let builder = self.file.emulator.apply(Emulator::builder(&self.scenario));
        if self.file.expect.instructions.is_empty() { builder } else { builder.metered() }
    }

    /// Whether the proxy is expected to reject the filters.
    pub fn expects_refusal(&self) -> bool {
        self.file.expect.refused
    }

    /// Returns the expectations that the outcome does not meet, of those that `host` can check. If the proxy
    /// rejects the filters unexpectedly, that is the only failure.
    pub fn check(&self, host: Host, outcome: &Result<Outcome, Refused>) -> Vec<Failure> {
        check::check(&self.file, host, outcome)
    }

    /// Returns the JSON Schema of scenario files.
    pub fn schema() -> serde_json::Value {
        schemars::schema_for!(ScenarioFile).to_value()
    }
}

#[cfg(test)]
mod tests;
