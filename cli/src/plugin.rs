//! One module with its configuration on the command line, and what comes of trying it.

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use tollgate_host_test::emulator::Emulator;
use tollgate_host_test::scenario::text::yaml;
use tollgate_host_test::{Configuration, Filter, LogLevel, LogLine, Scenario, Wasm};

/// The larger ones that we know have 2 MB.
const MAX_MODULE: u64 = 256 << 20;

/// A module and its configuration.
#[derive(Debug, Args)]
pub struct PluginArgs {
    /// The module
    #[arg(long, value_name = "FILE")]
    pub wasm: Option<PathBuf>,
    /// Its configuration: YAML (.yaml, .yml) is turned into JSON as Istio does, anything else is handed over as it is
    #[arg(long, value_name = "FILE", requires = "wasm", conflicts_with = "config_text")]
    pub config: Option<PathBuf>,
    /// Its configuration, as it is
    #[arg(long, value_name = "TEXT", requires = "wasm")]
    pub config_text: Option<String>,
    /// The configuration of the VM, as --config
    #[arg(long, value_name = "FILE", requires = "wasm")]
    pub vm_config: Option<PathBuf>,
    /// An environment variable: of the VM with --wasm, else of the host for configurations that pass it on
    #[arg(long, value_name = "K=V", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// `PluginConfig.name`; the module's name if not given
    #[arg(long, requires = "wasm")]
    pub name: Option<String>,
    /// `PluginConfig.root_id`, which is Istio's `pluginName`
    #[arg(long, requires = "wasm")]
    pub root_id: Option<String>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.into(), value.into())),
        _ => Err("is not K=V".into()),
    }
}

impl PluginArgs {
    /// The filter that was asked for, if one was.
    pub fn filter(&self) -> Result<Option<Filter>> {
        let Some(path) = &self.wasm else {
            // clap leaves this out where `--wasm` could not be added.
            let given = [
                ("--config", self.config.is_some()),
                ("--config-text", self.config_text.is_some()),
                ("--vm-config", self.vm_config.is_some()),
                ("--name", self.name.is_some()),
                ("--root-id", self.root_id.is_some()),
            ];
            return match given.into_iter().find(|(_, given)| *given) {
                Some((name, _)) => bail!("`{name}` goes with `--wasm`"),
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

/// A module's bytes.
pub fn read_module(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("`{}`", path.display());
    let size = fs::metadata(path).with_context(context)?;
    if !size.is_file() {
        bail!("`{}`: is not a file", path.display());
    }
    if size.len() > MAX_MODULE {
        bail!("`{}`: has {} bytes, more than {MAX_MODULE}", path.display(), size.len());
    }
    fs::read(path).with_context(context)
}

fn read_config(path: &Path) -> Result<Vec<u8>> {
    let context = || format!("`{}`", path.display());
    if path.extension().is_none_or(|e| e != "yaml" && e != "yml") {
        let size = fs::metadata(path).with_context(context)?.len();
        if size > yaml::MAX_BYTES {
            bail!("`{}`: has more than {} bytes", path.display(), yaml::MAX_BYTES);
        }
        return fs::read(path).with_context(context);
    }
    let value = yaml::read(path).and_then(|text| yaml::document(&text, yaml::Dialect::V1_1));
    let value = value.map_err(anyhow::Error::msg).with_context(context)?;
    Ok(as_istio_does(value).to_string().into_bytes())
}

/// Istio carries `pluginConfig` as a `google.protobuf.Struct` and writes it out as JSON text: every number has been a
/// double in between (istio, `pilot/pkg/model/extensions.go`).
pub fn as_istio_does(value: Value) -> Value {
    match value {
        Value::Number(number) => {
            let double = number.as_f64().unwrap_or_default();
            // Exactly representable, and so written without exponent or fraction.
            let whole = double.fract() == 0.0 && double.abs() < 9.2e18;
            if whole { Value::from(double as i64) } else { Value::from(double) }
        }
        Value::Array(items) => items.into_iter().map(as_istio_does).collect(),
        Value::Object(fields) => fields.into_iter().map(|(k, v)| (k, as_istio_does(v))).collect(),
        other => other,
    }
}

/// What came of loading and configuring a filter.
#[derive(Debug)]
pub struct Tried {
    /// Why it was refused, if it was.
    pub refused: Option<String>,
    /// Where its configuration goes against the schema that the module carries. Empty if it was not refused: the
    /// module is the authority.
    pub places: Vec<String>,
    /// What was logged.
    pub logs: Vec<LogLine>,
}

/// Loads and configures a filter as Envoy does: in a canary, on the main thread, on a worker. The module is readable.
pub fn try_out(filter: &Filter) -> Tried {
    let scenario = Scenario::new().filter(filter.clone()).settings(|s| s.log_level = LogLevel::Trace);
    match Emulator::new(&scenario) {
        Ok(emulator) => Tried { refused: None, places: Vec::new(), logs: emulator.logs().to_vec() },
        Err(refused) => Tried {
            refused: Some(refused.reason),
            places: places(filter).unwrap_or_default(),
            logs: refused.logs,
        },
    }
}

/// Where a configuration goes against the module's own schema; none if it carries none, or the text is not JSON.
fn places(filter: &Filter) -> Option<Vec<String>> {
    let module = tollgate_pack::inspect(&fs::read(filter.wasm.path()).ok()?).ok()?;
    let validator = jsonschema::validator_for(&module.manifest?.schema?).ok()?;
    let config: Value = match &filter.configuration {
        Configuration::Text(text) => serde_json::from_slice(text).ok()?,
        Configuration::Struct(value) => value.clone(),
        Configuration::None => return None,
    };
    let place = |error: jsonschema::ValidationError<'_>| match error.instance_path().to_string() {
        root if root.is_empty() => error.to_string(),
        path => format!("{path}: {error}"),
    };
    Some(validator.iter_errors(&config).map(place).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn numbers_have_been_doubles() {
        let seen =
            as_istio_does(json!({"a": [1.0, 1.5, 9_007_199_254_740_993_u64, -0.0], "b": "1.0", "c": 1e300}));
        assert_eq!(seen.to_string(), r#"{"a":[1,1.5,9007199254740992,0],"b":"1.0","c":1e+300}"#);
    }
}
