//! The compiler that set-up found, as it left it in `wasm-toolchain.env`.

use super::BuildError;
use crate::paths::{target_dir, workspace_root};
use std::fs;
use std::process::Command;

/// How to call cargo for `wasm32-wasip1`.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Toolchain {
    /// The compiler; none for cargo's own.
    pub rustc: Option<String>,
    /// What it must be told to find the standard library and the linker.
    pub flags: Vec<String>,
}

/// The toolchain; runs the set-up if that was not done yet.
pub(super) fn find() -> Result<Toolchain, BuildError> {
    let file = target_dir().join("wasm-toolchain.env");
    if let Ok(text) = fs::read_to_string(&file) {
        return Ok(parse(&text));
    }
    let script = workspace_root().join("scripts/setup");
    let ran = Command::new(&script).arg("wasm").output();
    let ran = ran.map_err(|why| BuildError::Io { path: script, why })?;
    match fs::read_to_string(&file) {
        Ok(text) if ran.status.success() => Ok(parse(&text)),
        _ => Err(BuildError::NoToolchain(String::from_utf8_lossy(&ran.stderr).into_owned())),
    }
}

fn parse(text: &str) -> Toolchain {
    let mut toolchain = Toolchain::default();
    for (name, value) in text.lines().filter_map(|line| line.split_once('=')) {
        match name {
            "RUSTC" => toolchain.rustc = Some(value.into()),
            "RUSTFLAG" => toolchain.flags.push(value.into()),
            // VIA, VERSION and LIBDIR are notes of the script to itself.
            _ => {}
        }
    }
    toolchain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flag_may_hold_spaces_and_equals_signs() {
        let text = "VIA=debian\nRUSTC=/usr/bin/rustc\nRUSTFLAG=--sysroot=/a b/c\nRUSTFLAG=-Clinker=lld\n";
        let flags = vec!["--sysroot=/a b/c".into(), "-Clinker=lld".into()];
        assert_eq!(parse(text), Toolchain { rustc: Some("/usr/bin/rustc".into()), flags });
    }

    #[test]
    fn rustups_target_needs_nothing() {
        assert_eq!(parse("VIA=rustup\nVERSION=rustc 1.95.0\nLIBDIR=/l\n"), Toolchain::default());
    }
}
