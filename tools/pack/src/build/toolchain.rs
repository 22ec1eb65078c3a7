//! Reads `wasm-toolchain.env`, in which `scripts/setup` records the compiler and the optimiser.

use super::BuildError;
use crate::Binaryen;
use crate::paths::{target_dir, workspace_root};
use std::fs;
use std::process::Command;

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
    let file = target_dir().join("wasm-toolchain.env");
    let known = fs::read_to_string(&file).ok().and_then(|text| parse(&text));
    if let Some(toolchain) = known {
        return Ok(toolchain);
    }
    let script = workspace_root().join("scripts/setup");
    let ran = Command::new(&script).arg("wasm").output();
    let ran = ran.map_err(|why| BuildError::Io { path: script, why })?;
    let found = fs::read_to_string(&file).ok().filter(|_| ran.status.success());
    let failed = || BuildError::NoToolchain(String::from_utf8_lossy(&ran.stderr).into_owned());
    found.and_then(|text| parse(&text)).ok_or_else(failed)
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
    toolchain.binaryen = Binaryen { node: node?.into(), wasm_opt: wasm_opt?.into() };
    Some(toolchain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binaryen() -> Binaryen {
        Binaryen { node: "/n/node".into(), wasm_opt: "/b/wasm-opt".into() }
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
    fn rejects_a_file_without_binaryen() {
        assert_eq!(parse("VIA=rustup\nVERSION=rustc 1.95.0\nLIBDIR=/l\n"), None);
    }
}
