//! The `spec` of a WasmPlugin and of a TrafficExtension, with the constraints of their CRDs.

use crate::check::Problem;
use crate::check::modules::check_sha256;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The filter: the fields `wasm` of a TrafficExtension, and a part of the fields of a WasmPlugin.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Wasm {
    pub url: String,
    pub sha256: Option<String>,
    pub plugin_config: Option<Map<String, Value>>,
    pub plugin_name: Option<String>,
    pub fail_strategy: Option<FailStrategy>,
    pub vm_config: Option<VmConfig>,
    #[serde(rename = "type")]
    pub plugin_type: Option<PluginType>,
    #[serde(rename = "imagePullPolicy")]
    _image_pull_policy: Option<PullPolicy>,
    image_pull_secret: Option<String>,
    #[serde(rename = "verificationKey")]
    _verification_key: Option<String>,
}

/// The traffic that the filter of a WasmPlugin receives.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Match {
    selector: Option<Selector>,
    target_ref: Option<TargetRef>,
    target_refs: Option<Vec<TargetRef>>,
    #[serde(rename = "phase")]
    _phase: Option<Phase>,
    #[serde(rename = "priority")]
    _priority: Option<i32>,
    #[serde(rename = "match")]
    traffic: Option<Vec<TrafficSelector>>,
}

/// The `spec` of a TrafficExtension.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Extension {
    pub wasm: Option<Wasm>,
    lua: Option<Lua>,
    selector: Option<Selector>,
    target_refs: Option<Vec<TargetRef>>,
    #[serde(rename = "phase")]
    _phase: Option<ExtensionPhase>,
    #[serde(rename = "priority")]
    _priority: Option<i32>,
    #[serde(rename = "match")]
    traffic: Option<Vec<TrafficSelector>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Lua {
    inline_code: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum FailStrategy {
    #[serde(rename = "FAIL_CLOSE")]
    Close,
    #[serde(rename = "FAIL_OPEN")]
    Open,
    #[serde(rename = "FAIL_RELOAD")]
    Reload,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PluginType {
    #[serde(rename = "UNSPECIFIED_PLUGIN_TYPE")]
    Unspecified,
    Http,
    Network,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Phase {
    #[serde(rename = "UNSPECIFIED_PHASE")]
    Unspecified,
    Authn,
    Authz,
    Stats,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ExtensionPhase {
    Unspecified,
    Authn,
    Authz,
    Stats,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum PullPolicy {
    #[serde(rename = "UNSPECIFIED_POLICY")]
    Unspecified,
    IfNotPresent,
    Always,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Selector {
    #[serde(rename = "matchLabels")]
    _match_labels: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TargetRef {
    kind: String,
    name: String,
    #[serde(rename = "group")]
    _group: Option<String>,
    namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TrafficSelector {
    #[serde(rename = "mode")]
    _mode: Option<Mode>,
    ports: Option<Vec<Port>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Mode {
    Undefined,
    Client,
    Server,
    ClientAndServer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Port {
    number: u32,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmConfig {
    pub env: Option<Vec<EnvVar>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EnvVar {
    pub name: String,
    pub value: Option<String>,
    pub value_from: Option<ValueFrom>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ValueFrom {
    Inline,
    Host,
}

impl Wasm {
    /// Names of the fields.
    pub const FIELDS: &[&str] = &[
        "url",
        "sha256",
        "pluginConfig",
        "pluginName",
        "failStrategy",
        "vmConfig",
        "type",
        "imagePullPolicy",
        "imagePullSecret",
        "verificationKey",
    ];

    /// Checks the constraints of the CRD beyond names and types. `at` is the path of these fields, with a dot
    /// at its end.
    pub fn check(&self, at: &str) -> Result<(), Problem> {
        let wrong = |field: &str, why: String| Err(Problem::invalid(&format!("{at}{field}"), why));
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        if self.url.is_empty() || !["", "http", "https", "oci", "file"].contains(&scheme) {
            let url = &self.url;
            let why = format!("invalid URL `{url}`, expected scheme `http`, `https`, `file`, `oci` or none");
            return wrong("url", why);
        }
        if let Some(sha256) = self.sha256.as_deref().filter(|sha256| !sha256.is_empty()) {
            check_sha256(&format!("{at}sha256"), sha256)?;
        }
        let lengths =
            [("pluginName", &self.plugin_name, 256), ("imagePullSecret", &self.image_pull_secret, 253)];
        for (field, text, max) in lengths {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > max) {
                return wrong(field, format!("must have 1 to {max} characters"));
            }
        }
        let env = self.vm_config.as_ref().and_then(|vm| vm.env.as_deref()).unwrap_or_default();
        if env.len() > 256 {
            return wrong("vmConfig.env", "must have at most 256 variables".into());
        }
        for (i, variable) in env.iter().enumerate() {
            let wrong = |field: &str, why: String| wrong(&format!("vmConfig.env[{i}].{field}"), why);
            if variable.name.is_empty() || variable.name.chars().count() > 256 {
                return wrong("name", "must have 1 to 256 characters".into());
            }
            if env[..i].iter().any(|other| other.name == variable.name) {
                return wrong("name", format!("duplicate variable `{}`", variable.name));
            }
            if variable.value.as_ref().is_some_and(|value| value.chars().count() > 2048) {
                return wrong("value", "must have at most 2048 characters".into());
            }
            if variable.value_from == Some(ValueFrom::Host) && variable.value.is_some() {
                return wrong("value", "may only be set if `valueFrom` is `INLINE`".into());
            }
        }
        Ok(())
    }
}

impl Match {
    /// Names of the fields.
    pub const FIELDS: &[&str] = &["selector", "targetRef", "targetRefs", "phase", "priority", "match"];

    /// Checks the constraints of the CRD beyond names and types.
    pub fn check(&self) -> Result<(), Problem> {
        let targets = [self.selector.is_some(), self.target_ref.is_some(), self.target_refs.is_some()];
        if targets.into_iter().filter(|given| *given).count() > 1 {
            let why = "only one of `selector`, `targetRef` and `targetRefs` can be set";
            return Err(Problem::invalid("targetRefs", why));
        }
        check_targets(self.target_ref.iter().chain(self.target_refs.iter().flatten()))?;
        check_traffic(self.traffic.as_deref())
    }
}

impl Extension {
    /// Checks the constraints of the CRD beyond names and types.
    pub fn check(&self) -> Result<(), Problem> {
        if self.wasm.is_some() == self.lua.is_some() {
            return Err(Problem::invalid("", "expected exactly one of `wasm`, `lua`"));
        }
        if self.lua.as_ref().is_some_and(|lua| !(1..=65536).contains(&lua.inline_code.len())) {
            return Err(Problem::invalid("lua.inlineCode", "must have 1 to 65536 characters"));
        }
        if self.selector.is_some() && self.target_refs.is_some() {
            return Err(Problem::invalid("targetRefs", "only one of `selector` and `targetRefs` can be set"));
        }
        check_targets(self.target_refs.iter().flatten())?;
        check_traffic(self.traffic.as_deref())?;
        self.wasm.as_ref().map_or(Ok(()), |wasm| wasm.check("wasm."))
    }
}

fn check_targets<'t>(targets: impl Iterator<Item = &'t TargetRef>) -> Result<(), Problem> {
    let targets: Vec<_> = targets.collect();
    if targets.len() > 16 {
        return Err(Problem::invalid("targetRefs", "must have at most 16 targets"));
    }
    for target in targets {
        if target.namespace.as_ref().is_some_and(|namespace| !namespace.is_empty()) {
            return Err(Problem::invalid("targetRefs", "`namespace` is not supported"));
        }
        if target.kind.is_empty() || target.name.is_empty() {
            return Err(Problem::invalid("targetRefs", "`kind` and `name` must not be empty"));
        }
    }
    Ok(())
}

fn check_traffic(traffic: Option<&[TrafficSelector]>) -> Result<(), Problem> {
    for (i, selector) in traffic.iter().copied().flatten().enumerate() {
        for (j, port) in selector.ports.iter().flatten().enumerate() {
            if !(1..=65535).contains(&port.number) {
                let why = format!("invalid port `{}`, expected 1 to 65535", port.number);
                return Err(Problem::invalid(&format!("match[{i}].ports[{j}].number"), why));
            }
        }
    }
    Ok(())
}
