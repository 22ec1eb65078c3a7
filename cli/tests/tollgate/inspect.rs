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
        "mismatched_imports",
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
    for (module, names) in
        without_callbacks().iter().zip(["none", "proxy_on_configure proxy_on_context_create"])
    {
        let seen = tollgate(&["inspect", module, "--json"]);
        let report = seen.json();
        assert_eq!((seen.exit, &report["loads"]), (1, &json!(true)));
        assert!(
            report["reason"].as_str().unwrap().starts_with("exports no callback for requests"),
            "{report}"
        );
        let text = tollgate(&["inspect", module]).out;
        assert!(text.contains(&format!("callbacks        {names}: exports no callback")), "{text}");
    }
}

#[test]
fn the_first_marker_decides_about_the_abi() {
    let version = |first: &str, second: &str| {
        let module = format!(
            r#"(module (func (export "proxy_abi_version_{first}")) (func (export "proxy_abi_version_{second}"))
            (func (export "malloc") (param i32) (result i32) i32.const 8))"#
        );
        tollgate(&["inspect", &wat(&module), "--json"]).json()["abi"].clone()
    };
    assert_eq!(version("0_2_1", "0_1_0"), "0.2.1");
    assert_eq!(version("0_1_0", "0_2_1"), "0.1.0");
    assert_eq!(version("0_2_1", "0_2_0"), "0.2.1");
}

#[test]
fn lists_every_import_that_envoy_does_not_offer() {
    let module = r#"(module (import "env" "proxy_fly" (func)) (import "env" "proxy_done" (func (param i64)))
        (import "env" "proxy_log" (func (param i32 i32 i32))) (import "wasi_snapshot_preview1" "fd_fly" (func))
        (import "env" "proxy_get_status" (func (param i32 i32 i32) (result i32)))
        (func (export "proxy_abi_version_0_2_1")) (func (export "proxy_on_tick") (param i32))
        (func (export "malloc") (param i32) (result i32) i32.const 8))"#;
    let seen = tollgate(&["inspect", &wat(module), "--json"]).json();
    assert_eq!(seen["unknown_imports"], json!(["env.proxy_fly", "wasi_snapshot_preview1.fd_fly"]));
    let mismatched = json!([
        "`env.proxy_done` has the type (i64) -> (), expected () -> (i32)",
        "`env.proxy_log` has the type (i32, i32, i32) -> (), expected (i32, i32, i32) -> (i32)",
    ]);
    assert_eq!(seen["mismatched_imports"], mismatched);
    let text = tollgate(&["inspect", &wat(module)]).out;
    assert!(text.contains("wrong import     `env.proxy_done` has the type (i64)"), "{text}");
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
    let (_gzip, gzip) = file("plugin.tar.gz", [0x1f, 0x8b, 8, 0]);
    for (path, why) in [
        (path.as_str(), "not a valid module: not WebAssembly: it begins with `no`"),
        (
            &gzip,
            "not a valid module: a gzip archive, such as a layer of an image: unpack `plugin.wasm` from it",
        ),
        ("/nowhere.wasm", "No such file"),
        ("/", "not a file"),
    ] {
        let said = tollgate(&["inspect", path]);
        assert_eq!((said.exit, said.out.as_str()), (2, ""), "{said:?}");
        assert!(said.err.starts_with(&format!("tollgate: `{path}`: ")) && said.err.contains(why), "{said:?}");
        assert_eq!(said.err.lines().count(), 1);
    }
}
