//! `tollgate authz test`.

use crate::support::{file, in_workspace, tollgate};
use serde_json::{Value, json};

const FILE: &str = "filters/rbac/example.yaml";

fn test(table: &Value, json: bool) -> crate::support::Output {
    let (_folder, path) = file("table.json", table.to_string());
    let flags: &[&str] = if json { &["--json"] } else { &[] };
    let mut said = tollgate(&[&["authz", "test", FILE, &path], flags].concat());
    said.out = said.out.replace(&path, "TABLE");
    said.err = said.err.replace(&path, "TABLE");
    said
}

fn editor(method: &str, path: &str, expect: &str) -> Value {
    json!({"method": method, "path": path, "claims": {"groups": ["acme-writers"]}, "expect": expect})
}

#[test]
fn the_table_beside_the_example_passes() {
    let said = tollgate(&["authz", "test", FILE, "filters/rbac/requests.yaml"]);
    assert_eq!((said.exit, said.out.as_str()), (0, "ok filters/rbac/requests.yaml: 4 requests\n"));
}

#[test]
fn a_failure_explains_the_decision() {
    let mut frozen = editor("PUT", "/acme/docs/frozen/7", "allow");
    frozen["name"] = "frozen documents".into();
    let mut policy = editor("PUT", "/acme/docs/7", "allow");
    policy["policy"] = "viewer".into();
    let mut shadow = editor("PUT", "/acme/docs/7", "allow");
    shadow["shadow"] = "deny".into();
    let table = json!([
        editor("PUT", "/acme/docs/7", "allow"),
        frozen,
        editor("PUT", "/x/docs/7", "allow"),
        policy,
        shadow
    ]);
    let said = test(&table, false);
    let editor = "policy `editor`, rule 0, role `editor`";
    let template = "every request.path matches the template \"/*/docs/**\"";
    let matched = format!(
        "`roles is \"editor\"` is true (\"editor\", \"viewer\"); `{template}` is true (\"/acme/docs/7\"); \
         `request.method is \"DELETE\" or \"PUT\"` is true (\"PUT\")"
    );
    let expected = [
        "FAILED frozen documents: expected `allow`, found `deny`; denied by policy `frozen`: \
         `request.path matches the template \"/*/docs/frozen/**\"` is true (\"/acme/docs/frozen/7\"); \
         `request.method is \"DELETE\" or \"PUT\"` is true (\"PUT\")\n",
        &format!(
            "FAILED PUT /x/docs/7: expected `allow`, found `deny`; denied because no policy allows it: \
             nearest is {editor}, but `roles is \"editor\"` is false (no value)\n"
        ),
        &format!(
            "FAILED PUT /acme/docs/7: expected policy `viewer`, found `editor-rule[0]`; allowed by {editor}: \
             {matched}\n"
        ),
        &format!(
            "FAILED PUT /acme/docs/7: expected shadow verdict `deny`, found `none`; allowed by {editor}: \
             {matched}\n"
        ),
        "TABLE: 4 of 5 requests failed\n",
    ];
    assert_eq!((said.exit, said.out), (1, expected.concat()));
}

#[test]
fn json_has_each_case() {
    let said =
        test(&json!([editor("PUT", "/acme/docs/7", "allow"), editor("PUT", "/x", "allow")]), true).json();
    assert_eq!((&said["command"], &said["exit"]), (&json!("authz test"), &json!(1)));
    assert_eq!((&said["passed"], &said["failed"], &said["warnings"]), (&json!(1), &json!(1), &json!([])));
    let (first, second) = (&said["cases"][0], &said["cases"][1]);
    assert_eq!((&first["verdict"], &first["failures"]), (&json!("ok"), &json!([])));
    assert_eq!(first["by"], json!({"policy": "editor", "rule": 0, "role": "editor"}));
    assert_eq!((&second["verdict"], &second["name"]), (&json!("failed"), &json!("PUT /x")));
    assert_eq!(second["failures"], json!(["expected `allow`, found `deny`"]));
    assert_eq!(second["details"], "rbac_access_denied_matched_policy[none]");
}

#[test]
fn compares_the_shadow_verdict_and_the_rule() {
    let config = json!({
        "rules": [{"name": "a", "action": "deny", "match": {"paths": [{"prefix": "/a"}]}}],
        "default_action": "allow", "policy_options": {"a": {"shadow": true}},
    });
    let (_folder, path) = file("rbac.json", config.to_string());
    let table = json!([
        {"path": "/a", "expect": "allow", "policy": "none", "shadow": "deny"},
        {"path": "/b", "expect": "allow", "shadow": "allow"},
    ]);
    let (_folder, table) = file("table.json", table.to_string());
    let said = tollgate(&["authz", "test", &path, &table]);
    assert_eq!(said.exit, 0, "{said:?}");
    let rule = json!([{"path": "/acme/docs/7", "claims": {"groups": ["acme-writers"]}, "expect": "allow",
        "policy": "viewer-rule[0]"}]);
    assert_eq!(test(&rule, false).exit, 0);
}

#[test]
fn an_invalid_table_names_the_field() {
    for (table, message) in [
        (json!([]), "must have at least one request"),
        (json!({}), "invalid type: object, expected an array"),
        (json!([{"path": "/"}]), "[0]: missing field `expect`"),
        (
            json!([{"path": "/", "expect": "allowed"}]),
            "[0].expect: unknown variant `allowed`, expected `allow` or `deny`",
        ),
        (
            json!([{"path": "x", "expect": "deny"}]),
            "[0].path: `x`, expected a path that begins with `/` and has no spaces",
        ),
        (
            json!([{"path": "/", "expect": "deny"}, {"path": "/", "expect": "deny", "headers": {"a b": "c"}}]),
            "[1].headers.a b: `a b` is not a valid header name",
        ),
    ] {
        let said = test(&table, false);
        assert_eq!((said.exit, said.err), (2, format!("tollgate: `TABLE`: {message}\n")), "{table}");
    }
    let said = test(&json!([{"path": "/", "expct": "deny"}]), false);
    assert!(
        said.exit == 2 && said.err.contains("[0].expct: unknown field `expct`, expected one of"),
        "{said:?}"
    );
    let (_folder, path) = file("rbac.json", r#"{"rules": [{}]}"#);
    assert_eq!(tollgate(&["authz", "test", &path, "filters/rbac/requests.yaml"]).exit, 1);
}

#[test]
fn the_schema_of_tables_is_current() {
    let schema: Value = serde_json::from_str(&tollgate(&["schema", "authz-table"]).out).unwrap();
    let path = in_workspace("cli/authz-table.schema.json");
    if std::env::var_os("UPDATE_SCHEMA").is_some() {
        std::fs::write(&path, serde_json::to_string_pretty(&schema).unwrap() + "\n").unwrap();
    }
    let committed: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert!(
        committed == schema,
        "authz-table.schema.json is out of date, run this test with UPDATE_SCHEMA=1"
    );
    let properties = schema["$defs"]["Case"]["properties"].as_object().unwrap();
    for (name, property) in properties {
        assert!(property["description"].is_string(), "`{name}` has no description");
    }
    let validator = jsonschema::validator_for(&schema).unwrap();
    let accepted =
        json!([{"name": "a", "url": "http://a/", "headers": {"a": ["b"], "c": "d"}, "expect": "allow"}]);
    assert!(validator.is_valid(&accepted));
    for rejected in [json!([]), json!([{"path": "/"}]), json!([{"expect": "allow", "methd": "GET"}])] {
        assert!(!validator.is_valid(&rejected), "{rejected}");
    }
}
