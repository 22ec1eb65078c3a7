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
    fn the_root_holds_the_workspace() {
        assert!(workspace_root().join("Cargo.lock").is_file());
    }

    #[test]
    fn an_absolute_target_dir_stands_and_a_relative_one_is_from_the_root() {
        let of = |v: Option<&str>| target_dir_of(Path::new("/ws"), v.map(PathBuf::from));
        assert_eq!(of(None), Path::new("/ws/target"));
        assert_eq!(of(Some("")), Path::new("/ws/target"));
        assert_eq!(of(Some("out")), Path::new("/ws/out"));
        assert_eq!(of(Some("/cache/t")), Path::new("/cache/t"));
    }
}
