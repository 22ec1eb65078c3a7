//! The package that `tollgate new` creates, from an empty folder to a response from Envoy.

use crate::support::{hello, in_workspace};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

/// Runs `tollgate` in a folder, without the variables that cargo sets for this test. Returns the exit code
/// and the output.
fn tollgate_in(folder: &Path, args: &[&str]) -> (i32, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tollgate"));
    for name in ["CARGO_TARGET_DIR", "CARGO", "TOLLGATE_MODULES"] {
        command.env_remove(name);
    }
    let output = command.args(args).current_dir(folder).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8(text).unwrap())
}

#[test]
fn creates_a_package_that_cargo_reads() {
    let folder = tempfile::tempdir().unwrap();
    let (exit, said) = tollgate_in(folder.path(), &["new", "check-teams"]);
    assert_eq!((exit, said.lines().next()), (0, Some("created check-teams, next:")), "{said}");
    let package = folder.path().join("check-teams");
    for file in ["tests/check_teams.rs", "scenario.yaml", "wasmplugin.yaml", "Cargo.lock", ".gitignore"] {
        assert!(package.join(file).is_file(), "{file}");
    }
    let metadata = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(&package).output().unwrap();
    let seen: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(seen["packages"][0]["metadata"]["tollgate"]["filter"], "CheckTeams");
    assert_eq!(seen["workspace_root"], fs::canonicalize(&package).unwrap().to_str().unwrap());
}

/// So the tests of the example test the code of the new package too.
#[test]
fn the_filter_of_a_new_package_is_the_example() {
    let folder = tempfile::tempdir().unwrap();
    tollgate_in(folder.path(), &["new", "hello"]);
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let code = read(&folder.path().join("hello/src/lib.rs"));
    let code: String =
        code.lines().filter(|line| !line.starts_with("    ///")).flat_map(|line| [line, "\n"]).collect();
    assert_eq!(code, read(&in_workspace("examples/hello/src/lib.rs")));
}

#[test]
fn the_files_of_a_new_package_fit_its_module() {
    let folder = tempfile::tempdir().unwrap();
    tollgate_in(folder.path(), &["new", "teams"]);
    let package = folder.path().join("teams");
    fs::copy(hello(), package.join("teams.wasm")).unwrap();
    // The module of a scenario is a relative path, and Envoy runs in another folder.
    for args in
        [&["run", "scenario.yaml", "--on", "both"][..], &["check", "wasmplugin.yaml", "--modules", "."]]
    {
        let (exit, said) = tollgate_in(&package, args);
        assert_eq!(exit, 0, "{said}");
    }
}

#[test]
fn rejects_names_and_folders_that_cannot_be_used() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("there")).unwrap();
    for (args, part) in [
        (&["new", "A B"][..], "invalid name `A B`, expected lower-case letters"),
        (&["new", "std"], "the name `std` is taken"),
        (&["new", "there"], "`there`: exists already"),
        (&["new", "a", "--tollgate", "there"], "not a clone of Tollgate"),
        (&["new", "a", "--tollgate", "nowhere"], "`nowhere`: No such file"),
    ] {
        let (exit, said) = tollgate_in(folder.path(), args);
        assert!(exit == 2 && said.contains(part), "{part}: {exit} {said}");
        assert!(!folder.path().join("a").exists());
    }
}

#[test]
#[ignore = "builds the SDK a second time, which takes minutes: `make outside` runs it"]
fn four_commands_lead_to_a_response_from_envoy() {
    let folder = tempfile::tempdir().unwrap();
    let package = folder.path().join("teams");
    for (place, args) in [
        (folder.path(), &["new", "teams"][..]),
        (&package, &["build", ".", "-o", "teams.wasm"]),
        (&package, &["run", "scenario.yaml", "--on", "both"]),
    ] {
        let (exit, said) = tollgate_in(place, args);
        assert_eq!(exit, 0, "{said}");
    }
    // From outside of the package too.
    let (exit, said) = tollgate_in(folder.path(), &["build", "teams", "-o", "again.wasm"]);
    assert_eq!(exit, 0, "{said}");
    assert_eq!(
        fs::read(folder.path().join("again.wasm")).unwrap(),
        fs::read(package.join("teams.wasm")).unwrap()
    );
}
