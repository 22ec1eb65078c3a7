//! Modules under test: built from the workspace when needed, or read from a file.

use std::path::{Path, PathBuf};

/// A module, ready to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasm {
    name: String,
    path: PathBuf,
}

impl Wasm {
    /// The module in a file.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref().to_path_buf();
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Self { name, path }
    }

    /// Its name: the file's without extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}
