//! Where things are, from whatever directory this runs.

use std::path::{Path, PathBuf};

/// The root of the workspace.
pub fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_path_buf()
}

/// Where cargo builds: `CARGO_TARGET_DIR`, else `target/` of the workspace. A relative `CARGO_TARGET_DIR` is taken
/// from the root of the workspace, because cargo runs tests in their package's directory.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|v| !v.is_empty()) {
        Some(path) => workspace_root().join(path),
        None => workspace_root().join("target"),
    }
}
