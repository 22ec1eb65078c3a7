use crate::support::{file, in_workspace, minimal, tollgate, wat};
use serde_json::{Value, json};

/// Writes a scenario, and next to it `easy.wasm`, a module that lets every request pass.
fn scenario(text: &str) -> (tempfile::TempDir, String) {
    let (folder, path) = file("s.yaml", text);
    std::fs::copy(minimal(), folder.path().join("easy.wasm")).unwrap();
    (folder, path)
}

fn documented() -> Vec<String> {
    let mut files = ["examples/hello", "filters/jwt-authn", "filters/telemetry-headers"]
        .map(|of| format!("{of}/scenario.yaml"))
        .to_vec();
    for entry in std::fs::read_dir(in_workspace("examples/scenarios")).unwrap() {
        files.push(entry.unwrap().path().display().to_string());
    }
    assert!(files.len() >= 7);
    files
}

#[test]
fn documented_scenarios_pass_on_both_hosts() {
    let files = documented();
    let said = tollgate(&[vec!["run".into(), "--on".into(), "both".into()], files.clone()].concat());
    assert_eq!(said.exit, 0, "{said:?}");
    for host in ["emulator", "envoy"] {
        assert_eq!(said.out.matches(&format!(" on {host} ")).count(), files.len(), "{said:?}");
    }
}

#[test]
fn scenarios_in_the_documentation_pass() {
    let page = std::fs::read_to_string(in_workspace("docs/testing.md")).unwrap();
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let mut shown = 0;
    for block in blocks {
        let (_folder, path) = file("s.yaml", block);
        let said =
            tollgate(&["run", "--on", if block.contains("emulator:") { "emulator" } else { "both" }, &path]);
        assert_eq!(said.exit, 0, "{block}{said:?}");
        shown += 1;
    }
    assert!(shown >= 2);
}

#[test]
fn a_scenario_for_one_host_does_not_run_on_the_other() {
    let native = "{name: a, typed_config: {'@type': type.googleapis.com/google.protobuf.Struct}}";
    for (text, field, host) in [
        (format!("filters: [{{native: {native}}}]\nrequests: [{{}}]"), "filters[0].native", "emulator"),
        ("requests: [{}, {http2: true}]".into(), "requests[1].http2", "emulator"),
        ("emulator: {seed: 1}\nrequests: [{}]".into(), "emulator", "envoy"),
    ] {
        let (_folder, path) = scenario(&text);
        let said = tollgate(&["run", "--on", host, &path]);
        assert!(said.exit == 3 && said.out.contains("NOT RUN"), "{said:?}");
        assert!(said.out.contains(&format!("`{field}`: only ")), "{said:?}");
    }
}

#[test]
fn a_note_names_what_envoy_cannot_check() {
    let (_folder, path) =
        scenario("filters: [{module: easy.wasm}]\nrequests: [{}]\nexpect: {host_calls: {proxy_log: 0}}");
    let said = tollgate(&["run", "--on", "both", &path]);
    let note = "note: only the emulator checks `expect.host_calls`";
    assert!(said.exit == 0 && said.out.matches(note).count() == 1, "{said:?}");
    let said = tollgate(&["run", "--json", "--on", "envoy", &path]);
    assert_eq!(said.json()["runs"][0]["unchecked"], json!(["expect.host_calls"]));
}

#[test]
fn trace_uses_the_options_of_the_emulator() {
    let module = wat(r#"(module (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (drop (call $log (i32.const 2) (i32.const 0) (i32.const 0))) i32.const 0))"#);
    let fault = "{call: {name: proxy_log, which: all, effect: {answer: InternalFailure}}}";
    let text = format!("filters: [{{module: {module}}}]\nemulator: {{faults: [{fault}]}}\nrequests: [{{}}]");
    let (_folder, path) = file("s.yaml", text);
    let said = tollgate(&["trace", &path]);
    assert!(said.exit == 0 && said.out.contains("-> InternalFailure"), "{said:?}");
}

#[test]
fn connections_are_counted() {
    let connections = "network_filters: [{module: easy.wasm}]\nconnections: [{steps: [shut_down]}]";
    let (_folder, path) = scenario(connections);
    let said = tollgate(&["run", &path]);
    assert!(said.exit == 0 && said.out.contains("(1 connection)"), "{said:?}");
}

#[test]
fn shows_expected_and_actual_values_of_a_failure() {
    let (_folder, path) = scenario(
        "filters: [{module: easy.wasm}]\nrequests: [{expect: {status: 403, headers: {x-a: b}}}, {expect: {body: ok}}]",
    );
    let said = tollgate(&["run", &path, "--json"]);
    assert_eq!(said.exit, 1, "{said:?}");
    let expected = json!({"command": "run", "exit": 1, "runs": [{
        "file": path, "host": "emulator", "verdict": "failed", "reason": null, "statuses": [200, 200],
        "failures": [
            {"path": "requests[0].expect.status", "expected": "403", "actual": "200 (via_upstream)"},
            {"path": "requests[0].expect.headers.x-a", "expected": "\"b\"", "actual": said.json()["runs"][0]["failures"][1]["actual"]},
        ],
        "unchecked": [], "logs": [], "calls": [],
    }]});
    assert_eq!(said.json(), expected);
    let text = tollgate(&["run", &path]).out;
    for part in ["FAILED", "requests[0].expect.status", "expected 403", "actual   200 (via_upstream)"] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn a_failure_shows_the_last_host_calls_and_the_log() {
    let module = wat(r#"(module (import "env" "proxy_log" (func $log (param i32 i32 i32) (result i32)))
        (memory (export "memory") 1) (data (i32.const 0) "hello") (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
            (call $log (i32.const 2) (i32.const 0) (i32.const 5))))"#);
    let text = format!("filters: [{{module: {module}}}]\nrequests: [{{expect: {{status: 500}}}}]");
    let (_folder, path) = file("s.yaml", text);
    let said = tollgate(&["run", &path]);
    assert!(said.exit == 1 && said.out.contains("logged info: hello"), "{said:?}");
    assert!(said.out.contains("host call:") && said.out.contains("proxy_log"), "{said:?}");
}

#[test]
fn a_rejected_filter_is_not_a_failed_expectation() {
    let module = wat("(module)");
    let (_folder, path) = file("s.yaml", format!("filters: [{{module: {module}}}]\nrequests: [{{}}]"));
    for host in ["emulator", "envoy"] {
        let said = tollgate(&["run", &path, "--json", "--on", host]);
        assert_eq!(said.exit, 3, "{said:?}");
        assert_eq!(said.json()["runs"][0]["verdict"], "rejected");
        assert!(said.json()["runs"][0]["reason"].is_string());
    }
}

#[test]
fn a_module_has_a_path_relative_to_its_scenario() {
    let (folder, _path) = scenario("filters: [{module: easy.wasm}]\nrequests: [{}]");
    let inner = folder.path().join("inner");
    std::fs::create_dir(&inner).unwrap();
    for (place, path) in [(folder.path(), "s.yaml"), (&inner, "../s.yaml"), (&inner, "./../s.yaml")] {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate"))
            .args(["run", "--on", "both", path])
            .current_dir(place)
            .output()
            .unwrap();
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.matches("ok ").count() == 2, "{path}: {said}");
    }
}

#[test]
fn a_scenario_that_tests_nothing_is_invalid() {
    for text in ["{}", "[]", "description: later", "[{}]"] {
        let (_folder, path) = scenario(text);
        let said = tollgate(&["run", &path]);
        assert!(said.exit == 2 && said.out.contains("INVALID"), "{text}: {said:?}");
    }
}

#[test]
fn an_unknown_metric_is_a_failed_expectation() {
    let (_folder, path) =
        scenario("filters: [{module: easy.wasm}]\nrequests: [{}]\nexpect: {metrics: {typo: 0}}");
    let said = tollgate(&["run", &path]);
    assert!(said.exit == 1 && said.out.contains("actual   no such metric"), "{said:?}");
}

#[test]
fn an_invalid_scenario_names_the_field() {
    let (_folder, path) = scenario("filters: [{module: easy.wasm, config: {}, config_text: x}]");
    let said = tollgate(&["run", &path]);
    assert!(
        said.exit == 2 && said.out.contains("`filters[0]`: expected at most one of `config`"),
        "{said:?}"
    );
    let (_folder, path) = scenario("request: []");
    let said = tollgate(&["run", &path]);
    assert!(said.exit == 2 && said.out.contains("`request`: unknown field `request`"), "{said:?}");
    let (_folder, path) = scenario("filters: [{module: gone.wasm}]");
    assert!(tollgate(&["run", &path]).out.contains("gone.wasm` is not a file"));
}

#[test]
fn runs_nothing_without_an_envoy() {
    let (_folder, path) = scenario("requests: [{}]");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(["run", "--json", "--on", "envoy", &path])
        .env("ENVOY", "/nowhere/envoy")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let said: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["runs"][0]["verdict"], "not_run");
    assert!(said["runs"][0]["error"].as_str().unwrap().contains("/nowhere/envoy"));
}

#[test]
fn a_trap_that_is_not_expected_fails() {
    let module = wat(r#"(module (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
        (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func $deep (param i32) (result i32) (i32.add (i32.const 1) (call $deep (local.get 0))))
        (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) (call $deep (i32.const 0))))"#);
    let expecting = |traps: &str| {
        let text =
            format!("filters: [{{module: {module}}}]\nrequests: [{{expect: {{status: 503}}}}]\n{traps}");
        let (_folder, path) = file("s.yaml", text);
        tollgate(&["run", "--on", "both", &path])
    };
    let said = expecting("");
    assert_eq!((said.exit, said.out.matches("FAILED").count()), (1, 2), "{said:?}");
    // The cause and the place, in the words of each engine.
    for part in ["call stack exhausted", "Maximum call stack size exceeded", "deep"] {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    assert_eq!(expecting("expect: {traps: [proxy_on_request_headers]}").exit, 0);
    let said = expecting("expect: {traps: [proxy_on_log]}");
    assert!(said.exit == 1 && said.out.contains("expect.traps"), "{said:?}");
}

#[test]
fn an_envoy_that_dies_or_hangs_fails_with_its_log() {
    let run = |body: &str| {
        let module = wat(&format!(
            r#"(module (import "env" "proxy_grpc_call" (func $call
                (param i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 1) (func (export "proxy_abi_version_0_2_1"))
            (func (export "malloc") (param i32) (result i32) i32.const 64)
            (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) {body}))"#
        ));
        let settings = "settings: {client_patience: 1s}";
        let text =
            format!("filters: [{{module: {module}}}]\n{settings}\nrequests: [{{expect: {{end: reset}}}}]");
        let (_folder, path) = file("s.yaml", text);
        tollgate(&["run", "--on", "envoy", &path])
    };
    // A name of a cluster that is valid protobuf (of no bytes) has no target, and Envoy aborts.
    let zero = "(i32.const 0) ".repeat(10);
    let said = run(&format!("(call $call {zero} (i32.const 10) (i32.const 32))"));
    assert!(said.exit == 1 && said.out.contains("FAILED"), "{said:?}");
    assert!(said.out.contains("Envoy exited (signal: 6") && said.out.contains("unset oneof"), "{said:?}");
    assert!(said.out.lines().count() < 30, "{said:?}");
    let said = run("(loop $l (br $l)) i32.const 0");
    assert!(said.exit == 1 && said.out.contains("does each callback return?"), "{said:?}");
}
