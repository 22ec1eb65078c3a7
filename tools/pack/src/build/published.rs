//! Builds examples that third parties publish with their crates, unchanged.
//!
//! A host that runs only modules written for it proves little. Cargo unpacks the sources of a crate into its
//! registry. They are built there, unchanged, with the published lock file. A crate without a lock file is an
//! error, because its dependencies would change over time.

use super::cargo::{self, Package};
use super::compose::Form;
use super::{BuildError, Finish, build_once, store, toolchain};
use crate::paths::target_dir;
use std::fs;
use std::path::PathBuf;

/// Builds one example of a version of a crate on crates.io. Returns a file that remains valid. It is not
/// packed, because the example may use another version of the ABI. The first build of a crate downloads its
/// sources and dependencies.
pub fn published(name: &str, version: &str, example: &str) -> Result<PathBuf, BuildError> {
    let package = sources(name, version)?;
    let folder = format!("published/{name}-{version}");
    let key = (package.manifest.clone(), Form::Tollgate, Finish::Stripped);
    let built = build_once(name, key, || {
        let _lock = store::lock()?;
        cargo::build_examples(&package, &toolchain::find()?)
    })?;
    let linked = built.join(format!("{example}.wasm"));
    if !linked.is_file() {
        return Err(BuildError::NotPublished(format!("{name} {version}, example {example}")));
    }
    let bytes = store::read(&linked)?;
    store::derived(folder.as_ref(), example, &[&bytes], || Ok(bytes.clone()))
}

/// Returns the package in cargo's registry. Cargo only locates dependencies, so this creates a package that
/// depends on it.
fn sources(name: &str, version: &str) -> Result<Package, BuildError> {
    let dir = target_dir().join("wasm/published").join(format!("{name}-{version}"));
    let manifest = dir.join("Cargo.toml");
    let text = format!(
        "[package]\nname = \"asks-for-{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\
         [lib]\npath = \"none.rs\"\n[workspace]\n[dependencies]\n{name} = \"={version}\"\n"
    );
    let write = || -> std::io::Result<()> {
        fs::create_dir_all(&dir)?;
        if fs::read_to_string(&manifest).ok().as_ref() != Some(&text) {
            fs::write(dir.join("none.rs"), "")?;
            fs::write(&manifest, &text)?;
        }
        Ok(())
    };
    let _lock = store::lock()?;
    write().map_err(|why| BuildError::Io { path: manifest.clone(), why })?;
    cargo::dependency(&manifest, name, version)
}
