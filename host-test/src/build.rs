//! Modules under test: built from the workspace when needed, written as text, or read from a file.

use std::path::{Path, PathBuf};
use tollgate_pack::build::{self, BuildError, Finish};

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

    /// A filter of this workspace, as it is shipped. Built if needed; panics with cargo's output if it does not build.
    #[track_caller]
    pub fn package(name: &str) -> Self {
        or_panic(Self::try_package(name))
    }

    /// The same, for those who have somebody to tell.
    pub fn try_package(name: &str) -> Result<Self, BuildError> {
        build::package(name, Finish::Packed).map(Self::file)
    }

    /// A filter of this workspace as the linker leaves it, without names: what it would be without packing.
    #[track_caller]
    pub fn package_unpacked(name: &str) -> Self {
        or_panic(build::package(name, Finish::Stripped).map(Self::file))
    }

    /// A filter of this workspace with the names of its functions, for readable backtraces.
    #[track_caller]
    pub fn package_named(name: &str) -> Self {
        or_panic(build::package(name, Finish::Named).map(Self::file))
    }

    /// The filter whose package is in `dir`, which need not belong to this workspace; as it would be shipped.
    #[track_caller]
    pub fn manifest(dir: impl AsRef<Path>) -> Self {
        or_panic(build::manifest(dir.as_ref(), Finish::Packed).map(Self::file))
    }

    /// An example that a crate on crates.io ships, built untouched from what was published.
    #[track_caller]
    pub fn published(name: &str, version: &str, example: &str) -> Self {
        or_panic(build::published(name, version, example).map(Self::file))
    }

    /// A module in the text format, exactly as written: a host is tested with modules that no compiler would make.
    #[track_caller]
    pub fn wat(text: &str) -> Self {
        let bytes = wat::parse_str(text).unwrap_or_else(|why| panic!("{why}"));
        let path = or_panic(build::keep(&bytes));
        Self { name: "wat".into(), path }
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

#[track_caller]
fn or_panic<T>(built: Result<T, BuildError>) -> T {
    built.unwrap_or_else(|why| panic!("{why}"))
}
