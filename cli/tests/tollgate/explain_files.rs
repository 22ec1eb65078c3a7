//! `tollgate explain`: finds the configuration of the rbac filter in a file.

use crate::explain::{admins, envoy, text};
use crate::support::{file, tollgate};
use serde_json::json;

#[test]
fn chooses_one_of_several_configurations() {
    let allow = json!({"rules": [{"name": "all", "action": "allow"}]});
    let edge = json!({"jwt-authn": {"rules": [{"match": {"prefix": "/"}}]}, "rbac": allow});
    let edge = json!({"@type": "type.googleapis.com/google.protobuf.Struct", "value": edge});
    let other = text(json!({"limits": {}, "rules": [{"match": {}}]}));
    let document =
        json!({"filters": [envoy("authz", text(admins())), envoy("edge", edge), envoy("limits", other)]});
    let (_folder, path) = file("envoy.json", document.to_string());
    let several = tollgate(&["explain", &path, "--path=/"]);
    let message = format!(
        "tollgate: `{path}`: several configurations of the rbac filter, choose one with `--filter NAME`: \
         `authz` at `filters[0]`, `rbac` at `filters[1]`\n"
    );
    assert_eq!((several.exit, several.err), (2, message));
    for (name, verdict) in
        [("authz", "DENIED"), ("filters[0]", "DENIED"), ("rbac", "ALLOWED"), ("edge", "ALLOWED")]
    {
        let said = tollgate(&["explain", &path, "--path=/", "--filter", name]);
        assert!(said.exit == 0 && said.out.starts_with(verdict), "{name}: {said:?}");
    }
    let limits = tollgate(&["explain", &path, "--path=/", "--filter=limits"]);
    assert!(limits.exit == 1 && limits.err.contains("unknown field `limits`"), "{limits:?}");
    let unknown = tollgate(&["explain", &path, "--path=/", "--filter=x"]);
    assert!(
        unknown.exit == 2 && unknown.err.contains("`--filter`: unknown filter `x`, found"),
        "{unknown:?}"
    );
    // Two listeners may have the same configuration.
    let twice = json!({"a": envoy("authz", text(admins())), "b": envoy("authz", text(admins()))});
    let (_folder, path) = file("twice.json", twice.to_string());
    assert_eq!(tollgate(&["explain", &path, "--path=/"]).exit, 0);
}

#[test]
fn reports_files_without_a_policy() {
    let hello = tollgate(&["explain", "examples/hello/wasmplugin.yaml", "--path=/"]);
    assert_eq!(hello.exit, 3, "{hello:?}");
    assert!(
        hello.err.contains("no configuration of the rbac filter, found `istio-system.hello`"),
        "{hello:?}"
    );
    let (_folder, path) = file("service.yaml", "kind: Service\n");
    let service = tollgate(&["explain", "--json", &path, "--path=/"]);
    assert_eq!(service.exit, 3, "{service:?}");
    assert!(
        service.json()["error"].as_str().unwrap().ends_with("no Wasm filter in this file"),
        "{service:?}"
    );
    let (_folder, path) = file("rbac.json", r#"{"rules": [{"name": "a", "action": "alow"}]}"#);
    let invalid = tollgate(&["explain", &path, "--path=/"]);
    let message = format!(
        "tollgate: `{path}`: the configuration is rejected: rules[0].action: unknown variant `alow`, \
         expected `deny` or `allow`\n"
    );
    assert_eq!((invalid.exit, invalid.err), (1, message));
    assert_eq!(tollgate(&["explain", "missing.yaml", "--path=/"]).exit, 2);
}

#[test]
fn a_list_of_kubernetes_is_read_item_by_item() {
    let policy = |name: &str| {
        json!({"apiVersion": "security.istio.io/v1", "kind": "AuthorizationPolicy",
            "metadata": {"name": name, "namespace": "shop"}, "spec": {"rules": [{}]}})
    };
    let list =
        json!({"apiVersion": "v1", "kind": "List", "items": [policy("a"), policy("b"), {"kind": "Service"}]});
    let (_folder, path) = file("list.json", list.to_string());
    let said = tollgate(&["explain", "--json", &path, "--path=/"]).json();
    assert_eq!(said["rule_counts"]["matching"], 2);
    assert_eq!((&said["by"]["policy"], &said["skipped"]), (&json!("shop/a"), &json!(["Service"])));
}
