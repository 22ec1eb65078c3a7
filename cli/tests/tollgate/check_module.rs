use crate::support::{file, hello, in_workspace, minimal, tollgate, wat, without_callbacks};
use serde_json::json;
use tollgate_host_test::Wasm;

#[test]
fn the_module_accepts_or_rejects_a_configuration() {
    let hello = hello();
    let with = |text| tollgate(&["check", "--wasm", &hello, "--config-text", text, "--json"]);
    let taken = with(r#"{"header": "x-team", "allowed": ["red"]}"#);
    assert_eq!(taken.exit, 0, "{taken:?}");
    let filter = taken.json()["filter"].clone();
    let expected = json!({
        "path": "", "kind": "module", "name": "tollgate-example-hello", "module": hello, "verdict": "accepted",
        "reason": null, "schema_errors": [], "notes": [], "logs": [],
    });
    assert_eq!(filter, expected);
    let rejected = with(r#"{"header": "x-team", "alowed": ["red"]}"#);
    assert_eq!(rejected.exit, 1, "{rejected:?}");
    let filter = rejected.json()["filter"].clone();
    assert_eq!(filter["verdict"], "rejected");
    assert!(filter["reason"].as_str().unwrap().ends_with("proxy_on_configure returned false"));
    assert_eq!(filter["logs"][0]["level"], "critical");
    assert!(filter["logs"][0]["text"].as_str().unwrap().contains("alowed"), "{filter}");
}

#[test]
fn reports_schema_errors_of_a_rejected_configuration() {
    let wasm = Wasm::package("tollgate-telemetry-headers").path().display().to_string();
    let (_folder, config) = file("c.json", r#"{"trace_context": {"random_sampling": "all"}}"#);
    let said = tollgate(&["check", "--wasm", &wasm, "--config", &config, "--json"]);
    assert_eq!(said.exit, 1, "{said:?}");
    let errors = said.json()["filter"]["schema_errors"].to_string();
    assert!(errors.contains("/trace_context"), "{errors}");
}

#[test]
fn converts_yaml_and_passes_other_files_unchanged() {
    let (_folder, yaml) = file("c.yaml", "header: x-team\nallowed: [red]\n");
    assert_eq!(tollgate(&["check", "--wasm", &hello(), "--config", &yaml]).exit, 0);
    let (_folder, text) = file("c.txt", "header: x-team\nallowed: [red]\n");
    let said = tollgate(&["check", "--wasm", &hello(), "--config", &text]);
    assert_eq!(said.exit, 1);
    assert!(said.out.contains("REJECTED") && said.out.contains("logged critical"), "{said:?}");
}

#[test]
fn passes_vm_configuration_and_environment_to_the_module() {
    let module = r#"(module (import "wasi_snapshot_preview1" "environ_sizes_get" (func $sizes (param i32 i32) (result i32)))
        (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_abi_version_0_2_1"))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) i32.const 0)
        (func (export "proxy_on_vm_start") (param i32 i32) (result i32) (i32.eq (local.get 1) (i32.const 3)))
        (func (export "proxy_on_configure") (param i32 i32) (result i32)
            (drop (call $sizes (i32.const 0) (i32.const 4))) (i32.eq (i32.load (i32.const 0)) (i32.const 2))))"#;
    let (_folder, vm) = file("vm", "abc");
    let module = wat(module);
    let with =
        |more: &[&str]| tollgate(&[&["check", "--wasm", &module, "--vm-config", &vm], more].concat()).exit;
    assert_eq!(with(&["--env", "A=1", "--env", "B=x=y"]), 0);
    assert_eq!(with(&["--env", "A=1"]), 1);
    let said = tollgate(&["check", "--wasm", &module, "--env", "A=1", "--env", "B=2", "--name", "mine"]);
    assert!(said.exit == 1 && said.out.contains("plugin mine: proxy_on_vm_start returned false"), "{said:?}");
}

#[test]
fn rejects_a_module_without_callbacks() {
    for module in without_callbacks() {
        let said = tollgate(&["check", "--wasm", &module]);
        assert!(said.exit == 1 && said.out.contains("REJECTED"), "{said:?}");
        assert!(said.out.contains("so every request would pass: write `#[tollgate::filter]`"), "{said:?}");
    }
}

#[test]
fn a_trap_rejects_the_configuration() {
    let module = wat(r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_on_configure") (param i32 i32) (result i32) unreachable))"#);
    let said = tollgate(&["check", "--wasm", &module]);
    assert!(said.exit == 1 && said.out.contains("proxy_on_configure failed"), "{said:?}");
}

#[test]
fn names_the_type_of_a_file_that_is_not_a_module() {
    for (bytes, what) in
        [(b"\x1f\x8b\x08\0".as_slice(), "a gzip archive"), (b"\0asm\x0d\0\x01\0", "a component")]
    {
        let (_folder, path) = file("m.wasm", bytes);
        let said = tollgate(&["check", "--wasm", &path]);
        assert!(
            said.exit == 1 && said.out.contains(&format!("Failed to load Wasm bytecode: {what}")),
            "{said:?}"
        );
    }
}

#[test]
fn rejects_an_invalid_command_line() {
    let minimal = minimal();
    let wrong: [&[&str]; 7] = [
        &["check"],
        &["check", "--config", "c.json", "x.yaml"],
        &["check", "--wasm", &minimal, "x.yaml"],
        &["check", "--wasm", &minimal, "--env", "=1"],
        &["check", "--wasm", &minimal, "--config", "a", "--config-text", "b"],
        &["check", "--wasm", &minimal, "--modules", "d"],
        &["chekc"],
    ];
    for args in wrong {
        let said = tollgate(args);
        assert!(said.exit == 2 && !said.err.is_empty(), "{args:?}: {said:?}");
    }
    let missing = tollgate(&["check", "--wasm", &minimal, "--config", "/nowhere.json", "--json"]);
    assert_eq!(missing.exit, 2);
    assert!(missing.json()["error"].as_str().unwrap().starts_with("`/nowhere.json`: "), "{missing:?}");
    assert!(in_workspace("Cargo.toml").is_file());
}
