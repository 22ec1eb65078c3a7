//! Converts a `PluginConfig` to a filter without its module.

use super::any;
use super::messages::{WASM, WASM_SERVICE};
use crate::check::parsed::{Checksum, Code, Parsed};
use crate::check::proto::{base64, nanoseconds};
use crate::check::{Problem, parse};
use crate::plugin::Place;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use tollgate_host_test::{Configuration, FailurePolicy};

/// Program that downloads a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downloader {
    /// Envoy.
    Envoy,
    /// Istio's agent, which passes a local file to Envoy (istio, `pkg/wasm/convert.go`).
    Agent,
}

/// Reads a message with a `PluginConfig`. Errors name fields relative to the message.
pub fn parse_filter(kind: &str, message: &Value, downloader: Downloader) -> Result<Parsed, Problem> {
    let mut message = message.clone();
    if let Some(fields) = message.as_object_mut() {
        fields.remove("@type");
    }
    if downloader == Downloader::Agent {
        complete(&mut message);
    }
    let schema = if kind == "service" { &WASM_SERVICE } else { &WASM };
    let Outer { config } = parse(schema.read("", &message)?.into())?;
    let place = match kind {
        "http filter" => Place::Http,
        "network filter" => Place::Network,
        _ => Place::Other,
    };
    config.parsed(place, downloader)
}

/// Adds the fields of a remote module that Istio's agent does not need.
fn complete(message: &mut Value) {
    let path = [["config"; 2], ["vm_config", "vmConfig"], ["code"; 2], ["remote"; 2]];
    let mut at = message;
    for names in path {
        let name = names[usize::from(at.get(names[0]).is_none())];
        let Some(inner) = at.get_mut(name) else { return };
        at = inner;
    }
    let Some(remote) = at.as_object_mut() else { return };
    let set = |fields: &mut Map<String, Value>, name: &str, value: &str| {
        if fields.get(name).is_none_or(|known| known.is_null() || known == "") {
            fields.insert(name.into(), value.into());
        }
    };
    set(remote, "sha256", NO_CHECKSUM);
    for name in ["http_uri", "httpUri"] {
        if let Some(Value::Object(uri)) = remote.get_mut(name) {
            set(uri, "cluster", "agent");
            set(uri, "timeout", "5s");
        }
    }
}

/// The checksum that Istio sends if the resource has no checksum.
const NO_CHECKSUM: &str = "nil";

#[derive(Deserialize)]
struct Outer {
    config: PluginConfig,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PluginConfig {
    name: String,
    root_id: String,
    vm_config: VmConfig,
    configuration: Map<String, Value>,
    fail_open: bool,
    failure_policy: String,
    capability_restriction_config: Capabilities,
    allow_on_headers_stop_iteration: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct VmConfig {
    vm_id: String,
    runtime: String,
    code: DataSources,
    configuration: Map<String, Value>,
    environment_variables: EnvironmentVariables,
    capability_restriction_config: Capabilities,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Capabilities {
    allowed_capabilities: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct EnvironmentVariables {
    host_env_keys: Vec<String>,
    key_values: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
struct DataSources {
    local: Option<DataSource>,
    remote: Option<RemoteDataSource>,
}

#[derive(Deserialize)]
struct DataSource {
    filename: Option<String>,
    inline_bytes: Option<String>,
    inline_string: Option<String>,
    environment_variable: Option<String>,
}

#[derive(Deserialize)]
struct RemoteDataSource {
    http_uri: HttpUri,
    sha256: String,
    #[serde(default)]
    retry_policy: RetryPolicy,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RetryPolicy {
    retry_back_off: Backoff,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Backoff {
    base_interval: String,
    max_interval: String,
}

#[derive(Deserialize)]
struct HttpUri {
    uri: String,
}

impl PluginConfig {
    fn parsed(self, place: Place, downloader: Downloader) -> Result<Parsed, Problem> {
        let vm = self.vm_config;
        check_runtime("config.vm_config.runtime", &vm.runtime)?;
        let configuration = any::configuration("config.configuration", &self.configuration)?;
        let vm_configuration = match any::configuration("config.vm_config.configuration", &vm.configuration)?
        {
            Configuration::None => Vec::new(),
            Configuration::Text(bytes) => bytes,
            Configuration::Struct(_) => {
                let why = "`config.vm_config.configuration`: cannot serialise a Struct, only Envoy can";
                return Err(Problem::NotChecked(why.into()));
            }
        };
        let EnvironmentVariables { host_env_keys, key_values } = vm.environment_variables;
        for (i, name) in host_env_keys.iter().enumerate() {
            if key_values.contains_key(name) || host_env_keys[..i].contains(name) {
                let field = format!("config.vm_config.environment_variables.host_env_keys[{i}]");
                return Err(Problem::invalid(&field, format!("duplicate variable `{name}`")));
            }
        }
        let code = vm.code.code(downloader)?;
        let mut parsed = Parsed::new(self.name, place, code);
        let restricted = |capabilities: Capabilities| !capabilities.allowed_capabilities.is_empty();
        if restricted(self.capability_restriction_config) || restricted(vm.capability_restriction_config) {
            parsed.notes.push("checked without its capability restriction".into());
        }
        parsed.failure_policy = failure_policy(self.fail_open, &self.failure_policy)?;
        parsed.root_id = self.root_id;
        parsed.vm_id = vm.vm_id;
        parsed.configuration = configuration;
        parsed.vm_configuration = vm_configuration;
        parsed.variables = key_values.into_iter().collect();
        parsed.host_variables = host_env_keys;
        parsed.allow_on_headers_stop_iteration = self.allow_on_headers_stop_iteration;
        Ok(parsed)
    }
}

impl DataSources {
    fn code(self, downloader: Downloader) -> Result<Code, Problem> {
        let at = "config.vm_config.code";
        if let Some(RemoteDataSource { http_uri, sha256, retry_policy }) = self.remote {
            let Backoff { base_interval, max_interval } = retry_policy.retry_back_off;
            if nanoseconds(&max_interval).is_some_and(|most| Some(most) < nanoseconds(&base_interval)) {
                let field = format!("{at}.remote.retry_policy.retry_back_off.max_interval");
                let why =
                    format!("`{max_interval}` is shorter than `base_interval`, which is `{base_interval}`");
                return Err(Problem::invalid(&field, why));
            }
            let sha256 = Some(sha256).filter(|sha| downloader == Downloader::Envoy || sha != NO_CHECKSUM);
            let image = downloader == Downloader::Agent && !http_uri.uri.starts_with("http");
            let checksum = if image { Checksum::Manifest } else { Checksum::Module };
            let field = format!("{at}.remote.sha256");
            return Ok(Code::Url { url: http_uri.uri, field, sha256, checksum });
        }
        Ok(match self.local {
            Some(DataSource { filename: Some(path), .. }) => Code::File(path),
            Some(DataSource { inline_bytes: Some(text), .. }) => {
                let invalid = || Problem::invalid(&format!("{at}.local.inline_bytes"), "invalid base64");
                Code::Inline(base64(&text).ok_or_else(invalid)?)
            }
            Some(DataSource { inline_string: Some(text), .. }) => Code::Inline(text.into_bytes()),
            Some(DataSource { environment_variable: Some(name), .. }) => Code::Variable(name),
            _ => return Err(Problem::invalid(at, "missing module")),
        })
    }
}

/// Envoy's releases support V8 and, for filters that are compiled into Envoy, `null`.
pub fn check_runtime(field: &str, name: &str) -> Result<(), Problem> {
    match name {
        "" | "envoy.wasm.runtime.v8" => Ok(()),
        "envoy.wasm.runtime.null" => Err(Problem::NotChecked(
            "no module to load: `envoy.wasm.runtime.null` runs code that is compiled into Envoy".into(),
        )),
        "envoy.wasm.runtime.wasmtime" | "envoy.wasm.runtime.wamr" | "envoy.wasm.runtime.wavm" => {
            let why = format!(
                "unsupported runtime `{name}`; Envoy's releases only support `envoy.wasm.runtime.v8`"
            );
            Err(Problem::invalid(field, why))
        }
        other => Err(Problem::invalid(
            field,
            format!("unsupported runtime `{other}`; only `envoy.wasm.runtime.v8` is supported"),
        )),
    }
}

fn failure_policy(fail_open: bool, policy: &str) -> Result<FailurePolicy, Problem> {
    match (fail_open, policy) {
        // Envoy, `source/extensions/common/wasm/wasm.cc`, PluginConfig's constructor.
        (true, "" | "UNSPECIFIED") => Ok(FailurePolicy::LegacyFailOpen),
        (true, _) => {
            Err(Problem::invalid("config.failure_policy", "cannot be set together with `fail_open`"))
        }
        (false, "FAIL_OPEN") => Ok(FailurePolicy::FailOpen),
        (false, "FAIL_RELOAD") => Ok(FailurePolicy::FailReload),
        (false, _) => Ok(FailurePolicy::FailClosed),
    }
}
