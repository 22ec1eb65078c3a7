//! `make mutants`: checks that the table notices a wrong emulator.
//!
//! Each mutant changes one thing in the emulator: to what the ABI's text says, to what another host does, or
//! to an obvious guess. The tool copies the workspace, applies the change and compares the table with a
//! record of Envoy. A mutant that no case notices shows a gap in the table.

mod list;

use anyhow::{Context as _, Result, bail, ensure};
pub use list::MUTANTS;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tollgate_host_test::paths;

/// A change of the emulator.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// The behaviour that the change breaks.
    pub what: &'static str,
    /// The file under `host-test/src/emulator/`.
    pub file: &'static str,
    /// Text to replace. It must occur exactly once.
    pub from: &'static str,
    /// The replacement.
    pub to: &'static str,
}

/// Tries every mutant against a record of Envoy. Prints which case noticed each, and returns whether all were
/// noticed.
pub fn try_all(recorded: &Path) -> Result<bool> {
    let copy = copy()?;
    let mut all = true;
    for mutant in MUTANTS {
        let path = copy.join("host-test/src/emulator").join(mutant.file);
        let whole = fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
        let count = whole.matches(mutant.from).count();
        ensure!(
            count == 1,
            "`{}` occurs {count} times in `{}`, expected once: update the list of mutants",
            mutant.from,
            mutant.file
        );
        fs::write(&path, whole.replace(mutant.from, mutant.to))?;
        let noticed = run(&copy, recorded);
        fs::write(&path, whole)?;
        let noticed = noticed?;
        all &= !noticed.is_empty();
        let by = match noticed.as_slice() {
            [] => "NOT NOTICED".to_owned(),
            [first, ..] => format!("noticed by {} cases, first by {first}", noticed.len()),
        };
        println!("{}: {by}", mutant.what);
    }
    Ok(all)
}

/// Copies the files under version control to a directory next to the build.
fn copy() -> Result<PathBuf> {
    let root = paths::workspace_root();
    let to = paths::target_dir().join("mutants");
    let listed = Command::new("git").arg("-C").arg(&root).args(["ls-files", "-z"]).output()?;
    ensure!(listed.status.success(), "git failed to list the files of `{}`", root.display());
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(name), to.join(name));
        // An unchanged file keeps its modification time, so that cargo does not rebuild it.
        let new = fs::read(&from).with_context(|| format!("`{}`", from.display()))?;
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            // Copies the permissions too: some files are scripts.
            fs::copy(&from, &to)?;
        }
    }
    Ok(to)
}

/// Returns the names of the cases that notice the mutant.
fn run(workspace: &Path, recorded: &Path) -> Result<Vec<String>> {
    // Uses a separate target directory: cargo would confuse the crates of the two workspaces.
    let output = Command::new(env!("CARGO"))
        .current_dir(workspace)
        .env_remove("CARGO_TARGET_DIR")
        .args(["run", "--quiet", "--package", "tollgate-conformance", "--", "--list", "--against"])
        .arg(recorded)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match output.status.code() {
        Some(0 | 1) => {
            let differing = text.lines().filter_map(|line| line.strip_prefix("DIFFERS "));
            Ok(differing.map(|name| name.trim().to_owned()).collect())
        }
        _ => bail!("the mutant does not build or run: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
