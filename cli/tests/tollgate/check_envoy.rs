use crate::support::{Output, file, hello, in_workspace, minimal, tollgate, wat};
use base64::Engine;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

fn string(value: &str) -> Value {
    json!({"@type": "type.googleapis.com/google.protobuf.StringValue", "value": value})
}

/// A filter with this `PluginConfig`.
fn filter(config: Value) -> Value {
    json!({"name": "f", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": config,
    }})
}

fn with_code(code: Value) -> Value {
    filter(json!({"name": "mine", "vm_config": {"code": code}}))
}

fn check(document: &Value, more: &[&str]) -> Output {
    let (_folder, path) = file("envoy.json", document.to_string());
    tollgate(&[&["check", "--json", &path], more].concat())
}

/// Returns the exit code, and the reason for the first filter.
fn reason(document: &Value, more: &[&str]) -> (i32, String) {
    let said = check(document, more);
    let reason = said.json()["files"][0]["filters"][0]["reason"].as_str().unwrap_or_default().to_owned();
    (said.exit, reason)
}

#[test]
fn every_documented_configuration_passes() {
    let of_filter = |name: &str| {
        let module =
            tollgate_host_test::Wasm::package(&format!("tollgate-{name}")).path().display().to_string();
        [format!("tollgate-{name}={module}"), format!("{name}={module}")]
    };
    let modules = [
        [format!("tollgate-example-hello={}", hello()), format!("hello={}", hello())],
        of_filter("telemetry-headers"),
        of_filter("jwt-authn"),
        of_filter("rate-limit"),
        of_filter("rbac"),
        of_filter("retry"),
        of_filter("circuit-breaker"),
        of_filter("fault"),
    ]
    .concat();
    let mut files = Vec::new();
    for folder in ["envoy-config/istio", "envoy-config/standalone", "examples/hello"] {
        for entry in std::fs::read_dir(in_workspace(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.ends_with(".yaml") && name != "scenario.yaml" {
                files.push(path.display().to_string());
            }
        }
    }
    assert!(files.len() >= 6, "{files:?}");
    let mut args = vec!["check".to_owned()];
    args.extend(modules.iter().flat_map(|module| ["--module".to_owned(), module.clone()]));
    args.extend(files.clone());
    let said = tollgate(&args);
    assert_eq!(said.exit, 0, "{said:?}");
    assert_eq!(said.out.matches("ok  ").count(), files.len(), "{said:?}");
}

#[test]
fn each_filter_of_a_file_has_a_verdict() {
    let plugin = |kind: &str, config: &str| {
        json!({"@type": format!("type.googleapis.com/{kind}"), "config": {
            "name": kind, "root_id": "r", "configuration": string(config),
            "vmConfig": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": hello()}}},
        }})
    };
    let good = r#"{"header": "a", "allowed": []}"#;
    let document = json!({
        "listeners": [{"filter": plugin("envoy.extensions.filters.network.wasm.v3.Wasm", good)}],
        "access_log": plugin("envoy.extensions.access_loggers.wasm.v3.WasmAccessLog", good),
        "bootstrap": plugin("envoy.extensions.wasm.v3.WasmService", "{}"),
        "patch": {"@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
            "type_url": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
            "value": {"config": {"vm_config": {"code": {"local": {"filename": hello()}}}, "configuration": string(good)}}},
    });
    let said = check(&document, &[]);
    assert_eq!(said.exit, 1);
    let filters = said.json()["files"][0]["filters"].clone();
    let seen: Vec<_> = filters
        .as_array()
        .unwrap()
        .iter()
        .map(|f| ["path", "kind", "verdict"].map(|field| f[field].as_str().unwrap().to_owned()))
        .collect();
    let expected = [
        ["access_log", "access logger", "accepted"],
        ["bootstrap", "service", "rejected"],
        ["listeners[0].filter", "network filter", "rejected"],
        ["patch.value", "http filter", "accepted"],
    ];
    assert_eq!(seen, expected);
}

#[test]
fn rejects_a_filter_that_its_place_never_calls() {
    let module = |callback: &str| {
        wat(&format!(
            r#"(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 64)
            (func (export "proxy_abi_version_0_2_1"))
            (func (export "{callback}") (param i32 i32 i32) (result i32) i32.const 0))"#
        ))
    };
    let (http, tcp) = (module("proxy_on_request_headers"), module("proxy_on_downstream_data"));
    let verdict = |place: &str, module: &str| {
        let document = json!({"@type": format!("type.googleapis.com/envoy.extensions.filters.{place}.wasm.v3.Wasm"),
            "config": {"vm_config": {"runtime": "envoy.wasm.runtime.v8", "code": {"local": {"filename": module}}}}});
        reason(&document, &[])
    };
    assert_eq!((verdict("http", &http).0, verdict("network", &tcp).0), (0, 0));
    let (exit, why) = verdict("http", &tcp);
    assert!(exit == 1 && why.contains("only callbacks for TCP connections"), "{why}");
    let (exit, why) = verdict("network", &http);
    assert!(exit == 1 && why.contains("only callbacks for HTTP"), "{why}");
}

#[test]
fn names_an_invalid_field_with_its_path() {
    let mut document = with_code(json!({"local": {"filename": minimal()}}));
    document["typed_config"]["config"]["vm_config"]["cod"] = json!(1);
    let (exit, why) = reason(&document, &[]);
    assert_eq!(exit, 1);
    assert!(why.starts_with("`typed_config.config.vm_config.cod`: unknown field `cod`"), "{why}");
    let wrong = [
        (json!({"failure_policy": "FAIL_CLOSE"}), "failure_policy"),
        (json!({"failure_policy": "FAIL_OPEN", "fail_open": true}), "together with `fail_open`"),
        (json!({"configuration": {"value": "x"}}), "missing `@type`"),
        (
            json!({"vm_config": {"runtime": "v8", "code": {"local": {"filename": minimal()}}}}),
            "unsupported runtime `v8`; only `envoy.wasm.runtime.v8` is supported",
        ),
        (json!({"vm_config": {}}), "code`: missing required field"),
        (json!({"vm_config": {"code": {"local": {}}}}), "one of `filename`"),
        (
            json!({"vm_config": {"code": {"remote": {
                "http_uri": {"uri": "http://a.test/f.wasm", "cluster": "a", "timeout": "1s"},
            }}}}),
            "sha256`: missing required field",
        ),
        (json!({"reload_config": {"backoff": {"base_interval": "1m"}}}), "invalid duration `1m`"),
    ];
    for (fields, part) in wrong {
        let mut config = json!({"vm_config": {"code": {"local": {"filename": minimal()}}}});
        config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (exit, why) = reason(&filter(config), &[]);
        assert!(exit == 1 && why.contains(part), "{part}: {exit} {why}");
    }
}

#[test]
fn finds_code_in_each_kind_of_source() {
    let bytes = std::fs::read(minimal()).unwrap();
    let base64 = base64::prelude::BASE64_STANDARD.encode(&bytes);
    assert_eq!(reason(&with_code(json!({"local": {"inline_bytes": base64}})), &[]), (0, String::new()));
    let sha: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
    let remote = |sha: &str| {
        let uri = json!({"uri": "https://modules.test/a/mine.wasm", "cluster": "c", "timeout": "1s"});
        with_code(json!({"remote": {"http_uri": uri, "sha256": sha}}))
    };
    let (exit, why) = reason(&remote(&sha), &[]);
    assert_eq!(
        (exit, why.as_str()),
        (
            3,
            "module `https://modules.test/a/mine.wasm` is not available; name a local file with --module mine=FILE"
        )
    );
    for name in [sha.as_str(), "mine", "https://modules.test/a/mine.wasm"] {
        assert_eq!(reason(&remote(&sha), &["--module", &format!("{name}={}", minimal())]).0, 0, "{name}");
    }
    let (exit, why) = reason(&remote(&"0".repeat(64)), &["--module", &format!("mine={}", minimal())]);
    assert!(exit == 1 && why.contains("but `"), "{why}");
    let (folder, _) = file("mine.wasm", &bytes);
    assert_eq!(reason(&remote(&sha), &["--modules", &folder.path().display().to_string()]).0, 0);
    let (exit, why) = reason(&with_code(json!({"local": {"filename": "/etc/mine.wasm"}})), &[]);
    assert!(exit == 3 && why.contains("--module mine=FILE"), "{why}");
}

#[test]
fn reports_what_only_the_proxy_can_provide() {
    let mut document = with_code(json!({"local": {"filename": minimal()}}));
    document["typed_config"]["config"]["vm_config"]["environment_variables"] =
        json!({"host_env_keys": ["REGION"]});
    let notes = |more: &[&str]| check(&document, more).json()["files"][0]["filters"][0]["notes"].clone();
    assert_eq!(
        notes(&[]),
        json!(["checked without the proxy's variable `REGION`; set it with --env REGION=VALUE"])
    );
    assert_eq!(notes(&["--env", "REGION=eu"]), json!([]));
    let mut typed = with_code(json!({"local": {"filename": minimal()}}));
    typed["typed_config"]["config"]["configuration"] =
        json!({"@type": "type.googleapis.com/my.Config", "a": 1});
    let (exit, why) = reason(&typed, &[]);
    assert!(exit == 3 && why.contains("`my.Config`"), "{why}");
}
