//! Paths of the workspace, independent of the current directory.

use std::path::{Path, PathBuf};

/// Returns the root of the workspace.
pub fn workspace_root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).unwrap_or(package).to_path_buf()
}

/// Returns the target directory of cargo: `CARGO_TARGET_DIR`, or else `target/` of the workspace. A relative
/// `CARGO_TARGET_DIR` is resolved from the root of the workspace, because cargo runs tests in the folder of
/// their package.
pub fn target_dir() -> PathBuf {
    target_dir_of(&workspace_root(), std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from))
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
