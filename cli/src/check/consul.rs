//! Reads the extension `builtin/wasm` of Consul in a config entry or its Kubernetes resource, and configures
//! its filter as Consul does (consul, `agent/envoyextensions/builtin/wasm/structs.go`).
//!
//! Consul compares names of fields without regard to case, and ignores fields that it does not know.

use super::envoy::check_runtime;
use super::modules::check_sha256;
use super::parsed::{Checksum, Code, Parsed};
use super::{Plugin, Problem};
use crate::plugin::Place;
use serde_json::{Map, Value};
use tollgate_host_test::{Configuration, FailurePolicy};
use tollgate_types::ConfigError;

/// The name of the extension.
const EXTENSION: &str = "builtin/wasm";

/// Returns the filters of a config entry such as `service-defaults`, or of its Kubernetes resource.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    let inner = document.get("spec").map(|spec| ("spec.", spec));
    let (at, entry) = inner.filter(|(_, spec)| extensions(spec).is_some()).unwrap_or(("", document));
    let Some((list, Value::Array(items))) = extensions(entry) else { return Vec::new() };
    let wasm = items
        .iter()
        .enumerate()
        .filter(|(_, item)| member(item, "Name").is_some_and(|(_, n)| n == EXTENSION));
    wasm.map(|(i, item)| {
        let mut notes = Vec::new();
        let arguments = member(item, "Arguments");
        let name = arguments.map_or("Arguments", |(name, _)| name);
        let path = format!("{at}{list}[{i}].{name}");
        let root = Fields { at: String::new(), map: arguments.and_then(|(_, value)| value.as_object()) };
        let required = member(item, "Required").is_some_and(|(_, value)| value == &Value::Bool(true));
        let plugin = root.get("PluginConfig").and_then(|plugin| member(plugin, "Name"));
        let plugin = plugin.and_then(|(_, name)| name.as_str()).unwrap_or_default().to_owned();
        let parsed = parsed(&root, required, &mut notes).map(|mut parsed| {
            parsed.notes.append(&mut notes);
            parsed
        });
        Plugin { path, kind: EXTENSION, name: plugin, parsed }
    })
    .collect()
}

fn extensions(entry: &Value) -> Option<(&String, &Value)> {
    member(entry, "EnvoyExtensions").or_else(|| member(entry, "envoy_extensions"))
}

fn member<'v>(value: &'v Value, name: &str) -> Option<(&'v String, &'v Value)> {
    value.as_object()?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name))
}

/// An object, and its path in `Arguments`. A missing object is the same as an empty one.
struct Fields<'v> {
    at: String,
    map: Option<&'v Map<String, Value>>,
}

impl<'v> Fields<'v> {
    fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.into() } else { format!("{}.{name}", self.at) }
    }

    fn get(&self, name: &str) -> Option<&'v Value> {
        let found = self.map?.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value).filter(|value| !value.is_null())
    }

    fn invalid(&self, name: &str, why: impl Into<String>) -> Problem {
        Problem::invalid(&self.path(name), why)
    }

    fn wrong_type(&self, name: &str, value: &Value, expected: &str) -> Problem {
        self.invalid(name, ConfigError::invalid_type(value, expected).message())
    }

    fn text(&self, name: &str) -> Result<&'v str, Problem> {
        match self.get(name) {
            None => Ok(""),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong_type(name, other, "a string")),
        }
    }

    fn one_of(&self, name: &str, known: [&str; 2]) -> Result<&'v str, Problem> {
        let text = self.text(name)?;
        let why = || format!("unsupported value `{text}`, expected `{}` or `{}`", known[0], known[1]);
        if known.contains(&text) { Ok(text) } else { Err(self.invalid(name, why())) }
    }

    fn object(&self, name: &str) -> Result<Fields<'v>, Problem> {
        let map = match self.get(name) {
            None => None,
            Some(Value::Object(map)) => Some(map),
            Some(other) => return Err(self.wrong_type(name, other, "an object")),
        };
        Ok(Fields { at: self.path(name), map })
    }

    /// Notes the fields that Consul ignores.
    fn ignored(&self, known: &[&str], notes: &mut Vec<String>) {
        for name in self.map.into_iter().flat_map(Map::keys) {
            if !known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                notes.push(format!("Consul ignores the unknown field `{}`", self.path(name)));
            }
        }
    }
}

fn parsed(root: &Fields<'_>, required: bool, notes: &mut Vec<String>) -> Result<Parsed, Problem> {
    root.ignored(&["Protocol", "ListenerType", "ProxyType", "PluginConfig"], notes);
    let place = if root.one_of("Protocol", ["http", "tcp"])? == "tcp" { Place::Network } else { Place::Http };
    root.one_of("ListenerType", ["inbound", "outbound"])?;
    root.one_of("ProxyType", ["connect-proxy", ""])?;
    let plugin = root.object("PluginConfig")?;
    plugin.ignored(
        &["Name", "RootID", "VmConfig", "Configuration", "CapabilityRestrictionConfiguration"],
        notes,
    );
    let vm = plugin.object("VmConfig")?;
    vm.ignored(&["VmID", "Runtime", "Code", "Configuration", "EnvironmentVariables"], notes);
    let runtime = vm.text("Runtime")?;
    if !["", "v8", "wamr", "wavm", "wasmtime"].contains(&runtime) {
        let why =
            format!("unsupported runtime `{runtime}`, expected one of `v8`, `wamr`, `wavm`, `wasmtime`");
        return Err(vm.invalid("Runtime", why));
    }
    if !runtime.is_empty() {
        check_runtime(&vm.path("Runtime"), &format!("envoy.wasm.runtime.{runtime}"))?;
    }
    let mut parsed = Parsed::new(plugin.text("Name")?.into(), place, code(&vm.object("Code")?, notes)?);
    parsed.root_id = plugin.text("RootID")?.into();
    parsed.vm_id = vm.text("VmID")?.into();
    parsed.configuration = match plugin.text("Configuration")? {
        "" => Configuration::None,
        text => Configuration::Text(text.as_bytes().to_vec()),
    };
    parsed.vm_configuration = vm.text("Configuration")?.as_bytes().to_vec();
    let variables = vm.object("EnvironmentVariables")?;
    variables.ignored(&["HostEnvKeys", "KeyValues"], notes);
    let values = variables.object("KeyValues")?;
    for name in values.map.into_iter().flat_map(Map::keys) {
        parsed.variables.push((name.clone(), values.text(name)?.into()));
    }
    let keys = variables.get("HostEnvKeys").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
    for key in keys.as_array().ok_or_else(|| variables.wrong_type("HostEnvKeys", &keys, "an array"))? {
        let key = key.as_str().ok_or_else(|| variables.wrong_type("HostEnvKeys", key, "a string"))?;
        parsed.host_variables.push(key.into());
    }
    let restriction = plugin.object("CapabilityRestrictionConfiguration")?.object("AllowedCapabilities")?;
    if restriction.map.is_some_and(|allowed| !allowed.is_empty()) {
        parsed.notes.push("checked without its capability restriction".into());
    }
    if !required {
        parsed.failure_policy = FailurePolicy::LegacyFailOpen;
    }
    Ok(parsed)
}

fn code(code: &Fields<'_>, notes: &mut Vec<String>) -> Result<Code, Problem> {
    code.ignored(&["Local", "Remote"], notes);
    let (local, remote) = (code.object("Local")?, code.object("Remote")?);
    local.ignored(&["Filename"], notes);
    remote.ignored(&["HttpURI", "SHA256", "RetryPolicy"], notes);
    let uri = remote.object("HttpURI")?;
    uri.ignored(&["Service", "URI", "Timeout"], notes);
    let (filename, url) = (local.text("Filename")?, uri.text("URI")?);
    let service = uri.object("Service")?.text("Name")?;
    match (filename.is_empty(), url.is_empty() && service.is_empty()) {
        (false, true) => Ok(Code::File(filename.into())),
        (true, false) if url.is_empty() || service.is_empty() => {
            Err(Problem::invalid(&uri.at, "expected both `Service` and `URI`"))
        }
        (true, false) => {
            let sha256 = remote.text("SHA256")?;
            if sha256.is_empty() {
                return Err(remote.invalid("SHA256", "missing required field"));
            }
            check_sha256(&remote.path("SHA256"), sha256)?;
            Ok(Code::Url {
                url: url.into(),
                field: remote.path("SHA256"),
                sha256: Some(sha256.into()),
                checksum: Checksum::Module,
            })
        }
        _ => Err(Problem::invalid(&code.at, "expected exactly one of `Local`, `Remote`")),
    }
}
