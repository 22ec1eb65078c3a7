use crate::support::{file, hello, minimal, tollgate, wat, without_callbacks};
use serde_json::json;

#[test]
fn shows_the_contents_of_a_packed_module() {
    let said = tollgate(&["inspect", &hello(), "--json"]);
    assert_eq!(said.exit, 0, "{said:?}");
    let seen = said.json();
    assert_eq!(seen["command"], "inspect");
    assert_eq!((&seen["abi"], &seen["name"]), (&json!("0.2.1"), &json!("tollgate-example-hello")));
    assert_eq!((&seen["loads"], &seen["reason"]), (&json!(true), &json!(null)));
    assert!(seen["callbacks"].as_array().unwrap().contains(&json!("proxy_on_request_headers")));
    assert!(seen["imports"]["env"].as_array().unwrap().contains(&json!("proxy_log")));
    assert_eq!(seen["unknown_imports"], json!([]));
    let fields: Vec<_> = seen.as_object().unwrap().keys().map(String::as_str).collect();
    let documented = [
        "abi",
        "callbacks",
        "command",
        "custom_sections",
        "exit",
        "file",
        "imports",
        "loads",
        "name",
        "never_called",
        "other_exports",
        "reason",
        "schema",
        "size",
        "unknown_imports",
        "version",
    ];
    assert_eq!(fields, documented);
    let text = tollgate(&["inspect", &hello()]).out;
    assert!(text.contains("loads in Envoy   yes\n") && !text.contains('\x1b'), "{text}");
}

#[test]
fn says_why_envoy_would_not_load_a_module() {
    let marker = r#"(func (export "proxy_abi_version_0_2_1"))"#;
    let malloc = r#"(func (export "malloc") (param i32) (result i32) i32.const 8)"#;
    let import = |ty: &str| format!(r#"(module (import "env" "proxy_fly" (func {ty})) {marker} {malloc})"#);
    let cases = [
        ("(module)".to_owned(), "Missing or unknown Proxy-Wasm ABI version"),
        (format!("(module {marker})"), "missing malloc"),
        (import(""), "missing import: env.proxy_fly"),
        (import("(param i64)").replace("proxy_fly", "proxy_done"), "type mismatch: env.proxy_done"),
        (
            format!(r#"(module {marker} {malloc} (func (export "_initialize") unreachable))"#),
            "_initialize failed",
        ),
    ];
    for (module, why) in cases {
        let said = tollgate(&["inspect", &wat(&module), "--json"]);
        assert_eq!(said.exit, 1, "{said:?}");
        assert!(said.json()["reason"].as_str().unwrap().contains(why), "{said:?}");
    }
    let unknown = tollgate(&["inspect", &wat(&import("")), "--json"]).json();
    assert_eq!(unknown["unknown_imports"], json!(["env.proxy_fly"]));
}

#[test]
fn reports_a_module_without_callbacks() {
    let seen = tollgate(&["inspect", &without_callbacks(), "--json"]);
    let report = seen.json();
    assert_eq!((seen.exit, &report["loads"], &report["callbacks"]), (1, &json!(true), &json!([])));
    assert!(report["reason"].as_str().unwrap().starts_with("exports no callback"), "{report}");
    let text = tollgate(&["inspect", &without_callbacks()]).out;
    assert!(
        text.contains("callbacks        none: exports no callback, so every request would pass"),
        "{text}"
    );
}

#[test]
fn lists_exports_that_only_look_like_callbacks() {
    let module = r#"(module (func (export "proxy_abi_version_0_2_0")) (func (export "proxy_on_request_header"))
        (func (export "malloc") (param i32) (result i32) i32.const 8))"#;
    let seen = tollgate(&["inspect", &wat(module), "--json"]).json();
    assert_eq!((&seen["abi"], &seen["never_called"]), (&json!("0.2.0"), &json!(["proxy_on_request_header"])));
    assert_eq!(tollgate(&["inspect", &minimal(), "--json"]).json()["name"], json!(null));
}

#[test]
fn a_file_that_is_not_a_module_is_invalid() {
    let (_folder, path) = file("x.wasm", "no");
    for (path, why) in
        [(path.as_str(), "not a valid module"), ("/nowhere.wasm", "No such file"), ("/", "not a file")]
    {
        let said = tollgate(&["inspect", path]);
        assert_eq!((said.exit, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.starts_with(&format!("tollgate: `{path}`: ")) && said.err.contains(why), "{said:?}");
        assert_eq!(said.err.lines().count(), 1);
    }
}
