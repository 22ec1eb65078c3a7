//! Modules under test: built from a package, compiled from the text format, or read from a file.

use std::env;
use std::path::{Path, PathBuf};
use tollgate_pack::build::{self, BuildError, Finish};

/// A Wasm module that is ready to load.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wasm {
    name: String,
    path: PathBuf,
}

impl Wasm {
    /// Uses the module in a file. A relative path is resolved here, because Envoy runs in another folder.
    pub fn file(path: impl AsRef<Path>) -> Self {
        let path = path.as_ref();
        // Fails only for an empty path, or without a current folder. Loading then reports the path as it was
        // given.
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let name = path.file_stem().map(|s| s.to_string_lossy().into_owned()).unwrap_or_default();
        Self { name, path }
    }

    /// Builds a filter of the workspace of the current directory, or of the clone of Tollgate, in its release
    /// form, unless it is already built. If the environment
    /// variable `TOLLGATE_MODULES` is `proxy-wasm`, the module has the exports and the dispatcher of the
    /// `proxy-wasm` crate, so that existing scenarios run in this form too.
    ///
    /// # Panics
    /// With cargo's output, if the filter does not build.
    #[track_caller]
    pub fn package(name: &str) -> Self {
        or_panic(Self::try_package(name))
    }

    /// As [`Wasm::package`], but returns the error.
    pub fn try_package(name: &str) -> Result<Self, BuildError> {
        let built = match env::var("TOLLGATE_MODULES").as_deref() {
            Ok("proxy-wasm") => build::package_on_proxy_wasm(name),
            _ => build::package(name, Finish::Packed),
        };
        built.map(Self::file)
    }

    /// Builds a module of several filters of this workspace, in this order. The configuration has one block
    /// for each filter, named after its package: `{"jwt-authn": {..}, "rate-limit": {..}}`.
    ///
    /// # Panics
    /// With cargo's output, if the module does not build.
    #[track_caller]
    pub fn chain(name: &str, filters: &[&str]) -> Self {
        let filters: Vec<_> = filters.iter().map(|filter| (*filter).to_owned()).collect();
        or_panic(build::compose(name, &filters, Finish::Packed).map(Self::file))
    }

    /// Builds a filter of this workspace without function names and without packing.
    #[track_caller]
    pub fn package_unpacked(name: &str) -> Self {
        or_panic(build::package(name, Finish::Stripped).map(Self::file))
    }

    /// Builds a filter of this workspace with its function names, for readable backtraces.
    #[track_caller]
    pub fn package_named(name: &str) -> Self {
        or_panic(build::package(name, Finish::Named).map(Self::file))
    }

    /// Builds the filter whose package is in `dir`, as it would be released. `dir` may be outside this
    /// workspace.
    #[track_caller]
    pub fn manifest(dir: impl AsRef<Path>) -> Self {
        or_panic(build::manifest(dir.as_ref(), Finish::Packed).map(Self::file))
    }

    /// Builds an example of a crate on crates.io from its published, unmodified source.
    #[track_caller]
    pub fn published(name: &str, version: &str, example: &str) -> Self {
        or_panic(build::published(name, version, example).map(Self::file))
    }

    /// Assembles a module from the text format, without changes. Use it to test a host with modules that no
    /// compiler produces.
    #[track_caller]
    pub fn wat(text: &str) -> Self {
        let bytes = wat::parse_str(text).unwrap_or_else(|why| panic!("{why}"));
        let path = or_panic(build::keep(&bytes));
        Self { name: "wat".into(), path }
    }

    /// Returns the module's name: the file name without its extension.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path of the module.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

#[track_caller]
fn or_panic<T>(built: Result<T, BuildError>) -> T {
    built.unwrap_or_else(|why| panic!("{why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_becomes_absolute() {
        let here = env::current_dir().unwrap();
        for path in ["a/b.wasm", "./a/b.wasm"] {
            let wasm = Wasm::file(path);
            assert_eq!((wasm.name(), wasm.path()), ("b", here.join("a/b.wasm").as_path()));
        }
        assert_eq!(Wasm::file("/a/b.wasm").path(), Path::new("/a/b.wasm"));
    }
}
