//! An on-disk cache of machine code, shared with later processes.
//!
//! The key of an entry is the hash of the module and the engine's compatibility hash: its version, its
//! settings and the processor. An entry is written to a temporary file and renamed, so it is either complete
//! or absent. It ends with a checksum, because the engine would run corrupted code. A cache that cannot be
//! read or written costs time and has no other effect.
//!
//! A program that cargo has built uses the target directory of its build. An installed one uses the cache
//! folder of the user, unless others own it or can write into it: they could make this user run their code.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use wasmtime::{Engine, Module};

/// Limit on the total size in bytes. When it is exceeded, the oldest entries are deleted.
const MAX_BYTES: u64 = 512 << 20;
/// An entry that is used again after this time counts as new.
const RENEWED: Duration = Duration::from_secs(24 * 60 * 60);

/// A folder with machine code for one engine.
#[derive(Debug)]
pub(super) struct Cache {
    folder: Option<PathBuf>,
    engine: &'static Engine,
    max_bytes: u64,
}

impl Cache {
    /// Uses `target/emulator`, or the folder of the user if the program is not in a target directory. The
    /// target directory is an ancestor of the running test, `target/debug/deps/name-hash`. Cargo marks the
    /// directory with `.rustc_info.json` always, and with `CACHEDIR.TAG` only if cargo created it.
    pub fn for_this_program(engine: &'static Engine) -> Self {
        let exe = std::env::current_exe().ok();
        let is_target =
            |dir: &&Path| ["CACHEDIR.TAG", ".rustc_info.json"].iter().any(|mark| dir.join(mark).is_file());
        let target = exe.as_ref().and_then(|exe| exe.ancestors().find(is_target));
        let folder = target.map(|target| target.join("emulator")).or_else(|| {
            let variable = |name| std::env::var_os(name).map(PathBuf::from);
            private(&user_folder(variable("XDG_CACHE_HOME"), variable("HOME"))?)
        });
        Self { folder, engine, max_bytes: MAX_BYTES }
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
        let mut file = std::fs::File::open(path).ok()?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).ok()?;
        let (now, written) = (SystemTime::now(), file.metadata().and_then(|metadata| metadata.modified()));
        if written.is_ok_and(|time| now.duration_since(time).is_ok_and(|age| age > RENEWED)) {
            // Fails if another user owns the file. The entry then counts as old.
            let _ = file.set_modified(now);
        }
        let (code, sum) = bytes.split_last_chunk::<8>()?;
        if u64::from_le_bytes(*sum) != self::sum(code) {
            return None;
        }
        // SAFETY: the checksum shows that the engine wrote this code, and the engine rejects code of another
        // version or configuration. Anyone who can write into `target` can also change the tests, and only
        // this user can write into the folder of the user.
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
            // Another process may have deleted it.
            let Ok(metadata) = entry.metadata() else { continue };
            entries.push((metadata.modified()?, metadata.len(), entry.path()));
        }
        entries.sort();
        let mut size: u64 = entries.iter().map(|(_, size, _)| size).sum();
        for (_, bytes, path) in entries {
            if size <= self.max_bytes {
                break;
            }
            match std::fs::remove_file(path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => size -= bytes,
            }
        }
        Ok(())
    }
}

/// Returns the cache folder of the user for these programs (XDG Base Directory Specification), from
/// `XDG_CACHE_HOME` and `HOME`. The specification ignores relative paths.
fn user_folder(cache: Option<PathBuf>, home: Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |path: &PathBuf| path.is_absolute();
    let cache = cache.filter(absolute).or_else(|| Some(home.filter(absolute)?.join(".cache")));
    Some(cache?.join("tollgate/modules"))
}

/// Creates a folder for this user only. Returns it if this user owns it, and no one else can write into it.
fn private(folder: &Path) -> Option<PathBuf> {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).ok()?;
    // SAFETY: the call has no arguments, and cannot fail.
    let user = unsafe { libc::geteuid() };
    let own = |path: &Path| {
        let metadata = std::fs::metadata(path);
        metadata.is_ok_and(|m| m.is_dir() && m.uid() == user && m.mode() & 0o022 == 0)
    };
    // Whoever owns the parent could replace the folder.
    folder.ancestors().take(2).all(own).then(|| folder.to_path_buf())
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
        let folder = Cache::for_this_program(engine()).folder.unwrap();
        assert!(folder.ends_with("emulator"), "{}", folder.display());
    }

    #[test]
    fn an_installed_program_uses_the_cache_of_the_user() {
        let of = |cache: &str, home: &str| {
            let path = |text: &str| (!text.is_empty()).then(|| PathBuf::from(text));
            user_folder(path(cache), path(home)).map(|path| path.display().to_string())
        };
        assert_eq!(of("/c", "/h").as_deref(), Some("/c/tollgate/modules"));
        assert_eq!(of("", "/h").as_deref(), Some("/h/.cache/tollgate/modules"));
        assert_eq!(of("relative", "/h").as_deref(), Some("/h/.cache/tollgate/modules"));
        assert_eq!((of("", ""), of("", "relative")), (None, None));
    }

    #[test]
    fn a_folder_that_others_can_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("tollgate/modules");
        assert_eq!(private(&folder), Some(folder.clone()));
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        for (place, mode, used) in [
            (&folder, 0o720, false),
            (&folder, 0o702, false),
            (&folder, 0o755, true),
            (&home.path().join("tollgate"), 0o777, false),
        ] {
            set(place, mode);
            assert_eq!(private(&folder).is_some(), used, "{} {mode:o}", place.display());
        }
        std::fs::write(home.path().join("occupied"), "").unwrap();
        assert_eq!(private(&home.path().join("occupied")), None);
    }

    #[test]
    fn several_processes_can_fill_it_at_the_same_time() {
        let kept = Kept::new(1);
        let folder = kept.folder.path().join("new");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let folder = folder.clone();
                scope.spawn(move || {
                    for round in 0..20 {
                        // Each process deletes the entries of the others, because there is no room.
                        let cache = Cache { folder: Some(folder.clone()), engine: engine(), max_bytes: 1 };
                        let compile = || Module::new(engine(), "\0asm\x01\0\0\0");
                        assert!(cache.get(&format!("{}", (thread + round) % 3), compile).is_ok());
                    }
                });
            }
        });
    }

    #[test]
    fn an_entry_that_is_used_becomes_new() {
        let kept = Kept::new(MAX_BYTES);
        kept.get("a");
        let path = kept.files().remove(0);
        let modified = || std::fs::metadata(&path).unwrap().modified().unwrap();
        let old = SystemTime::now() - 2 * RENEWED;
        std::fs::File::open(&path).unwrap().set_modified(old).unwrap();
        kept.get("a");
        assert!(modified() > old + RENEWED && kept.compiled.get() == 1);
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
