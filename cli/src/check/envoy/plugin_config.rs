//! `PluginConfig` and `VmConfig` in their JSON form (Envoy, `api/envoy/extensions/wasm/v3/wasm.proto`).
//!
//! Parsed as Envoy does: an unknown field is an error, names may be in snake_case or camelCase, and null
//! means absent.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The message that contains the `PluginConfig`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outer {
    pub config: Option<PluginConfig>,
    pub singleton: Option<bool>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PluginConfig {
    pub name: Option<String>,
    #[serde(alias = "rootId")]
    pub root_id: Option<String>,
    #[serde(alias = "vmConfig")]
    pub vm_config: Option<VmConfig>,
    pub configuration: Option<Map<String, Value>>,
    #[serde(alias = "failOpen")]
    pub fail_open: Option<bool>,
    #[serde(alias = "failurePolicy", default, deserialize_with = "failure_policy")]
    pub failure_policy: Option<FailurePolicy>,
    #[serde(alias = "reloadConfig")]
    pub reload_config: Option<ReloadConfig>,
    #[serde(alias = "capabilityRestrictionConfig")]
    pub capability_restriction_config: Option<CapabilityRestriction>,
    #[serde(alias = "allowOnHeadersStopIteration")]
    pub allow_on_headers_stop_iteration: Option<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailurePolicy {
    Unspecified,
    FailReload,
    FailClosed,
    FailOpen,
}

fn failure_policy<'de, D: Deserializer<'de>>(from: D) -> Result<Option<FailurePolicy>, D::Error> {
    let value = Value::deserialize(from)?;
    // Protobuf's JSON allows the name or the number of an enumerator.
    Ok(Some(match (value.as_str(), value.as_u64()) {
        _ if value.is_null() => return Ok(None),
        (Some("UNSPECIFIED"), _) | (_, Some(0)) => FailurePolicy::Unspecified,
        (Some("FAIL_RELOAD"), _) | (_, Some(1)) => FailurePolicy::FailReload,
        (Some("FAIL_CLOSED"), _) | (_, Some(2)) => FailurePolicy::FailClosed,
        (Some("FAIL_OPEN"), _) | (_, Some(3)) => FailurePolicy::FailOpen,
        _ => {
            let why = format!(
                "unknown value `{value}`, expected one of `FAIL_RELOAD`, `FAIL_CLOSED`, `FAIL_OPEN`, `UNSPECIFIED`"
            );
            return Err(serde::de::Error::custom(why));
        }
    }))
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReloadConfig {
    pub backoff: Option<Backoff>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Backoff {
    #[serde(alias = "baseInterval")]
    pub base_interval: Option<String>,
    #[serde(alias = "maxInterval")]
    pub max_interval: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapabilityRestriction {
    #[serde(alias = "allowedCapabilities")]
    pub allowed_capabilities: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmConfig {
    #[serde(alias = "vmId")]
    pub vm_id: Option<String>,
    pub runtime: Option<String>,
    pub code: Option<AsyncDataSource>,
    pub configuration: Option<Map<String, Value>>,
    #[serde(alias = "allowPrecompiled", rename = "allow_precompiled")]
    pub _allow_precompiled: Option<bool>,
    #[serde(alias = "nackOnCodeCacheMiss", rename = "nack_on_code_cache_miss")]
    pub _nack_on_code_cache_miss: Option<bool>,
    #[serde(alias = "environmentVariables")]
    pub environment_variables: Option<EnvironmentVariables>,
    #[serde(alias = "capabilityRestrictionConfig")]
    pub capability_restriction_config: Option<CapabilityRestriction>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentVariables {
    #[serde(alias = "hostEnvKeys")]
    pub host_env_keys: Option<Vec<String>>,
    #[serde(alias = "keyValues")]
    pub key_values: Option<BTreeMap<String, String>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AsyncDataSource {
    pub local: Option<DataSource>,
    pub remote: Option<RemoteDataSource>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    pub filename: Option<String>,
    #[serde(alias = "inlineBytes")]
    pub inline_bytes: Option<String>,
    #[serde(alias = "inlineString")]
    pub inline_string: Option<String>,
    #[serde(alias = "environmentVariable")]
    pub environment_variable: Option<String>,
    #[serde(alias = "watchedDirectory", rename = "watched_directory")]
    pub _watched_directory: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemoteDataSource {
    #[serde(alias = "httpUri")]
    pub http_uri: Option<HttpUri>,
    pub sha256: Option<String>,
    #[serde(alias = "retryPolicy", rename = "retry_policy")]
    pub _retry_policy: Option<Map<String, Value>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HttpUri {
    pub uri: Option<String>,
    pub cluster: Option<String>,
    pub timeout: Option<String>,
}
