//! Paths of the workspace and of built files.

use std::env;
use std::path::{Path, PathBuf};

/// Returns the clone of Tollgate that this crate is a part of, or `None` if the crate comes from a registry.
/// Only a clone has the scripts that install tools.
pub fn clone_root() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    root.join("scripts/setup").is_file().then(|| root.to_path_buf())
}

/// Returns the root of the workspace that contains the current directory: that of the package under test,
/// because cargo runs tests in the folder of their package. Outside a workspace, returns the clone.
pub fn workspace_root() -> PathBuf {
    let here = env::current_dir().unwrap_or_default();
    workspace_of(&here).or_else(clone_root).unwrap_or(here)
}

/// Returns the nearest folder with a lock file.
pub(crate) fn workspace_of(dir: &Path) -> Option<PathBuf> {
    dir.ancestors().find(|dir| dir.join("Cargo.lock").is_file()).map(Path::to_path_buf)
}

/// Returns the target directory of cargo: `CARGO_TARGET_DIR`, or else `target/` of the workspace. A relative
/// `CARGO_TARGET_DIR` is resolved from the root of the workspace, because cargo runs tests in the folder of
/// their package. An installed program outside a workspace uses the user's cache folder.
pub fn target_dir() -> PathBuf {
    let root = workspace_root();
    let variable = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    if variable.is_none() && !root.join("Cargo.lock").is_file() {
        return env::home_dir().unwrap_or_else(env::temp_dir).join(".cache/tollgate");
    }
    target_dir_of(&root, variable)
}

fn target_dir_of(root: &Path, variable: Option<PathBuf>) -> PathBuf {
    match variable {
        Some(path) if !path.as_os_str().is_empty() => root.join(path),
        _ => root.join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_contains_the_workspace() {
        assert!(workspace_root().join("Cargo.lock").is_file());
        assert_eq!(clone_root(), Some(workspace_root()));
    }

    #[test]
    fn resolves_a_relative_target_dir_from_the_root() {
        let of = |v: Option<&str>| target_dir_of(Path::new("/ws"), v.map(PathBuf::from));
        assert_eq!(of(None), Path::new("/ws/target"));
        assert_eq!(of(Some("")), Path::new("/ws/target"));
        assert_eq!(of(Some("out")), Path::new("/ws/out"));
        assert_eq!(of(Some("/cache/t")), Path::new("/cache/t"));
    }
}
