//! Runs cargo, possibly from within an outer cargo.

use super::toolchain::Toolchain;
use super::{BuildError, store};
use crate::paths::{clone_root, target_dir, workspace_root};
use serde::Deserialize;
use std::collections::{BTreeSet, HashMap};
use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(super) const TARGET: &str = "wasm32-wasip1";

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
    /// Roots of the workspaces with the sources, other than the clone of Tollgate.
    pub elsewhere: BTreeSet<PathBuf>,
    /// The dependency on the SDK in the manifest, such as `version = "^0.1"`.
    pub sdk: Option<String>,
    /// Features in `default`.
    pub features: Vec<String>,
    pub ship: bool,
    /// Whether the module may have no callbacks for events: `[package.metadata.tollgate] no_callbacks =
    /// true`.
    pub no_callbacks: bool,
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

/// Returns the packages of the workspace that are modules or filters, and then those of the clone.
pub(super) fn workspace_packages() -> Result<Vec<Package>, BuildError> {
    let root = workspace_root();
    let clone = clone_root().filter(|clone| *clone != root);
    let manifests = [Some(root), clone].into_iter().flatten().map(|root| root.join("Cargo.toml"));
    let packages = manifests.filter(|manifest| manifest.is_file()).map(|manifest| metadata(&manifest));
    Ok(packages.collect::<Result<Vec<_>, _>>()?.concat())
}

/// Returns the package in `dir`.
pub(super) fn package_in(dir: &Path) -> Result<Package, BuildError> {
    let manifest = dir.join("Cargo.toml");
    let found = metadata(&manifest)?.into_iter().find(|p| p.manifest == manifest);
    found.ok_or_else(|| BuildError::NoSuchPackage(manifest.display().to_string()))
}

/// Builds the `cdylib` of a package. Returns the module from the linker.
pub(super) fn build(module: &Package, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    let out = build_folder(&module.elsewhere);
    let mut command = cargo();
    command.args(["rustc", "--lib", "--profile", "wasm", "--target", TARGET, "--package", &module.name]);
    command.arg("--manifest-path").arg(&module.manifest);
    // `package."*"` of the profile covers all packages that are not members of a generated workspace. Its
    // sections for single packages take precedence over these, because they come later.
    for package in resolved(&module.manifest, &module.name)?.iter().filter(|package| package.source.is_none())
    {
        command.arg("--config").arg(format!("profile.wasm.package.{}.opt-level=3", package.name));
    }
    command.arg("--config").arg(profile()?);
    command.arg("--target-dir").arg(&out);
    command.arg("--").args(&module.rustc);
    command.env("CARGO_ENCODED_RUSTFLAGS", encoded_flags(toolchain, module));
    if let Some(rustc) = &toolchain.rustc {
        command.env("RUSTC", rustc);
    }
    run(&mut command, &module.name)?;
    Ok(out.join(TARGET).join("wasm").join(format!("{}.wasm", module.target)))
}

/// Returns the target directory for modules with sources in these workspaces. Cargo rebuilds everything if
/// flags change, and the flags contain the roots of the workspaces. With one directory for all of them,
/// packages of two workspaces would rebuild each other's dependencies.
fn build_folder(elsewhere: &BTreeSet<PathBuf>) -> PathBuf {
    let folder = target_dir().join("wasm");
    if elsewhere.is_empty() {
        return folder;
    }
    let roots: Vec<_> = elsewhere.iter().map(|root| root.as_os_str().as_encoded_bytes()).collect();
    folder.join("elsewhere").join(store::digest(&roots).split_at(16).0)
}

/// Writes the configuration of cargo with the profile of modules, and returns its path. The sources of this
/// crate may no longer exist if the program was installed.
fn profile() -> Result<PathBuf, BuildError> {
    let path = target_dir().join("wasm/profile.toml");
    store::write_if_changed(&path, include_bytes!("profile.toml"))?;
    Ok(path)
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
        elsewhere: BTreeSet::from([found.dir().to_path_buf()]),
        sdk: None,
        manifest: found.manifest_path,
        target: String::new(),
        kind: Kind::Examples,
        features: Vec::new(),
        ship: false,
        no_callbacks: false,
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
    pub dependencies: Vec<Dependency>,
}

/// A dependency in the manifest of a package.
#[derive(Deserialize)]
pub(super) struct Dependency {
    pub name: String,
    req: String,
    path: Option<PathBuf>,
    /// The registry or the git repository. `None` for a folder.
    source: Option<String>,
}

impl Resolved {
    pub fn dir(&self) -> &Path {
        self.manifest_path.parent().unwrap_or(&self.manifest_path)
    }
}

impl Dependency {
    pub fn is_on_crates_io(&self) -> bool {
        self.source.as_deref() == Some("registry+https://github.com/rust-lang/crates.io-index")
    }

    /// Returns the source as in a manifest.
    fn to_toml(&self) -> String {
        let git = self.source.as_deref().and_then(|source| source.strip_prefix("git+"));
        match (&self.path, git.map(|url| url.split_once('?').unwrap_or((url, "")))) {
            (Some(path), _) => format!("path = {path:?}"),
            (None, Some((url, query))) => match query.split_once('=') {
                Some((kind, name)) => format!("git = {url:?}, {kind} = {name:?}"),
                None => format!("git = {url:?}"),
            },
            (None, None) => format!("version = {:?}", self.req),
        }
    }
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
    let places = [(clone_root(), "tollgate"), (home, "cargo")];
    let registries = registries.into_iter().map(|registry| (Some(registry), ""));
    // The last match takes precedence.
    let elsewhere = package.elsewhere.iter().map(|root| (Some(root.clone()), "filter"));
    for (from, to) in places.into_iter().chain(registries).chain(elsewhere) {
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

fn metadata(manifest: &Path) -> Result<Vec<Package>, BuildError> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Raw>,
        workspace_root: PathBuf,
    }
    #[derive(Deserialize)]
    struct Raw {
        name: String,
        version: String,
        manifest_path: PathBuf,
        targets: Vec<RawTarget>,
        features: HashMap<String, Vec<String>>,
        dependencies: Vec<Dependency>,
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
    let root = Some(metadata.workspace_root).filter(|root| clone_root().as_ref() != Some(root));
    let packages = metadata.packages.into_iter().filter_map(|mut raw| {
        let rustc = raw.metadata.pointer("/tollgate/rustc").and_then(serde_json::Value::as_array);
        let rustc = rustc.into_iter().flatten().filter_map(|flag| Some(flag.as_str()?.to_owned())).collect();
        let filter = raw.metadata.pointer("/tollgate/filter").and_then(serde_json::Value::as_str);
        let is_set = |field| raw.metadata.pointer(field) == Some(&serde_json::Value::Bool(true));
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
            elsewhere: root.iter().cloned().collect(),
            sdk: raw.dependencies.iter().find(|known| known.name == "tollgate").map(Dependency::to_toml),
            features: raw.features.remove("default").unwrap_or_default(),
            ship: is_set("/tollgate/ship"),
            no_callbacks: is_set("/tollgate/no_callbacks"),
            rustc,
        })
    });
    Ok(packages.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_foreign_workspace_has_a_folder() {
        let folder = |roots: &[&str]| build_folder(&roots.iter().map(PathBuf::from).collect());
        assert_eq!(folder(&[]), target_dir().join("wasm"));
        assert_ne!(folder(&["/a"]), folder(&["/b"]));
        assert_eq!(folder(&["/a", "/b"]), folder(&["/b", "/a"]));
        assert!(folder(&["/a"]).starts_with(target_dir().join("wasm/elsewhere")));
    }

    #[test]
    fn depends_on_the_sdk_as_the_filter_does() {
        let with = |source: Option<&str>, path: Option<&str>| {
            let (name, req) = ("tollgate".into(), "^0.1".into());
            Dependency { name, req, path: path.map(Into::into), source: source.map(Into::into) }.to_toml()
        };
        assert_eq!(with(None, Some("/c/sdk")), r#"path = "/c/sdk""#);
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert_eq!(with(Some(registry), None), r#"version = "^0.1""#);
        assert_eq!(with(Some("git+https://h.test/t"), None), r#"git = "https://h.test/t""#);
        let branch = with(Some("git+https://h.test/t?branch=next"), None);
        assert_eq!(branch, r#"git = "https://h.test/t", branch = "next""#);
    }
}
