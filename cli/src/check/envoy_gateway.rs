//! Reads an `EnvoyExtensionPolicy` of Envoy Gateway (`gateway.envoyproxy.io/v1alpha1`), and configures its
//! filters as Envoy Gateway does (gateway, `api/v1alpha1/wasm_types.go` and
//! `internal/xds/translator/wasm.go`).

use super::modules::{check_digest, check_sha256};
use super::parsed::{Checksum, Code, Parsed};
use super::{Plugin, Problem, metadata, parse};
use crate::plugin::Place;
use serde::Deserialize;
use serde_json::Value;
use tollgate_host_test::{Configuration, FailurePolicy};

/// The API group.
pub const GROUP: &str = "gateway.envoyproxy.io";

/// Fields of the `spec`. Only `wasm` is read here.
const FIELDS: [&str; 9] = [
    "targetRef",
    "targetRefs",
    "targetSelectors",
    "mergeType",
    "wasm",
    "extProc",
    "lua",
    "dynamicModule",
    "dynamicModules",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Wasm {
    name: Option<String>,
    #[serde(rename = "rootID")]
    root_id: Option<String>,
    code: Source,
    config: Option<Value>,
    fail_open: Option<bool>,
    env: Option<Environment>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Environment {
    #[serde(default)]
    host_keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Source {
    #[serde(rename = "type")]
    kind: SourceType,
    http: Option<Http>,
    image: Option<Image>,
    #[serde(rename = "pullPolicy")]
    _pull_policy: Option<PullPolicy>,
}

#[derive(Clone, Copy, Deserialize)]
enum SourceType {
    #[serde(rename = "HTTP")]
    Http,
    Image,
}

#[derive(Deserialize)]
enum PullPolicy {
    IfNotPresent,
    Always,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Http {
    url: String,
    sha256: Option<String>,
    #[serde(rename = "tls")]
    _tls: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Image {
    url: String,
    sha256: Option<String>,
    #[serde(rename = "pullSecretRef")]
    _pull_secret_ref: Option<Value>,
    #[serde(rename = "tls")]
    _tls: Option<Value>,
}

/// Returns the filters of an EnvoyExtensionPolicy.
pub fn plugins(document: &Value) -> Vec<Plugin> {
    let policy = format!(
        "{}/{}",
        metadata(document, "namespace").unwrap_or("default"),
        metadata(document, "name").unwrap_or_default()
    );
    let plugin = |path: &str, name: Option<&str>, parsed| {
        let name = name.filter(|name| !name.is_empty()).map_or_else(|| policy.clone(), str::to_owned);
        Plugin { path: path.into(), kind: "EnvoyExtensionPolicy", name, parsed }
    };
    let spec = &document["spec"];
    if let Some(unknown) = spec
        .as_object()
        .into_iter()
        .flat_map(|spec| spec.keys())
        .find(|name| !FIELDS.contains(&name.as_str()))
    {
        let why = format!("unknown field `{unknown}`, expected one of `{}`", FIELDS.join("`, `"));
        return vec![plugin("spec", None, Err(Problem::invalid(unknown, why)))];
    }
    match &spec["wasm"] {
        Value::Null => Vec::new(),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .map(|(i, item)| {
                let parsed = parse(item.clone()).and_then(|wasm: Wasm| wasm.parsed(&policy));
                plugin(&format!("spec.wasm[{i}]"), item["name"].as_str(), parsed)
            })
            .collect(),
        _ => vec![plugin("spec", None, Err(Problem::invalid("wasm", "invalid type, expected an array")))],
    }
}

impl Wasm {
    fn parsed(self, policy: &str) -> Result<Parsed, Problem> {
        let name = self.name.unwrap_or_else(|| policy.into());
        let mut parsed = Parsed::new(name, Place::Http, self.code.code()?);
        parsed.root_id = self.root_id.unwrap_or_default();
        parsed.configuration = match self.config {
            None | Some(Value::Null) => Configuration::None,
            Some(config) => Configuration::Text(config.to_string().into_bytes()),
        };
        if self.fail_open.unwrap_or_default() {
            parsed.failure_policy = FailurePolicy::LegacyFailOpen;
        }
        parsed.host_variables = self.env.map(|env| env.host_keys).unwrap_or_default();
        Ok(parsed)
    }
}

impl Source {
    fn code(self) -> Result<Code, Problem> {
        let (at, url, sha256, checksum) = match (self.kind, self.http, self.image) {
            (SourceType::Http, Some(http), None) => ("code.http.", http.url, http.sha256, Checksum::Module),
            (SourceType::Image, None, Some(image)) => {
                ("code.image.", image.url, image.sha256, Checksum::Manifest)
            }
            (SourceType::Http, ..) => {
                return Err(Problem::invalid("code", "type `HTTP` needs the field `http`, and no `image`"));
            }
            (SourceType::Image, ..) => {
                return Err(Problem::invalid("code", "type `Image` needs the field `image`, and no `http`"));
            }
        };
        let field = format!("{at}sha256");
        if let Some(sha256) = &sha256 {
            check_sha256(&field, sha256)?;
        }
        let is_download = url.starts_with("http://") || url.starts_with("https://");
        if url.is_empty() || is_download != (checksum == Checksum::Module) {
            let expected = match checksum {
                Checksum::Module => "one with scheme `http` or `https`",
                _ => "an image such as `registry.example/plugin:1`",
            };
            return Err(Problem::invalid(
                &format!("{at}url"),
                format!("invalid URL `{url}`, expected {expected}"),
            ));
        }
        if checksum == Checksum::Manifest {
            check_digest(at, &url, sha256.as_deref())?;
        }
        Ok(Code::Url { url, field, sha256, checksum })
    }
}
