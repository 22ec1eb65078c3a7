//! From a package's name to a module that can be loaded.
//!
//! Whoever needs a filter asks for it here, be it a test, the demo or `make wasm`; nobody relies on somebody having
//! built before. Cargo decides whether there is something to do. It works in a target directory of its own: the outer
//! `cargo test` may hold the lock of the ordinary one, and waiting for it would be waiting for ourselves.

mod cargo;
mod published;
mod store;
mod toolchain;

use crate::{Options, pack, strip};
use cargo::Package;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

pub use cargo::{Shipped, shipped};
pub use published::published;

/// Why there is no module. Each says what to do, or what the tool that failed said.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// There is no compiler for `wasm32-wasip1`, and set-up could not get one.
    #[error("no compiler for wasm32-wasip1:\n{0}")]
    NoToolchain(String),
    /// No package of that name has a `cdylib`.
    #[error("the workspace has no filter `{0}`: it must be a member with crate-type `cdylib`")]
    NoSuchPackage(String),
    /// A crate was published without this, or not at all.
    #[error("nobody published `{0}`")]
    NotPublished(String),
    /// Cargo failed.
    #[error("`{what}` does not build:\n{output}")]
    Cargo {
        /// The package.
        what: String,
        /// What cargo and rustc said.
        output: String,
    },
    /// It was built, and must not be shipped as it is.
    #[error("`{what}` cannot be packed: {why}")]
    Pack {
        /// The package.
        what: String,
        /// What is wrong with it.
        why: crate::Error,
    },
    /// The schema beside the filter is not JSON.
    #[error("`{path}` is not JSON: {why}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: serde_json::Error,
    },
    /// The disk.
    #[error("`{path}`: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What went wrong with it.
        why: io::Error,
    },
}

/// What is left of what the linker made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// As shipped: see [`pack`].
    Packed,
    /// Without names and debug information, all else as the linker left it: what a filter is without us.
    Stripped,
    /// Packed, but with the names of functions, for backtraces.
    Named,
}

/// Builds a package of the workspace. The answer is a file that stays: later builds replace it at once, not in place.
pub fn package(name: &str, finish: Finish) -> Result<PathBuf, BuildError> {
    let packages = cargo::workspace_packages()?;
    let found = packages.into_iter().find(|p| p.name == name);
    let package = found.ok_or_else(|| BuildError::NoSuchPackage(name.into()))?;
    once((package.manifest.clone(), finish), || build(&package, finish))
}

/// Builds the package in `dir`, which need not be a member of the workspace.
pub fn manifest(dir: &Path, finish: Finish) -> Result<PathBuf, BuildError> {
    let dir = fs::canonicalize(dir).map_err(|why| BuildError::Io { path: dir.into(), why })?;
    let package = cargo::package_in(&dir)?;
    once((package.manifest.clone(), finish), || build(&package, finish))
}

/// How large a package is packed, in bytes: with all of its default features, and with each left out.
pub fn weights(name: &str) -> Result<Vec<(Option<String>, usize)>, BuildError> {
    let packages = cargo::workspace_packages()?;
    let found = packages.into_iter().find(|p| p.name == name);
    let package = found.ok_or_else(|| BuildError::NoSuchPackage(name.into()))?;
    let _lock = store::lock()?;
    let toolchain = toolchain::find()?;
    let mut options = package.options()?;
    options.binaryen = Some(toolchain.binaryen.clone());
    let left_out = std::iter::once(None).chain(package.features.iter().cloned().map(Some));
    let weights = left_out.map(|without| {
        let linked = cargo::build(&package, &toolchain, without.as_deref())?;
        let packed = pack(&store::read(&linked)?, &options);
        let packed = packed.map_err(|why| BuildError::Pack { what: package.name.clone(), why })?;
        Ok((without, packed.len()))
    });
    weights.collect()
}

/// What packing runs; gets it unless it is there.
pub fn binaryen() -> Result<crate::Binaryen, BuildError> {
    Ok(toolchain::find()?.binaryen)
}

/// Keeps bytes as a file under a name made of them, for modules that are not built by cargo.
pub fn keep(bytes: &[u8]) -> Result<PathBuf, BuildError> {
    store::keep(bytes)
}

/// One build of each in a process: the sources do not change under a running test.
fn once(
    key: (PathBuf, Finish),
    build: impl FnOnce() -> Result<PathBuf, BuildError>,
) -> Result<PathBuf, BuildError> {
    static BUILT: Mutex<Option<HashMap<(PathBuf, Finish), PathBuf>>> = Mutex::new(None);
    // A test that panicked meanwhile left the map whole.
    let mut built = BUILT.lock().unwrap_or_else(PoisonError::into_inner);
    let built = built.get_or_insert_default();
    if let Some(path) = built.get(&key) {
        return Ok(path.clone());
    }
    let path = build()?;
    built.insert(key, path.clone());
    Ok(path)
}

fn build(package: &Package, finish: Finish) -> Result<PathBuf, BuildError> {
    let _lock = store::lock()?;
    let toolchain = toolchain::find()?;
    let linked = cargo::build(package, &toolchain, None)?;
    let bytes = store::read(&linked)?;
    let failed = |why| BuildError::Pack { what: package.name.clone(), why };
    let mut options = package.options()?;
    options.keep_names = finish == Finish::Named;
    options.binaryen = Some(toolchain.binaryen);
    let folder = match finish {
        Finish::Packed => "packed",
        Finish::Stripped => "stripped",
        Finish::Named => "named",
    };
    // Names are unique in a workspace only.
    let folder = match package.in_workspace {
        true => folder.into(),
        false => Path::new("elsewhere")
            .join(folder)
            .join(store::digest(&[package.manifest.as_os_str().as_encoded_bytes()])),
    };
    store::derived(&folder, &package.name, &[&bytes, options.fingerprint().as_bytes()], || match finish {
        Finish::Stripped => strip(&bytes).map_err(failed),
        Finish::Packed | Finish::Named => pack(&bytes, &options).map_err(failed),
    })
}

impl Package {
    fn options(&self) -> Result<Options, BuildError> {
        let path = self.dir().join("config.schema.json");
        let schema = match fs::read_to_string(&path) {
            Ok(text) => Some(serde_json::from_str(&text).map_err(|why| BuildError::Schema { path, why })?),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(BuildError::Io { path, why }),
        };
        Ok(Options { name: self.name.clone(), version: self.version.clone(), schema, ..Options::default() })
    }
}
