//! Examples that others publish with their crates, built as they come.
//!
//! A host that runs only what was written for it proves little. Cargo unpacks a crate's sources to its registry; they
//! are built from there, untouched, with the lock file that was published with them. A crate that was published without
//! one is refused: what it is made of would change under the tests.

use super::cargo::{self, Package};
use super::{BuildError, Finish, once, store, toolchain};
use crate::paths::target_dir;
use std::fs;
use std::path::PathBuf;

/// Builds one example of a version of a crate on crates.io. The answer is a file that stays, as the linker left it:
/// an example may be of another ABI than what is shipped here. The first build of a crate downloads what it needs.
pub fn published(name: &str, version: &str, example: &str) -> Result<PathBuf, BuildError> {
    let package = sources(name, version)?;
    let folder = format!("published/{name}-{version}");
    let built = once((package.manifest.clone(), Finish::Stripped), || {
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

/// Where cargo keeps the sources. It tells only of what some package depends on, so one is made that does.
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
