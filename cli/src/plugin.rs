//! A module and its configuration, given on the command line, and how to load it.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::scenario::text::yaml;
use tollgate_host_test::{Configuration, Filter, LogLevel, LogLine, Scenario, Wasm};
use tollgate_pack::{Error, abi, inspect};

/// Callbacks that are in no version of the ABI. Envoy calls them for DNS resolution and for stats sinks.
const ENVOY_ONLY: [&str; 2] = ["envoy_on_resolve_dns", "envoy_on_stats_update"];

/// Whether Envoy calls a function with this name.
pub fn is_callback(name: &str) -> bool {
    abi::callback(name).is_some() || ENVOY_ONLY.contains(&name)
}

/// Whether Envoy calls a function with this name for an event. A module without such a function does nothing.
pub fn is_event(name: &str) -> bool {
    abi::is_event(name) || ENVOY_ONLY.contains(&name)
}

/// The largest modules that we know have 2 MB.
const MAX_MODULE: u64 = 256 << 20;

/// Arguments for a module and its configuration.
#[derive(Debug, Args)]
pub struct PluginArgs {
    /// Module to load
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
    /// File with its configuration. YAML (.yaml, .yml) is converted to JSON as Istio does; other files are
    /// passed unchanged
    #[arg(long, value_name = "FILE", requires = "wasm", conflicts_with = "config_text")]
    pub config: Option<PathBuf>,
    /// Text of its configuration, passed unchanged
    #[arg(long, value_name = "TEXT", requires = "wasm")]
    pub config_text: Option<String>,
    /// File with the configuration of the VM, read like --config
    #[arg(long, value_name = "FILE", requires = "wasm")]
    pub vm_config: Option<PathBuf>,
    /// Environment variable: of the VM with --wasm, otherwise of the proxy, for configurations that pass it
    /// to the VM
    #[arg(long, value_name = "K=V", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// `PluginConfig.name`; default: the name of the module
    #[arg(long, requires = "wasm")]
    pub name: Option<String>,
    /// `PluginConfig.root_id`, in Istio `pluginName`
    #[arg(long, requires = "wasm")]
    pub root_id: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("expected K=V".into()),
    }
}

impl PluginArgs {
    /// Returns the filter that `--wasm` names, if given.
    pub fn filter(&self) -> Result<Option<Filter>> {
        let Some(path) = &self.wasm else {
            // clap does not check `requires = "wasm"` where `--wasm` conflicts with another argument that is
            // given.
            let given = [
                ("--config", self.config.is_some()),
                ("--config-text", self.config_text.is_some()),
                ("--vm-config", self.vm_config.is_some()),
                ("--name", self.name.is_some()),
                ("--root-id", self.root_id.is_some()),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => bail!("`{name}` requires `--wasm`"),
                None => Ok(None),
            };
        };
        read_module(path)?;
        let mut filter = Filter::new(Wasm::file(path));
        filter.configuration = match (&self.config, &self.config_text) {
            (Some(path), _) => Configuration::Text(read_config(path)?),
            (None, Some(text)) => Configuration::Text(text.clone().into_bytes()),
            (None, None) => Configuration::None,
        };
        if let Some(path) = &self.vm_config {
            filter.vm_configuration = read_config(path)?;
        }
        filter.environment.clone_from(&self.env);
        filter.name = self.name.clone().unwrap_or(filter.name);
        filter.root_id = self.root_id.clone().unwrap_or_default();
        Ok(Some(filter))
    }
}

/// Reads a module.
pub fn read_module(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("`{}`", path.display());
    let size = fs::metadata(path).with_context(context)?;
    if !size.is_file() {
        bail!("`{}`: not a file", path.display());
    }
    if size.len() > MAX_MODULE {
        bail!("`{}`: {} bytes, expected at most {MAX_MODULE}", path.display(), size.len());
    }
    fs::read(path).with_context(context)
}

fn read_config(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("`{}`", path.display());
    if path.extension().is_none_or(|e| e != "yaml" && e != "yml") {
        let size = fs::metadata(path).with_context(context)?.len();
        if size > yaml::MAX_BYTES {
            bail!("`{}`: {size} bytes, expected at most {}", path.display(), yaml::MAX_BYTES);
        }
        return fs::read(path).with_context(context);
    }
    let value = yaml::read(path).and_then(|text| yaml::document(&text, yaml::Dialect::V1_1));
    let value = value.map_err(anyhow::Error::msg).with_context(context)?;
    Ok(istio_json(value).to_string().into_bytes())
}

/// Converts a `pluginConfig` as Istio does: to a `google.protobuf.Struct` and back to JSON, so that every
/// number passes through a double (istio, `pilot/pkg/model/extensions.go`).
pub fn istio_json(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap_or_default();
            // A whole number in the range of i64 is written without exponent or fraction.
            let whole = double.fract() == 0.0 && double.abs() < 9.2e18;
            if whole { Value::from(double as i64) } else { Value::from(double) }
        }
        Value::Array(items) => items.into_iter().map(istio_json).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, istio_json(v))).collect(),
        other => other,
    }
}

/// The result of loading and configuring a filter.
#[derive(Debug)]
pub struct LoadResult {
    /// Why the filter was rejected. `None` if it was accepted.
    pub rejected: Option<String>,
    /// Errors of the configuration against the JSON Schema in the module. Empty if the module accepted the
    /// configuration, because the module decides.
    pub schema_errors: Vec<String>,
    /// Log lines of the filter and the host.
    pub logs: Vec<LogLine>,
}

/// Loads and configures a filter as Envoy does: in a canary VM, on the main thread and on a worker. The
/// module must be readable.
pub fn try_load(filter: &Filter) -> LoadResult {
    let scenario = Scenario::new().filter(filter.clone()).settings(|s| s.log_level = LogLevel::Trace);
    match Emulator::new(&scenario) {
        Ok(emulator) => LoadResult {
            rejected: has_no_callback(filter).then(|| Error::NoCallbacks.to_string()),
            schema_errors: Vec::new(),
            logs: emulator.logs().to_vec(),
        },
        Err(refused) => LoadResult {
            rejected: Some(refused.reason),
            schema_errors: schema_errors(filter).unwrap_or_default(),
            logs: refused.logs,
        },
    }
}

/// Whether a module that was loaded exports no callback for an event.
fn has_no_callback(filter: &Filter) -> bool {
    exports(filter).is_some_and(|names| !names.iter().any(|name| is_event(name)))
}

/// Where the proxy calls a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// On HTTP requests.
    Http,
    /// On TCP connections.
    Network,
    /// As an access logger, a stats sink or a service.
    Other,
}

/// Returns why a filter does nothing in its place: the proxy loads it, but calls none of its callbacks.
pub fn misplaced(filter: &Filter, place: Place) -> Option<String> {
    let names = exports(filter)?;
    let calls = |prefixes: &[&str]| names.iter().any(|name| prefixes.iter().any(|p| name.starts_with(p)));
    let http = calls(&["proxy_on_request_", "proxy_on_response_"]);
    let network = calls(&["proxy_on_new_connection", "proxy_on_downstream_", "proxy_on_upstream_"]);
    match place {
        Place::Http if network && !http => Some(
            "exports only callbacks for TCP connections, so every request would pass: load it as a network filter"
                .into(),
        ),
        Place::Network if http && !network => Some(
            "exports only callbacks for HTTP, so every connection would pass: load it as an HTTP filter".into(),
        ),
        _ => None,
    }
}

fn exports(filter: &Filter) -> Option<Vec<String>> {
    Some(inspect(&fs::read(filter.wasm.path()).ok()?).ok()?.functions)
}

/// Validates a configuration against the JSON Schema in the module. `None` if the module has no schema, or
/// the configuration is not JSON.
fn schema_errors(filter: &Filter) -> Option<Vec<String>> {
    let module = inspect(&fs::read(filter.wasm.path()).ok()?).ok()?;
    let validator = jsonschema::validator_for(&module.manifest?.schema?).ok()?;
    let config: Value = match &filter.configuration {
        Configuration::Text(text) => serde_json::from_slice(text).ok()?,
        Configuration::Struct(value) => value.clone(),
        Configuration::None => return None,
    };
    let describe = |error: jsonschema::ValidationError<'_>| match error.instance_path().to_string() {
        root if root.is_empty() => error.to_string(),
        path => format!("{path}: {error}"),
    };
    Some(validator.iter_errors(&config).map(describe).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn istio_converts_numbers_to_doubles() {
        let seen =
            istio_json(json!({"a": [1.0, 1.5, 9_007_199_254_740_993_u64, -0.0], "b": "1.0", "c": 1e300}));
        assert_eq!(seen.to_string(), r#"{"a":[1,1.5,9007199254740992,0],"b":"1.0","c":1e+300}"#);
    }
}
