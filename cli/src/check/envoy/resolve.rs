//! Converts a `PluginConfig` to a filter that can be loaded: finds its module and unwraps its configuration.

use super::any;
use super::plugin_config::{
    AsyncDataSource, CapabilityRestriction, DataSource, EnvironmentVariables, FailurePolicy as Policy,
    PluginConfig, ReloadConfig, RemoteDataSource,
};
use crate::check::modules::sha256;
use crate::check::{Inputs, Modules, Problem, Ready, module_bytes};
use crate::plugin::Place;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;
use tollgate_host_test::{Configuration, FailurePolicy, Filter, Wasm};

/// Converts a `PluginConfig`. Errors name fields relative to the message that contains it.
pub fn resolve(config: PluginConfig, place: Place, inputs: &Inputs) -> Result<Ready, Problem> {
    let at = |field: &str| format!("config.{field}");
    let vm = config.vm_config.ok_or_else(|| Problem::invalid(&at("vm_config"), "missing required field"))?;
    let mut notes = Vec::new();
    runtime(&at("vm_config.runtime"), vm.runtime.as_deref().unwrap_or_default())?;
    let failure_policy = failure_policy(config.fail_open, config.failure_policy)?;
    if let Some(reload) = &config.reload_config {
        check_reload(&at("reload_config.backoff"), reload)?;
    }
    let configuration = match &config.configuration {
        Some(any) => any::configuration(&at("configuration"), any)?,
        None => Configuration::None,
    };
    let vm_configuration = match &vm.configuration {
        Some(any) => any::configuration(&at("vm_config.configuration"), any)?,
        None => Configuration::None,
    };
    let vm_configuration = match vm_configuration {
        Configuration::None => Vec::new(),
        Configuration::Text(bytes) => bytes,
        Configuration::Struct(_) => {
            let why = "`config.vm_config.configuration`: cannot serialise a Struct, only Envoy can";
            return Err(Problem::NotChecked(why.into()));
        }
    };
    let environment = environment(
        &at("vm_config.environment_variables"),
        vm.environment_variables.unwrap_or_default(),
        inputs,
        &mut notes,
    )?;
    let restricted = |c: &Option<CapabilityRestriction>| {
        c.as_ref().and_then(|c| c.allowed_capabilities.as_ref()).is_some_and(|allowed| !allowed.is_empty())
    };
    if restricted(&config.capability_restriction_config) || restricted(&vm.capability_restriction_config) {
        notes.push("checked without its capability restriction".into());
    }
    let code = vm.code.ok_or_else(|| Problem::invalid(&at("vm_config.code"), "missing required field"))?;
    let module = module(&at("vm_config.code"), code, inputs)?;
    let mut filter = Filter::new(Wasm::file(module.path()));
    filter.name = config.name.unwrap_or_default();
    filter.root_id = config.root_id.unwrap_or_default();
    filter.vm_id = vm.vm_id.unwrap_or_default();
    filter.configuration = configuration;
    filter.vm_configuration = vm_configuration;
    filter.failure_policy = failure_policy;
    filter.allow_on_headers_stop_iteration = config.allow_on_headers_stop_iteration.unwrap_or_default();
    filter.environment = environment;
    Ok(match module {
        Module::File(path) => {
            Ready { filter, module: path.display().to_string(), place, notes, _inline: None }
        }
        Module::Inline(file) => Ready { filter, module: "inline".into(), place, notes, _inline: Some(file) },
    })
}

/// Envoy's releases support V8 and, for filters that are compiled into Envoy, `null`.
fn runtime(field: &str, name: &str) -> Result<(), Problem> {
    match name {
        "" | "envoy.wasm.runtime.v8" => Ok(()),
        "envoy.wasm.runtime.null" => Err(Problem::NotChecked(
            "no module to load: `envoy.wasm.runtime.null` runs code that is compiled into Envoy".into(),
        )),
        "envoy.wasm.runtime.wasmtime" | "envoy.wasm.runtime.wamr" | "envoy.wasm.runtime.wavm" => {
            Err(Problem::invalid(
                field,
                format!(
                    "unsupported runtime `{name}`; Envoy's releases only support `envoy.wasm.runtime.v8`"
                ),
            ))
        }
        other => Err(Problem::invalid(
            field,
            format!("unsupported runtime `{other}`; only `envoy.wasm.runtime.v8` is supported"),
        )),
    }
}

fn failure_policy(fail_open: Option<bool>, policy: Option<Policy>) -> Result<FailurePolicy, Problem> {
    match (fail_open.unwrap_or_default(), policy.unwrap_or(Policy::Unspecified)) {
        // Envoy, `source/extensions/common/wasm/wasm.cc`, PluginConfig's constructor.
        (true, policy) if policy != Policy::Unspecified => {
            Err(Problem::invalid("config.failure_policy", "cannot be set together with `fail_open`"))
        }
        (true, _) | (_, Policy::FailOpen) => Ok(FailurePolicy::FailOpen),
        (_, Policy::FailReload) => Ok(FailurePolicy::FailReload),
        (_, Policy::FailClosed | Policy::Unspecified) => Ok(FailurePolicy::FailClosed),
    }
}

fn check_reload(field: &str, reload: &ReloadConfig) -> Result<(), Problem> {
    let Some(backoff) = &reload.backoff else { return Ok(()) };
    for (name, duration) in
        [("base_interval", &backoff.base_interval), ("max_interval", &backoff.max_interval)]
    {
        if let Some(text) = duration {
            check_duration(&format!("{field}.{name}"), text)?;
        }
    }
    Ok(())
}

/// Checks a duration such as `1.5s`; seconds are the only unit in protobuf's JSON.
fn check_duration(field: &str, text: &str) -> Result<(), Problem> {
    let seconds = text.strip_suffix('s').filter(|number| !number.is_empty());
    let fits = seconds
        .is_some_and(|n| n.bytes().all(|b| b.is_ascii_digit() || b == b'.') && n.parse::<f64>().is_ok());
    if fits {
        Ok(())
    } else {
        Err(Problem::invalid(field, format!("invalid duration `{text}`, expected seconds such as `1.5s`")))
    }
}

fn environment(
    field: &str,
    variables: EnvironmentVariables,
    inputs: &Inputs,
    notes: &mut Vec<String>,
) -> Result<Vec<(String, String)>, Problem> {
    let mut environment: Vec<_> = variables.key_values.unwrap_or_default().into_iter().collect();
    for (i, name) in variables.host_env_keys.unwrap_or_default().into_iter().enumerate() {
        if environment.iter().any(|(other, _)| *other == name) {
            let why = format!("duplicate variable `{name}`");
            return Err(Problem::invalid(&format!("{field}.host_env_keys[{i}]"), why));
        }
        // Envoy omits a variable that the host does not have (Envoy,
        // `source/extensions/common/wasm/plugin.cc`).
        match inputs.env.iter().find(|(known, _)| *known == name) {
            Some(variable) => environment.push(variable.clone()),
            None => notes.push(format!(
                "checked without the proxy's variable `{name}`; set it with --env {name}=VALUE"
            )),
        }
    }
    Ok(environment)
}

enum Module {
    File(PathBuf),
    Inline(NamedTempFile),
}

impl Module {
    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Inline(file) => file.path(),
        }
    }
}

fn module(field: &str, code: AsyncDataSource, inputs: &Inputs) -> Result<Module, Problem> {
    match (code.local, code.remote) {
        (Some(local), None) => self::local(&format!("{field}.local"), local, inputs),
        (None, Some(remote)) => self::remote(&format!("{field}.remote"), remote, inputs),
        _ => Err(Problem::invalid(field, "expected exactly one of `local`, `remote`")),
    }
}

fn local(field: &str, source: DataSource, inputs: &Inputs) -> Result<Module, Problem> {
    match (source.filename, source.inline_bytes, source.inline_string, source.environment_variable) {
        (Some(name), None, None, None) => {
            let path = inputs.modules.find(&name, None).unwrap_or_else(|| PathBuf::from(&name));
            match module_bytes(&path) {
                Ok(_) => Ok(Module::File(path)),
                Err(Problem::NotChecked(why)) => Err(Problem::NotChecked(format!(
                    "{why}; name a local file with {}",
                    Modules::hint(&name)
                ))),
                Err(other) => Err(other),
            }
        }
        (None, Some(base64), None, None) => {
            let bytes = any::base64(&base64);
            let bytes =
                bytes.ok_or_else(|| Problem::invalid(&format!("{field}.inline_bytes"), "invalid base64"))?;
            inline(&bytes)
        }
        (None, None, Some(text), None) => inline(text.as_bytes()),
        (None, None, None, Some(name)) => {
            Err(Problem::NotChecked(format!("module is in the proxy's environment variable `{name}`")))
        }
        _ => Err(Problem::invalid(
            field,
            "expected exactly one of `filename`, `inline_bytes`, `inline_string`, `environment_variable`",
        )),
    }
}

fn inline(bytes: &[u8]) -> Result<Module, Problem> {
    let write = || {
        let mut file = NamedTempFile::new()?;
        file.write_all(bytes)?;
        Ok(file)
    };
    write()
        .map(Module::Inline)
        .map_err(|why: std::io::Error| Problem::NotChecked(format!("cannot write a temporary file: {why}")))
}

fn remote(field: &str, source: RemoteDataSource, inputs: &Inputs) -> Result<Module, Problem> {
    let required = |name: &str, value: Option<String>| {
        let missing = || Problem::invalid(&format!("{field}.{name}"), "missing required field");
        value.filter(|text| !text.is_empty()).ok_or_else(missing)
    };
    let wanted = required("sha256", source.sha256)?;
    let http = source
        .http_uri
        .ok_or_else(|| Problem::invalid(&format!("{field}.http_uri"), "missing required field"))?;
    let uri = required("http_uri.uri", http.uri)?;
    required("http_uri.cluster", http.cluster)?;
    check_duration(&format!("{field}.http_uri.timeout"), &required("http_uri.timeout", http.timeout)?)?;
    let Some(path) = inputs.modules.find(&uri, Some(&wanted)) else {
        return Err(Problem::NotChecked(format!(
            "module `{uri}` is not available; name a local file with {}",
            Modules::hint(&uri)
        )));
    };
    let found = sha256(&module_bytes(&path)?);
    if found != wanted {
        let why = format!("expected `{wanted}`, but `{}` has `{found}`", path.display());
        return Err(Problem::invalid(&format!("{field}.sha256"), why));
    }
    Ok(Module::File(path))
}
