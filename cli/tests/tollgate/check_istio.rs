use crate::support::{file, hello, minimal, tollgate};
use serde_json::{Value, json};

fn plugin(spec: Value) -> Value {
    json!({"apiVersion": "extensions.istio.io/v1alpha1", "kind": "WasmPlugin",
        "metadata": {"name": "p", "namespace": "n"}, "spec": spec})
}

fn check(spec: Value, module: &str) -> (i32, Value) {
    let (_folder, path) = file("plugin.yaml", plugin(spec).to_string());
    let said = tollgate(&["check", "--json", &path, "--module", &format!("hello={module}")]);
    (said.exit, said.json()["files"][0]["filters"][0].clone())
}

#[test]
fn the_module_accepts_or_rejects_the_configuration() {
    let spec =
        |config: Value| json!({"url": "oci://r.test/a/hello:1", "pluginConfig": config, "phase": "AUTHN"});
    let (exit, found) = check(spec(json!({"header": "a", "allowed": ["b"]})), &hello());
    assert_eq!((exit, &found["verdict"], &found["name"]), (0, &json!("accepted"), &json!("n.p")));
    let (exit, found) = check(spec(json!({"header": "a"})), &hello());
    assert_eq!((exit, &found["verdict"]), (1, &json!("rejected")));
    assert!(found["logs"][0]["text"].as_str().unwrap().contains("allowed"), "{found}");
    // A filter receives an empty `pluginConfig` as zero bytes.
    let (exit, _) = check(spec(json!({})), &minimal());
    assert_eq!(exit, 0);
}

#[test]
fn rejects_what_the_api_server_rejects() {
    let wrong = [
        (json!({"phase": "AUTH"}), "`spec.phase`"),
        (json!({"priority": "high"}), "`spec.priority`"),
        (json!({"failStrategy": "FAIL_CLOSED"}), "`spec.failStrategy`"),
        (json!({"type": "TCP"}), "`spec.type`"),
        (json!({"pluginConfg": {}}), "unknown field `pluginConfg`"),
        (json!({"pluginConfig": "text"}), "`spec.pluginConfig`"),
        (json!({"url": "ftp://a"}), "invalid URL `ftp://a`"),
        (json!({"sha256": "00"}), "invalid SHA-256 `00`"),
        (json!({"pluginName": ""}), "`spec.pluginName`: must have"),
        (json!({"selector": {}, "targetRefs": []}), "only one of"),
        (json!({"match": [{"ports": [{"number": 0}]}]}), "`spec.match[0].ports[0].number`: invalid port `0`"),
        (
            json!({"vmConfig": {"env": [{"name": "A"}, {"name": "A"}]}}),
            "`spec.vmConfig.env[1].name`: duplicate variable `A`",
        ),
        (json!({"vmConfig": {"env": [{"name": "A", "value": "b", "valueFrom": "HOST"}]}}), "INLINE"),
    ];
    for (fields, part) in wrong {
        let mut spec = json!({"url": "hello"});
        spec.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (exit, found) = check(spec, &minimal());
        let reason = found["reason"].as_str().unwrap_or_default();
        assert!(exit == 1 && reason.contains(part), "{part}: {exit} {reason}");
    }
    let (_folder, path) = file("plugin.yaml", plugin(json!({})).to_string());
    let said = tollgate(&["check", &path]);
    assert!(said.exit == 1 && said.out.contains("missing field `url`"), "{said:?}");
}

#[test]
fn skips_other_kinds_with_a_note() {
    let text = format!(
        "kind: Service\nmetadata: {{name: web}}\n---\n{}\n---\nkind: Deployment\n",
        plugin(json!({"url": "hello"}))
    );
    let (_folder, path) = file("all.yaml", text);
    let module = format!("hello={}", minimal());
    let said = tollgate(&["check", "--json", &path, "--module", &module]);
    assert_eq!(said.exit, 0, "{said:?}");
    let skipped = json!([{"document": 0, "description": "Service `web`"}, {"document": 2, "description": "Deployment"}]);
    assert_eq!(said.json()["files"][0]["skipped"], skipped);
    assert_eq!(said.json()["files"][0]["filters"][0]["document"], 1);
}

#[test]
fn does_not_check_a_filter_without_its_module() {
    let (_folder, path) = file("plugin.yaml", plugin(json!({"url": "oci://r.test/a/b:1"})).to_string());
    let said = tollgate(&["check", &path]);
    assert!(said.exit == 3 && said.out.contains("--module b=FILE"), "{said:?}");
    let (_folder, path) =
        file("plugin.yaml", plugin(json!({"url": format!("file://{}", minimal())})).to_string());
    assert_eq!(tollgate(&["check", &path]).exit, 0);
}
