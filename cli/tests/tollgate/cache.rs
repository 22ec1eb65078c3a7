//! The machine code of modules, as an installed program keeps it.

use crate::support::minimal;
use std::path::Path;
use std::process::Command;

/// Copies the program out of the target directory, and runs it with this cache folder.
fn installed(folder: &Path, cache: &Path) -> std::process::Output {
    let program = folder.join("tollgate");
    if !program.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_tollgate"), &program).unwrap();
    }
    let mut command = Command::new(program);
    command.args(["check", "--wasm", &minimal()]).env("XDG_CACHE_HOME", cache).env("HOME", folder);
    command.output().unwrap()
}

fn entries(folder: &Path) -> Vec<std::ffi::OsString> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.map(|entry| entry.unwrap().file_name()).collect()
}

#[test]
fn an_installed_program_compiles_a_module_once() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("cache");
    let modules = cache.join("tollgate/modules");
    let written = || std::fs::metadata(modules.join(&entries(&modules)[0])).unwrap().modified().unwrap();
    assert!(installed(folder.path(), &cache).status.success());
    assert_eq!(entries(&modules).len(), 1, "{:?}", entries(&modules));
    let first = written();
    assert!(installed(folder.path(), &cache).status.success());
    assert_eq!((entries(&modules).len(), written()), (1, first));
    // Not below the home folder, and not next to the program.
    assert_eq!(entries(folder.path()).len(), 2, "{:?}", entries(folder.path()));
}

#[test]
fn a_cache_that_cannot_be_used_is_not_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    let output = installed(folder.path(), &file);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(std::fs::read(&file).unwrap(), b"");
}
