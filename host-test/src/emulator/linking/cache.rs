//! An on-disk cache of machine code, shared with later processes.
//!
//! The key of an entry is the hash of the module and the engine's compatibility hash: its version, its
//! settings and the processor. An entry is written to a temporary file and renamed, so it is either complete
//! or absent. It ends with a checksum, because the engine would run corrupted code. A cache that cannot be
//! read or written costs time and has no other effect.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::{Engine, Module};

/// Limit on the total size in bytes. When it is exceeded, the oldest entries are deleted.
const MAX_BYTES: u64 = 512 << 20;

/// A folder with machine code for one engine.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    engine: &'static Engine,
    max_bytes: u64,
}

impl Cache {
    /// Uses `target/emulator`. The target directory is an ancestor of the running test,
    /// `target/debug/deps/name-hash`. Cargo marks the directory with `.rustc_info.json` always, and with
    /// `CACHEDIR.TAG` only if cargo created it.
    pub fn for_this_build(engine: &'static Engine) -> Self {
        let exe = std::env::current_exe().ok();
        let is_target =
            |dir: &&Path| ["CACHEDIR.TAG", ".rustc_info.json"].iter().any(|mark| dir.join(mark).is_file());
        let target = exe.as_ref().and_then(|exe| exe.ancestors().find(is_target));
        Self { folder: target.map(|target| target.join("emulator")), engine, max_bytes: MAX_BYTES }
    }

    fn path(&self, hash: &str) -> Option<PathBuf> {
        let mut depends = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut depends);
        Some(self.folder.as_ref()?.join(format!("{hash}.{:016x}.cwasm", depends.finish())))
    }

    /// Returns the module with this hash from the cache, or compiles and caches it.
    pub fn get<E>(&self, hash: &str, compile: impl FnOnce() -> Result<Module, E>) -> Result<Module, E> {
        let path = self.path(hash);
        if let Some(module) = path.as_ref().and_then(|path| self.read(path)) {
            return Ok(module);
        }
        let module = compile()?;
        if let Some(path) = path {
            // Errors are ignored: a folder that is not writable only costs time.
            let _ = self.write(&module, &path);
        }
        Ok(module)
    }

    fn read(&self, path: &Path) -> Option<Module> {
        let bytes = std::fs::read(path).ok()?;
        let (code, sum) = bytes.split_last_chunk::<8>()?;
        if u64::from_le_bytes(*sum) != self::sum(code) {
            return None;
        }
        // SAFETY: the checksum shows that the engine wrote this code, and the engine rejects code of another
        // version or configuration. Anyone who can write into `target` can also change the tests.
        unsafe { Module::deserialize(self.engine, code) }.ok()
    }

    fn write(&self, module: &Module, path: &Path) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(path);
        std::fs::create_dir_all(folder)?;
        let code = module.serialize().map_err(std::io::Error::other)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&code)?;
        file.write_all(&sum(&code).to_le_bytes())?;
        file.persist(path).map_err(|e| e.error)?;
        self.evict(folder)
    }

    fn evict(&self, folder: &Path) -> std::io::Result<()> {
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            entries.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        entries.sort();
        let mut size: u64 = entries.iter().map(|(_, size, _)| size).sum();
        for (_, bytes, path) in entries {
            if size <= self.max_bytes {
                break;
            }
            std::fs::remove_file(path)?;
            size -= bytes;
        }
        Ok(())
    }
}

/// Returns a checksum that detects a failing disk or an interrupted copy. It need not detect more, and it is
/// fast even without optimisation. The multiplier is that of FNV, applied to eight bytes at a time.
fn sum(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut sum = bytes.len() as u64;
    for word in words {
        sum = (sum ^ u64::from_le_bytes(*word)).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    }
    rest.iter().fold(sum, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::super::{Compiler, Metering};
    use super::*;
    use std::cell::Cell;
    use std::collections::HashSet;

    fn engine() -> &'static Engine {
        Compiler::Cranelift.engine(Metering::Time)
    }

    struct Kept {
        cache: Cache,
        folder: tempfile::TempDir,
        compiled: Cell<u32>,
    }

    impl Kept {
        fn new(max_bytes: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache = Cache { folder: Some(folder.path().join("new")), engine: engine(), max_bytes };
            Self { cache, folder, compiled: Cell::new(0) }
        }

        fn get(&self, hash: &str) {
            let got = self.cache.get(hash, || {
                self.compiled.set(self.compiled.get() + 1);
                Module::new(self.cache.engine, "\0asm\x01\0\0\0")
            });
            assert!(got.is_ok());
        }

        fn files(&self) -> Vec<PathBuf> {
            let entries = std::fs::read_dir(self.folder.path().join("new")).unwrap();
            entries.map(|entry| entry.unwrap().path()).collect()
        }
    }

    #[test]
    fn a_module_is_compiled_once() {
        let kept = Kept::new(MAX_BYTES);
        kept.get("a");
        kept.get("a");
        kept.get("b");
        assert_eq!((kept.compiled.get(), kept.files().len()), (2, 2));
    }

    #[test]
    fn a_corrupt_entry_is_compiled_again_and_replaced() {
        let kept = Kept::new(MAX_BYTES);
        kept.get("a");
        let path = kept.files().remove(0);
        let good = std::fs::read(&path).unwrap();
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for (place, bad) in [flipped, good[..good.len() / 2].to_vec(), Vec::new()].iter().enumerate() {
            std::fs::write(&path, bad).unwrap();
            kept.get("a");
            assert_eq!(kept.compiled.get() as usize, place + 2);
            assert_eq!(std::fs::read(&path).unwrap(), good);
        }
        // The checksum is right, but this is not machine code.
        let stranger = b"hello".to_vec();
        std::fs::write(&path, [&stranger[..], &sum(&stranger).to_le_bytes()].concat()).unwrap();
        kept.get("a");
        assert_eq!(kept.compiled.get(), 5);
    }

    #[test]
    fn is_found_from_a_running_test() {
        assert!(Cache::for_this_build(engine()).folder.is_some());
    }

    #[test]
    fn the_engines_do_not_share() {
        let kinds = [Metering::Time, Metering::Instructions];
        let engines = kinds.map(|kind| Compiler::ALL.iter().map(move |compiler| compiler.engine(kind)));
        let paths: Vec<_> = engines
            .into_iter()
            .flatten()
            .map(|engine| Cache { folder: Some("f".into()), engine, max_bytes: MAX_BYTES }.path("a"))
            .collect();
        assert_eq!(paths.iter().collect::<HashSet<_>>().len(), 2 * Compiler::ALL.len());
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let kept = Kept::new(1);
        kept.get("a");
        assert_eq!(kept.files().len(), 0);
        let roomy = Kept::new(MAX_BYTES);
        roomy.get("a");
        let size = std::fs::metadata(&roomy.files()[0]).unwrap().len();
        let kept = Kept::new(2 * size);
        ["a", "b", "c"].iter().for_each(|hash| kept.get(hash));
        assert_eq!(kept.files().len(), 2);
        assert!(kept.files().iter().all(|path| !path.to_string_lossy().contains("/a.")));
    }
}
