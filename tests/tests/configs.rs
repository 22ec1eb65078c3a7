//! Loads every documented configuration in a real Envoy with the packed modules, as a user does. Also
//! validates configurations of Istio against Istio's schema.

use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;
use tollgate_host_test::paths::workspace_root as root;
use tollgate_host_test::{Filter, Host, Scenario, Wasm, envoy};

/// Returns the YAML files of a kind: for filters from `envoy-config/`, for examples from the folder of their
/// code.
fn files(filters: &str, example: &str) -> Vec<PathBuf> {
    let list = |dir: PathBuf| {
        let entries = std::fs::read_dir(&dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display()));
        entries.map(|entry| entry.expect("cannot read the folder").path()).collect::<Vec<_>>()
    };
    let mut files = list(root().join("envoy-config").join(filters));
    files.extend(list(root().join("examples")).iter().map(|dir| dir.join(example)).filter(|f| f.exists()));
    assert!(files.len() >= 2, "{files:?}");
    files
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    serde_saphyr::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// Calls `on` for every object inside `value`.
fn each_object(value: &mut Value, on: &mut impl FnMut(&mut serde_json::Map<String, Value>)) {
    match value {
        Value::Object(object) => {
            on(object);
            object.values_mut().for_each(|value| each_object(value, on));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| each_object(value, on)),
        _ => {}
    }
}

#[test]
fn a_real_envoy_loads_every_standalone_configuration() {
    for file in files("standalone", "envoy.yaml") {
        let mut bootstrap = read(&file);
        let mut modules = 0;
        each_object(&mut bootstrap, &mut |object| {
            // Absolute paths are files of the machine, such as CA certificates.
            if let Some(Value::String(module)) = object.get_mut("filename")
                && !module.starts_with('/')
            {
                let package = module.strip_prefix("target/dist/").and_then(|m| m.strip_suffix(".wasm"));
                let wasm = Wasm::package(package.expect("expected a module in `target/dist`"));
                *module = wasm.path().display().to_string();
                modules += 1;
            }
        });
        assert!(modules > 0, "{}: expected a module", file.display());
        let directory = tempfile::tempdir().expect("cannot create a folder");
        let path = directory.path().join("envoy.json");
        std::fs::write(&path, bootstrap.to_string()).expect("cannot write the file");
        let envoy = envoy::binary().unwrap_or_else(|error| panic!("{error}"));
        let output = Command::new(envoy)
            .args(["--mode", "validate", "--use-dynamic-base-id", "-c"])
            .arg(&path)
            .output()
            .expect("cannot run Envoy");
        let log = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{}: {log}", file.display());
    }
}

/// A resource of Istio with a filter: a `WasmPlugin` or a `TrafficExtension`.
struct Resource {
    file: PathBuf,
    value: Value,
}

impl Resource {
    fn kind(&self) -> &str {
        self.value["kind"].as_str().expect("a kind")
    }

    /// Returns the fields of the filter.
    fn filter(&self) -> &Value {
        match self.kind() {
            "TrafficExtension" => &self.value["spec"]["wasm"],
            _ => &self.value["spec"],
        }
    }

    /// Returns the fields that both kinds have, in the form of a `WasmPlugin`.
    fn as_wasm_plugin(&self) -> Value {
        let mut spec = self.value["spec"].as_object().expect("a spec").clone();
        if let Some(Value::Object(filter)) = spec.remove("wasm") {
            spec.extend(filter);
        }
        json!({ "metadata": self.value["metadata"], "spec": spec })
    }
}

/// Returns all resources of Istio: those of the filters, and then those of the examples.
fn resources() -> Vec<Resource> {
    let files = files("istio", "wasmplugin.yaml").into_iter();
    files.map(|file| Resource { value: read(&file), file }).collect()
}

#[test]
fn modules_accept_the_configuration_of_every_resource() {
    for resource in resources() {
        let filter = resource.filter();
        let image = filter["url"].as_str().expect("a url").rsplit('/').next().expect("an image");
        let name = image.split(':').next().expect("a name");
        let kind = if root().join("filters").join(name).exists() { "" } else { "example-" };
        let package = format!("tollgate-{kind}{name}");
        let filter = Filter::new(Wasm::package(&package)).config(filter["pluginConfig"].clone());
        for host in [Host::Emulator, Host::Envoy] {
            host.run(&Scenario::new().filter(filter.clone()));
        }
    }
}

/// Istio 1.30 replaced WasmPlugin by TrafficExtension, so users of either find an example for each filter.
#[test]
fn every_filter_has_a_resource_of_each_kind() {
    let all = resources();
    let folder = root().join("envoy-config/istio");
    let of_kind = |kind: &str| {
        let of_filters =
            all.iter().filter(|resource| resource.kind() == kind && resource.file.starts_with(&folder));
        of_filters.collect::<Vec<_>>()
    };
    let (plugins, extensions) = (of_kind("WasmPlugin"), of_kind("TrafficExtension"));
    let bootstraps = std::fs::read_dir(root().join("envoy-config/standalone")).expect("a folder").count();
    assert_eq!(
        (plugins.len(), extensions.len()),
        (bootstraps, bootstraps),
        "one file of each kind per filter"
    );
    for plugin in plugins {
        let file = plugin.file.with_extension("traffic-extension.yaml");
        let extension = extensions.iter().find(|extension| extension.file == file);
        let extension =
            extension.unwrap_or_else(|| panic!("missing `{}`, the TrafficExtension", file.display()));
        assert_eq!(extension.as_wasm_plugin(), plugin.as_wasm_plugin(), "{}", file.display());
    }
}

#[test]
fn every_resource_is_valid_in_istios_schema() {
    let Some(path) = std::env::var_os("ISTIO_CRDS") else {
        println!("skipped: set ISTIO_CRDS to the path of Istio's crds.yaml to validate the files of Istio");
        return;
    };
    let text = std::fs::read_to_string(&path).expect("cannot read the file in ISTIO_CRDS");
    let crds: Vec<Value> = serde_saphyr::from_multiple(&text).expect("the file in ISTIO_CRDS is not YAML");
    let schema = |kind: &str, version: &str| {
        let crd = crds.iter().find(|crd| crd["spec"]["names"]["kind"] == kind);
        let crd = crd.unwrap_or_else(|| panic!("missing the CRD of {kind}"));
        let versions = crd["spec"]["versions"].as_array().expect("versions");
        let found = versions.iter().find(|v| v["name"] == version);
        let mut schema = found.expect("the version")["schema"]["openAPIV3Schema"].clone();
        // The API server drops unknown fields; our files must not contain any.
        each_object(&mut schema, &mut |object| {
            let open = object.get("x-kubernetes-preserve-unknown-fields") == Some(&json!(true));
            if object.get("properties").is_some_and(Value::is_object) && !open {
                object.entry("additionalProperties").or_insert(json!(false));
            }
        });
        let properties = schema["properties"].as_object_mut().expect("properties");
        for known_to_kubernetes in ["apiVersion", "kind", "metadata"] {
            properties.entry(known_to_kubernetes).or_insert(json!({}));
        }
        schema
    };
    for Resource { file, value } in resources() {
        let version =
            value["apiVersion"].as_str().expect("apiVersion").rsplit('/').next().expect("a version");
        let kind = value["kind"].as_str().expect("a kind");
        let validator = jsonschema::validator_for(&schema(kind, version)).expect("a schema");
        let errors: Vec<_> =
            validator.iter_errors(&value).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:#?}", file.display());
    }
}
