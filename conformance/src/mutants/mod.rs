//! `make mutants`: does the table notice when the emulator is wrong?
//!
//! Each mutant is the emulator with one thing changed back to what the ABI's text says, what another host does, or what
//! one might take for granted. The workspace is copied, the change made, and the table run against what Envoy has
//! shown. A mutant that no case notices is a hole in the table.

mod list;

use anyhow::{Context as _, Result, bail, ensure};
pub use list::MUTANTS;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tollgate_host_test::paths;

/// One change of the emulator.
#[derive(Clone, Copy, Debug)]
pub struct Mutant {
    /// What is wrong with it.
    pub what: &'static str,
    /// The file under `host-test/src/emulator/`.
    pub file: &'static str,
    /// What stands there, once.
    pub from: &'static str,
    /// What takes its place.
    pub to: &'static str,
}

/// Tries every mutant against a record of what Envoy showed. Prints what noticed each; whether all were.
pub fn try_all(recorded: &Path) -> Result<bool> {
    let copy = copy()?;
    let mut all = true;
    for mutant in MUTANTS {
        let path = copy.join("host-test/src/emulator").join(mutant.file);
        let whole = fs::read_to_string(&path).with_context(|| format!("`{}`", path.display()))?;
        let count = whole.matches(mutant.from).count();
        ensure!(count == 1, "`{}` stands {count} times in `{}`: mend the list", mutant.from, mutant.file);
        fs::write(&path, whole.replace(mutant.from, mutant.to))?;
        let noticed = run(&copy, recorded);
        fs::write(&path, whole)?;
        let noticed = noticed?;
        all &= !noticed.is_empty();
        let by = match noticed.as_slice() {
            [] => "NOT NOTICED".to_owned(),
            [first, ..] => format!("noticed by {} cases, {first} the first", noticed.len()),
        };
        println!("{}: {by}", mutant.what);
    }
    Ok(all)
}

/// A copy of what is under version control, beside the build.
fn copy() -> Result<PathBuf> {
    let root = paths::workspace_root();
    let to = paths::target_dir().join("mutants");
    let listed = Command::new("git").arg("-C").arg(&root).args(["ls-files", "-z"]).output()?;
    ensure!(listed.status.success(), "git cannot list the files of `{}`", root.display());
    for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
        let (from, to) = (root.join(name), to.join(name));
        // What has not changed keeps its time, so that cargo need not build it again.
        let new = fs::read(&from).with_context(|| format!("`{}`", from.display()))?;
        if fs::read(&to).ok().as_ref() != Some(&new) {
            fs::create_dir_all(to.parent().unwrap_or(&to))?;
            // With its permissions: some are scripts.
            fs::copy(&from, &to)?;
        }
    }
    Ok(to)
}

/// The cases that notice.
fn run(workspace: &Path, recorded: &Path) -> Result<Vec<String>> {
    // With a target directory of its own: cargo would take the crates of one workspace for those of the other.
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
        _ => bail!("the mutant does not run: {}", String::from_utf8_lossy(&output.stderr)),
    }
}
