//! Binaryen's `wasm-opt`: what a compiler can do that sees the module only once it is linked. A twenty-fifth less of a
//! filter, in fewer instructions.

use crate::Error;
use std::path::PathBuf;
use std::process::Command;
use std::{env, fs, io, process};

/// What an Envoy of today runs and rustc uses without being asked. Said here because packing removes the section in which
/// the linker says it.
const FEATURES: [&str; 6] = [
    "--enable-bulk-memory",
    "--enable-multivalue",
    "--enable-mutable-globals",
    "--enable-nontrapping-float-to-int",
    "--enable-reference-types",
    "--enable-sign-ext",
];

/// For size. Nothing lies in the first KiB: the stack ends there, and one that came so far would go on below zero, where
/// it traps. So a number added to an address may become part of the instruction that reads there.
const PASSES: [&str; 2] = ["-Oz", "--low-memory-unused"];

/// Where it is. The version is part of the path to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Binaryen {
    /// Node.
    pub node: PathBuf,
    /// What Node runs.
    pub wasm_opt: PathBuf,
}

impl Binaryen {
    pub(crate) fn optimised(&self, wasm: &[u8]) -> Result<Vec<u8>, Error> {
        let scratch = Scratch::new().map_err(|why| Error::Binaryen(why.to_string()))?;
        self.run(&scratch, wasm).map_err(Error::Binaryen)
    }

    fn run(&self, scratch: &Scratch, wasm: &[u8]) -> Result<Vec<u8>, String> {
        let [before, after] = ["before.wasm", "after.wasm"].map(|name| scratch.0.join(name));
        fs::write(&before, wasm).map_err(|why| why.to_string())?;
        let mut command = Command::new(&self.node);
        command.arg(&self.wasm_opt).args(FEATURES).args(PASSES).arg(&before).arg("-o").arg(&after);
        let ran = command.output().map_err(|why| format!("`{}`: {why}", self.node.display()))?;
        if !ran.status.success() {
            return Err(String::from_utf8_lossy(&ran.stderr).into_owned());
        }
        fs::read(&after).map_err(|why| why.to_string())
    }
}

/// A folder of this run's own, gone afterwards.
struct Scratch(PathBuf);

impl Scratch {
    fn new() -> io::Result<Self> {
        let nanoseconds = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
        let folder = env::temp_dir().join(format!("tollgate-pack-{}-{nanoseconds}", process::id()));
        fs::create_dir(&folder)?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left in a folder for temporary files is somebody else's to remove.
        let _ = fs::remove_dir_all(&self.0);
    }
}
