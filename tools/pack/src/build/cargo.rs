//! Runs cargo, possibly from within an outer cargo.

use super::BuildError;
use super::toolchain::Toolchain;
use crate::paths::{target_dir, workspace_root};
use serde::Deserialize;
use std::collections::HashMap;
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const TARGET: &str = "wasm32-wasip1";

/// Variables that an outer cargo or the user sets for native builds. RUSTFLAGS of a coverage run, for
/// example, must not affect the module.
const NATIVE_BUILD_VARIABLES: [&str; 9] = [
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "RUSTC",
    "RUSTC_BOOTSTRAP",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CARGO_BUILD_TARGET",
    "CARGO_TARGET_DIR",
    "CARGO_MAKEFLAGS",
];

/// A package that is a module, or that can be built into one.
#[derive(Clone, Debug)]
pub(super) struct Package {
    pub name: String,
    pub version: String,
    pub manifest: PathBuf,
    /// Name of the library.
    pub target: String,
    pub kind: Kind,
    pub in_workspace: bool,
    /// Features in `default`.
    pub features: Vec<String>,
    pub ship: bool,
    /// Additional arguments of rustc for the module: `[package.metadata.tollgate] rustc = [..]`.
    pub rustc: Vec<String>,
}

/// Contents of a package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A `cdylib`, which calls `tollgate::module!`.
    Module,
    /// A library with this filter: `[package.metadata.tollgate] filter = "TypeName"`.
    Filter(String),
    /// Sources of a third party.
    Examples,
}

impl Package {
    pub fn dir(&self) -> &Path {
        self.manifest.parent().unwrap_or(&self.manifest)
    }
}

/// A filter that is shipped: `[package.metadata.tollgate] ship = true`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shipped {
    /// Name of the package.
    pub name: String,
    /// Folder of the package.
    pub dir: PathBuf,
}

/// Returns the filters of the workspace that are shipped, sorted by name.
pub fn shipped() -> Result<Vec<Shipped>, BuildError> {
    let mut found: Vec<_> = workspace_packages()?
        .into_iter()
        .filter(|p| p.ship)
        .map(|p| Shipped { dir: p.dir().to_path_buf(), name: p.name })
        .collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Returns the packages of the workspace that are modules or filters.
pub(super) fn workspace_packages() -> Result<Vec<Package>, BuildError> {
    metadata(&workspace_root().join("Cargo.toml"), true)
}

/// Returns the package in `dir`.
pub(super) fn package_in(dir: &Path) -> Result<Package, BuildError> {
    let manifest = dir.join("Cargo.toml");
    let found = metadata(&manifest, false)?.into_iter().find(|p| p.manifest == manifest);
    found.ok_or_else(|| BuildError::NoSuchPackage(manifest.display().to_string()))
}

/// Builds the `cdylib` of a package. Returns the module from the linker.
pub(super) fn build(module: &Package, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    // Cargo rebuilds everything if flags change, and packages outside the workspace have other flags.
    let out = target_dir().join(if module.in_workspace { "wasm" } else { "wasm/elsewhere" });
    let mut command = cargo();
    command.args(["rustc", "--lib", "--profile", "wasm", "--target", TARGET, "--package", &module.name]);
    command.arg("--manifest-path").arg(&module.manifest);
    // `package."*"` of the profile covers all packages that are not members of a generated workspace. Its
    // sections for single packages take precedence over these, because they come later.
    for package in resolved(&module.manifest, &module.name)?.iter().filter(|package| package.source.is_none())
    {
        command.arg("--config").arg(format!("profile.wasm.package.{}.opt-level=3", package.name));
    }
    command.arg("--config").arg(profile());
    command.arg("--target-dir").arg(&out);
    command.arg("--").args(&module.rustc);
    command.env("CARGO_ENCODED_RUSTFLAGS", encoded_flags(toolchain, module));
    if let Some(rustc) = &toolchain.rustc {
        command.env("RUSTC", rustc);
    }
    run(&mut command, &module.name)?;
    Ok(out.join(TARGET).join("wasm").join(format!("{}.wasm", module.target)))
}

/// Returns the configuration of cargo with the profile of modules.
fn profile() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src/build/profile.toml")
}

/// Builds the examples of a package in cargo's registry. Returns the folder with the modules.
pub(super) fn build_examples(package: &Package, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    let out = target_dir().join("wasm/published/build").join(format!("{}-{}", package.name, package.version));
    let mut command = cargo();
    command.args(["build", "--release", "--target", TARGET, "--examples", "--locked"]);
    command.arg("--manifest-path").arg(&package.manifest);
    command.arg("--target-dir").arg(&out);
    command.env("CARGO_ENCODED_RUSTFLAGS", encoded_flags(toolchain, package));
    if let Some(rustc) = &toolchain.rustc {
        command.env("RUSTC", rustc);
    }
    run(&mut command, &package.name)?;
    Ok(out.join(TARGET).join("release/examples"))
}

/// Returns a dependency of the package with this manifest. Cargo downloads it if necessary.
pub(super) fn dependency(manifest: &Path, name: &str, version: &str) -> Result<Package, BuildError> {
    let found = resolved(manifest, name)?.into_iter().find(|p| p.name == name && p.version == version);
    let found = found.ok_or_else(|| BuildError::NotPublished(format!("{name} {version}")))?;
    Ok(Package {
        name: name.into(),
        version: version.into(),
        manifest: found.manifest_path,
        target: String::new(),
        kind: Kind::Examples,
        in_workspace: false,
        features: Vec::new(),
        ship: false,
        rustc: Vec::new(),
    })
}

/// A package that cargo found for a dependency.
#[derive(Deserialize)]
pub(super) struct Resolved {
    pub name: String,
    pub version: String,
    pub manifest_path: PathBuf,
    /// The registry. `None` for a folder.
    pub source: Option<String>,
}

/// Returns the packages that the package with this manifest depends on, and those of its workspace.
pub(super) fn resolved(manifest: &Path, what: &str) -> Result<Vec<Resolved>, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Resolved>,
    }
    let mut command = cargo();
    command.args(["metadata", "--format-version", "1", "--filter-platform", TARGET, "--manifest-path"]);
    let output = run(command.arg(manifest), what)?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|why| BuildError::Cargo { what: what.into(), output: why.to_string() })?;
    Ok(metadata.packages)
}

/// Stack size of a module. The stack comes before the data, so with this size the data ends below 1 MiB, and
/// each address in the code is one byte shorter.
const STACK: &str = "-Clink-arg=-zstack-size=917504";

/// Compiles the rounds of SHA-2 as a loop, which saves 15 KB. A block of SHA-256 takes a third longer, but
/// hashing is less than a hundredth of the verification of a signature, and the token cache does not use it.
const COMPACT_SHA2: &str = "--cfg=sha2_backend_soft=\"compact\"";

/// Returns the compiler flags. They replace paths of the machine, which panic messages contain: otherwise
/// builds would differ between machines.
fn encoded_flags(toolchain: &Toolchain, package: &Package) -> OsString {
    let mut flags: Vec<OsString> = toolchain.flags.iter().map(OsString::from).collect();
    flags.extend([STACK, COMPACT_SHA2].map(OsString::from));
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    // The name and version of a crate identify it; the registry's folder in each path takes 4 KB of a module.
    let registries = home.as_ref().and_then(|home| fs::read_dir(home.join("registry/src")).ok());
    let mut registries: Vec<_> =
        registries.into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())).collect();
    registries.sort();
    let elsewhere = (!package.in_workspace).then(|| package.dir().to_path_buf());
    let places = [(Some(workspace_root()), "tollgate"), (home, "cargo")];
    let registries = registries.into_iter().map(|registry| (Some(registry), ""));
    // The last match takes precedence.
    for (from, to) in places.into_iter().chain(registries).chain([(elsewhere, "filter")]) {
        let Some(from) = from else { continue };
        let mut flag = OsString::from("--remap-path-prefix=");
        flag.push(from);
        flag.push("=");
        flag.push(to);
        flags.push(flag);
    }
    flags.join(&OsString::from("\x1f"))
}

fn cargo() -> Command {
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for name in NATIVE_BUILD_VARIABLES {
        command.env_remove(name);
    }
    command
}

fn run(command: &mut Command, what: &str) -> Result<Output, BuildError> {
    let program = PathBuf::from(command.get_program());
    let ran = command.output().map_err(|why| BuildError::Io { path: program, why })?;
    if ran.status.success() {
        return Ok(ran);
    }
    Err(BuildError::Cargo { what: what.into(), output: String::from_utf8_lossy(&ran.stderr).into_owned() })
}

fn metadata(manifest: &Path, in_workspace: bool) -> Result<Vec<Package>, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Raw>,
    }
    #[derive(Deserialize)]
    struct Raw {
        name: String,
        version: String,
        manifest_path: PathBuf,
        targets: Vec<RawTarget>,
        features: HashMap<String, Vec<String>>,
        metadata: serde_json::Value,
    }
    #[derive(Deserialize)]
    struct RawTarget {
        name: String,
        crate_types: Vec<String>,
    }

    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--manifest-path"]).arg(manifest);
    let output = run(&mut command, &manifest.display().to_string())?;
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|why| BuildError::Cargo { what: manifest.display().to_string(), output: why.to_string() })?;
    let packages = metadata.packages.into_iter().filter_map(|mut raw| {
        let rustc = raw.metadata.pointer("/tollgate/rustc").and_then(serde_json::Value::as_array);
        let rustc = rustc.into_iter().flatten().filter_map(|flag| Some(flag.as_str()?.to_owned())).collect();
        let filter = raw.metadata.pointer("/tollgate/filter").and_then(serde_json::Value::as_str);
        let has = |target: &RawTarget, kind| target.crate_types.iter().any(|of| of == kind);
        let (target, kind) = match raw.targets.iter().find(|target| has(target, "cdylib")) {
            Some(module) => (module, Kind::Module),
            None => (raw.targets.iter().find(|target| has(target, "lib"))?, Kind::Filter(filter?.to_owned())),
        };
        Some(Package {
            name: raw.name,
            version: raw.version,
            manifest: raw.manifest_path,
            target: target.name.replace('-', "_"),
            kind,
            in_workspace,
            features: raw.features.remove("default").unwrap_or_default(),
            ship: raw.metadata.pointer("/tollgate/ship") == Some(&serde_json::Value::Bool(true)),
            rustc,
        })
    });
    Ok(packages.collect())
}
