//! Running the binary.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;
use tollgate_host_test::{Wasm, paths};

/// What it said.
#[derive(Debug)]
pub struct Said {
    pub exit: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("{why}: {self:?}"))
    }
}

/// Runs `tollgate` in the root of the workspace.
pub fn tollgate<S: AsRef<str>>(args: &[S]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_tollgate"))
        .args(args.iter().map(AsRef::as_ref))
        .current_dir(paths::workspace_root())
        .output()
        .expect("it runs");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    Said {
        exit: output.status.code().expect("no signal"),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// The example, as it is shipped.
pub fn hello() -> String {
    Wasm::package("tollgate-example-hello").path().display().to_string()
}

/// A module in the text format.
pub fn wat(text: &str) -> String {
    Wasm::wat(text).path().display().to_string()
}

/// A module that takes any configuration.
pub fn easy() -> String {
    wat(
        r#"(module (memory (export "memory") 1) (func (export "malloc") (param i32) (result i32) i32.const 64)
        (func (export "proxy_abi_version_0_2_1")))"#,
    )
}

/// A folder with a file in it.
pub fn file(name: &str, content: impl AsRef<[u8]>) -> (TempDir, String) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    let path = path.display().to_string();
    (folder, path)
}

/// A file of the workspace.
pub fn in_workspace(path: impl AsRef<Path>) -> PathBuf {
    paths::workspace_root().join(path)
}
