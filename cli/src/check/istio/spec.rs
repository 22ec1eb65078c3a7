//! The `spec` of a WasmPlugin, with the constraints of its CRD.

use crate::check::Problem;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Spec {
    pub url: String,
    pub sha256: Option<String>,
    pub plugin_config: Option<Map<String, Value>>,
    pub plugin_name: Option<String>,
    pub fail_strategy: Option<FailStrategy>,
    pub vm_config: Option<VmConfig>,
    #[serde(rename = "type")]
    pub plugin_type: Option<PluginType>,
    pub selector: Option<Selector>,
    pub target_ref: Option<TargetRef>,
    pub target_refs: Option<Vec<TargetRef>>,
    #[serde(rename = "phase")]
    pub _phase: Option<Phase>,
    #[serde(rename = "priority")]
    pub _priority: Option<i32>,
    #[serde(rename = "match")]
    pub traffic: Option<Vec<TrafficSelector>>,
    #[serde(rename = "imagePullPolicy")]
    pub _image_pull_policy: Option<PullPolicy>,
    pub image_pull_secret: Option<String>,
    #[serde(rename = "verificationKey")]
    pub _verification_key: Option<String>,
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
pub enum Phase {
    #[serde(rename = "UNSPECIFIED_PHASE")]
    Unspecified,
    Authn,
    Authz,
    Stats,
}

#[derive(Clone, Copy, Debug, Deserialize)]
pub enum PullPolicy {
    #[serde(rename = "UNSPECIFIED_POLICY")]
    Unspecified,
    IfNotPresent,
    Always,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Selector {
    #[serde(rename = "matchLabels")]
    pub _match_labels: Option<std::collections::BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetRef {
    #[serde(rename = "kind")]
    pub _kind: String,
    #[serde(rename = "name")]
    pub _name: String,
    #[serde(rename = "group")]
    pub _group: Option<String>,
    pub namespace: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrafficSelector {
    #[serde(rename = "mode")]
    pub _mode: Option<Mode>,
    pub ports: Option<Vec<Port>>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Mode {
    Undefined,
    Client,
    Server,
    ClientAndServer,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    pub number: u32,
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

impl Spec {
    /// Environment variables of the VM.
    pub fn env(&self) -> &[EnvVar] {
        self.vm_config.as_ref().and_then(|vm| vm.env.as_deref()).unwrap_or_default()
    }

    /// Checks the constraints of the CRD beyond names and types.
    pub fn check(&self) -> Result<(), Problem> {
        let wrong = |field: String, why: &str| Err(Problem::invalid(&field, why));
        let scheme = self.url.split_once("://").map_or("", |(scheme, _)| scheme);
        if self.url.is_empty() || !["", "http", "https", "oci", "file"].contains(&scheme) {
            return wrong(
                "url".into(),
                &format!(
                    "invalid URL `{}`, expected scheme `http`, `https`, `file`, `oci` or none",
                    self.url
                ),
            );
        }
        if let Some(sha) = self.sha256.as_deref().filter(|sha| !sha.is_empty()) {
            let hexadecimal = sha.len() == 64 && sha.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
            if !hexadecimal {
                return wrong(
                    "sha256".into(),
                    &format!("invalid SHA-256 `{sha}`, expected 64 lower-case hexadecimal digits"),
                );
            }
        }
        let lengths =
            [("pluginName", &self.plugin_name, 256), ("imagePullSecret", &self.image_pull_secret, 253)];
        for (field, text, max) in lengths {
            if text.as_ref().is_some_and(|text| text.is_empty() || text.chars().count() > max) {
                return wrong(field.into(), &format!("must have 1 to {max} characters"));
            }
        }
        let targets = [self.selector.is_some(), self.target_ref.is_some(), self.target_refs.is_some()];
        if targets.into_iter().filter(|given| *given).count() > 1 {
            return wrong(
                "targetRefs".into(),
                "only one of `selector`, `targetRef` and `targetRefs` can be set",
            );
        }
        for target in self.target_ref.iter().chain(self.target_refs.iter().flatten()) {
            if target.namespace.as_ref().is_some_and(|namespace| !namespace.is_empty()) {
                return wrong("targetRefs".into(), "`namespace` is not supported");
            }
        }
        for (i, selector) in self.traffic.iter().flatten().enumerate() {
            for (j, port) in selector.ports.iter().flatten().enumerate() {
                if !(1..=65535).contains(&port.number) {
                    let why = format!("invalid port `{}`, expected 1 to 65535", port.number);
                    return wrong(format!("match[{i}].ports[{j}].number"), &why);
                }
            }
        }
        self.check_env()
    }

    fn check_env(&self) -> Result<(), Problem> {
        if self.env().len() > 256 {
            return Err(Problem::invalid("vmConfig.env", "must have at most 256 variables"));
        }
        for (i, variable) in self.env().iter().enumerate() {
            let wrong =
                |field: &str, why: String| Err(Problem::invalid(&format!("vmConfig.env[{i}].{field}"), why));
            if variable.name.is_empty() || variable.name.chars().count() > 256 {
                return wrong("name", "must have 1 to 256 characters".into());
            }
            if self.env()[..i].iter().any(|other| other.name == variable.name) {
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
