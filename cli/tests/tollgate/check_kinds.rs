//! Resources of Envoy Gateway, Higress and Consul, Istio's TrafficExtension, and files with several
//! resources.

use crate::support::{Output, file, hello, minimal, tollgate};
use serde_json::{Value, json};

fn resource(version: &str, kind: &str, spec: &Value) -> Value {
    json!({"apiVersion": version, "kind": kind, "metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}

fn extension(spec: &Value) -> Value {
    resource("extensions.istio.io/v1alpha1", "TrafficExtension", spec)
}

fn policy(wasm: &Value) -> Value {
    let target = json!({"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": "gw"});
    let spec = json!({"targetRefs": [target], "wasm": wasm});
    resource("gateway.envoyproxy.io/v1alpha1", "EnvoyExtensionPolicy", &spec)
}

fn higress(spec: &Value) -> Value {
    resource("extensions.higress.io/v1alpha1", "WasmPlugin", spec)
}

fn consul(arguments: &Value) -> Value {
    let wasm = json!({"Name": "builtin/wasm", "Required": true, "Arguments": arguments});
    json!({"Kind": "service-defaults", "Name": "api", "EnvoyExtensions": [{"Name": "builtin/lua"}, wasm]})
}

fn consul_plugin(plugin: &Value) -> Value {
    consul(&json!({"Protocol": "http", "ListenerType": "inbound", "PluginConfig": plugin}))
}

fn check(documents: &[Value], module: &str) -> Output {
    let text: Vec<_> = documents.iter().map(Value::to_string).collect();
    let (_folder, path) = file("resources.yaml", text.join("\n---\n"));
    tollgate(&["check", "--json", &path, "--module", &format!("hello={module}")])
}

/// Returns the exit code, and the reason for the first filter.
fn reason(document: &Value, module: &str) -> (i32, String) {
    let said = check(std::slice::from_ref(document), module);
    let reason = said.json()["files"][0]["filters"][0]["reason"].as_str().unwrap_or_default().to_owned();
    (said.exit, reason)
}

/// Each kind of resource with the module `hello` and this configuration.
fn each_kind(config: &Value) -> Vec<Value> {
    let image = json!({"type": "Image", "image": {"url": "reg.example/hello:1"}});
    let code =
        json!({"Remote": {"HttpURI": {"Service": {"Name": "s"}, "URI": "https://reg.example/hello.wasm"}}});
    let mut consul_code = code.clone();
    consul_code["Remote"]["SHA256"] = sha256(&hello()).into();
    vec![
        resource(
            "extensions.istio.io/v1alpha1",
            "WasmPlugin",
            &json!({"url": "oci://r/hello:1", "pluginConfig": config}),
        ),
        extension(&json!({"wasm": {"url": "oci://r/hello:1", "pluginConfig": config}})),
        policy(&json!([{"name": "one", "code": image, "config": config}])),
        higress(&json!({"url": "oci://r/hello:1", "defaultConfig": config})),
        consul_plugin(&json!({"Configuration": config.to_string(), "VmConfig": {"Code": consul_code}})),
        resource(
            "consul.hashicorp.com/v1alpha1",
            "ServiceDefaults",
            &json!({"envoyExtensions": [{
                "name": "builtin/wasm",
                "arguments": {"protocol": "http", "listenerType": "outbound", "pluginConfig": {
                    "configuration": config.to_string(), "vmConfig": {"code": {"local": {"filename": hello()}}}}},
            }]}),
        ),
    ]
}

fn sha256(path: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(std::fs::read(path).unwrap()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_module_decides_in_every_kind_of_resource() {
    let hello = hello();
    let good = each_kind(&json!({"header": "x-team", "allowed": ["red"]}));
    let broken = each_kind(&json!({"header": "x-team", "alowed": ["red"]}));
    for (good, broken) in good.iter().zip(&broken) {
        assert_eq!(reason(good, &hello), (0, String::new()), "{good}");
        let (exit, why) = reason(broken, &hello);
        assert!(exit == 1 && why.ends_with("proxy_on_configure returned false"), "{broken}: {why}");
    }
    // One broken resource of any kind decides about a file with good ones.
    for broken in &broken {
        let documents = [&good[..], std::slice::from_ref(broken)].concat();
        let said = check(&documents, &hello);
        let verdicts = said.json()["files"][0]["filters"].to_string();
        assert_eq!((said.exit, verdicts.matches("\"accepted\"").count()), (1, good.len()), "{verdicts}");
        let list = json!({"apiVersion": "v1", "kind": "List", "items": documents});
        assert_eq!(check(&[list], &hello).exit, 1);
    }
}

#[test]
fn rejects_what_the_control_plane_rejects() {
    let (a, b) = ("a".repeat(64), "b".repeat(64));
    let image =
        |url: String, sha: &str| json!([{"code": {"type": "Image", "image": {"url": url, "sha256": sha}}}]);
    let code = json!({"Local": {"Filename": minimal()}});
    let rule = |rule: Value| higress(&json!({"url": "hello", "matchRules": [rule]}));
    let wrong = [
        (extension(&json!({})), "`spec`: expected exactly one of `wasm`, `lua`"),
        (
            extension(&json!({"wasm": {"url": "a"}, "lua": {"inlineCode": "x"}})),
            "exactly one of `wasm`, `lua`",
        ),
        (
            extension(&json!({"url": "oci://r/hello:1"})),
            "`spec.url`: unknown field `url`, expected one of `wasm`",
        ),
        (extension(&json!({"wasm": {"url": "ftp://a"}})), "`spec.wasm.url`: invalid URL `ftp://a`"),
        (extension(&json!({"wasm": {"url": "a", "phase": "AUTHN"}})), "`spec.wasm.phase`: unknown field"),
        (extension(&json!({"wasm": {"url": "a"}, "phase": "UNSPECIFIED_PHASE"})), "`spec.phase`"),
        (extension(&json!({"wasm": {"url": "a"}, "targetRef": {}})), "`spec.targetRef`: unknown field"),
        (
            extension(&json!({"wasm": {"url": "a"}, "match": [{"ports": [{"number": 0}]}]})),
            "`spec.match[0].ports[0]",
        ),
        (
            extension(&json!({"wasm": {"url": format!("r/hello@sha256:{a}"), "sha256": b}})),
            "`spec.wasm.sha256`: ",
        ),
        (
            policy(&json!([{"code": {"type": "HTTP", "image": {"url": "a"}}}])),
            "`spec.wasm[0].code`: type `HTTP` needs",
        ),
        (policy(&json!([{"code": {"type": "File"}}])), "`spec.wasm[0].code.type`"),
        (policy(&json!([{"cod": {}}])), "`spec.wasm[0].cod`: unknown field `cod`"),
        (policy(&json!({})), "`spec.wasm`: invalid type, expected an array"),
        (policy(&image(format!("r/hello@sha256:{a}"), &b)), "`spec.wasm[0].code.image.sha256`: "),
        (policy(&image("r/hello@sha256:00".into(), &b)), "`spec.wasm[0].code.image.url`: invalid digest"),
        (
            policy(&json!([{"code": {"type": "HTTP", "http": {"url": "r/hello"}}}])),
            "code.http.url`: invalid URL",
        ),
        (rule(json!({"config": {}})), "`spec.matchRules[0]`: expected one of `ingress`, `domain`, `service`"),
        (rule(json!({"domain": ["a"]})), "`spec.matchRules[0].config`: missing required field"),
        (higress(&json!({"url": "hello", "defaultConfg": {}})), "`spec.defaultConfg`: unknown field"),
        (
            higress(&json!({"url": "hello", "priority": "high"})),
            "expected an integer from -2147483648 to 2147483647",
        ),
        (
            consul(&json!({"Protocol": "grpc"})),
            "`EnvoyExtensions[1].Arguments.Protocol`: unsupported value `grpc`",
        ),
        (consul_plugin(&json!({})), "Code`: expected exactly one of `Local`, `Remote`"),
        (
            consul_plugin(&json!({"Configuration": {}, "VmConfig": {"Code": code}})),
            "Configuration`: invalid type: object, expected a string",
        ),
        (
            consul_plugin(&json!({"VmConfig": {"Runtime": "wamr", "Code": code}})),
            "unsupported runtime `envoy.wasm.runtime.wamr`",
        ),
        (
            consul_plugin(&json!({"VmConfig": {"Code": {"Remote": {"HttpURI": {"URI": "a"}}}}})),
            "both `Service` and `URI`",
        ),
    ];
    for (document, part) in wrong {
        let (exit, why) = reason(&document, &minimal());
        assert!(exit == 1 && why.contains(part), "{part}: {exit} {why}");
        for name in ["struct ", "u32", "i32", "u16", "a map", "a sequence"] {
            assert!(!why.contains(name), "{why}");
        }
    }
}

#[test]
fn passes_the_configuration_of_each_route_as_higress_does() {
    // The module does not know the fields of Higress, and its log shows them.
    let rules = json!([
        {"ingress": ["default/foo"], "config": {"a": 1}},
        {"domain": ["*.example"], "configDisable": true},
    ]);
    let spec = json!({"url": "hello", "defaultConfig": {"header": "x", "allowed": []}, "matchRules": rules});
    let said = check(&[higress(&spec)], &hello());
    let log = said.json()["files"][0]["filters"][0]["logs"].to_string();
    assert!(said.exit == 1 && log.contains("unknown field `_rules_`"), "{log}");
    let disabled = json!({"url": "hello", "defaultConfig": {}, "defaultConfigDisable": true});
    assert_eq!(reason(&higress(&disabled), &minimal()).0, 3);
}

#[test]
fn notes_fields_that_consul_ignores() {
    let code = json!({"Local": {"Filename": minimal()}});
    let document = consul_plugin(&json!({"Confguration": "x", "VmConfig": {"Code": code}}));
    let notes = check(&[document], &minimal()).json()["files"][0]["filters"][0]["notes"].clone();
    assert_eq!(notes, json!(["Consul ignores the unknown field `PluginConfig.Confguration`"]));
}

#[test]
fn does_not_check_resources_of_unknown_versions() {
    let (exit, why) = reason(&resource("example.com/v1", "WasmPlugin", &json!({"url": "hello"})), &minimal());
    assert!(exit == 3 && why.contains("unknown `apiVersion` `example.com/v1`"), "{why}");
    let lua = extension(&json!({"lua": {"inlineCode": "x"}}));
    let said = check(&[lua], &minimal());
    assert_eq!(said.json()["files"][0]["skipped"][0]["description"], "TrafficExtension `p`");
}

#[test]
fn compares_checksums_with_what_they_are_computed_from() {
    let module = minimal();
    let digest = sha256(&module);
    let plugin = |url: &str, sha: &str| {
        let spec = json!({"url": url, "sha256": sha});
        reason(&resource("extensions.istio.io/v1alpha1", "WasmPlugin", &spec), &module)
    };
    let other = "c".repeat(64);
    assert_eq!(plugin("https://r/hello.wasm", &digest).0, 0);
    assert_eq!(plugin("https://r/hello.wasm", &other).0, 1);
    assert_eq!(plugin("oci://r/hello:1", &other).0, 0);
    assert_eq!(plugin(&format!("oci://r/hello@sha256:{other}"), &other).0, 0);
    assert_eq!(plugin(&format!("r/hello:1@sha256:{other}"), &"d".repeat(64)).0, 1);
    let (exit, why) = plugin("oci://r/hello:1", &digest);
    assert!(
        exit == 1 && why.contains("is the digest of the module, expected that of the image's manifest"),
        "{why}"
    );
}

#[test]
fn istios_agent_needs_no_checksum() {
    let wasm = "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm";
    let filter = |apply_to: &str, remote: Value| {
        let config = json!({"name": "x", "vm_config": {"code": {"remote": remote}}});
        let value = json!({"name": "x", "typed_config": {"@type": wasm, "config": config}});
        let patch = json!({"applyTo": apply_to, "patch": {"operation": "ADD", "value": value}});
        resource("networking.istio.io/v1alpha3", "EnvoyFilter", &json!({"configPatches": [patch]}))
    };
    let uri = json!({"http_uri": {"uri": "https://r/hello.wasm"}});
    assert_eq!(reason(&filter("EXTENSION_CONFIG", uri.clone()), &minimal()), (0, String::new()));
    let nil = json!({"http_uri": {"uri": "oci://r/hello:1"}, "sha256": "nil"});
    assert_eq!(reason(&filter("EXTENSION_CONFIG", nil), &minimal()), (0, String::new()));
    let wrong = json!({"http_uri": {"uri": "https://r/hello.wasm"}, "sha256": "e".repeat(64)});
    assert_eq!(reason(&filter("EXTENSION_CONFIG", wrong), &minimal()).0, 1);
    // Envoy itself downloads the module of a filter in a listener.
    assert_eq!(reason(&filter("HTTP_FILTER", uri), &minimal()).0, 1);
}
