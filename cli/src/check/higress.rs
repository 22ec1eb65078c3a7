//! Reads a `WasmPlugin` of Higress (`extensions.higress.io/v1alpha1`), and configures its filter as Higress
//! does (higress, `pkg/ingress/config/ingress_config.go`, `convertIstioWasmPlugin`).

use super::istio::configuration;
use super::parsed::{Code, Parsed};
use super::{Plugin, Problem, metadata, parse};
use crate::plugin::Place;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tollgate_host_test::FailurePolicy;

/// The API group.
pub const GROUP: &str = "extensions.higress.io";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Spec {
    url: String,
    sha256: Option<String>,
    plugin_name: Option<String>,
    plugin_config: Option<Map<String, Value>>,
    default_config: Option<Map<String, Value>>,
    default_config_disable: Option<bool>,
    match_rules: Option<Vec<MatchRule>>,
    fail_strategy: Option<FailStrategy>,
    vm_config: Option<VmConfig>,
    #[serde(rename = "phase")]
    _phase: Option<Phase>,
    #[serde(rename = "priority")]
    _priority: Option<i32>,
    #[serde(rename = "imagePullPolicy")]
    _image_pull_policy: Option<PullPolicy>,
    #[serde(rename = "imagePullSecret")]
    _image_pull_secret: Option<String>,
    #[serde(rename = "verificationKey")]
    _verification_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct MatchRule {
    #[serde(default)]
    ingress: Vec<String>,
    #[serde(default)]
    domain: Vec<String>,
    #[serde(default)]
    service: Vec<String>,
    config: Option<Map<String, Value>>,
    config_disable: Option<bool>,
    #[serde(rename = "routeType")]
    _route_type: Option<String>,
}

#[derive(Deserialize)]
enum FailStrategy {
    #[serde(rename = "FAIL_CLOSE")]
    Close,
    #[serde(rename = "FAIL_OPEN")]
    Open,
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Phase {
    #[serde(rename = "UNSPECIFIED_PHASE")]
    Unspecified,
    Authn,
    Authz,
    Stats,
}

#[derive(Deserialize)]
enum PullPolicy {
    #[serde(rename = "UNSPECIFIED_POLICY")]
    Unspecified,
    IfNotPresent,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct VmConfig {
    env: Option<Vec<EnvVar>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct EnvVar {
    name: String,
    value: Option<String>,
    value_from: Option<ValueFrom>,
}

#[derive(PartialEq, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum ValueFrom {
    Inline,
    Host,
}

/// Returns the filter of a WasmPlugin.
pub fn wasm_plugin(document: &Value) -> Plugin {
    let name = format!(
        "{}.{}",
        metadata(document, "namespace").unwrap_or("higress-system"),
        metadata(document, "name").unwrap_or_default()
    );
    let parsed = parse(document["spec"].clone()).and_then(|spec: Spec| spec.parsed(&name));
    Plugin { path: "spec".into(), kind: "Higress WasmPlugin", name, parsed }
}

impl Spec {
    fn parsed(self, name: &str) -> Result<Parsed, Problem> {
        let config = self.config()?;
        let mut parsed = Parsed::new(name.into(), Place::Http, Code::from_url("", &self.url, self.sha256)?);
        for EnvVar { name, value, value_from } in self.vm_config.and_then(|vm| vm.env).unwrap_or_default() {
            match value_from {
                Some(ValueFrom::Host) => parsed.host_variables.push(name),
                _ => parsed.variables.push((name, value.unwrap_or_default())),
            }
        }
        if let Some(FailStrategy::Open) = self.fail_strategy {
            parsed.failure_policy = FailurePolicy::FailOpen;
        }
        parsed.root_id = self.plugin_name.unwrap_or_default();
        parsed.configuration = configuration(Some(config));
        Ok(parsed)
    }

    /// Returns the configuration of the filter: that for all requests, with the configurations for single
    /// routes, domains and services in `_rules_`.
    fn config(&self) -> Result<Map<String, Value>, Problem> {
        if let Some(config) = &self.plugin_config {
            return Ok(config.clone());
        }
        let disabled = self.default_config_disable.unwrap_or_default();
        let mut config = self.default_config.clone().filter(|_| !disabled).unwrap_or_default();
        let mut rules = Vec::new();
        for (i, rule) in self.match_rules.iter().flatten().enumerate() {
            if rule.config_disable.unwrap_or_default() {
                continue;
            }
            let at = format!("matchRules[{i}]");
            let Some(mut fields) = rule.config.clone() else {
                return Err(Problem::invalid(&format!("{at}.config"), "missing required field"));
            };
            let conditions = [
                ("_match_route_", &rule.ingress),
                ("_match_domain_", &rule.domain),
                ("_match_service_", &rule.service),
            ];
            let Some((name, values)) = conditions.into_iter().find(|(_, values)| !values.is_empty()) else {
                return Err(Problem::invalid(&at, "expected one of `ingress`, `domain`, `service`"));
            };
            fields.insert(name.into(), json!(values));
            rules.push(Value::Object(fields));
        }
        if rules.is_empty() && disabled {
            return Err(Problem::NotChecked("the plugin is disabled: it has no configuration".into()));
        }
        if !rules.is_empty() {
            config.insert("_rules_".into(), rules.into());
        }
        Ok(config)
    }
}
