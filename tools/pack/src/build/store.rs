//! Stores built modules, and locks builds.

use super::BuildError;
use crate::paths::target_dir;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

fn root() -> PathBuf {
    target_dir().join("wasm")
}

/// Locks cargo's folder until dropped: otherwise, of two processes that build different filters, each could
/// replace the files of the other.
pub(super) fn lock() -> Result<File, BuildError> {
    lock_file(&root().join(".tollgate.lock"))
}

/// Locks a file until dropped. The kernel releases the lock if the process dies.
fn lock_file(path: &Path) -> Result<File, BuildError> {
    in_folder(path, |path| {
        let file = File::create(path)?;
        file.lock()?;
        Ok(file)
    })
}

pub(super) fn read(path: &Path) -> Result<Vec<u8>, BuildError> {
    fs::read(path).map_err(|why| BuildError::Io { path: path.into(), why })
}

/// Returns `<folder>/<digest of the inputs>/<name>.wasm`, and makes it if it does not exist. Its path names
/// the inputs, so a later build with other inputs does not replace it.
pub(super) fn derived(
    folder: &Path,
    name: &str,
    inputs: &[&[u8]],
    make: impl FnOnce() -> Result<Vec<u8>, BuildError>,
) -> Result<PathBuf, BuildError> {
    let digest = digest(inputs);
    let digest = digest.get(..16).unwrap_or_default();
    let path = root().join(folder).join(digest).join(format!("{name}.wasm"));
    let _lock = lock_file(&path.with_extension("lock"))?;
    if !path.is_file() {
        replace(&path, &make()?)?;
    }
    Ok(path)
}

/// Writes a file, unless it has this content already: cargo compares times. Returns whether it has changed.
pub(super) fn write_if_changed(path: &Path, bytes: &[u8]) -> Result<bool, BuildError> {
    let changed = fs::read(path).ok().is_none_or(|known| known != bytes);
    if changed {
        in_folder(path, |path| fs::write(path, bytes))?;
    }
    Ok(changed)
}

/// Stores bytes as a file, named by their digest.
pub(super) fn keep(bytes: &[u8]) -> Result<PathBuf, BuildError> {
    let path = root().join("kept").join(format!("{}.wasm", digest(&[bytes])));
    if !path.is_file() {
        replace(&path, bytes)?;
    }
    Ok(path)
}

/// Replaces a file atomically, because a reader may have the old file open.
fn replace(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    in_folder(path, |path| {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let unique = format!("{}-{}.partial", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let partial = path.with_extension(unique);
        fs::write(&partial, bytes)?;
        fs::rename(&partial, path)
    })
}

fn in_folder<T>(path: &Path, act: impl FnOnce(&Path) -> io::Result<T>) -> Result<T, BuildError> {
    let made = path.parent().map_or(Ok(()), fs::create_dir_all);
    made.and_then(|()| act(path)).map_err(|why| BuildError::Io { path: path.into(), why })
}

/// Computes the SHA-256 of the parts and their lengths, in hexadecimal.
pub(super) fn digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hash.finalize().iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
