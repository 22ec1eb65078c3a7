//! Machine code, kept for the next process.
//!
//! An entry is found by the hash of the module and all that the engine says its machine code depends on: its version, its
//! settings, the processor. It is written beside and renamed into place, so that it is there whole or not at all, and
//! carries a sum of itself: the engine would run whatever a broken disk makes of it. A cache that cannot be read or
//! written costs time and nothing else.

use super::{Metering, engine};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use wasmtime::{Engine, Module};

/// Bytes of all entries. The ones that were written first go when there are more.
const ROOM: u64 = 512 << 20;

/// A folder with machine code for one engine.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    engine: &'static Engine,
    room: u64,
}

impl Cache {
    /// `target/emulator`, found from the running test: `target/debug/deps/name-hash`.
    pub fn of_this_build(metering: Metering) -> Self {
        let exe = std::env::current_exe().ok();
        let target = exe.as_ref().and_then(|exe| exe.ancestors().find(|f| f.join("CACHEDIR.TAG").is_file()));
        Self { folder: target.map(|target| target.join("emulator")), engine: engine(metering), room: ROOM }
    }

    fn path(&self, hash: &str) -> Option<PathBuf> {
        let mut depends = DefaultHasher::new();
        self.engine.precompile_compatibility_hash().hash(&mut depends);
        Some(self.folder.as_ref()?.join(format!("{hash}.{:016x}.cwasm", depends.finish())))
    }

    /// The module of this hash: what is kept of it, or what the compiler makes of it, which is kept.
    pub fn get<E>(&self, hash: &str, compile: impl FnOnce() -> Result<Module, E>) -> Result<Module, E> {
        let path = self.path(hash);
        if let Some(module) = path.as_ref().and_then(|path| self.read(path)) {
            return Ok(module);
        }
        let module = compile()?;
        if let Some(path) = path {
            // Not even said: whoever runs tests in a folder that cannot be written knows.
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
        // SAFETY: it is what the engine wrote, or its sum would not be right, and the engine refuses what another
        // version wrote, or one set up otherwise. Whoever can write into `target` can as well change the tests.
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
        self.make_room(folder)
    }

    fn make_room(&self, folder: &Path) -> std::io::Result<()> {
        let mut entries: Vec<(SystemTime, u64, PathBuf)> = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            entries.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        entries.sort();
        let mut size: u64 = entries.iter().map(|(_, size, _)| size).sum();
        for (_, bytes, path) in entries {
            if size <= self.room {
                break;
            }
            std::fs::remove_file(path)?;
            size -= bytes;
        }
        Ok(())
    }
}

/// Tells bytes from what a broken disk or an interrupted copy makes of them; nothing more is asked of it, and it is
/// fast where nothing is optimised. The multiplier is that of FNV, taken eight bytes at a time.
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
    use super::*;
    use std::cell::Cell;

    struct Kept {
        cache: Cache,
        folder: tempfile::TempDir,
        compiled: Cell<u32>,
    }

    impl Kept {
        fn new(room: u64) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let cache =
                Cache { folder: Some(folder.path().join("new")), engine: engine(Metering::Time), room };
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
        let kept = Kept::new(ROOM);
        kept.get("a");
        kept.get("a");
        kept.get("b");
        assert_eq!((kept.compiled.get(), kept.files().len()), (2, 2));
    }

    #[test]
    fn an_entry_that_is_not_what_was_written_is_compiled_again_and_replaced() {
        let kept = Kept::new(ROOM);
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
        // The sum is right, and yet it is no machine code.
        let stranger = b"hello".to_vec();
        std::fs::write(&path, [&stranger[..], &sum(&stranger).to_le_bytes()].concat()).unwrap();
        kept.get("a");
        assert_eq!(kept.compiled.get(), 5);
    }

    #[test]
    fn the_engines_do_not_share() {
        let [time, instructions] = [Metering::Time, Metering::Instructions].map(|metering| {
            Cache { folder: Some("f".into()), engine: engine(metering), room: ROOM }.path("a")
        });
        assert_ne!(time, instructions);
    }

    #[test]
    fn the_oldest_go_when_there_is_no_room() {
        let kept = Kept::new(1);
        kept.get("a");
        assert_eq!(kept.files().len(), 0);
        let roomy = Kept::new(ROOM);
        roomy.get("a");
        let size = std::fs::metadata(&roomy.files()[0]).unwrap().len();
        let kept = Kept::new(2 * size);
        ["a", "b", "c"].iter().for_each(|hash| kept.get(hash));
        assert_eq!(kept.files().len(), 2);
        assert!(kept.files().iter().all(|path| !path.to_string_lossy().contains("/a.")));
    }
}
