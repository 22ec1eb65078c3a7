//! Runs every command in the README, and checks its exit code. Checks the help and the completions of every
//! command.

use crate::support::{hello, in_workspace, tollgate};
use std::process::{Command, Output};

fn readme() -> String {
    std::fs::read_to_string(in_workspace("cli/README.md")).unwrap()
}

/// Runs a command of a page in the root of the workspace.
pub fn shell(command: &str) -> Output {
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_tollgate")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let mut sh = Command::new("sh");
    sh.args(["-c", command]).env("PATH", &path).current_dir(in_workspace("")).output().unwrap()
}

#[test]
fn every_command_in_the_readme_works() {
    let telemetry =
        tollgate_host_test::Wasm::package("tollgate-telemetry-headers").path().display().to_string();
    let rate_limit = tollgate_host_test::Wasm::package("tollgate-rate-limit").path().display().to_string();
    let written = tempfile::tempdir().unwrap();
    let tags = written.path().join("stats-tags.yaml").display().to_string();
    let mut shown = 0;
    for line in readme().lines().filter(|line| line.starts_with("tollgate ")) {
        let (command, comment) = line.split_once(" # exit ").unwrap_or((line, "0"));
        let command = command
            .replace("target/dist/tollgate-example-hello.wasm", &hello())
            .replace("target/dist/tollgate-telemetry-headers.wasm", &telemetry)
            .replace("target/dist/tollgate-rate-limit.wasm", &rate_limit)
            .replace("stats-tags.yaml", &tags)
            .replace("new my-filter", &format!("new {}", written.path().join("my-filter").display()));
        let output = shell(&command);
        let exit = output.status.code().unwrap().to_string();
        assert_eq!(exit, comment, "{command}: {}", String::from_utf8_lossy(&output.stdout));
        shown += 1;
    }
    assert!(shown >= 8, "{shown}");
}

#[test]
fn every_command_has_help_and_completions() {
    for command in ["inspect", "new", "build", "check", "run", "trace", "stats-tags", "explain", "authz"] {
        let help = tollgate(&[command, "--help"]);
        assert!(help.exit == 0 && help.out.contains("Exit codes:"), "{help:?}");
        for shell in ["bash", "zsh", "fish"] {
            assert!(tollgate(&["completions", shell]).out.contains(command), "{shell}");
        }
    }
    let committed = std::fs::read_to_string(in_workspace("host-test/scenario.schema.json")).unwrap();
    let committed: serde_json::Value = serde_json::from_str(&committed).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(&tollgate(&["schema"]).out).unwrap(), committed);
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let head = format!("{} schema | head -c 10", env!("CARGO_BIN_EXE_tollgate"));
    let output = Command::new("bash").args(["-o", "pipefail", "-c", &head]).output().unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
