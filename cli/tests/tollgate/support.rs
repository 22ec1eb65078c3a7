//! Running the binary.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tollgate_host_test::{Wasm, paths};

/// The output of the binary.
#[derive(Debug)]
pub struct Output {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Output {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
}

/// Runs `tollgate` in the root of the workspace.
pub fn tollgate<S: AsRef<str>>(args: &[S]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(args.iter().map(AsRef::as_ref))
        .current_dir(paths::workspace_root())
        .output()
        .expect("cannot run `tollgate`");
    let text = |bytes| String::from_utf8(bytes).expect("output is not UTF-8");
    Output {
        exit: output.status.code().expect("`tollgate` was killed by a signal"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// Returns the path of the packed example.
pub fn hello() -> String {
    Wasm::package("tollgate-example-hello").path().display().to_string()
}

/// Compiles a module from the text format, and returns its path.
pub fn wat(text: &str) -> String {
    Wasm::wat(text).path().display().to_string()
}

/// Returns the path of a module that accepts any configuration, and does nothing in its only other callback.
pub fn minimal() -> String {
    wat(
        r#"(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_abi_version_0_2_1")) (func (export "proxy_on_log") (param i32))
        (func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 1))"#,
    )
}

/// Returns the paths of modules that load, but export no callback for an event: one has none at all, the
/// other those of a filter without `#[tollgate::filter]`.
pub fn without_callbacks() -> [String; 2] {
    let forgotten = r#"(func (export "proxy_on_configure") (param i32 i32) (result i32) i32.const 1)
        (func (export "proxy_on_context_create") (param i32 i32))"#;
    ["", forgotten].map(|callbacks| {
        wat(&format!(
            r#"(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 64)
            (func (export "proxy_abi_version_0_2_1")) {callbacks})"#
        ))
    })
}

/// Writes a file into a new folder.
pub fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("cannot create a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("cannot write the file");
    let path = path.display().to_string();
    (folder, path)
}

/// Returns the path of a file in the workspace.
pub fn in_workspace(path: impl AsRef<Path>) -> PathBuf {
    paths::workspace_root().join(path)
}
