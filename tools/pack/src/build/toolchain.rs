//! Finds the compiler and the optimiser. In a clone of Tollgate, `scripts/setup` installs them, and records
//! them in `wasm-toolchain.env`. With the crates of a registry, the author installs them.

use super::BuildError;
use super::cargo::TARGET;
use crate::Binaryen;
use crate::paths::{clone_root, target_dir};
use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

/// The compiler for `wasm32-wasip1`, and the optimiser.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Toolchain {
    /// The compiler. `None` for the default of cargo.
    pub rustc: Option<String>,
    /// Compiler flags to find the standard library and the linker.
    pub flags: Vec<String>,
    /// The optimiser.
    pub binaryen: Binaryen,
}

/// Returns the toolchain. Runs `scripts/setup wasm` if necessary.
pub(super) fn find() -> Result<Toolchain, BuildError> {
    let Some(clone) = clone_root() else {
        let libraries = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output();
        let libraries = libraries.map_err(|why| BuildError::Io { path: "rustc".into(), why })?.stdout;
        let path = env::var_os("PATH").unwrap_or_default();
        return installed(String::from_utf8_lossy(&libraries).trim().as_ref(), &path);
    };
    let read = |target: &Path| parse(&fs::read_to_string(target.join("wasm-toolchain.env")).ok()?);
    let target = target_dir();
    // A workspace outside the clone uses the tools of the clone, if they are installed.
    if let Some(known) = read(&target).or_else(|| read(&clone.join("target"))) {
        return Ok(known);
    }
    let script = clone.join("scripts/setup");
    let ran = Command::new(&script).arg("wasm").env("CARGO_TARGET_DIR", &target).output();
    let ran = ran.map_err(|why| BuildError::Io { path: script, why })?;
    let failed = || BuildError::NoToolchain(String::from_utf8_lossy(&ran.stderr).into_owned());
    Some(ran.status).filter(|status| status.success()).and_then(|_| read(&target)).ok_or_else(failed)
}

/// Returns the tools that the author installed: the standard library in `libraries`, and the first `wasm-opt`
/// of the folders in `path`.
fn installed(libraries: &Path, path: &OsStr) -> Result<Toolchain, BuildError> {
    if !libraries.is_dir() {
        return Err(BuildError::NoToolchain(format!("run `rustup target add {TARGET}`")));
    }
    let found = env::split_paths(path).map(|folder| folder.join("wasm-opt")).find(|file| file.is_file());
    let wasm_opt = found.ok_or(BuildError::NoBinaryen)?;
    let ran = Command::new(&wasm_opt).arg("--version").output();
    let ran = ran.map_err(|why| BuildError::Io { path: wasm_opt.clone(), why })?;
    let version = String::from_utf8_lossy(&ran.stdout).trim().to_owned();
    Ok(Toolchain { binaryen: Binaryen { node: None, wasm_opt, version }, ..Toolchain::default() })
}

/// Returns `None` if a value is missing, as in a file from an older version of the script.
fn parse(text: &str) -> Option<Toolchain> {
    let mut toolchain = Toolchain::default();
    let (mut node, mut wasm_opt) = (None, None);
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match name {
            "RUSTC" => toolchain.rustc = Some(value.into()),
            "RUSTFLAG" => toolchain.flags.push(value.into()),
            "NODE" => node = Some(value),
            "WASM_OPT" => wasm_opt = Some(value),
            // Only the script uses VIA, VERSION and LIBDIR.
            _ => {}
        }
    }
    toolchain.binaryen =
        Binaryen { node: Some(node?.into()), wasm_opt: wasm_opt?.into(), version: String::new() };
    Some(toolchain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaryen() -> Binaryen {
        Binaryen { node: Some("/n/node".into()), wasm_opt: "/b/wasm-opt".into(), version: String::new() }
    }

    #[test]
    fn flags_may_contain_spaces_and_equals_signs() {
        let text = "VIA=debian\nRUSTC=/usr/bin/rustc\nRUSTFLAG=--sysroot=/a b/c\nRUSTFLAG=-Clinker=lld\n\
                    NODE=/n/node\nWASM_OPT=/b/wasm-opt\n";
        let flags = vec!["--sysroot=/a b/c".into(), "-Clinker=lld".into()];
        let expected = Toolchain { rustc: Some("/usr/bin/rustc".into()), flags, binaryen: binaryen() };
        assert_eq!(parse(text), Some(expected));
    }

    #[test]
    fn a_rustup_target_needs_no_flags() {
        let text = "VIA=rustup\nVERSION=rustc 1.95.0\nLIBDIR=/l\nNODE=/n/node\nWASM_OPT=/b/wasm-opt\n";
        assert_eq!(parse(text), Some(Toolchain { binaryen: binaryen(), ..Toolchain::default() }));
    }

    #[test]
    fn says_what_to_install() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
        let error = |libraries: &Path| installed(libraries, folder.as_os_str()).unwrap_err().to_string();
        assert_eq!(
            error(&folder.join("none")),
            "no compiler for wasm32-wasip1:\nrun `rustup target add wasm32-wasip1`"
        );
        assert_eq!(
            error(folder),
            "no `wasm-opt` on `PATH`: install Binaryen, for example with `npm install --global binaryen`"
        );
    }

    #[test]
    fn rejects_a_file_without_binaryen() {
        assert_eq!(parse("VIA=rustup\nVERSION=rustc 1.95.0\nLIBDIR=/l\n"), None);
    }
}
