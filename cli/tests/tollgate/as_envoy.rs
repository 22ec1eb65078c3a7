//! Compares the verdicts of `check` with those of `envoy --mode validate`, filter by filter.

use crate::support::{minimal, tollgate};
use serde_json::{Value, json};
use tollgate_host_test::envoy;

const WASM: &str = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
const WRAPPED: &str = "type.googleapis.com/udpa.type.v1.TypedStruct";

/// A bootstrap with one HTTP filter.
fn bootstrap(typed_config: &Value) -> Value {
    let any_port = json!({"socket_address": {"address": "127.0.0.1", "port_value": 0}});
    let router = json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router"});
    let manager = json!({
        "@type": "type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "ingress", "route_config": {"name": "none"},
        "http_filters": [{"name": "f", "typed_config": typed_config}, {"name": "router", "typed_config": router}],
    });
    let chain = json!({"filters": [{"name": "http", "typed_config": manager}]});
    json!({
        "admin": {"address": any_port},
        "static_resources": {"listeners": [{"name": "l", "address": any_port, "filter_chains": [chain]}]},
    })
}

/// A filter with these fields of its `PluginConfig`, in addition to a module.
fn plugin(fields: &Value) -> Value {
    let mut config = json!({"name": "n", "root_id": "r"});
    config["vm_config"] = json!({"code": {"local": {"filename": minimal()}}});
    config.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    json!({"@type": WASM, "config": config})
}

/// A filter with these fields of its `VmConfig`.
fn vm(fields: &Value) -> Value {
    let mut vm = json!({"code": {"local": {"filename": minimal()}}});
    vm.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    plugin(&json!({ "vm_config": vm }))
}

fn code(code: &Value) -> Value {
    vm(&json!({ "code": code }))
}

/// A filter with a remote module. Envoy does not download it to validate the filter.
fn remote(fields: &Value, uri: &Value) -> Value {
    let mut http_uri = json!({"uri": "http://a/b", "cluster": "c", "timeout": "1s"});
    http_uri.as_object_mut().unwrap().extend(uri.as_object().unwrap().clone());
    let mut remote = json!({"http_uri": http_uri, "sha256": "a"});
    remote.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    code(&json!({ "remote": remote }))
}

fn configurations() -> Vec<Value> {
    let any =
        |name: &str, value: Value| json!({"@type": format!("x/google.protobuf.{name}"), "value": value});
    let mut all = vec![json!({}), Value::Null, json!([]), json!("x"), json!({"value": "x"})];
    all.extend([json!({"@type": ""}), json!({"@type": null}), json!({"@type": 5})]);
    for prefix in ["", "/", "type.googleapis.com/", "a/b/"] {
        all.push(json!({"@type": format!("{prefix}google.protobuf.StringValue"), "value": "x"}));
    }
    for value in [json!("x"), Value::Null, json!(5), json!(true), json!({}), json!({"a": 1}), json!([])] {
        all.push(any("StringValue", value.clone()));
        all.push(any("Struct", value));
    }
    for text in ["/w==", "_w==", "_w", "_/8=", "/w=", "/ w==", "***", ""] {
        all.push(any("BytesValue", text.into()));
    }
    all.push(any("BytesValue", json!({})));
    all.extend([any("Empty", json!({})), json!({"@type": "x/google.protobuf.Empty"})]);
    all.push(json!({"@type": "x/google.protobuf.StringValue", "value": "x", "valeu": 1}));
    all.into_iter().map(|value| plugin(&json!({ "configuration": value }))).collect()
}

fn scalars() -> Vec<Value> {
    let mut all = Vec::new();
    let flags =
        [json!(true), json!("true"), json!("False"), json!("yes"), json!("n"), json!("1"), json!("T")];
    let others =
        [json!("foo"), json!(""), json!("2"), json!(1), json!(0), json!({}), json!([true]), Value::Null];
    for flag in flags.iter().chain(&others) {
        all.push(plugin(&json!({ "fail_open": flag })));
        all.push(vm(&json!({ "allow_precompiled": flag })));
    }
    let names = [
        json!("FAIL_OPEN"),
        json!("fail_open"),
        json!("fail-open"),
        json!(" FAIL_OPEN"),
        json!("FAIL_CLOSE"),
    ];
    let numbers =
        [json!(3), json!("3"), json!("03"), json!(4), json!(-1), json!(1.0), json!(1.5), json!("1.0")];
    for policy in names.iter().chain(&numbers).chain(&others[6..]) {
        all.push(plugin(&json!({ "failure_policy": policy })));
    }
    for text in [json!(5), json!(true), json!([]), json!({}), Value::Null] {
        all.push(plugin(&json!({ "name": text })));
    }
    for time in [
        "0s",
        "-1s",
        "0.0009s",
        "0.001s",
        "1.5s",
        "1m",
        "1.1234567890s",
        ".5s",
        "1.s",
        "+1s",
        "1e3s",
        "",
        "s",
    ] {
        let backoff = json!({ "base_interval": time });
        all.push(plugin(&json!({"failure_policy": "FAIL_RELOAD", "reload_config": { "backoff": backoff }})));
    }
    for backoff in
        [json!({}), json!({"base_interval": 1}), json!({"base_interval": "5s", "max_interval": "1s"})]
    {
        all.push(plugin(&json!({ "reload_config": { "backoff": backoff }})));
    }
    for time in ["0s", "0.000001s"] {
        let backoff = json!({"base_interval": "1s", "max_interval": time});
        all.push(plugin(&json!({ "reload_config": { "backoff": backoff }})));
    }
    all
}

fn fields() -> Vec<Value> {
    let module = || json!({"local": {"filename": minimal()}});
    let mut all = vec![
        plugin(&json!({"rootId": "other"})),
        plugin(&json!({"rootId": null})),
        plugin(&json!({"vmConfig": {"code": module()}})),
        plugin(&json!({"Name": "n"})),
        plugin(&json!({"vm_config": null})),
        plugin(&json!({"vm_config": []})),
        plugin(&json!({"fail_open": true, "failure_policy": "FAIL_OPEN"})),
        plugin(&json!({"fail_open": true, "failure_policy": "UNSPECIFIED"})),
        plugin(&json!({"fail_open": false, "failure_policy": "FAIL_OPEN"})),
        plugin(&json!({"reload_config": {}})),
        plugin(&json!({"reload_config": []})),
        json!({"@type": WASM}),
        json!({"@type": WASM, "config": null}),
        json!({"@type": WASM, "config": {}}),
        json!({"@type": WASM, "config": {"name": "n", "vmConfig": {"code": module()}}, "singleton": true}),
        vm(&json!({"runtime": ""})),
        vm(&json!({"runtime": "v8"})),
        vm(&json!({"runtime": "envoy.wasm.runtime.wamr"})),
        vm(&json!({"code": null})),
        vm(&json!({"vm_id": 3})),
        vm(&json!({"environment_variables": {"host_env_keys": ["A"], "key_values": {"A": "b"}}})),
        vm(&json!({"environment_variables": {"host_env_keys": ["A", "A"]}})),
        vm(&json!({"environment_variables": {"hostEnvKeys": "A"}})),
        vm(&json!({"environment_variables": {"host_env_keys": [null]}})),
        vm(&json!({"environment_variables": {"host_env_keys": {}}})),
        vm(&json!({"environment_variables": {"key_values": {"A": 1}}})),
        vm(&json!({"environment_variables": {"key_values": {"A": null, "": "x"}}})),
        vm(&json!({"environment_variables": {"key_values": []}})),
    ];
    for capability in [json!({}), json!({"x": 1}), json!("x"), Value::Null] {
        let restriction =
            json!({"allowed_capabilities": {"proxy_log": capability, "proxy_on_configure": {}}});
        all.push(vm(&json!({ "capability_restriction_config": restriction })));
    }
    for source in [
        json!({}),
        json!({"local": {}}),
        json!({"local": {"filename": ""}}),
        json!({"local": {"filename": [minimal()]}}),
        json!({"local": {"filename": minimal(), "inline_string": "x"}}),
        json!({"local": {"filename": minimal(), "inline_string": null}}),
        json!({"local": {"filename": minimal()}, "remote": null}),
        json!({"local": {"inline_bytes": "***"}}),
        json!({"local": {"inline_bytes": ""}}),
        json!({"local": {"inline_string": "(module)"}}),
        json!({"local": {"environment_variable": ""}}),
        json!({"local": {"filename": minimal(), "watched_directory": {}}}),
        json!({"local": {"filename": minimal(), "watched_directory": {"pth": "/tmp"}}}),
    ] {
        all.push(code(&source));
    }
    all
}

fn remotes() -> Vec<Value> {
    let none = json!({});
    let mut all = Vec::new();
    for fields in [
        json!({"sha256": null}),
        json!({"sha256": ""}),
        json!({"sha256": "A"}),
        json!({"http_uri": null}),
        json!({"retry_policy": {"num_retries": 3}}),
        json!({"retry_policy": {"num_retries": "3"}}),
        json!({"retry_policy": {"num_retries": -3}}),
        json!({"retry_policy": {"foo": 1}}),
        json!({"retry_policy": {"retry_back_off": {"base_interval": "2s", "max_interval": "1s"}}}),
    ] {
        all.push(remote(&fields, &none));
    }
    for uri in [
        json!({"uri": null}),
        json!({"uri": "oci://a/b"}),
        json!({"cluster": null}),
        json!({"timeout": null}),
        json!({"timeout": "0s"}),
        json!({"timeout": "-1s"}),
        json!({"timeout": "4294967295s"}),
        json!({"timeout": "4294967296s"}),
    ] {
        all.push(remote(&none, &uri));
    }
    all
}

fn wrappers() -> Vec<Value> {
    let good = plugin(&json!({}))["config"].clone();
    let name = WASM.trim_start_matches("type.googleapis.com/");
    let mut all = Vec::new();
    for url in [name.to_owned(), format!("/{name}"), format!("x/{name}"), format!("a/b/{name}")] {
        all.push(json!({"@type": url, "config": good}));
        all.push(json!({"@type": WRAPPED, "type_url": url, "value": {"config": good}}));
    }
    all.push(json!({"@type": WRAPPED, "typeUrl": WASM, "value": {"config": good}}));
    all.push(json!({"@type": WRAPPED, "typeUrl": WASM}));
    all.push(json!({"@type": WRAPPED, "typeUrl": WASM, "value": {"config": good}, "x": 1}));
    all.push(json!({"@type": "type.googleapis.com/xds.type.v3.TypedStruct", "type_url": WASM, "value": {"config": good}}));
    for other in ["filters.network.wasm.v3.Wasm", "wasm.v3.WasmService"] {
        all.push(json!({"@type": format!("type.googleapis.com/envoy.extensions.{other}"), "config": good}));
    }
    all
}

#[test]
fn check_rejects_what_envoy_rejects_and_nothing_else() {
    let filters = [configurations(), scalars(), fields(), remotes(), wrappers()].concat();
    let folder = tempfile::tempdir().unwrap();
    let mut args = vec!["check".to_owned(), "--json".to_owned()];
    for (i, filter) in filters.iter().enumerate() {
        let path = folder.path().join(format!("{i}.json"));
        std::fs::write(&path, bootstrap(filter).to_string()).unwrap();
        args.push(path.display().to_string());
    }
    let report = tollgate(&args).json();
    let (mut differences, mut rejected) = (Vec::new(), 0);
    for (filter, file) in filters.iter().zip(report["files"].as_array().unwrap()) {
        let found = &file["filters"][0];
        let ours = found["verdict"] == "rejected";
        let theirs = envoy::validate(&bootstrap(filter)).is_err();
        rejected += usize::from(theirs);
        if ours != theirs {
            differences.push(format!("{filter}\n  Envoy rejects it: {theirs}; check: {found}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(rejected > 50 && filters.len() - rejected > 50, "{rejected} of {}", filters.len());
}
