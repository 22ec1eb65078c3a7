//! Modules of one or several filters. A filter is a library. The module is a generated package that depends
//! on the filters and calls `tollgate::module!`.

use super::cargo::{self, Kind, Package};
use super::{BuildError, store};
use crate::Options;
use crate::paths::{target_dir, workspace_of};
use serde_json::{Map, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

/// A filter of a module, and the features it is built with.
pub(super) struct Part<'a> {
    pub filter: &'a Package,
    /// Name of its block in the configuration, if it is not that of the package.
    pub name: Option<&'a str>,
    /// A default feature to leave out.
    pub without: Option<&'a str>,
}

/// The exports of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Form {
    /// The exports of `tollgate::module!`.
    Tollgate,
    /// The exports of the `proxy-wasm` crate, whose dispatcher calls the only filter.
    ProxyWasm,
}

/// The level at which the crates are linked; the code of each was compiled at its own level. At 3, rate-limit
/// is 35 KB larger, mostly by the standard library, and a request takes 2.7 % fewer instructions.
const LEVEL: &str = "-Copt-level=s";

/// Writes the package of a module. Its lock file is that of the first filter, so that a module contains the
/// dependencies with which its filter was tested.
pub(super) fn write(name: &str, parts: &[Part<'_>], form: Form) -> Result<Package, BuildError> {
    let package = match form {
        Form::Tollgate => format!("{name}-module"),
        Form::ProxyWasm => format!("{name}-on-proxy-wasm"),
    };
    let filters: Vec<_> = parts.iter().map(|part| part.filter).collect();
    let mut manifest = format!(
        "[package]\nname = \"{package}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [lib]\ncrate-type = [\"cdylib\"]\npath = \"lib.rs\"\n\n[workspace]\n\n[dependencies]\n"
    );
    let sdk = filters.first().and_then(|filter| filter.sdk.as_ref());
    let sdk = sdk.ok_or_else(|| BuildError::NotAFilter(name.into()))?;
    let _ = match form {
        Form::Tollgate => writeln!(manifest, "tollgate = {{ {sdk} }}"),
        Form::ProxyWasm => {
            writeln!(manifest, "tollgate = {{ {sdk}, features = [\"proxy-wasm\"] }}\nproxy-wasm = \"0.2\"")
        }
    };
    let mut types = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let Part { filter, without, .. } = part;
        let Kind::Filter(ty) = &filter.kind else { return Err(BuildError::NotAFilter(filter.name.clone())) };
        let features: Vec<_> = filter.features.iter().filter(|f| Some(f.as_str()) != *without).collect();
        let features = match without {
            Some(_) => format!(", default-features = false, features = {features:?}"),
            None => String::new(),
        };
        let known = filters.iter().take(index).any(|other| other.name == filter.name);
        if !known {
            let _ = writeln!(manifest, "{} = {{ path = {:?}{features} }}", filter.name, filter.dir());
        }
        // Only a module of several filters has blocks.
        let block = if parts.len() > 1 { format!("{:?} => ", part.block()) } else { String::new() };
        types.push(format!("{block}{}::{ty}", filter.target));
    }
    for (name, dir) in patches(&filters)? {
        let _ = writeln!(manifest, "\n[patch.crates-io.{name}]\npath = {dir:?}");
    }
    let types = types.join(", ");
    let source = match form {
        Form::Tollgate => format!("//! {name}\n\ntollgate::module!({types});\n"),
        Form::ProxyWasm => format!(
            "//! {name}\n\nproxy_wasm::main! {{{{\n    proxy_wasm::set_root_context(|id| \
             Box::new(tollgate::proxy_wasm::Root::<{types}>::new(id)));\n}}}}\n"
        ),
    };

    let dir =
        target_dir().join("wasm/modules").join(store::digest(&[manifest.as_bytes(), source.as_bytes()]));
    store::write_if_changed(&dir.join("Cargo.toml"), manifest.as_bytes())?;
    store::write_if_changed(&dir.join("lib.rs"), source.as_bytes())?;
    if let Some(workspace) = filters.first().and_then(|filter| workspace_of(filter.dir())) {
        let bytes = store::read(&workspace.join("Cargo.lock"))?;
        // Cargo adds the package of the module to the copy, so the copy is compared with the last one.
        if store::write_if_changed(&dir.join("Cargo.lock.origin"), &bytes)? {
            let path = dir.join("Cargo.lock");
            fs::write(&path, bytes).map_err(|why| BuildError::Io { path, why })?;
        }
    }
    let mut rustc = vec![LEVEL.to_owned()];
    for argument in filters.iter().flat_map(|filter| &filter.rustc) {
        // Filters of one module cannot each have a level of their own.
        let is_level = argument.starts_with("-Copt-level") && filters.len() > 1;
        if !is_level && !rustc.contains(argument) {
            rustc.push(argument.clone());
        }
    }
    Ok(Package {
        target: package.replace('-', "_"),
        name: package,
        version: "0.0.0".into(),
        manifest: dir.join("Cargo.toml"),
        kind: Kind::Module,
        elsewhere: filters.iter().flat_map(|filter| filter.elsewhere.clone()).collect(),
        sdk: None,
        features: Vec::new(),
        ship: false,
        no_callbacks: filters.iter().all(|filter| filter.no_callbacks),
        rustc,
    })
}

/// Returns how to pack the module. Its schema has a property for each filter.
pub(super) fn options(name: &str, parts: &[Part<'_>]) -> Result<Options, BuildError> {
    let mut properties = Map::new();
    for part in parts {
        let block = part.block();
        // The schema of a filter refers to its own definitions, so it needs an identifier of its own.
        let mut schema = part.filter.options()?.schema.unwrap_or_else(|| json!({}));
        if let Some(object) = schema.as_object_mut() {
            object.insert("$id".into(), format!("{block}.schema.json").into());
        }
        properties.insert(block.to_owned(), json!({"anyOf": [schema, {"type": "null"}]}));
    }
    let required: Vec<_> = properties.keys().cloned().collect();
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    let version = parts.first().map(|part| part.filter.version.clone()).unwrap_or_default();
    Ok(Options { name: name.into(), version, schema: Some(schema), ..Options::default() })
}

impl Part<'_> {
    /// Returns the name of the filter's block in the configuration.
    fn block(&self) -> &str {
        let package = &self.filter.name;
        self.name.unwrap_or_else(|| package.strip_prefix("tollgate-").unwrap_or(package))
    }
}

/// Returns the folders with which the workspaces of the filters replace packages of crates.io. The package of
/// the module is in a workspace of its own, which needs the same replacements.
fn patches(filters: &[&Package]) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut patches = BTreeMap::new();
    for filter in filters.iter().filter(|filter| !filter.elsewhere.is_empty()) {
        let packages = cargo::resolved(&filter.manifest, &filter.name)?;
        let published: BTreeSet<_> = packages
            .iter()
            .flat_map(|package| &package.dependencies)
            .filter(|dependency| dependency.is_on_crates_io())
            .map(|dependency| dependency.name.as_str())
            .collect();
        let replaced = packages.iter().filter(|p| p.source.is_none() && published.contains(p.name.as_str()));
        patches.extend(replaced.map(|p| (p.name.clone(), p.dir().to_path_buf())));
    }
    Ok(patches)
}
