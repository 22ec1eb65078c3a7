//! Builds a package into a module that can be loaded.
//!
//! Tests, the demo and `make wasm` all build filters here, so none of them depends on an earlier build. Cargo
//! decides whether to build. It uses a separate target directory: an outer `cargo test` may hold the lock of
//! the normal one, and waiting for it would be a deadlock.

mod cargo;
mod compose;
mod published;
mod store;
mod toolchain;

use crate::{Options, pack, strip};
use cargo::{Kind, Package};
use compose::{Form, Part};
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use std::{fs, io};
use toolchain::Toolchain;

pub use cargo::{Shipped, shipped};
pub use published::published;

/// The reason why a module was not built. The text says what to do, or contains the output of the tool that
/// failed.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// Neither the system nor the setup provides a compiler for `wasm32-wasip1`.
    #[error("no compiler for wasm32-wasip1:\n{0}")]
    NoToolchain(String),
    /// Packing needs Binaryen.
    #[error("no `wasm-opt` on `PATH`: install Binaryen, for example with `npm install --global binaryen`")]
    NoBinaryen,
    /// No package with this name is a module or a filter.
    #[error(
        "unknown filter `{0}`: expected a package with `filter = \"TypeName\"` in `[package.metadata.tollgate]`, \
         or with crate-type `cdylib`"
    )]
    NoSuchPackage(String),
    /// The package cannot be part of a module with other filters.
    #[error(
        "`{0}` is not a filter that a module can contain: expected a library with `filter = \"TypeName\"` in \
         `[package.metadata.tollgate]`, without crate-type `cdylib`"
    )]
    NotAFilter(String),
    /// The crate was not published, or without this example.
    #[error("not published: `{0}`")]
    NotPublished(String),
    /// The build failed before in this process, and was not run again.
    #[error("cannot build `{0}`: its build failed before; the first test that needs it shows the output")]
    FailedBefore(String),
    /// Cargo failed.
    #[error("cannot build `{what}`:\n{output}")]
    Cargo {
        /// The package.
        what: String,
        /// Output of cargo and rustc.
        output: String,
    },
    /// The module was built, but cannot be packed.
    #[error("cannot pack `{what}`: {why}")]
    Pack {
        /// The package.
        what: String,
        /// The error.
        why: crate::Error,
    },
    /// The schema of the filter is not JSON.
    #[error("`{path}`: invalid JSON: {why}")]
    Schema {
        /// The file.
        path: PathBuf,
        /// The error.
        why: serde_json::Error,
    },
    /// A file cannot be read or written.
    #[error("`{path}`: {why}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The error.
        why: io::Error,
    },
}

/// The processing of a module after linking.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Finish {
    /// Packed, as shipped; see [`pack`].
    Packed,
    /// Not packed: only names and debug information are removed.
    Stripped,
    /// Packed with the names of functions, for backtraces.
    Named,
}

/// Builds a package of the workspace. Returns a file that remains valid: later builds replace it atomically.
pub fn package(name: &str, finish: Finish) -> Result<PathBuf, BuildError> {
    module(&find(name)?, Form::Tollgate, finish)
}

/// Builds a filter of the workspace into a packed module with the exports of the `proxy-wasm` crate.
pub fn package_on_proxy_wasm(name: &str) -> Result<PathBuf, BuildError> {
    module(&find(name)?, Form::ProxyWasm, Finish::Packed)
}

fn module(package: &Package, form: Form, finish: Finish) -> Result<PathBuf, BuildError> {
    build_once(&package.name, (package.manifest.clone(), form, finish), || build(package, form, finish))
}

/// Builds the package in `dir`, which need not be a member of the workspace.
pub fn manifest(dir: &Path, finish: Finish) -> Result<PathBuf, BuildError> {
    let dir = fs::canonicalize(dir).map_err(|why| BuildError::Io { path: dir.into(), why })?;
    let package = cargo::package_in(&dir)?;
    module(&package, Form::Tollgate, finish)
}

/// Builds a module of one or several filters, in this order. A filter is the name of a package of the
/// workspace, with or without `tollgate-`, or the folder of a package. `name=filter` names its block in the
/// configuration, for example if a filter occurs twice.
pub fn compose(name: &str, filters: &[String], finish: Finish) -> Result<PathBuf, BuildError> {
    let named: Vec<_> = filters
        .iter()
        .map(|filter| match filter.split_once('=') {
            Some((name, filter)) => (Some(name), filter),
            None => (None, filter.as_str()),
        })
        .collect();
    let filters: Vec<_> = named.iter().map(|(_, filter)| find(filter)).collect::<Result<_, _>>()?;
    // A module of one filter has the filter's own configuration, without a block.
    if let [one] = filters.as_slice() {
        return module(one, Form::Tollgate, finish);
    }
    let parts = filters.iter().zip(&named);
    let parts: Vec<_> =
        parts.map(|(filter, (name, _))| Part { filter, name: *name, without: None }).collect();
    let module = {
        let _lock = store::lock()?;
        compose::write(name, &parts, Form::Tollgate)?
    };
    build_once(name, (module.manifest.clone(), Form::Tollgate, finish), || {
        let started = Instant::now();
        let toolchain = toolchain::find()?;
        let linked = linked(|| cargo::build(&module, &toolchain))?;
        let options = compose::options(name, &parts)?;
        let path = finish_module(&module, &linked, options, toolchain, (Form::Tollgate, finish))?;
        note_time(started, name, Form::Tollgate, finish)?;
        Ok(path)
    })
}

/// Finds a package of the workspace by its name, or the package in a folder.
fn find(filter: &str) -> Result<Package, BuildError> {
    let long = format!("tollgate-{filter}");
    let known = cargo::workspace_packages()?.into_iter().find(|p| p.name == filter || p.name == long);
    if let Some(known) = known {
        return Ok(known);
    }
    match fs::canonicalize(filter) {
        Ok(dir) if dir.is_dir() => cargo::package_in(&dir),
        _ => Err(BuildError::NoSuchPackage(filter.into())),
    }
}

/// Returns the packed size of a package in bytes: with all of its default features, and without each of them.
pub fn weights(name: &str) -> Result<Vec<(Option<String>, usize)>, BuildError> {
    let package = find(name)?;
    let _lock = store::lock()?;
    let toolchain = toolchain::find()?;
    let mut options = package.options()?;
    options.binaryen = Some(toolchain.binaryen.clone());
    let builds = std::iter::once(None).chain(package.features.iter().cloned().map(Some));
    let weights = builds.map(|without| {
        let linked = link(&package, &toolchain, without.as_deref(), Form::Tollgate)?;
        let packed = pack(&store::read(&linked)?, &options);
        let packed = packed.map_err(|why| BuildError::Pack { what: package.name.clone(), why })?;
        Ok((without, packed.len()))
    });
    weights.collect()
}

/// Returns the optimiser. Installs it if it is missing.
pub fn binaryen() -> Result<crate::Binaryen, BuildError> {
    Ok(toolchain::find()?.binaryen)
}

/// Stores a module that is not built by cargo as a file, named by the digest of its bytes.
pub fn keep(bytes: &[u8]) -> Result<PathBuf, BuildError> {
    store::keep(bytes)
}

/// A build: the manifest of the package, and the form of the module.
type Key = (PathBuf, Form, Finish);

/// The module of a key: `None` before it is built, and `Some(None)` if the build failed.
type Slot = Arc<Mutex<Option<Option<PathBuf>>>>;

/// Builds each package once per process: the sources do not change while a test runs. A failed build is not
/// run again either, because each test of a program would print the same output. Only callers with the same
/// key wait for a build.
fn build_once(
    name: &str,
    key: Key,
    build: impl FnOnce() -> Result<PathBuf, BuildError>,
) -> Result<PathBuf, BuildError> {
    static SLOTS: Mutex<Option<HashMap<Key, Slot>>> = Mutex::new(None);
    // A panic in another test corrupts neither the map nor a slot.
    let slot = {
        let mut slots = SLOTS.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.get_or_insert_default().entry(key).or_default())
    };
    let mut built = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(before) = &*built {
        return before.clone().ok_or_else(|| BuildError::FailedBefore(name.into()));
    }
    let result = build();
    *built = Some(result.as_ref().ok().cloned());
    result
}

fn build(package: &Package, form: Form, finish: Finish) -> Result<PathBuf, BuildError> {
    let started = Instant::now();
    let toolchain = toolchain::find()?;
    let linked = linked(|| link(package, &toolchain, None, form))?;
    let path = finish_module(package, &linked, package.options()?, toolchain, (form, finish))?;
    note_time(started, &package.name, form, finish)?;
    Ok(path)
}

/// Returns the bytes of the module that `link` makes. The lock covers cargo and the read, because the next
/// build may replace the file. The steps after it work on the bytes, and run side by side.
fn linked(link: impl FnOnce() -> Result<PathBuf, BuildError>) -> Result<Vec<u8>, BuildError> {
    let _lock = store::lock()?;
    store::read(&link()?)
}

/// Appends the time that a build took to the file that `TOLLGATE_BUILD_LOG` names.
fn note_time(started: Instant, name: &str, form: Form, finish: Finish) -> Result<(), BuildError> {
    let Some(path) = std::env::var_os("TOLLGATE_BUILD_LOG").map(PathBuf::from) else { return Ok(()) };
    let line = format!("{:.1} {name} {form:?} {finish:?}\n", started.elapsed().as_secs_f64());
    let file = fs::OpenOptions::new().create(true).append(true).open(&path);
    file.and_then(|mut file| file.write_all(line.as_bytes())).map_err(|why| BuildError::Io { path, why })
}

fn finish_module(
    package: &Package,
    linked: &[u8],
    mut options: Options,
    toolchain: Toolchain,
    (form, finish): (Form, Finish),
) -> Result<PathBuf, BuildError> {
    let failed = |why| BuildError::Pack { what: package.name.clone(), why };
    options.keep_names = finish == Finish::Named;
    options.binaryen = Some(toolchain.binaryen);
    let folder = match (form, finish) {
        (Form::ProxyWasm, _) => "on-proxy-wasm",
        (Form::Tollgate, Finish::Packed) => "packed",
        (Form::Tollgate, Finish::Stripped) => "stripped",
        (Form::Tollgate, Finish::Named) => "named",
    };
    // Names are unique only within a workspace.
    let folder = match package.elsewhere.is_empty() {
        true => folder.into(),
        false => Path::new("elsewhere")
            .join(folder)
            .join(store::digest(&[package.manifest.as_os_str().as_encoded_bytes()])),
    };
    store::derived(&folder, &package.name, &[linked, options.fingerprint().as_bytes()], || {
        let module = match finish {
            Finish::Stripped => strip(linked, &options),
            Finish::Packed | Finish::Named => pack(linked, &options),
        };
        module.map_err(failed)
    })
}

/// Links the module of a package, with all of its default features or without one of them.
fn link(
    package: &Package,
    toolchain: &Toolchain,
    without: Option<&str>,
    form: Form,
) -> Result<PathBuf, BuildError> {
    match package.kind {
        Kind::Filter(_) => {
            let module =
                compose::write(&package.name, &[Part { filter: package, name: None, without }], form)?;
            cargo::build(&module, toolchain)
        }
        _ => cargo::build(package, toolchain),
    }
}

impl Package {
    fn options(&self) -> Result<Options, BuildError> {
        let path = self.dir().join("config.schema.json");
        let schema = match fs::read_to_string(&path) {
            Ok(text) => Some(serde_json::from_str(&text).map_err(|why| BuildError::Schema { path, why })?),
            Err(why) if why.kind() == io::ErrorKind::NotFound => None,
            Err(why) => return Err(BuildError::Io { path, why }),
        };
        Ok(Options {
            name: self.name.clone(),
            version: self.version.clone(),
            schema,
            no_callbacks: self.no_callbacks,
            ..Options::default()
        })
    }
}
